"""pytest fixtures that come with ecskit: a simulator of one's own for each test, and a client of it.

Decides names and lifetimes. pytest imports this module at every start, so it imports nothing but pytest until a test
asks for a fixture. A test suite that has fixtures of these names keeps its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from ecskit._simulator.simulator import Simulator
    from ecskit.client import Client

__all__ = ["ecs_client", "ecs_simulator"]


@pytest.fixture
def ecs_simulator() -> Simulator:
    """Return a fresh `ecskit.testing.Simulator`; override it for one with arguments, and `ecs_client` follows."""
    from ecskit._simulator.simulator import Simulator

    return Simulator()


@pytest.fixture
def ecs_client(ecs_simulator: Simulator) -> Generator[Client, None, None]:
    """Return an `ecskit.Client` of `ecs_simulator`, on its virtual clock; it is closed after the test."""
    with ecs_simulator.client() as client:
        yield client
