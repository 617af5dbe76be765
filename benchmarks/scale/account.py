"""An account on a virtual clock that counts its calls and the CPU time that it takes."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

import attrs

from ecskit._simulator.quotas import Buckets
from ecskit._simulator.virtual_clock import EPOCH, VirtualClock
from ecskit.testing import PUBLISHED_QUOTAS, SimulatedError, Simulator, TaskScript

NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
RUNS = (30.0, 600.0)
"""The least and the most seconds that a task runs."""
TASKS_PER_LAUNCH = 10
"""The most tasks that one RunTask launches."""
READS = ("Describe", "List")


def definition(family: str) -> dict[str, Any]:
    """Return the parameters of a task definition for Fargate."""
    return {
        "family": family,
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [{"name": "app", "image": f"{family}:1"}],
    }


@attrs.frozen
class Call:
    """One call that the account received."""

    at: float
    operation: str
    identifiers: int
    """The number of identifiers in the request of a describe operation."""
    throttled: bool


class Flows:
    """Counts the flows that have begun on a clock, and keeps the moment at which the last one of each thread ended."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock, self._flow = clock, clock.flow
        self.begun = 0
        self.ended = threading.local()
        vars(clock)["flow"] = self._counted

    @contextmanager
    def _counted(self) -> Generator[None, None, None]:
        with self._flow():
            self.begun += 1
            try:
                yield
            finally:
                self.ended.at = self._clock.now()  # before other flows can move the clock


class Account(Simulator):
    """A simulator that keeps of its calls only what the figures need.

    Args:
        seed: Seed of the account and of its tasks.
        quotas: Whether reads are throttled by the published quotas.
    """

    def __init__(self, *, seed: int, quotas: bool) -> None:
        # Launches are not measured: they happen at one moment, before the waits begin.
        reads = [quota for quota in PUBLISHED_QUOTAS if any(name.startswith(READS) for name in quota.operations)]
        super().__init__(seed=seed, quotas=reads if quotas else (), keep_calls=0)
        self.flows = Flows(self.clock)
        self.heard: dict[str, float] = {}
        """When the event of STOPPED of each task was received, for waits with events."""
        self._made: list[Call] = []
        self._took = 0.0
        self._began = (0, 0.0, 0.0)

    def respond(self, target: str, body: bytes) -> Any:
        before = time.thread_time()
        try:
            return super().respond(target, body)
        finally:
            with self._lock:
                self._took += time.thread_time() - before

    def _answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        names = next((value for name, value in request.items() if name in _IDENTIFIERS), ())
        throttled = False
        try:
            return super()._answer(operation, request)
        except SimulatedError as error:
            throttled = error.code == "ThrottlingException"
            raise
        finally:
            self._made.append(Call(self.clock.now(), operation, len(names), throttled))

    def begin(self) -> None:
        """Count from now on."""
        self._began = (len(self._made), self._took, time.process_time())

    def measured(self) -> tuple[list[Call], float, float]:
        """Return the calls since `begin`, the seconds of CPU of the rest of the process, and those of the account."""
        calls, took, process = self._began
        simulated = self._took - took
        return self._made[calls:], time.process_time() - process - simulated, simulated

    def launch(self, count: int, *, seed: int) -> list[str]:
        """Launch tasks at this moment, and return their ARNs."""
        random = Random(f"{seed} tasks")
        self.handle("RegisterTaskDefinition", definition("job"))
        self.script("job", [TaskScript.runs_for(random.uniform(*RUNS)) for _ in range(count)])
        arns: list[str] = []
        while (left := count - len(arns)) > 0:
            request = {
                "taskDefinition": "job",
                "count": min(left, TASKS_PER_LAUNCH),
                "launchType": "FARGATE",
                "networkConfiguration": NETWORK,
            }
            arns += [task["taskArn"] for task in self.handle("RunTask", request)["tasks"]]
        return arns

    def stopped_at(self, arn: str) -> float:
        """Return the moment at which a task has STOPPED, on the virtual clock."""
        steps = self._account.tasks[arn].steps
        return next(step.at for step in steps if step.task.get("lastStatus") == "STOPPED") - EPOCH


_IDENTIFIERS = frozenset({"tasks", "services", "serviceDeploymentArns", "containerInstances"})


def beyond_quotas(calls: Sequence[Call]) -> int:
    """Return how many of the calls the published quotas would refuse, if nothing were sent again."""
    buckets, refused = Buckets(PUBLISHED_QUOTAS, 0.0), 0
    for call in calls:
        try:
            buckets.take(call.operation, call.at)
        except SimulatedError:
            refused += 1
    return refused


def peak_per_minute(calls: Sequence[Call]) -> int:
    """Return the most calls in any 60 s."""
    most, first = 0, 0
    for last, call in enumerate(calls):
        while calls[first].at <= call.at - 60:
            first += 1
        most = max(most, last - first + 1)
    return most


def by_operation(calls: Sequence[Call]) -> dict[str, int]:
    """Return the number of calls of each operation, the most frequent first."""
    return dict(Counter(call.operation for call in calls).most_common())
