"""Clients of a simulator, on its clock: in the same process without a socket, or over HTTP.

Such a client reads no environment variables and no AWS configuration files, uses no proxy, and has fixed credentials.
In the same process, it makes one attempt per request, so that an injected fault is what remains after the SDK's
retries. Over HTTP, it makes three.
"""

from __future__ import annotations

import copy
import functools
import os
from typing import TYPE_CHECKING, Any

import attrs
from botocore.config import Config

from ecskit._simulator.botocore_events import register, register_async

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from random import Random

    from ecskit._core.links import Link
    from ecskit._drive.clock import Clock
    from ecskit._simulator.botocore_events import Respond
    from ecskit.aio import AsyncClient
    from ecskit.client import Client

__all__ = ["ClientSettings"]

_ENDPOINT = "http://simulator.invalid"
"""Never connected to: the simulator answers first."""
_ATTEMPTS = 3
"""Attempts per request over HTTP: the default of ecskit."""
_NO_FILES = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


@attrs.frozen
class ClientSettings:
    """What the clients of a simulator have in common."""

    clock: Clock
    """The clock of their waits."""
    region: str
    random: Random
    respond: Respond
    """Answers their requests in the same process."""
    connect: Callable[[str], Link]
    """Opens the streams of ECS Exec in the same process."""
    connect_async: Callable[[str], Awaitable[Link]]
    url: str | None
    """The server to which they send their requests instead; None for no server."""

    def client(self, **polling: Any) -> Client:
        """Return a sync client, with these options of polls."""
        from botocore.session import Session

        from ecskit.client import Client

        session = _session(Session)
        if self.url is None:
            register(session.get_component("event_emitter"), self.respond, self.clock, self.connect)
        return Client(session=session, **self._options(), **polling)._with_runtime(self.clock, self.random)

    def async_client(self, **polling: Any) -> AsyncClient:
        """Return an async client, with these options of polls."""
        from ecskit.aio import AsyncClient, transport_module

        session = _session(transport_module().AioSession)
        if self.url is None:
            register_async(session.get_component("event_emitter"), self.respond, self.clock, self.connect_async)
        return AsyncClient(session=session, **self._options(), **polling)._with_runtime(self.clock, self.random)

    def _options(self) -> dict[str, Any]:
        config = Config(
            retries={"total_max_attempts": _ATTEMPTS if self.url else 1, "mode": "standard"},
            # Given explicitly, because the environment could set them.
            proxies={},
            use_dualstack_endpoint=False,
            use_fips_endpoint=False,
        )
        return {"region_name": self.region, "endpoint_url": self.url or _ENDPOINT, "config": config}


def _session(session_class: Any) -> Any:
    """Return a session that reads neither environment variables nor files."""
    handlers = copy.copy(_built_in_handlers(session_class))
    session = session_class(_NO_FILES, handlers, include_builtin_handlers=False)
    session.set_credentials("simulator", "simulator")
    return session


@functools.cache
def _built_in_handlers(session_class: Any) -> Any:
    """Return what has the handlers of all sessions of a class. To register them takes longer than to copy them."""
    return session_class(_NO_FILES).get_component("event_emitter")
