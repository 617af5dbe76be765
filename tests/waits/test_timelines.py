"""Timelines and verdicts of the waits for tasks: what DescribeTasks shows, poll by poll, and how the wait ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from ecskit._core.effects import Flow
from ecskit.models import Task

from .support import arn, run_both, tasks_running, tasks_stopped, timeline

WAITS = {"running": tasks_running, "stopped": tasks_stopped}


@attrs.frozen
class Row:
    """One scenario."""

    what: str
    """What the scenario tests."""
    wait: str
    timeline: str
    verdict: str
    """The last states of the tasks, or the error."""
    calls: int
    says: str = ""
    """Parts of the error's message, separated by ` | `."""
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    elapsed: float | None = None


def rows(wait: str, *table: tuple[Any, ...], **options: Any) -> list[Any]:
    made: list[Any] = []
    for what, words, verdict, calls, *rest in table:
        says, more = rest[0] if rest else "", dict(rest[1] if len(rest) > 1 else {})
        elapsed = more.pop("elapsed", None)
        row = Row(what, wait, words, verdict, calls, says, {**options, **more}, elapsed)
        made.append(pytest.param(row, id=f"{wait}: {what}"))
    return made


RUNNING = rows(
    "running",
    ("it runs already", "R", "RUNNING", 1),
    ("one look after the other", "V P A R", "RUNNING", 4),
    ("states may be skipped", "V R", "RUNNING", 2),
    ("not visible yet, right after RunTask", "- - - P R", "RUNNING", 5),
    ("a short task has stopped already", "S", "TaskStoppedEarly", 1, "stopped early | a is STOPPED"),
    ("it stops before it runs", "P P S", "TaskStoppedEarly", 3, "after 13 s | PENDING x2, STOPPED x1"),
    ("deactivating is past running", "P D", "TaskStoppedEarly", 2, "is DEACTIVATING"),
    ("stopping is past running", "G", "TaskStoppedEarly", 1, "is STOPPING"),
    ("deprovisioning is past running", "E", "TaskStoppedEarly", 1, "is DEPROVISIONING"),
    ("deleted is past running", "X", "TaskStoppedEarly", 1, "is DELETED"),
    ("missing for ever", "-", "TaskNotVisible", 0, "within 60 s (visibility_grace) | MISSING x", {"elapsed": 60}),
    ("seen, then missing for a moment", "P - - R", "RUNNING", 4),
    ("a stale replica steps back", "P5 V3 P5 R7", "RUNNING", 4),
    ("no step back to an older version", "R5/P1 P3/R2", "RUNNING/RUNNING", 2, "", {"tasks": 2}),
    ("no step back at the same version", "R5/P1 P5/R2", "RUNNING/RUNNING", 2, "", {"tasks": 2}),
    ("no step back without versions", "R/P P/R", "RUNNING/RUNNING", 2, "", {"tasks": 2}),
    ("a newer version counts whatever its state", "R5/P1 P6/R2 R7/R2", "RUNNING/RUNNING", 3, "", {"tasks": 2}),
    ("all have to run", "R1/P1 R1/A2 R1/R3", "RUNNING/RUNNING", 3, "", {"tasks": 2}),
    ("one that ran and stopped does not count as running", "R/P S/R", "TaskStoppedEarly", 2, "a is", {"tasks": 2}),
    ("one that runs stays known while the other comes", "R/- -/P -/R", "RUNNING/RUNNING", 3, "", {"tasks": 2}),
    ("only those to blame are blamed", "R/S/P", "TaskStoppedEarly", 1, "after 0 s: task b is STOPPED", {"tasks": 3}),
    (
        "one of two never visible",
        "R/-",
        "TaskNotVisible",
        0,
        "60 s: task b in cluster 'prod' was not",
        {"tasks": 2, "elapsed": 60},
    ),
    ("a bad end comes before an unknown one", "-/S", "TaskStoppedEarly", 1, "0 s: task b is", {"tasks": 2}),
)

STOPPED = rows(
    "stopped",
    ("it has stopped already", "S", "STOPPED", 1),
    ("a whole life", "- - - P R S", "STOPPED", 6),
    ("all the states", "V P A R D G E S", "STOPPED", 8),
    ("a step back of a stale replica", "R5 P3 S7", "STOPPED", 3),
    ("the same version, an earlier state", "R5 P5 R5 S6", "STOPPED", 4),
    ("an equal version with a later state is news", "P5 S5", "STOPPED", 2),
    ("no versions at all", "R P R S", "STOPPED", 4),
    ("versions only now and then: the later state counts", "R5 P S", "STOPPED", 3),
    ("a version that turns up late", "R P5 S5", "STOPPED", 3),
    ("deleted is stopped", "R X", "DELETED", 2),
    ("throttled after the SDK's own retries", "R !throttle !throttle !throttle !throttle !throttle S", "STOPPED", 7),
    ("the server fails", "R !500 S", "STOPPED", 3),
    ("the connection breaks", "R !reset !timeout S", "STOPPED", 4),
    ("garbage for an answer", "!garbled S", "STOPPED", 2),
    ("one stopped, the other missing from the start", "S/-", "TaskNotVisible", 0, "task b", {"tasks": 2}),
    ("one stopped, the other seen and then missing", "S/R S/-", "TaskPurged", 0, "task b was RUNNING", {"tasks": 2}),
    ("one stopped, the other missing for a while", "S/R -/- -/- -/S", "STOPPED/STOPPED", 4, "", {"tasks": 2}),
    ("all missing", "-/-", "TaskNotVisible", 0, "task a in | task b in | MISSING x", {"tasks": 2, "elapsed": 60}),
    ("stopped, then missing", "S~ -", "STOPPED", 2),
    ("it ran, and two hours later it is missing", "R -", "TaskPurged", 0, "was RUNNING, then not found"),
    ("missing never erases: it is back", "R - - - R - S", "STOPPED", 7),
    ("a state of tomorrow", "R5 H6 S7", "STOPPED", 3),
    ("a state of tomorrow, and nothing after it", "R5 H6", "WaitTimeout", 0, "is HIBERNATING", {"timeout": 30}),
    ("a state of tomorrow without a version is older than one of today", "R H S", "STOPPED", 3),
    ("all, in any order", "R/S S/R", "STOPPED/STOPPED", 2, "", {"tasks": 2}),
    ("terminal is final, whatever the version says", "S5~ R6 S5", "STOPPED", 3),
    ("terminal is final, also against states of tomorrow", "S5~ H9 S5", "STOPPED", 3),
    ("details that come with the next look", "R S5~ S6", "STOPPED", 3),
    ("details that never come", "R S~", "STOPPED", 4),
    ("details that never come, although versions do", "R S1~ S2~ S3~ S4~ S5~", "STOPPED", 4),
    ("details that never come, beside a stale replica", "R5 S6~ R5 R5 S6~", "STOPPED", 4),
)

BAD_ENDS = [
    pytest.param("!denied", "AccessDeniedException", id="no permission"),
    pytest.param("!cluster", "ClusterNotFoundException", id="no such cluster"),
    pytest.param("!expired", "AccessDeniedException", id="expired token"),
    pytest.param("!credentials", "CredentialsError", id="no credentials"),
]


@pytest.mark.parametrize("row", RUNNING + STOPPED)
def test_timeline(row: Row) -> None:
    """A timeline has the verdict of its row, under both drivers, after that number of polls."""
    options = dict(row.options)
    ids = [arn(id_) for id_ in "abcdefgh"[: options.pop("tasks", 1)]]
    run = run_both(timeline(row.timeline), lambda: WAITS[row.wait](ids, **options))
    assert run.verdict == row.verdict, str(run.error)
    assert len(run.calls) == row.calls or not row.calls, run.times
    for part in row.says.split(" | "):
        assert part in str(run.error)
    if row.elapsed is not None:
        assert run.elapsed == row.elapsed
    if run.error is None:
        assert run.result is not None
        assert [task.task_arn for task in run.result] == ids


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize(("word", "verdict"), BAD_ENDS)
@pytest.mark.parametrize("before", ["", "- ", "P - !throttle "])
def test_a_denied_poll_ends_the_wait_at_once(wait: str, word: str, verdict: str, before: str) -> None:
    """Errors that cannot pass end the wait at once."""
    run = run_both(timeline(before + word), lambda: WAITS[wait](arn("a")))
    assert (run.verdict, len(run.calls)) == (verdict, len(before.split()) + 1)


def test_the_newest_observation_is_returned() -> None:
    """The observation with the highest version is returned, not the last one."""
    run = run_both(timeline("P1/R9 R4/R7"), lambda: tasks_running([arn("a"), arn("b")]))
    assert run.result is not None
    assert [task.version for task in run.result] == [4, 9]


def test_stale_reads_and_missing_ones_are_counted() -> None:
    """The story of an error counts stale observations."""
    run = run_both(timeline("- - - R5 P3 R5 P4"), lambda: tasks_stopped(arn("a"), timeout=60))
    story = run.story
    assert story.states["MISSING"] == 3
    assert story.stale == len(run.calls) - 5
    assert list(story.states) == ["MISSING", "RUNNING", "PENDING"]


# Purged: at least 30 s and several reads, from an unbroken run.


def test_purged_takes_thirty_seconds_whatever_the_number_of_polls() -> None:
    """Polling every second does not make a task purged earlier."""
    from tenacity.wait import wait_fixed

    run = run_both(timeline("R -"), lambda: tasks_stopped(arn("a"), poll=wait_fixed(1)))
    assert run.verdict == "TaskPurged"
    assert 30 <= run.elapsed - run.times[1] < 31.1
    assert "was RUNNING, then not found for 3" in str(run.error)


def test_purged_takes_several_polls_whatever_their_duration() -> None:
    """A single poll a minute later is not enough."""
    from tenacity.wait import wait_fixed

    run = run_both(timeline("R -"), lambda: tasks_stopped(arn("a"), poll=wait_fixed(60)))
    assert (run.verdict, len(run.calls)) == ("TaskPurged", 4)


def test_purged_counts_from_an_unbroken_run() -> None:
    """A stale replica that shows the task starts the count again; errors do not."""
    from tenacity.wait import wait_fixed

    def flow() -> Flow[list[Task]]:
        return tasks_stopped(arn("a"), poll=wait_fixed(10))

    broken = run_both(timeline("R5 - - - P3 -"), flow)
    assert broken.verdict == "TaskPurged"
    assert broken.times[-2] - broken.times[5] < 30 <= broken.elapsed - broken.times[5]
    errors = run_both(timeline("R5 - !500 - - -"), flow)
    assert errors.verdict == "TaskPurged"
    assert errors.elapsed - errors.times[1] >= 30
    assert len(errors.calls) <= 6


def test_a_stopped_task_that_is_missing_later_has_stopped() -> None:
    """A task that has stopped stays stopped when it is purged."""
    run = run_both(timeline("R S~ - - -"), lambda: tasks_stopped(arn("a")))
    assert (run.verdict, len(run.calls)) == ("STOPPED", 3)


# The grace.


@pytest.mark.parametrize("grace", [0.0, 0.1, 7.3, 60.0, 599.9])
def test_the_grace_ends_with_a_poll_at_its_end(grace: float) -> None:
    """The wait ends with a poll exactly at the end of the grace."""
    run = run_both(timeline("-"), lambda: tasks_stopped(arn("a"), visibility_grace=grace))
    assert (run.verdict, run.elapsed) == ("TaskNotVisible", grace)


def test_the_grace_ends_with_a_poll_at_its_end_whatever_the_strategy() -> None:
    """The poll at the end of the grace is made even if the strategy polls once an hour."""
    from tenacity.wait import wait_fixed

    run = run_both(timeline("-"), lambda: tasks_stopped(arn("a"), poll=wait_fixed(3600), timeout=None))
    assert (run.verdict, run.times) == ("TaskNotVisible", [0, 60])


def test_errors_during_the_grace_are_no_observation() -> None:
    """A task whose requests all failed is not TaskNotVisible."""
    words = " ".join(["!throttle"] * 20)
    run = run_both(timeline(f"{words} R"), lambda: tasks_running(arn("a"), timeout=None))
    assert run.verdict == "RUNNING"
    assert run.elapsed > 60


def test_errors_without_end_are_a_timeout() -> None:
    """The timeout holds the last error."""
    run = run_both(timeline("!throttle"), lambda: tasks_running(arn("a"), timeout=100))
    assert (run.verdict, run.elapsed) == ("WaitTimeout", 100)
    assert "last error: DescribeTasks: ThrottlingException: slow down" in str(run.error)


def test_the_first_answer_after_the_grace_ends_the_wait() -> None:
    """The first answered poll after the grace ends the wait, if it does not show the task."""
    words = " ".join(["!throttle"] * 12)
    run = run_both(timeline(f"{words} -"), lambda: tasks_running(arn("a")))
    assert (run.verdict, len(run.calls)) == ("TaskNotVisible", 13)
