"""Read the lines of tasks and follow them, with both clients on the simulator."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from support.both_clients import through_botocore

from ecskit.testing import Fault, LogBehaviour, LogEntry, Simulator, TaskScript

from .support import NAMES, SCRIPT, awslogs, furnished, lines, logs, messages

IN_ORDER = ["start", "start", "five", "late", "seven", "last"]
AS_VISIBLE = ["start", "start", "five", "seven", "late", "last"]


def stopped(sim: Simulator) -> None:
    """Let the tasks stop."""
    sim.clock.advance(120)


def test_lines_of_a_stopped_task_come_by_time() -> None:
    """Each has its time, container, task and stream."""
    went = lines(logs(), furnished(prepare=stopped))
    assert messages(went) == IN_ORDER
    first = went.items[0]
    assert first.time == datetime.fromtimestamp(1_750_000_020, timezone.utc)
    assert (first.container, first.task_arn, first.late) == ("app", went.sim.tasks()[0].arn, False)
    assert first.stream.group == "/ecs/job"
    assert str(first) == "app | start"
    assert went.operations == ["DescribeTasks", "DescribeTaskDefinition", "FilterLogEvents"]


@pytest.mark.parametrize(
    "behaviour", [LogBehaviour(), LogBehaviour(page_size=1), LogBehaviour(page_size=2, empty_pages=True)]
)
def test_following_ends_by_itself(behaviour: LogBehaviour) -> None:
    """It ends about ten seconds after the task has stopped. A line that became visible after a later one is late."""
    went = lines(logs(follow=True), furnished(behaviour=behaviour))
    assert messages(went) == AS_VISIBLE
    assert [line.message for line in went.items if line.late] == ["late"]
    assert 69 <= went.elapsed <= 85


def test_lines_that_appear_after_the_end_are_awaited() -> None:
    """The last lines of a task become visible up to ten seconds later."""
    script = TaskScript(run_time=5, time_to_stop=0, logs=[LogEntry(5, "last words", delay=9.5)])
    went = lines(logs(follow=True), furnished(script))
    assert messages(went) == ["last words"]


@pytest.mark.parametrize("count", [0, 1, 3, 6, 50])
def test_the_last_lines(count: int) -> None:
    """They are read from the end of the stream, with one request."""
    went = lines(logs(tail=count), furnished(prepare=stopped))
    assert messages(went) == IN_ORDER[len(IN_ORDER) - min(count, 6) :]
    # Only a second page shows that there are no more lines.
    assert went.operations[2:] == ["GetLogEvents"] * (2 if count > 6 else 1)


@pytest.mark.parametrize("empty_pages", [False, True])
def test_the_last_lines_and_what_follows(empty_pages: bool) -> None:  # noqa: FBT001  # a case
    """No line of the beginning is yielded twice, and those before it are left out."""

    def five_seconds_in(sim: Simulator) -> None:
        sim.clock.advance(26.5)

    behaviour = LogBehaviour(page_size=2, empty_pages=empty_pages)
    went = lines(logs(tail=1, follow=True), furnished(prepare=five_seconds_in, behaviour=behaviour))
    assert messages(went) == ["five", "seven", "late", "last"]


def test_since_and_until() -> None:
    """Both are inclusive, as moments or as the time before now."""

    def at(seconds: float) -> datetime:
        return datetime.fromtimestamp(1_750_000_020 + seconds, timezone.utc)

    make = furnished(prepare=stopped)
    assert messages(lines(logs(since=at(5), until=at(7)), make)) == ["five", "late", "seven"]
    # 120 s have passed, and the task began to run at 20 s.
    assert messages(lines(logs(since=timedelta(seconds=94)), make)) == ["late", "seven", "last"]
    assert messages(lines(logs(since=timedelta(seconds=95), until=timedelta(seconds=94)), make)) == ["five", "late"]
    assert messages(lines(logs(tail=2, until=at(7)), make)) == ["late", "seven"]


PAIR: list[dict[str, Any]] = [
    {"name": "app", "logConfiguration": awslogs()},
    {"name": "side", "essential": False, "logConfiguration": awslogs(group="/ecs/side")},
]


def test_several_containers_are_merged_by_time() -> None:
    """They may log to several groups; `containers` picks some."""
    script = TaskScript(run_time=9, logs=[LogEntry(n, str(n), container="app" if n % 3 else "side") for n in range(9)])
    make = furnished(script, containers=PAIR, behaviour=LogBehaviour(page_size=2))
    assert messages(lines(logs(follow=True), make)) == [str(n) for n in range(9)]
    assert messages(lines(logs(follow=True, containers=["side"]), make)) == ["0", "3", "6"]


def test_many_tasks_are_read_together() -> None:
    """200 tasks of one group and prefix take a few calls a second; each line is yielded once."""
    script = TaskScript(run_time=20, logs=[(10 * n, f"line {n}") for n in range(2)])
    make = furnished(script, count=200)
    went = lines(logs(follow=True), make)
    assert len(went.items) == len({(line.task_arn, line.message) for line in went.items}) == 400
    times = went.times("FilterLogEvents")
    assert all(later - earlier >= 1.0 for earlier, later in zip(times, times[5:], strict=False))
    assert len(times) <= went.elapsed


def test_the_budget_holds_for_all_tails_of_a_client() -> None:
    """Streams of several groups are read in turn; in no second are more than five calls sent, after a burst of five."""
    groups = [{"name": f"c{n}", "logConfiguration": awslogs(group=f"/g/{n}")} for n in range(8)]
    script = TaskScript(run_time=20, logs=[LogEntry(n, f"{n}", container=f"c{n % 8}") for n in range(20)])
    went = lines(logs(follow=True), furnished(script, containers=groups, count=3))
    assert len(went.items) == 60
    times = sorted(went.times("FilterLogEvents"))
    for start in times:
        assert sum(start <= time < start + 10 for time in times) <= 55 + 1


def throttled(sim: Simulator) -> None:
    """Throttle many requests."""
    sim.fail("FilterLogEvents", Fault.throttled(), times=12)


def shaken(sim: Simulator) -> None:
    """Fail a third of the reads."""
    sim.misbehave(rate=0.3, seed=3)


def refused_in_the_middle(sim: Simulator) -> None:
    """Refuse FilterLogEvents after some time."""
    sim.fail("FilterLogEvents", Fault.access_denied(), times=None, after=27)


def refused(sim: Simulator) -> None:
    """Refuse FilterLogEvents."""
    sim.fail("FilterLogEvents", Fault.access_denied(), times=None)


@pytest.mark.parametrize("prepare", [throttled, shaken, refused_in_the_middle, refused])
@pytest.mark.parametrize("behaviour", [LogBehaviour(), LogBehaviour(page_size=2, empty_pages=True, token_lifetime=10)])
def test_what_fails_loses_no_line(prepare: Any, behaviour: LogBehaviour) -> None:
    """Throttles, resets, expired tokens, and a refusal of FilterLogEvents, for which GetLogEvents stands in.

    The errors are those of whole clients.
    """
    went = through_botocore(logs(follow=True), furnished(prepare=prepare, behaviour=behaviour))
    assert went.error is None
    assert sorted(messages(went)) == sorted(NAMES)
    assert went.elapsed < 300


def test_throttles_slow_down() -> None:
    """The pauses grow."""
    went = lines(logs(follow=True), furnished(prepare=throttled))
    naps = [later - earlier for earlier, later in pairwise(went.times("FilterLogEvents")[:8])]
    assert naps[-1] > 5 > naps[0]


def test_a_timeout_yields_what_is_there() -> None:
    """The iterator ends without an error."""
    went = lines(logs(follow=True, timeout=30), furnished())
    assert messages(went) == ["start", "start", "five", "seven"]
    assert went.elapsed == 30


def test_a_task_that_stops_logs_no_more() -> None:
    """Another process stops it; lines up to then are read."""

    def stop(sim: Simulator) -> None:
        sim.clock.advance(26)
        sim.handle("StopTask", {"task": sim.tasks()[0].arn})

    went = lines(logs(follow=True), furnished(attr_free(SCRIPT), prepare=stop))
    assert messages(went)[:3] == ["start", "start", "five"]
    assert "last" not in messages(went)


def attr_free(script: TaskScript) -> TaskScript:
    """Return a script that runs until stopped."""
    return TaskScript(logs=script.logs)


def test_streams_named_by_the_container_runtime() -> None:
    """On EC2, without prefix, the stream is known when the container has started."""
    log = awslogs()
    del log["options"]["awslogs-stream-prefix"]

    def make() -> Simulator:
        sim = Simulator()
        container = {"name": "app", "image": "i", "memory": 64, "logConfiguration": log}
        sim.handle("RegisterTaskDefinition", {"family": "job", "containerDefinitions": [container]})
        sim.script("job", SCRIPT)
        document = '{"instanceId": "i-0123456789abcdef0", "instanceType": "m5.large"}'
        resources = [{"name": name, "type": "INTEGER", "integerValue": 4096} for name in ("CPU", "MEMORY")]
        sim.handle("RegisterContainerInstance", {"instanceIdentityDocument": document, "totalResources": resources})
        sim.handle("RunTask", {"taskDefinition": "job"})
        return sim

    went = lines(logs(follow=True), make)
    assert messages(went) == AS_VISIBLE


def test_closing_in_the_middle_leaves_nothing_open() -> None:
    """The consumer takes one line and closes the iterator."""
    sim = furnished()()
    with sim.client() as client:
        with client.tasks.logs(sim.tasks()[0].arn, follow=True) as stream:
            assert next(stream).message == "start"
        count = len(sim.calls)
        sim.clock.advance(60)
        assert len(sim.calls) == count
        assert [line.message for line in client.tasks.logs(sim.tasks()[0].arn)] == IN_ORDER
