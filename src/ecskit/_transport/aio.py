"""The transport that sends through aiobotocore."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextlib import AsyncExitStack, nullcontext
from typing import Any

from aiobotocore.client import AioBaseClient
from aiobotocore.session import AioSession
from botocore.session import Session

from ecskit._core.effects import RawResponse, Send
from ecskit._core.errors import ClientClosedError, ConfigurationError, WrongEventLoopError

from . import credentials, exchange, sessions, translate

__all__ = ["AsyncTransport", "new_transport", "wrap"]


class AsyncTransport:
    """Sends through an aiobotocore client; single attempts through a second one. Each is made on first use."""

    def __init__(self, *, client: Any = None, session: Any = None, arguments: dict[str, Any] | None = None) -> None:
        """Send through `client`, which the caller owns, or through clients made from `session`."""
        self._session = session
        self._arguments = arguments or {}
        self._clients: dict[bool, Any] = {}
        self._owned = AsyncExitStack()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock: asyncio.Lock | None = None
        self._closed = False
        if client is not None:
            self._clients = {False: client, True: client}
            exchange.attach(client)

    @property
    def client(self) -> Any:
        """The aiobotocore client; ConfigurationError before the first call or `async with`."""
        if False not in self._clients:
            raise ConfigurationError(
                "the aiobotocore client does not exist yet; `async with` or the first call makes it"
            )
        return self._clients[False]

    async def send(self, send: Send, on_send: Callable[[], object]) -> RawResponse:
        """Send one request. `on_send` is called just before each attempt.

        Raises:
            EcsError: It could not be sent, no response was received, or ECS returned an error.
        """
        if self._closed:
            raise ClientClosedError(f"{send.operation}: the client is closed")
        client = await self.open(single_attempt=send.single_attempt, operation=send.operation)
        under_way = exchange.Exchange(client, send, on_send)
        token = exchange.current.set(under_way)
        try:
            answer = getattr(client, under_way.method)(**under_way.params)
            return under_way.result(await answer if inspect.isawaitable(answer) else answer)  # doubles may be sync
        except Exception as error:
            failed = translate.translate(error, under_way, closed=self._closed, wrapped=self._session is None)
            if failed is None:
                raise
            cause = translate.cause(error)
        finally:
            exchange.current.reset(token)
        # Outside of the handler: `__context__` must not hold an error whose text shows values.
        raise failed from cause

    async def open(self, *, single_attempt: bool = False, operation: str = "AsyncClient") -> Any:
        """Return the client for usual requests or for single attempts. It is made if absent.

        Raises:
            ConfigurationError: The region or the profile is missing, or an argument has a wrong type.
            CredentialsError: A provider of credentials failed. The error names `operation`.
            WrongEventLoopError: It was first used in another event loop.
            ClientClosedError: The client is closed.
        """
        if self._closed:
            raise ClientClosedError("the client is closed")
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
            if single_attempt not in self._clients:
                arguments = sessions.for_single_attempts(self._arguments) if single_attempt else self._arguments
                if sessions.needs_credentials(arguments):
                    with credentials.getting_credentials(operation):
                        await self._session.get_credentials()  # the session keeps them
                with translate.configuring():
                    made = await self._owned.enter_async_context(self._session.create_client(**arguments))
                exchange.attach(made)
                self._clients[single_attempt] = made
        return self._clients[single_attempt]

    async def close(self) -> None:
        """Detach from the clients, and close those made here. Wait for one that is being made."""
        if self._closed:
            return
        self._closed = True
        async with self._lock if self._lock and self._loop is asyncio.get_running_loop() else nullcontext():
            # A wrapped client is in the dict twice, but was attached once.
            for client in {id(c): c for c in self._clients.values()}.values():
                exchange.detach(client)
            await self._owned.aclose()


def new_transport(
    *, region_name: str | None, profile_name: str | None, endpoint_url: str | None, config: Any, session: Any
) -> AsyncTransport:
    """Return a transport with clients made by ecskit.

    Raises:
        ConfigurationError: The profile does not exist, or an argument has a wrong type.
    """
    with translate.configuring():
        own = _session(session, profile_name)
        arguments = sessions.client_arguments(own, region_name=region_name, endpoint_url=endpoint_url, config=config)
    return AsyncTransport(session=own, arguments=arguments)


def wrap(client: Any) -> AsyncTransport:
    """Return a transport through a client that the caller owns.

    Raises:
        ConfigurationError: It is not an aiobotocore client for ECS.
    """
    sessions.check_wrapped(client, AioBaseClient)
    return AsyncTransport(client=client)


def _session(session: Any, profile_name: str | None) -> Any:
    if session is None:
        return sessions.new(AioSession, profile_name)
    session = sessions.given(session, profile_name)
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
