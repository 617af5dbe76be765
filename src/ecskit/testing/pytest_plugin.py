"""The pytest fixtures of ecskit: a new simulator for each test, and a client of it.

pytest imports this module at every start. So it imports only pytest until a test requests a fixture. Fixtures of the
same names in a test suite override these.
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
    """Return a new `ecskit.testing.Simulator`. Override the fixture for one with arguments: `ecs_client` uses it."""
    from ecskit._simulator.simulator import Simulator

    return Simulator()


@pytest.fixture
def ecs_client(ecs_simulator: Simulator) -> Generator[Client, None, None]:
    """Return an `ecskit.Client` of `ecs_simulator`, on its virtual clock. It is closed after the test."""
    with ecs_simulator.client() as client:
        yield client
