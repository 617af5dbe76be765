"""Launches under random faults, without room, and cut short: no task runs twice, and none that was to be stopped.

A failure prints one line that repeats its schedule: `check(Schedule.of(1234))`.
"""

from __future__ import annotations

from random import Random
from typing import Any

import attrs
import pytest

from ecskit.errors import EcsError, TasksNotStarted
from ecskit.models import AwsVpcConfiguration
from ecskit.testing import Fault

from .drivers import Cut, Ending, Steady, Verb, run_async, run_sync
from .launches import check_cut, check_none_twice, check_requests, run_tasks_of, to_be_stopped
from .schedules import Life, Sky, check_all, some_cut, some_launch_fault
from .world import CLOSE, World

NETWORK = AwsVpcConfiguration(subnets=["subnet-1"])


@attrs.frozen(kw_only=True)
class Schedule:
    """All there is to say about one launch and its world."""

    seed: int
    count: int
    faults: tuple[Fault, ...]
    """What happens to the first RunTask requests, in order."""
    fault_rate: float
    bare_replays: bool
    on_partial: str
    on_cancel: str
    capacity_timeout: float | None
    client_token: str | None
    latency: float
    cut: Cut | None

    @classmethod
    def of(cls, seed: int) -> Schedule:
        random = Random(seed)
        faults = tuple(some_launch_fault(random) for _ in range(random.choice([0, 1, 2, 4, 9])))
        return cls(
            seed=seed,
            count=random.choice([1, 1, 2, 9, 10, 11, 20, 21, 45]),
            faults=tuple(fault for fault in faults for _ in range(random.choice([1, 1, 2]))),
            fault_rate=random.choice([0.0, 0.0, 0.1, 0.5]),
            bare_replays=random.random() < 0.5,
            on_partial=random.choice(["raise", "keep", "stop_started", "top_up"]),
            on_cancel=random.choice(["leave", "stop", "stop", "stop_and_wait"]),
            capacity_timeout=random.choice([None, None, 0.0, 3.0, random.random() * 100]),
            client_token=random.choice([None, "key", "k" * 52]),
            latency=random.choice([0.0, 0.0, 0.4, random.random() * 3]),
            cut=some_cut(random, [2.0, 5.0, 20.0], waits=False),
        )

    @property
    def seconds_for_room(self) -> float:
        if self.capacity_timeout is None:
            return 60.0 if self.on_partial == "top_up" else 0.0
        return self.capacity_timeout

    def verb(self, world: World, family: str = "job") -> Verb:
        """Return the call that launches."""
        world.register(family, [Life(5.0, 60.0, 2.0, "exits 0").script])
        options: dict[str, Any] = {
            "launch_type": "FARGATE",
            "network": NETWORK,
            "count": self.count,
            "on_partial": self.on_partial,
            "on_cancel": self.on_cancel,
            "capacity_timeout": self.capacity_timeout,
            "client_token": self.client_token,
        }
        return Verb("run", (family,), options)

    def run(self, perform: Any) -> tuple[World, Ending]:
        """Launch, and return the world and how it ended."""
        world = Sky().world(self.seed, bare_replays=self.bare_replays)
        verb = self.verb(world)
        for fault in self.faults:
            world.fail("RunTask", fault)
        if self.fault_rate:
            world.misbehave(rate=self.fault_rate, seed=self.seed)
        return world, perform(world, verb, Steady(self.seed), latency=self.latency, cut=self.cut)

    @property
    def is_determined(self) -> bool:
        """Whether no two requests of one launch race, and both drivers can be cut short where this says."""
        interruptible = self.cut is None or (self.cut.at is not None and not self.latency)
        return self.count <= 20 and interruptible


def check(schedule: Schedule) -> None:
    """Compare what a launch says with what was launched, under both drivers, and the drivers with each other."""
    world, ending = schedule.run(run_sync)
    check_truth(schedule, world, ending)
    if schedule.cut is not None and schedule.cut.request is not None:
        return  # Ctrl-C ends an event loop
    other_world, other = schedule.run(run_async)
    check_truth(schedule, other_world, other)
    if schedule.is_determined:
        assert ending.trace == other.trace, "the drivers do not do the same"
        assert ending.ended == other.ended
        assert ending.kind == other.kind or {ending.kind, other.kind} == {"WaitCancelled", "CancelledError"}


def check_truth(schedule: Schedule, world: World, ending: Ending, family: str = "job") -> None:
    """Compare what a launch says with what was launched."""
    launched = world.of_family(family)
    runs = run_tasks_of(ending, family)
    check_requests(runs, until=ending.began + schedule.seconds_for_room + schedule.latency)
    check_none_twice(launched, schedule.count, ending)
    was_cut = check_cut(
        schedule.cut, ending, to_be_stopped(world, launched, ending), schedule.on_cancel, latency=schedule.latency
    )
    stops = [call for call in ending.calls if call.operation == "StopTask"]
    if not (was_cut and schedule.on_cancel != "leave") and schedule.on_partial != "stop_started":
        assert not stops, "no task was to be stopped"
    if was_cut:
        return
    calm = not schedule.fault_rate and all(fault.shortage for fault in schedule.faults) and not schedule.latency
    if calm and not stops:
        assert ending.ended <= ending.began + schedule.seconds_for_room + CLOSE, "overrun"
    if ending.error is None:
        assert ending.result.complete or (schedule.on_partial == "keep" and ending.result.tasks)
        assert len(launched) == schedule.count or not ending.result.complete
    elif isinstance(ending.error, TasksNotStarted):
        assert not ending.error.result.complete
        if ending.error.stopped:
            started = set(ending.error.result.task_arns)
            assert not [t for t in launched if t.task.arn in started and t.wants_to_run(ending.ended)], "runs on"
    else:
        assert isinstance(ending.error, EcsError)
        assert not launched or ending.error.client_token or ending.error.retryable


@pytest.mark.parametrize("block", range(5))
def test_no_task_is_launched_twice(block: int) -> None:
    """Whatever is lost, throttled or short, and whenever it is cut short."""
    check_all(check, map(Schedule.of, range(block * 130, block * 130 + 130)), "check(Schedule.of({}))".format)
