"""Tasks run to completion through random lives, lags, faults and cancellations.

A failure prints one line that repeats its schedule: `check(Schedule.of(1234))`.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import attrs
import pytest

from ecskit.errors import EcsError, TaskFailedError, TasksNotStarted, TasksNotStopped, WaitError, WaitTimeout
from ecskit.tasks import TaskOutcome
from ecskit.testing import Fault

from .drivers import Cut, Ending, Steady, Verb, run_async, run_sync
from .launches import check_cut, check_none_twice, check_requests, run_tasks_of, to_be_stopped
from .schedules import Life, Sky, check_all, near, some_cut, some_launch_fault, some_life, some_sky
from .test_launches import NETWORK
from .truths import View, check_looks, check_outcome, check_wait_error
from .world import CLOSE, STOPPED, Truth, World


@attrs.frozen(kw_only=True)
class Schedule:
    """All there is to say about one run to completion and its world."""

    seed: int
    count: int | None
    lives: tuple[Life, ...]
    sky: Sky
    faults: tuple[Fault, ...]
    """What happens to the first RunTask requests, in order."""
    calm_after: float | None
    """When all faults end."""
    on_partial: str
    on_timeout: str
    on_cancel: str
    timeout: float
    latency: float
    cut: Cut | None

    @classmethod
    def of(cls, seed: int) -> Schedule:
        random = Random(seed)
        count = random.choice([None, None, 1, 2, 5, 12])
        lives = tuple(some_life(random) for _ in range(min(count or 1, 4)))
        if random.random() < 0.3:
            lives = tuple(attrs.evolve(life, end="exits 0") for life in lives)
        moments = sorted({moment for life in lives for moment in life.moments})
        return cls(
            seed=seed,
            count=count,
            lives=lives,
            sky=some_sky(random),
            faults=tuple(some_launch_fault(random) for _ in range(random.choice([0, 0, 1, 3]))),
            calm_after=random.choice([None, near(random, moments)]),
            on_partial=random.choice(["raise", "keep", "stop_started", "top_up"]),
            on_timeout=random.choice(["leave", "stop", "stop_and_wait"]),
            on_cancel=random.choice(["leave", "stop", "stop", "stop_and_wait"]),
            timeout=random.choice([0.0, near(random, moments), 900.0, 3000.0]),
            latency=random.choice([0.0, 0.0, 0.4, random.random() * 3]),
            cut=some_cut(random, moments, waits=True),
        )

    def verb(self, world: World, family: str = "job") -> Verb:
        """Return the call that runs tasks to completion."""
        world.register(family, [life.script for life in self.lives])
        options: dict[str, Any] = {
            "launch_type": "FARGATE",
            "network": NETWORK,
            "count": self.count,
            "timeout": self.timeout,
            "on_partial": self.on_partial,
            "on_timeout": self.on_timeout,
            "on_cancel": self.on_cancel,
        }
        return Verb("run_to_completion", (family,), options)

    def run(self, perform: Any) -> tuple[World, Ending]:
        """Run to completion, and return the world and how it ended."""
        world = self.sky.world(self.seed)
        verb = self.verb(world)
        for fault in self.faults:
            world.fail("RunTask", fault)
        if self.sky.fault_rate:
            world.misbehave(rate=self.sky.fault_rate, seed=self.seed)
        world.calm_after = self.calm_after
        return world, perform(world, verb, Steady(self.seed), latency=self.latency, cut=self.cut)

    @property
    def is_determined(self) -> bool:
        """Whether both drivers can be cut short where this says: a request of the sync one cannot."""
        return self.cut is None or (self.cut.request is None and not self.latency)


def check(schedule: Schedule) -> None:
    """Compare what is said about tasks with what is true, under both drivers, and the drivers with each other."""
    world, ending = schedule.run(run_sync)
    check_truth(schedule, world, ending)
    if schedule.cut is not None and schedule.cut.request is not None:
        return  # Ctrl-C ends an event loop
    other_world, other = schedule.run(run_async)
    check_truth(schedule, other_world, other)
    if schedule.is_determined and ending.was_cut == other.was_cut:  # an event set at the last look comes too late
        assert ending.trace == other.trace, "the drivers do not do the same"
        assert ending.ended == other.ended
        assert ending.kind == other.kind or {ending.kind, other.kind} == {"WaitCancelled", "CancelledError"}
        assert str(ending.error) == str(other.error) or ending.kind != other.kind
        assert ending.result == other.result


def check_truth(schedule: Schedule, world: World, ending: Ending, family: str = "job") -> None:
    """Compare what is said about tasks with what is true of them."""
    launched = world.of_family(family)
    runs = run_tasks_of(ending, family)
    room = 60.0 if schedule.on_partial == "top_up" else 0.0
    check_requests(runs, until=ending.began + room + schedule.latency)
    check_none_twice(launched, schedule.count or 1, ending)
    was_cut = check_cut(
        schedule.cut, ending, to_be_stopped(world, launched, ending), schedule.on_cancel, latency=schedule.latency
    )
    stops = [call for call in ending.calls if call.operation == "StopTask"]
    gave_up = was_cut and schedule.on_cancel != "leave"
    began = max((call.time for call in runs), default=ending.began)
    late = schedule.on_timeout != "leave" and (
        isinstance(ending.error, WaitTimeout) or all(call.time >= began + schedule.timeout - CLOSE for call in stops)
    )
    if not gave_up and not late and schedule.on_partial != "stop_started":
        assert not stops, "no task was to be stopped"
    if was_cut:
        return
    view = View(
        truths={truth.id: truth for truth in launched},
        lag=world.lag,
        given={truth.id for truth in launched},
        grace=60.0,
        timeout=schedule.timeout,
        latency=schedule.latency,
    )
    # What comes after a timeout is no part of the wait.
    end = min((call.time for call in stops), default=ending.ended) if late else ending.ended
    looks = [look for look in ending.looks if look.time <= end]
    wait = attrs.evolve(ending, began=began, ended=end, looks=looks)
    if not schedule.latency and not isinstance(ending.error, TasksNotStarted):
        check_looks(view, wait)
    match ending.error:
        case None | TaskFailedError():
            _check_outcomes(schedule, view, ending)
        case WaitTimeout():
            _check_late(schedule, to_be_stopped(world, launched, ending), ending)
            if not schedule.latency:
                check_wait_error("tasks_stopped", view, wait, ending.error)
        case WaitError():
            check_wait_error("tasks_stopped", view, wait, ending.error)
        case _:
            assert isinstance(ending.error, EcsError)


def _check_outcomes(schedule: Schedule, view: View, ending: Ending) -> None:
    outcomes: list[TaskOutcome]
    if isinstance(ending.error, TaskFailedError):
        outcomes = list(ending.error.outcomes)
        assert not all(outcome.succeeded for outcome in outcomes)
    else:
        outcomes = [ending.result] if schedule.count is None else ending.result
        assert all(outcome.succeeded for outcome in outcomes), "false success"
    assert len(outcomes) == (schedule.count or 1) or schedule.on_partial == "keep"
    assert len({outcome.task.task_arn for outcome in outcomes}) == len(outcomes)
    for outcome in outcomes:
        check_outcome(view, outcome, ending.ended)


def _check_late(schedule: Schedule, to_stop: Sequence[Truth], ending: Ending) -> None:
    cause = ending.error.__cause__ if ending.error is not None else None
    if schedule.on_timeout == "leave":
        return
    failed = {name.rsplit("/", 1)[-1] for name in cause.errors} if isinstance(cause, TasksNotStopped) else set[str]()
    assert cause is None or isinstance(cause, TasksNotStopped | WaitError)
    for truth in to_stop:
        assert truth.id in failed or not truth.wants_to_run(ending.ended), f"{truth.id} runs on"
        if schedule.on_timeout == "stop_and_wait" and cause is None:
            assert truth.rank(ending.ended) == STOPPED, f"{truth.id} is {truth.status(ending.ended)}"


@pytest.mark.parametrize("block", range(5))
def test_no_outcome_is_untrue_and_nothing_runs_on(block: int) -> None:
    """No false success, no task twice, nothing left that was to be stopped; both drivers do the same."""
    check_all(check, map(Schedule.of, range(block * 130, block * 130 + 130)), "check(Schedule.of({}))".format)


@pytest.mark.parametrize("run", [run_sync, run_async])
def test_nothing_runs_on_that_was_not_visible_when_time_was_up(run: Any) -> None:
    """A task that reads show only after the deadline is stopped at the deadline, if the caller has said so."""
    schedule = Schedule(
        seed=1,
        count=None,
        lives=(Life(1.0, 0.0, 2.0, "never"),),
        sky=Sky(visible_after=12.0),
        faults=(),
        calm_after=None,
        on_partial="raise",
        on_timeout="stop",
        on_cancel="stop",
        timeout=5.0,
        latency=0.0,
        cut=None,
    )
    world, ending = schedule.run(run)
    assert not [truth for truth in world.of_family("job") if truth.wants_to_run(ending.ended)], ending.kind
