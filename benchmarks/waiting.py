"""Runs botocore's waiters and ecskit's waits, both on a virtual clock and through a botocore client.

Both have the same deadline and return an `Ended`. Other modules determine the correct verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import attrs
import botocore.session
import botocore.waiter
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from benchmarks.bodies import REGION
from ecskit import Client
from ecskit._simulator.virtual_clock import VirtualClock
from ecskit.errors import EcsError
from ecskit.models import Task
from ecskit.testing import Simulator, attach

PEERS = ("botocore", "ecskit")
DELAY = 6
"""botocore's default interval in seconds."""


@attrs.frozen
class Ended:
    """The result of a wait."""

    claimed: bool
    """Whether the wait succeeded."""
    at: float
    """The time of the verdict, on the virtual clock."""
    calls: int
    said: str
    """The class of the error, or empty."""


def sleeping_on(clock: VirtualClock) -> Any:
    """Return a context in which botocore's waiters sleep on a virtual clock. Other parts of botocore do not."""
    return patch.object(botocore.waiter, "time", SimpleNamespace(sleep=clock.advance))


def attempts(timeout: float) -> int:
    """Return the number of botocore's polls until a deadline. The last one is at or after the deadline."""
    return -int(-timeout // DELAY) + 1


def botocore_client() -> Any:
    session = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    session.set_credentials("simulator", "simulator")
    # One attempt each: the faults stand for those left after the SDK's retries.
    once = Config(retries={"total_max_attempts": 1, "mode": "standard"})
    return session.create_client("ecs", region_name=REGION, endpoint_url="http://simulator.invalid", config=once)


@attrs.define
class Both:
    """One client of each peer. Both are made once, and attached to each simulator in turn."""

    _botocore: Any = attrs.field(factory=botocore_client, init=False)
    _ecskit: Any = attrs.field(factory=botocore_client, init=False)

    def wait(
        self, peer: str, name: str, tasks: Sequence[Task | str], simulator: Simulator, *, timeout: float, seed: int
    ) -> Ended:
        """Run the wait of one peer and return the result.

        Args:
            peer: `botocore` or `ecskit`.
            name: `tasks_running` or `tasks_stopped`.
            tasks: The targets. Only ecskit uses earlier observations of them; botocore takes ARNs.
            simulator: Responds to the requests.
            timeout: The deadline, in seconds from now.
            seed: Seed of the jitter.
        """
        client = self._botocore if peer == "botocore" else self._ecskit
        attached = attach(client, simulator)
        before = len(simulator.calls)
        try:
            if peer == "botocore":
                said = self._by_botocore(name, tasks, simulator.clock, timeout)
            else:
                said = self._by_ecskit(name, tasks, simulator.clock, timeout, seed)
        finally:
            attached.detach()
        return Ended(said is None, simulator.clock.now(), len(simulator.calls) - before, said or "")

    def _by_botocore(self, name: str, tasks: Sequence[Task | str], clock: VirtualClock, timeout: float) -> str | None:
        arns = [task.task_arn if isinstance(task, Task) else task for task in tasks]
        options = {"Delay": DELAY, "MaxAttempts": attempts(timeout)}
        with sleeping_on(clock):
            try:
                self._botocore.get_waiter(name).wait(tasks=arns, WaiterConfig=options)
            except (BotoCoreError, ClientError) as error:
                return type(error).__name__
        return None

    def _by_ecskit(
        self, name: str, tasks: Sequence[Task | str], clock: VirtualClock, timeout: float, seed: int
    ) -> str | None:
        with Client.wrap(self._ecskit)._with_runtime(clock, Random(seed)) as ecs:
            wait: Callable[..., Any] = getattr(ecs.wait, name)
            try:
                wait(tasks, timeout=timeout)
            except EcsError as error:
                return type(error).__name__
        return None
