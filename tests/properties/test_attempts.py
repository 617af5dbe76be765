"""Tasks that are run again through random lives, faults, lags and cuts: never two at a time, and never what has run."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from support.both_clients import Ecs, Went, perform
from support.cutting_short import CUTS
from support.definitions import NETWORK, register

from ecskit._simulator.records.resources import Task
from ecskit._simulator.task_lifecycle import latest, snapshot
from ecskit.errors import EcsError, TaskFailedError
from ecskit.models import AwsVpcConfiguration
from ecskit.testing import Fault, Lag, Simulator, TaskScript

SEEDS = 25
FARGATE: dict[str, Any] = {
    "launch_type": "FARGATE",
    "network": AwsVpcConfiguration(subnets=NETWORK["awsvpcConfiguration"]["subnets"]),
}


def some_script(random: Random) -> TaskScript:
    """Return a life: it may fail to start, start late, be interrupted, fail or succeed."""
    start = random.choice([1.0, 10.0, 29.5, 30.0, 31.0, 500.0])
    after = random.choice([0.0, 3.0, 40.0])
    match random.randrange(7):
        case 0:
            return TaskScript.fails_to_pull("unexpected status code 503 Service Unavailable", after=start)
        case 1:
            return TaskScript.fails_to_pull("manifest unknown", after=start)
        case 2:
            return TaskScript(time_to_start=start, run_time=after, stop_code="SpotInterruption", stopped_reason="Spot.")
        case 3:
            return TaskScript(time_to_start=start, run_time=after, exit_codes=3)
        case 4:
            return TaskScript(time_to_start=500, time_to_stop=random.choice([1.0, 60.0]))
        case _:
            return TaskScript(time_to_start=start, run_time=after, time_to_stop=random.choice([0.0, 5.0]))


def some_world(seed: int, *, gentle: bool = False) -> Simulator:
    """Return a simulator in which requests fail and reads lag behind; if gentle, for less than a clean-up may take."""
    random = Random(seed)
    lag = random.choice([None, Lag(stale_by=3), Lag(visible_after=4)])
    sim = Simulator(seed=seed, lag=lag)
    register(sim, "job")
    sim.script("job", [some_script(random) for _ in range(6)])
    faults = [
        Fault.reset(after_effect=True),
        Fault.reset(),
        Fault.throttled(),
        Fault.server_error(),
        Fault.no_capacity(),
    ]
    for operation in ("RunTask", "RunTask", "StopTask", "DescribeTasks"):
        fault = random.choice(faults[: 5 if operation == "RunTask" else 4])
        if random.random() < 0.5:
            times = random.choice([1, 2, 2 if gentle else 7])
            sim.fail(operation, fault, times=times, after=random.choice([0.0, 1.0, 20.0, 60.0]))
    return sim


def ran(task: Task) -> bool:
    """Whether a task ever was RUNNING."""
    return any(step.task.get("lastStatus") == "RUNNING" for step in task.steps if step.at <= task.steps[-1].at)


def check(went: Went, count: int, *, interrupted: bool, cut: bool) -> None:
    """Check what is true of all tasks, whatever happened."""
    tasks: list[Task] = list(went.sim._account.tasks.values())
    for task in tasks:
        before = [each for each in tasks if each.created_at <= task.created_at]
        assert sum(latest(each.steps, task.created_at, "lastStatus") != "STOPPED" for each in before) <= count
    if cut and went.error is not None and not isinstance(went.error, EcsError):
        assert went.running == []
    outcomes = [] if went.error else went.result
    if isinstance(went.error, TaskFailedError):
        outcomes = went.error.outcomes
    by_arn = {task.arn: task for task in tasks}
    for outcome in outcomes:
        for attempt in outcome.earlier:
            end = snapshot(by_arn[attempt.task.task_arn].steps, float("inf")).task
            began_to_run = ran(by_arn[attempt.task.task_arn])
            assert end["stopCode"] != "EssentialContainerExited"
            assert not began_to_run or interrupted
    if outcomes:
        shown = [each.task.task_arn for outcome in outcomes for each in outcome.attempts]
        lost = went.error is not None and went.error.__cause__ is not None
        assert len(shown) == len(tasks) or lost
        assert len({*shown}) == len(shown)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_attempts(seed: int) -> None:
    """To the end, and cut short at a random request."""
    random = Random(f"options {seed}")
    count, retries, interrupted = random.choice([1, 1, 3]), random.choice([1, 2, 4]), random.random() < 0.4
    timeout = random.choice([100.0, 2000.0])

    def act(ecs: Any, **more: Any) -> Any:
        return ecs.tasks.run_to_completion(
            "job",
            **FARGATE,
            **more,
            count=count,
            retries=retries,
            retry_interrupted=interrupted,
            start_timeout=30,
            timeout=timeout,
            on_cancel="stop",
            on_timeout="stop",
        )

    went = perform(act, Ecs.sync(some_world(seed)))
    check(went, count, interrupted=interrupted, cut=False)
    name = random.choice([*CUTS])
    n, after = random.randrange(max(1, len(went.calls))), random.random() < 0.5
    cutting, _ = CUTS[name]
    check(cutting(act, lambda: some_world(seed, gentle=True), n, after=after), count, interrupted=interrupted, cut=True)
