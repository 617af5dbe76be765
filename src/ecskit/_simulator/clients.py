"""Clients of a simulator in the same process: without a socket, on the simulator's clock.

Such a client reads no environment variables and no AWS configuration files, and its credentials are fixed. It makes one
attempt per request, so that an injected fault is what remains after the SDK's retries. Use the HTTP server to test
retries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.config import Config

from ecskit._simulator.botocore_events import register, register_async

if TYPE_CHECKING:
    from random import Random

    from ecskit._drive.clock import Clock
    from ecskit._simulator.botocore_events import Respond
    from ecskit.aio import AsyncClient
    from ecskit.client import Client

__all__ = ["async_client", "client"]

_ENDPOINT = "http://simulator.invalid"
"""Never connected to: the simulator answers first."""
_ONE_ATTEMPT = Config(retries={"total_max_attempts": 1, "mode": "standard"})


def client(respond: Respond, clock: Clock, *, region: str, random: Random) -> Client:
    """Return a sync client whose requests `respond` answers and whose waits use `clock`."""
    from botocore.session import Session

    from ecskit.client import Client

    session = _session(Session)
    register(session.get_component("event_emitter"), respond)
    return Client(session=session, **_options(region))._with_runtime(clock, random)


def async_client(respond: Respond, clock: Clock, *, region: str, random: Random) -> AsyncClient:
    """Return an async client whose requests `respond` answers and whose waits use `clock`."""
    from ecskit.aio import AsyncClient, transport_module

    session = _session(transport_module().AioSession)
    register_async(session.get_component("event_emitter"), respond)
    return AsyncClient(session=session, **_options(region))._with_runtime(clock, random)


def _options(region: str) -> dict[str, Any]:
    return {"region_name": region, "endpoint_url": _ENDPOINT, "config": _ONE_ATTEMPT}


def _session(session_class: type[Any]) -> Any:
    """Return a session that reads neither environment variables nor files."""
    import os

    no_files = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    session = session_class(session_vars=no_files)
    session.set_credentials("simulator", "simulator")
    return session
