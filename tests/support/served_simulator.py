"""A simulator over HTTP whose time is virtual for the clients of this process, also for those that an example makes.

Sessions of ECS Exec are connected in the process, because sockets do not wait on a virtual clock.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Generator
from contextlib import contextmanager
from types import SimpleNamespace

import botocore.waiter
import pytest

from ecskit._drive.clock import SystemClock
from ecskit._simulator.exec.links import AsyncSimulatedLink, SimulatedLink
from ecskit._transport.sync import Transport
from ecskit.testing import Simulator, SimulatorServer

__all__ = ["served_simulator"]

VIRTUAL = ("now", "epoch", "sleep", "asleep", "flow")
"""The methods of a clock."""


@contextmanager
def served_simulator(monkeypatch: pytest.MonkeyPatch) -> Generator[Simulator, None, None]:
    """Serve it to all clients that are made without an endpoint. They and boto3's waiters sleep on its clock."""
    with SimulatorServer(Simulator()) as server:
        simulator = server.simulator
        for name in VIRTUAL:
            clock = getattr(simulator.clock, name)
            monkeypatch.setattr(SystemClock, name, lambda _, *args, clock=clock: clock(*args))
        monkeypatch.setattr(botocore.waiter, "time", SimpleNamespace(sleep=simulator.clock.advance))
        for service in ("ECS", "CLOUDWATCH_LOGS", "SSM", "KMS"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        _connect_in_process(monkeypatch, simulator)
        yield simulator


def _connect_in_process(monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> None:
    def connect(_: object, url: str | None) -> SimulatedLink | None:
        return simulator._connect(url) if url is not None else None

    async def connect_async(_: object, url: str | None) -> AsyncSimulatedLink | None:
        return await simulator._connect_async(url) if url is not None else None

    monkeypatch.setattr(simulator._account.exec, "streams", lambda: "ws://simulator")
    monkeypatch.setattr(Transport, "connect", connect)
    if importlib.util.find_spec("aiobotocore") is not None:
        monkeypatch.setattr("ecskit._transport.aio.AsyncTransport.connect", connect_async)
