"""The transport that sends through botocore."""

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Callable
from typing import Any

from botocore.client import BaseClient
from botocore.session import Session

from ecskit import _forks
from ecskit._core.effects import RawResponse, Send
from ecskit._core.errors import ClientClosedError, ConfigurationError
from ecskit._core.links import Link

from . import credentials, exchange, hidden, others, queues, renewal, sessions, translate
from .options import Options, described
from .pool import Pooled

__all__ = ["Transport", "new_queue_client", "new_transport", "wrap"]

_BEYOND = "connections beyond that are opened for one request and discarded"
_KEPT: list[object] = []
"""In forked children: the parent's clients of other services. Collecting them would close their connections."""


class Transport:
    """Sends through a botocore client."""

    def __init__(
        self,
        client: Any,
        *,
        session: Any = None,
        options: Options | None = None,
        logs: Any = None,
    ) -> None:
        """Send through `client`. Without a session the caller owns it, and `logs`: they stay open."""
        self._pool = Pooled(client, beyond=_BEYOND)
        self._session = session
        self._options = options
        self._lock = threading.Lock()
        self.logs = logs
        """The client for CloudWatch Logs of a caller who wraps one for ECS."""
        self._others: dict[object, Any] = {}
        """The clients of other services that were made so far."""
        self._closed = False
        self._process = os.getpid()
        self._refusal: str | None = None
        """Why the client cannot be used in this process."""
        _forks.register(self)

    @property
    def client(self) -> Any:
        """The botocore client."""
        _forks.check()
        return self._pool.client

    @property
    def clock(self) -> Any:
        """The clock of the double that answers the requests; None without one."""
        return exchange.clock(self._pool.client.meta.events)

    def send(self, send: Send, on_send: Callable[[], object]) -> RawResponse:
        """Send one request. `on_send` is called just before each attempt.

        Raises:
            EcsError: It could not be sent, no response was received, or ECS returned an error.
        """
        pool = self._pool
        if self._closed:
            raise ClientClosedError(f"{send.operation}: the client is closed")
        if self._refusal:
            raise ConfigurationError(f"{send.operation}: {self._refusal}")
        if send.service != "ecs":
            return self._send_elsewhere(send, on_send)
        under_way = exchange.Exchange(pool.client, send, on_send)
        pool.enter(under_way)
        token = exchange.current.set(under_way)
        try:
            return under_way.result(getattr(pool.client, under_way.method)(**under_way.params))
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

    def _send_elsewhere(self, send: Send, on_send: Callable[[], object]) -> RawResponse:
        client = self._other(send)
        on_send()
        try:
            return others.response(others.method(client, send)(**send.params), client)
        except Exception as error:
            failed = others.failure(error, send, closed=self._closed)
            if failed is None:
                raise
            cause = translate.cause(error)
        raise failed from cause

    def _other(self, send: Send) -> Any:
        """Return the client for the service of a request. It is made if absent."""
        with self._lock:
            if self._closed:
                raise ClientClosedError(f"{send.operation}: the client is closed")
            made = self._others.get(others.key(send))
            if made is None:
                if self._session is None or self._options is None:
                    return others.given(self.logs, send)
                with translate.configuring():
                    arguments = others.client_arguments(self._session, self._options, send)
                    made = self._others[others.key(send)] = self._session.create_client(**arguments)
                hidden.hide_secrets(made)
            return made

    def connect(self, url: str | None) -> Link | None:
        """Open a WebSocket, as the botocore client would connect to that address. None checks that the extra is there.

        Raises:
            MissingExtraError: The extra `exec` is not installed.
            ConfigurationError: A CA bundle or a client certificate cannot be read.
            TransportError: It could not be opened, or a provider of credentials failed.
        """
        self.open()
        of_double = exchange.connect(self._pool.client.meta.events)
        if of_double is not None:
            link: Link | None = of_double(url) if url is not None else None
            return link
        from . import links

        links.check_extra()
        if url is None:
            return None
        from . import sync_link

        client, frozen = self._pool.client, None
        if links.is_signed(url):
            with credentials.getting_credentials("WebSocket"):
                found = client._get_credentials()
                frozen = found.get_frozen_credentials() if found is not None else None
        return sync_link.open_link(links.settings_for(client, url, frozen))

    def open(self) -> None:
        """Raise ClientClosedError if the client is closed."""
        if self._closed:
            raise ClientClosedError("the client is closed")

    def close(self) -> None:
        """Detach from the client, and close it if it was made here."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._pool.detach()
            if self._session is not None:
                self._pool.client.close()
            for other in self._others.values():
                other.close()

    @property
    def region(self) -> str | None:
        """The region of the client."""
        region: str | None = self._pool.client.meta.region_name
        return region

    def describe(self, name: str) -> str:
        """Return what a client of class `name` shows as its `repr`."""
        meta = self._pool.client.meta
        return described(
            name,
            self._options,
            wrapped="botocore",
            region=self.region,
            endpoint=meta.endpoint_url,
            closed=self._closed,
        )

    def session_for(self, options: Options) -> Any:
        """Return the session of this transport, if one with these options would be the same; None otherwise."""
        return self._session if self._options is not None and self._options.same_session(options) else None

    def __repr__(self) -> str:
        return self.describe("Client")

    def after_fork(self) -> None:
        """Replace locks and connections: those of the parent process stay as they are."""
        self._lock = threading.Lock()
        self._pool.after_fork()
        if self._others:
            _KEPT.append(self._others)
            self._others = {}
        made = f"made in process {self._process}, from which this process was forked"
        if self._session is None:
            self._refusal = (
                f"the wrapped botocore client was {made}, and would mix up their responses; make and wrap a client in"
                " each process"
            )
            return
        self._refusal = (
            f"the client was {made}, and its connections cannot be replaced with this version of botocore; make a"
            " client in each process"
        )
        if renewal.renew(self._pool.client, self._session):
            self._refusal = None


def new_transport(options: Options, like: Transport | None = None) -> Transport:
    """Return a transport with clients made by ecskit. It shares the session of `like`, if the options name the same.

    Raises:
        ConfigurationError: The region or the profile is missing, or an argument has a wrong type.
        CredentialsError: A provider of credentials failed.
    """
    options.check()
    with translate.configuring():
        own = like.session_for(options) if like is not None else None
        own = own or _session(options)
        arguments = sessions.client_arguments(own, options)
    if sessions.needs_credentials(arguments):
        with credentials.getting_credentials("Client"):
            own.get_credentials()  # the session keeps them
    with translate.configuring():
        client = own.create_client(**arguments)
    return Transport(client, session=own, options=options)


def wrap(client: Any, logs: Any = None) -> Transport:
    """Return a transport through a client that the caller owns, and one for CloudWatch Logs.

    Raises:
        ConfigurationError: It is not a botocore client for ECS, or `logs` is not one for CloudWatch Logs.
    """
    for given, service, name in ((client, "ecs", "ECS"), (logs, "logs", "CloudWatch Logs")):
        if service == "logs" and given is None:
            continue
        sessions.check_wrapped(given, BaseClient, service)
        if inspect.iscoroutinefunction(given._make_api_call):
            raise ConfigurationError(
                f"expected a botocore client for {name}, got one of aiobotocore; wrap it with AsyncClient"
            )
    return Transport(client, logs=logs)


def new_queue_client(options: Options, *, wait_seconds: int) -> Any:
    """Return a client for SQS. The options are those of a client for ECS, except for endpoint and region.

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
            own.get_credentials()  # the session keeps them
    with translate.configuring():
        return own.create_client(**arguments)


def _session(options: Options) -> Any:
    if options.session is None:
        return sessions.new(Session, options.profile_name)
    session = sessions.given(options.session)
    if not isinstance(session, Session) or inspect.iscoroutinefunction(session.get_credentials):
        raise ConfigurationError(f"session must be a botocore or boto3 session, not {type(session).__name__}")
    return sessions.derive(session)
