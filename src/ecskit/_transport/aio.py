"""The transport that sends through aiobotocore."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable
from contextlib import AsyncExitStack, nullcontext
from typing import Any

from aiobotocore.client import AioBaseClient
from aiobotocore.session import AioSession
from botocore.session import Session

from ecskit import _forks
from ecskit._core.effects import RawResponse, Send
from ecskit._core.errors import ClientClosedError, ConfigurationError, WrongEventLoopError
from ecskit._core.links import Link

from . import credentials, exchange, hidden, others, queues, renewal, sessions, translate, unclosed
from .options import Options, described
from .pool import Pooled

__all__ = ["AsyncTransport", "new_queue_client", "new_transport", "wrap"]

_BEYOND = "requests beyond that queue for a connection"
_KEPT: list[AsyncTransport] = []
"""In forked children: those of the parent. Collecting them would close their connections."""


class AsyncTransport:
    """Sends through an aiobotocore client, which is made on first use."""

    def __init__(
        self,
        *,
        client: Any = None,
        session: Any = None,
        arguments: dict[str, Any] | None = None,
        options: Options | None = None,
        logs: Any = None,
    ) -> None:
        """Send through `client`, which the caller owns, as `logs`, or through one made from `session`."""
        self._session = session
        self._arguments = arguments or {}
        self._options = options
        self._pool: Pooled | None = None
        self.logs = logs
        """The client for CloudWatch Logs of a caller who wraps one for ECS."""
        self._others: dict[object, Any] = {}
        """The clients of other services that were made so far."""
        self._owned = AsyncExitStack()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock: asyncio.Lock | None = None
        self._closed = False
        self._process = os.getpid()
        self._made_at = unclosed.caller()
        if client is not None:
            self._pool = Pooled(client, beyond=_BEYOND)
        _forks.register(self)

    @property
    def client(self) -> Any:
        """The aiobotocore client; ConfigurationError before the first call or `async with`."""
        if self._pool is None:
            raise ConfigurationError(
                "the aiobotocore client does not exist yet; `async with` or the first call makes it"
            )
        return self._pool.client

    @property
    def clock(self) -> Any:
        """The clock of the double that answers the requests; None without one."""
        wrapped = self._pool.client.meta.events if self._pool else None
        return exchange.clock(wrapped or self._session.get_component("event_emitter"))

    async def send(self, send: Send, on_send: Callable[[], object]) -> RawResponse:
        """Send one request. `on_send` is called just before each attempt.

        Raises:
            EcsError: It could not be sent, no response was received, or ECS returned an error.
        """
        if self._closed:
            raise ClientClosedError(f"{send.operation}: the client is closed")
        pool = await self.open(send.operation)
        if send.service != "ecs":
            return await self._send_elsewhere(send, on_send)
        under_way = exchange.Exchange(pool.client, send, on_send)
        pool.enter(under_way)
        token = exchange.current.set(under_way)
        try:
            answer = getattr(pool.client, under_way.method)(**under_way.params)
            return under_way.result(await answer if inspect.isawaitable(answer) else answer)  # doubles may be sync
        except Exception as error:
            failed = translate.translate(error, under_way, closed=self._closed, wrapped=self._session is None)
            if failed is None:
                raise
            cause = translate.cause(error)
        finally:
            exchange.current.reset(token)
            pool.leave(under_way)
        # Outside of the handler: `__context__` must not hold an error whose text shows values.
        raise failed from cause

    async def _send_elsewhere(self, send: Send, on_send: Callable[[], object]) -> RawResponse:
        client = await self._other(send)
        on_send()
        try:
            return others.response(await others.method(client, send)(**send.params), client)
        except Exception as error:
            failed = others.failure(error, send, closed=self._closed)
            if failed is None:
                raise
            cause = translate.cause(error)
        raise failed from cause

    async def _other(self, send: Send) -> Any:
        """Return the client for the service of a request. It is made if absent."""
        assert self._lock is not None  # it is open
        async with self._lock:
            if self._closed:
                raise ClientClosedError(f"{send.operation}: the client was closed during the call")
            made = self._others.get(others.key(send))
            if made is None:
                if self._session is None or self._options is None:
                    return others.given(self.logs, send)
                with translate.configuring():
                    arguments = others.client_arguments(self._session, self._options, send)
                    made = await self._owned.enter_async_context(self._session.create_client(**arguments))
                hidden.hide_secrets(made)
                self._others[others.key(send)] = made
            return made

    async def connect(self, url: str | None) -> Link | None:
        """Open a WebSocket, as the aiobotocore client would connect to that address. None checks the extra only.

        Raises:
            MissingExtraError: The extra `exec` is not installed.
            ConfigurationError: A CA bundle or a client certificate cannot be read.
            TransportError: It could not be opened, or a provider of credentials failed.
        """
        client = (await self.open()).client
        of_double = exchange.connect(client.meta.events)
        if of_double is not None:
            link: Link | None = await of_double(url) if url is not None else None
            return link
        from . import links

        links.check_extra()
        if url is None:
            return None
        from . import aio_link

        frozen = None
        if links.is_signed(url):
            with credentials.getting_credentials("WebSocket"):
                found = client._get_credentials()
                frozen = await found.get_frozen_credentials() if found is not None else None
        # A CA bundle is read in a thread, as aiobotocore does.
        return await aio_link.open_link(await asyncio.to_thread(links.settings_for, client, url, frozen))

    async def open(self, operation: str = "AsyncClient") -> Pooled:
        """Return the client. It is made if absent.

        Raises:
            ConfigurationError: The region or the profile is missing, or an argument has a wrong type.
            CredentialsError: A provider of credentials failed. The error names `operation`.
            WrongEventLoopError: It was first used in another event loop, or in the process of which this is a fork.
            ClientClosedError: The client is closed.
        """
        if self._closed:
            raise ClientClosedError("the client is closed")
        self._check_process()
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop, self._lock = loop, asyncio.Lock()
        if self._loop is not loop or self._lock is None:
            raise WrongEventLoopError(
                "this AsyncClient was first used in another event loop, which owns its connections; make one per loop"
            )
        async with self._lock:
            if self._closed:
                raise ClientClosedError("the client was closed during the call")
            if self._pool is None:
                if sessions.needs_credentials(self._arguments):
                    with credentials.getting_credentials(operation):
                        await self._session.get_credentials()  # the session keeps them
                with translate.configuring():
                    made = await self._owned.enter_async_context(self._session.create_client(**self._arguments))
                self._pool = Pooled(made, beyond=_BEYOND)
        return self._pool

    def _check_process(self) -> None:
        if self._pool is None and self._loop is None:
            self._process = os.getpid()  # nothing is open: the client belongs to the process that uses it first
        elif self._process != os.getpid():
            raise WrongEventLoopError(
                f"this AsyncClient was first used in process {self._process}, whose event loop owns its connections;"
                f" this is process {os.getpid()}, a fork of it; make an AsyncClient in each process"
            )

    async def close(self) -> None:
        """Detach from the client, and close it if it was made here. Wait for one that is being made."""
        if self._closed:
            return
        self._closed = True
        if self._process != os.getpid():
            return  # the connections, and the selector of their event loop, are the parent's
        async with self._lock if self._lock and self._loop is asyncio.get_running_loop() else nullcontext():
            if self._pool is not None:
                self._pool.detach()
            await self._owned.aclose()

    @property
    def region(self) -> str | None:
        """The region of the client, before and after it is opened."""
        region: str | None
        if self._pool is not None:
            region = self._pool.client.meta.region_name
        else:
            region = self._arguments.get("region_name") or self._session.get_config_variable("region")
        return region

    def describe(self, name: str) -> str:
        """Return what a client of class `name` shows as its `repr`, before and after it is opened."""
        endpoint = (
            self._pool.client.meta.endpoint_url if self._pool is not None else self._arguments.get("endpoint_url", "")
        )
        return described(
            name, self._options, wrapped="aiobotocore", region=self.region, endpoint=endpoint, closed=self._closed
        )

    def __repr__(self) -> str:
        return self.describe("AsyncClient")

    def after_fork(self) -> None:
        """Leave the connections to the parent process: closing them here would close them in its event loop."""
        if self._pool is not None:
            _KEPT.append(self)
        elif self._session is not None:
            renewal.renew(None, self._session)

    def __del__(self) -> None:
        if self._pool is not None and self._session is not None and not self._closed and self._process == os.getpid():
            unclosed.warn(self, self._made_at, self._pool.client)


def new_transport(options: Options) -> AsyncTransport:
    """Return a transport with clients made by ecskit.

    Raises:
        ConfigurationError: The profile does not exist, or an argument has a wrong type.
    """
    options.check()
    with translate.configuring():
        own = _session(options)
        arguments = sessions.client_arguments(own, options)
    return AsyncTransport(session=own, arguments=arguments, options=options)


def wrap(client: Any, logs: Any = None) -> AsyncTransport:
    """Return a transport through a client that the caller owns, and one for CloudWatch Logs.

    Raises:
        ConfigurationError: It is not an aiobotocore client for ECS, or `logs` is not one for CloudWatch Logs.
    """
    sessions.check_wrapped(client, AioBaseClient)
    if logs is not None:
        sessions.check_wrapped(logs, AioBaseClient, "logs")
    return AsyncTransport(client=client, logs=logs)


async def new_queue_client(options: Options, *, wait_seconds: int) -> Any:
    """Return the context manager of a client for SQS. The options are those of a client for ECS.

    Raises:
        ConfigurationError: The region or the profile is missing, or an argument has a wrong type.
        CredentialsError: A provider of credentials failed.
    """
    options.check()
    with translate.configuring():
        own = _session(options)
        arguments = queues.client_arguments(own, options, wait_seconds=wait_seconds)
    if sessions.needs_credentials(arguments):
        with credentials.getting_credentials("SqsSource"):
            await own.get_credentials()  # the session keeps them
    return own.create_client(**arguments)


def _session(options: Options) -> Any:
    if options.session is None:
        return sessions.new(AioSession, options.profile_name)
    session = sessions.given(options.session)
    if not isinstance(session, Session):
        raise ConfigurationError(
            f"session must be an aiobotocore, botocore or boto3 session, not {type(session).__name__}"
        )
    if inspect.iscoroutinefunction(session.get_credentials):
        return sessions.derive(session)
    # Event handlers of a sync session are not shared: some of botocore would block the event loop.
    return sessions.derive(session, session_class=AioSession, credentials=_FromSync(session), share_handlers=False)


class _FromSync:
    """A credential provider for aiobotocore that takes credentials from a botocore session, in a thread."""

    def __init__(self, session: Any) -> None:
        self._session = session

    async def load_credentials(self) -> Any:
        found = await asyncio.to_thread(self._session.get_credentials)
        return None if found is None else _Credentials(found)


class _Credentials:
    """Credentials of botocore with the awaitable methods that aiobotocore calls. They refresh themselves."""

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials

    def __getattr__(self, name: str) -> Any:
        return getattr(self._credentials, name)

    async def get_frozen_credentials(self) -> Any:
        return await asyncio.to_thread(self._credentials.get_frozen_credentials)

    async def get_account_id(self) -> Any:
        return (await self.get_frozen_credentials()).account_id
