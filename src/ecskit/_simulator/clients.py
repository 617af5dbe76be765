"""Clients of a simulator in the same process: no socket, and the simulator's own clock.

Decides how such a client is made. It sees nothing of the machine it runs on: no environment, no AWS configuration
files, credentials that mean nothing. It makes one attempt per request, so that an injected fault is what is left after
the SDK's retries; real retries are for the HTTP server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.config import Config

from ecskit._simulator.attach import attach, attach_async

if TYPE_CHECKING:
    from random import Random

    from ecskit._drive.clock import Clock
    from ecskit._simulator.simulator import Simulator
    from ecskit.aio import AsyncClient
    from ecskit.client import Client

__all__ = ["async_client", "client"]

_ENDPOINT = "http://simulator.invalid"
"""Never connected to: the simulator answers before botocore would."""
_ONE_ATTEMPT = Config(retries={"total_max_attempts": 1, "mode": "standard"})


def client(simulator: Simulator, clock: Clock, *, region: str, random: Random) -> Client:
    """Return a sync client whose requests a simulator answers and whose waits pass on `clock`."""
    from botocore.session import Session

    from ecskit.client import Client

    session = _session(Session)
    attach(session.get_component("event_emitter"), simulator)
    return Client(session=session, **_options(region))._with_runtime(clock, random)


def async_client(simulator: Simulator, clock: Clock, *, region: str, random: Random) -> AsyncClient:
    """Return an async client whose requests a simulator answers and whose waits pass on `clock`."""
    from ecskit.aio import AsyncClient, transport_module

    session = _session(transport_module().AioSession)
    attach_async(session.get_component("event_emitter"), simulator)
    return AsyncClient(session=session, **_options(region))._with_runtime(clock, random)


def _options(region: str) -> dict[str, Any]:
    return {"region_name": region, "endpoint_url": _ENDPOINT, "config": _ONE_ATTEMPT}


def _session(session_class: type[Any]) -> Any:
    """Return a session that reads neither environment nor files for what would reach the client."""
    import os

    nowhere = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    session = session_class(session_vars=nowhere)
    session.set_credentials("simulator", "simulator")
    return session
