"""Lines that are read slowly: one a page and one page a second, so that a round takes longer than tokens and ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from support.both_clients import Act, Ecs, end_of
from tenacity.wait import wait_fixed

from ecskit.models import AwsVpcConfiguration
from ecskit.testing import Fault, LogBehaviour, LogEntry, Simulator, TaskScript

from .support import awslogs, furnished, logs

NETWORK = AwsVpcConfiguration(subnets=["subnet-1"])
PAIR: list[dict[str, Any]] = [
    {"name": "app", "logConfiguration": awslogs()},
    {"name": "side", "essential": False, "logConfiguration": awslogs(group="/ecs/side")},
]


def read(act: Act, make: Callable[[], Simulator]) -> tuple[list[str], Simulator]:
    """Return the lines that an act yields, one request a second."""
    sim = make()
    with sim.client(polls_per_second=1) as client:
        ended = end_of(act, Ecs.of(client, sim, "sync"))
    assert ended.error is None
    return [line.message for line in ended.items or ()], sim


def job(seen: list[str], **options: Any) -> Act:
    """Return an act that runs a job and keeps its lines."""
    options = {"launch_type": "FARGATE", "network": NETWORK, **options}
    return lambda ecs: ecs.tasks.run_to_completion("job", on_log=lambda line: seen.append(line.message), **options)


def slow(script: TaskScript | Sequence[TaskScript], token_lifetime: float = 20.0, **options: Any) -> Any:
    """Return a function that makes a simulator with one line a page."""
    return furnished(script, behaviour=LogBehaviour(page_size=1, token_lifetime=token_lifetime), **options)


def refuse(sim: Simulator) -> None:
    """Refuse FilterLogEvents in the middle of a pass."""
    sim.fail("FilterLogEvents", Fault.access_denied(), times=None, after=60)


@pytest.mark.parametrize(("prepare", "token_lifetime"), [(lambda _: None, 2.0), (refuse, 999.0)])
def test_a_pass_that_is_interrupted_continues_where_it_was(prepare: Any, token_lifetime: float) -> None:
    """The pass before has read later lines than those that this one has still to read."""
    entries = [LogEntry(n / 2, f"{n}", container="app") for n in range(30)]
    entries += [LogEntry(0.1 + n / 9, f"late {n}", container="app", delay=9.5) for n in range(4)]
    entries += [LogEntry(n / 9, f"side {n}", container="side") for n in range(3)]
    script = TaskScript(run_time=30, logs=entries)
    got, _ = read(logs(follow=True), slow(script, token_lifetime, containers=PAIR, prepare=prepare))
    assert Counter(got) == Counter(entry.message for entry in entries)


def test_the_last_line_of_a_task_whose_round_takes_long() -> None:
    """It becomes visible after the round has read its stream. Another task makes the round take half a minute."""
    seen: list[str] = []
    short = TaskScript(run_time=5, time_to_stop=0, logs=[LogEntry(4.9, "last words", delay=9.5)])
    long = TaskScript(run_time=60, logs=[(11 + n / 99, f"{n}") for n in range(40)])
    read(job(seen, count=2, poll=wait_fixed(3)), slow([short, long], count=0))
    assert Counter(seen) == Counter(["last words", *map(str, range(40))])


def test_throttles_at_the_end_lose_no_line() -> None:
    """Reading the rest takes longer than half a minute after the task has stopped."""

    def throttle(sim: Simulator) -> None:
        for second in (70, 75, 80):
            sim.fail("FilterLogEvents", Fault.throttled(), after=second)

    seen: list[str] = []
    script = TaskScript(run_time=5, logs=[(n / 99, f"{n}") for n in range(50)])
    read(job(seen), slow(script, count=0, prepare=throttle))
    assert seen == [str(n) for n in range(50)]


def test_a_timeout_ends_the_reading_of_lines_without_end(caplog: pytest.LogCaptureFixture) -> None:
    """The task writes faster than they are read. One warning has what was left out."""
    script = TaskScript(logs=[(n / 9, f"{n}") for n in range(900)])
    got, sim = read(logs(follow=True, timeout=25), slow(script))
    assert got == [str(n) for n in range(len(got))]
    assert 40 < len(got)
    assert 85 < sim.clock.now() < 95
    assert [record.getMessage() for record in caplog.records] == [
        "tasks.logs: lines were left out, because reading them takes 60 s longer than the timeout"
    ]
