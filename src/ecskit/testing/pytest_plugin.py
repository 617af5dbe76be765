"""The pytest fixtures of ecskit: a new simulator for each test, clients of it, and a server of it.

pytest imports this module at every start. So it imports only pytest until a test requests a fixture. Fixtures of the
same names in a test suite override these. All are sync fixtures, also that of the async client: no plugin for async
tests is needed to make it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from ecskit._simulator.server import SimulatorServer
    from ecskit._simulator.simulator import Simulator
    from ecskit.aio import AsyncClient
    from ecskit.client import Client

__all__ = ["ecs_async_client", "ecs_client", "ecs_server", "ecs_simulator"]

_SPEED = 100.0


@pytest.fixture
def ecs_simulator(request: pytest.FixtureRequest) -> Simulator:
    """Return a new `ecskit.testing.Simulator`. Override the fixture for one with arguments: the others use it.

    Its time is virtual. In a test that requests `ecs_server`, it is real time, a hundred times as fast, because the
    server's clients wait in real time.
    """
    from ecskit._simulator.scaled_clock import ScaledClock
    from ecskit._simulator.simulator import Simulator

    return Simulator(now=ScaledClock(speed=_SPEED) if "ecs_server" in request.fixturenames else None)


@pytest.fixture
def ecs_client(ecs_simulator: Simulator) -> Generator[Client, None, None]:
    """Return an `ecskit.Client` of `ecs_simulator`, on its clock. It is closed after the test."""
    with ecs_simulator.client() as client:
        yield client


@pytest.fixture
def ecs_async_client(ecs_simulator: Simulator) -> Generator[AsyncClient, None, None]:
    """Return an `ecskit.AsyncClient` of `ecs_simulator`, on its clock. It is closed after the test.

    It belongs to the event loop in which it is first used.
    """
    import asyncio

    client = ecs_simulator.async_client()
    yield client
    loop = asyncio.new_event_loop()  # that of the test may be closed; no connection belongs to it
    try:
        loop.run_until_complete(client.aclose())
    finally:
        loop.close()


@pytest.fixture
def ecs_server(ecs_simulator: Simulator) -> Generator[SimulatorServer, None, None]:
    """Return an `ecskit.testing.SimulatorServer` of `ecs_simulator`, on 127.0.0.1. It is closed after the test."""
    from ecskit._simulator.server import SimulatorServer

    with SimulatorServer(ecs_simulator) as server:
        yield server
