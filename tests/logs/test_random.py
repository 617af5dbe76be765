"""Random schedules of lines, flush delays, page cuts, throttles, expired tokens and refusals: the guarantee holds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from random import Random
from typing import Any

import pytest
from support.both_clients import Ecs, Ended, aend_of, end_of

from ecskit.models import AwsVpcConfiguration
from ecskit.tasks import LogLine
from ecskit.testing import Fault, LogBehaviour, LogEntry, Simulator, TaskScript

from .support import awslogs, furnished, logs

SUBNETS = AwsVpcConfiguration(subnets=["subnet-1"])
CONTAINERS = ("app", "side", "third")
OVERLAP = 10.0
"""Seconds after which a line may become visible and is yielded all the same."""


def schedule(random: Random) -> list[LogEntry]:
    """Return lines of some containers: many at the same moment, many that are the same, some of them late."""
    latest = random.choice([0.5, 3.0, OVERLAP - 0.1])
    count = random.randrange(0, 40)
    times = sorted(random.choice([random.uniform(0, 40), random.randrange(10)]) for _ in range(count))
    return [
        LogEntry(time, random.choice("abc"), container=random.choice(CONTAINERS), delay=random.uniform(0, latest))
        for time in times
    ]


def world(seed: int) -> Simulator:
    """Return a simulator with some tasks that write lines."""
    random = Random(seed)
    script = [TaskScript(run_time=random.uniform(1, 40), logs=schedule(random)) for _ in range(3)]
    groups = random.sample(["/a", "/b", "/c"] * 3, 3)
    containers = [
        {"name": name, "logConfiguration": awslogs(group=group)} for name, group in zip(CONTAINERS, groups, strict=True)
    ]
    behaviour = LogBehaviour(
        page_size=random.choice([1, 2, 7, 10_000]),
        empty_pages=random.random() < 0.5,
        token_lifetime=random.choice([20.0, 24 * 3600.0]),
    )
    sim = furnished(script, containers=containers, behaviour=behaviour, count=random.choice([1, 3, 7]), seed=seed)()
    if random.random() < 0.4:
        sim.fail("FilterLogEvents", Fault.access_denied(), times=None, after=random.uniform(0, 60))
    for operation in ("FilterLogEvents", "GetLogEvents"):
        if random.random() < 0.4:
            sim.fail(operation, Fault.throttled(), times=random.randrange(1, 4), after=random.uniform(0, 60))
    return sim


def written(sim: Simulator) -> Counter[tuple[str, str, float, str]]:
    """Return all lines: task, container, time and text. Reads without faults show them."""
    sim.heal()
    sim.script_logs(LogBehaviour())
    with sim.client() as client:
        return counted(list(client.tasks.logs([task.arn for task in sim.tasks()])))


def counted(lines: list[LogLine]) -> Counter[tuple[str, str, float, str]]:
    """Return how often each line is there."""
    return Counter((line.task_arn, line.container, line.time.timestamp(), line.message) for line in lines)


def check(sim: Simulator, ended: Ended, first_call: int, tasks: Collection[str] | None = None) -> None:
    """Check that each line of the tasks was yielded once, in order unless late, within the budget."""
    assert ended.error is None
    times = [call.time for call in sim.calls[first_call:] if call.operation in ("FilterLogEvents", "GetLogEvents")]
    for index in range(len(times)):
        assert sum(times[index] <= time < times[index] + 10 for time in times[index:]) <= 5 * 10 + 5
    latest: dict[Any, Any] = defaultdict(lambda: None)
    for line in ended.items:
        before = latest[line.stream]
        assert line.late == (before is not None and line.time < before)
        latest[line.stream] = line.time if before is None else max(before, line.time)
    expected = {line: count for line, count in written(sim).items() if tasks is None or line[0] in tasks}
    assert counted(ended.items) == expected


@pytest.mark.parametrize("seed", range(6))
async def test_followed_lines_are_complete(seed: int) -> None:
    """Even seeds use the sync client, odd ones the async client."""
    sim = world(seed)
    first_call = len(sim.calls)
    if seed % 2:
        async with sim.async_client() as client:
            ended = await aend_of(logs(follow=True), Ecs.of(client, sim, "async"))
    else:
        with sim.client() as client:
            ended = end_of(logs(follow=True), Ecs.of(client, sim, "sync"))
    assert sim.clock.now() < 900
    check(sim, ended, first_call)


@pytest.mark.parametrize("seed", range(10, 14))
async def test_lines_for_on_log_are_complete(seed: int) -> None:
    """Those of all tasks of the call, before it returns."""
    sim, seen = world(seed), list[LogLine]()
    first_call = len(sim.calls)
    options: Any = {"launch_type": "FARGATE", "network": SUBNETS, "count": 1 + seed % 3, "on_log": seen.append}
    if seed % 2:
        async with sim.async_client() as client:
            outcomes = await client.tasks.run_to_completion("job", **options)
    else:
        with sim.client() as client:
            outcomes = client.tasks.run_to_completion("job", **options)
    check(sim, Ended(None, None, seen), first_call, {outcome.task.task_arn for outcome in outcomes})


def test_tokens_that_expire_between_pages_end_no_pass() -> None:
    """Streams take turns, so tokens of a short life expire each time. Each page shows a new line."""
    names = "abcdef"
    containers = [{"name": name, "logConfiguration": awslogs(group=f"/{name}")} for name in names]
    script = TaskScript(run_time=30, logs=[LogEntry(n / 4, str(n), container=names[n % 6]) for n in range(24)])

    def prepare(sim: Simulator) -> None:
        sim.clock.advance(60)
        sim.fail("FilterLogEvents", Fault.access_denied(), times=None)

    behaviour = LogBehaviour(page_size=1, empty_pages=True, token_lifetime=2)
    sim = furnished(script, containers=containers, behaviour=behaviour, prepare=prepare)()
    with sim.client() as client:
        lines = list(client.tasks.logs(sim.tasks()[0].arn))
    assert [line.message for line in lines] == [str(n) for n in range(24)]
