"""The two that wait: botocore's own waiters, and ecskit's. Both on a virtual clock, both through a botocore client.

Decides how each is asked, with the same deadline, and how what came of it is told. What is true meanwhile is decided
elsewhere.
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
"""Seconds between botocore's looks, as it comes."""


@attrs.frozen
class Ended:
    """What came of a wait."""

    claimed: bool
    """Whether it said that what was waited for has come true."""
    at: float
    """When it said so, or that it has not, on the virtual clock."""
    calls: int
    said: str
    """The error, or nothing."""


def sleeping_on(clock: VirtualClock) -> Any:
    """Return a context in which botocore's waiters sleep on a virtual clock. Nothing else of botocore does."""
    return patch.object(botocore.waiter, "time", SimpleNamespace(sleep=clock.advance))


def attempts(timeout: float) -> int:
    """Return how often botocore may look until a deadline: the last time at or after it, never before."""
    return -int(-timeout // DELAY) + 1


def botocore_client() -> Any:
    session = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    session.set_credentials("simulator", "simulator")
    # What is left after the SDK's retries is what both see: neither retries by itself.
    once = Config(retries={"total_max_attempts": 1, "mode": "standard"})
    return session.create_client("ecs", region_name=REGION, endpoint_url="http://simulator.invalid", config=once)


@attrs.define
class Both:
    """One client of each, made once: what they ask is answered by one simulator after the other."""

    _botocore: Any = attrs.field(factory=botocore_client, init=False)
    _ecskit: Any = attrs.field(factory=botocore_client, init=False)

    def wait(
        self, peer: str, name: str, tasks: Sequence[Task | str], simulator: Simulator, *, timeout: float, seed: int
    ) -> Ended:
        """Let one of them wait, and return what it said.

        Args:
            peer: Who waits.
            name: `tasks_running` or `tasks_stopped`.
            tasks: For what. Only ecskit makes use of what is known of them already; botocore takes ARNs.
            simulator: Who answers.
            timeout: The deadline, in seconds from now.
            seed: Root of the jitter.
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
