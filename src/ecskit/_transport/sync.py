"""The transport that sends through botocore."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from typing import Any

from botocore.client import BaseClient
from botocore.session import Session

from ecskit._core.effects import RawResponse, Send
from ecskit._core.errors import ClientClosedError, ConfigurationError

from . import credentials, exchange, sessions, translate

__all__ = ["Transport", "new_transport", "wrap"]


class Transport:
    """Sends through a botocore client; single attempts through a second one, which is made on first use."""

    def __init__(self, client: Any, make_single: Callable[[], Any] | None = None) -> None:
        """Send through `client`. Without `make_single` the caller owns it: it serves all requests, and stays open."""
        self.client = client
        self._make_single = make_single
        self._clients = [client]
        self._lock = threading.Lock()
        self._closed = False
        exchange.attach(client)

    def send(self, send: Send, on_send: Callable[[], object]) -> RawResponse:
        """Send one request. `on_send` is called just before each attempt.

        Raises:
            EcsError: It could not be sent, no response was received, or ECS returned an error.
        """
        client = self._single_attempt_client() if send.single_attempt else self.client
        if self._closed:
            raise ClientClosedError(f"{send.operation}: the client is closed")
        under_way = exchange.Exchange(client, send, on_send)
        token = exchange.current.set(under_way)
        try:
            return under_way.result(getattr(client, under_way.method)(**under_way.params))
        except Exception as error:
            failed = translate.translate(error, under_way, closed=self._closed, wrapped=self._make_single is None)
            if failed is None:
                raise
            cause = translate.cause(error)
        finally:
            exchange.current.reset(token)
        # Outside of the handler: `__context__` must not hold an error whose text shows values.
        raise failed from cause

    def close(self) -> None:
        """Detach from the clients, and close those made here."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for client in self._clients:
                exchange.detach(client)
                if self._make_single:
                    client.close()

    def _single_attempt_client(self) -> Any:
        if self._make_single is None:
            return self.client
        with self._lock:
            if len(self._clients) == 1 and not self._closed:
                self._clients.append(self._make_single())
                exchange.attach(self._clients[1])
        return self._clients[-1]


def new_transport(
    *, region_name: str | None, profile_name: str | None, endpoint_url: str | None, config: Any, session: Any
) -> Transport:
    """Return a transport with clients made by ecskit.

    Raises:
        ConfigurationError: The region or the profile is missing, or an argument has a wrong type.
        CredentialsError: A provider of credentials failed.
    """
    with translate.configuring():
        own = _session(session, profile_name)
        arguments = sessions.client_arguments(own, region_name=region_name, endpoint_url=endpoint_url, config=config)
    if sessions.needs_credentials(arguments):
        with credentials.getting_credentials("Client"):
            own.get_credentials()  # the session keeps them
    with translate.configuring():
        client = own.create_client(**arguments)
    return Transport(client, lambda: own.create_client(**sessions.for_single_attempts(arguments)))


def wrap(client: Any) -> Transport:
    """Return a transport through a client that the caller owns.

    Raises:
        ConfigurationError: It is not a botocore client for ECS.
    """
    sessions.check_wrapped(client, BaseClient)
    if inspect.iscoroutinefunction(client._make_api_call):
        raise ConfigurationError("expected a botocore client for ECS, got one of aiobotocore; wrap it with AsyncClient")
    return Transport(client)


def _session(session: Any, profile_name: str | None) -> Any:
    if session is None:
        return sessions.new(Session, profile_name)
    session = sessions.given(session, profile_name)
    if not isinstance(session, Session) or inspect.iscoroutinefunction(session.get_credentials):
        raise ConfigurationError(f"session must be a botocore or boto3 session, not {type(session).__name__}")
    return sessions.derive(session)
