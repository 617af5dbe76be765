"""When a wait polls, and when it times out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tenacity import RetryCallState
from tenacity.wait import wait_base, wait_chain, wait_exponential, wait_fixed, wait_incrementing

from ecskit._core.effects import Flow
from ecskit.errors import RequestError
from ecskit.models import Task

from .support import Run, arn, run_both, task, tasks_running, tasks_stopped, timeline

WAITS = [tasks_running, tasks_stopped]


def near(naps: list[float], *expected: float) -> bool:
    """Whether intervals are the expected ones, within the jitter of 10%."""
    return len(naps) == len(expected) and all(0.9 * e <= nap <= 1.1 * e for nap, e in zip(naps, expected, strict=True))


# How often.


def test_intervals_of_a_task_that_starts() -> None:
    """The interval depends on how soon the task can run."""
    run = run_both(timeline("V V V P P P A A R"), lambda: tasks_running(arn("a")))
    assert near(run.naps, 7.5, 7.5, 7.5, 6, 6, 6, 3, 3)


def test_intervals_of_a_task_that_runs() -> None:
    """Intervals grow from 6 to 8 s, and are short while the task is stopping."""
    run = run_both(timeline("R " * 40 + "D G E S"), lambda: tasks_stopped(arn("a")))
    assert near(run.naps, *(min(8, 6 * 1.01**looks) for looks in range(40)), 2, 2, 2)


def test_intervals_of_a_task_that_runs_on_fargate() -> None:
    """Intervals are longer on Fargate, where stopping takes longer."""
    looks = [[task("RUNNING", launchType="FARGATE")]] * 40 + [[task("STOPPED")]]
    run = run_both(looks, lambda: tasks_stopped(arn("a")))
    assert near(run.naps, *(min(12, 8 * 1.02**looks) for looks in range(40)))


def test_intervals_of_a_task_with_an_unknown_status() -> None:
    """Intervals grow from 2 to 5 s, and start again at 2 s after a change."""
    run = run_both(timeline("H H H H H H R"), lambda: tasks_running(arn("a")))
    assert near(run.naps, 2, 3, 4.5, 5, 5, 5)
    run = run_both(timeline("- - - H H H H R"), lambda: tasks_running(arn("a")))
    assert near(run.naps, 2, 3, 4.5, 2, 3, 4.5, 5)


def test_intervals_of_a_task_that_is_not_visible() -> None:
    """Intervals grow from 2 to 5 s until the task is visible."""
    run = run_both(timeline("- - - - - - - R"), lambda: tasks_running(arn("a")))
    assert near(run.naps, 2, 3, 4.5, 5, 5, 5, 5)


def test_the_shortest_interval_of_any_task_counts() -> None:
    """The target with the shortest interval sets the pace."""
    run = run_both(timeline("R/A " * 9 + "S/S"), lambda: tasks_stopped([arn("a"), arn("b")]))
    assert near(run.naps, *[3] * 9)


def test_intervals_grow_with_errors_to_a_cap_and_are_reset() -> None:
    """Intervals double up to 30 s while requests are throttled, and are normal after a success."""
    run = run_both(timeline("R " + "!throttle " * 7 + "R R S"), lambda: tasks_stopped(arn("a")))
    assert near(run.naps, 6, 12, 24, 30, 30, 30, 30, 30, 6, 6)


def test_intervals_grow_with_errors_also_while_a_task_starts() -> None:
    """Back-off also lengthens the short intervals of a task that starts."""
    run = run_both(timeline("P " + "!throttle " * 6 + "P R"), lambda: tasks_running(arn("a")))
    assert near(run.naps, 6, 12, 24, 30, 30, 30, 30, 6)


def test_errors_are_counted() -> None:
    """The story holds all errors."""
    run = run_both(timeline("R " + "!throttle " * 5 + "R"), lambda: tasks_stopped(arn("a"), timeout=150))
    story = run.story
    text = "DescribeTasks: ThrottlingException: slow down (cluster 'prod', task 'a')"
    assert [str(error) for error in story.errors] == [text] * 5


def test_hours_of_errors_do_not_end_a_wait() -> None:
    """1500 failed requests cause no overflow."""
    run = run_both(timeline("R " + "!500 " * 1500 + "S"), lambda: tasks_stopped(arn("a"), timeout=None))
    assert run.verdict == "STOPPED"
    assert max(run.naps) <= 33


def test_only_the_latest_errors_of_a_long_wait_are_kept() -> None:
    """A wait without a timeout keeps a limited number of errors."""
    run = run_both(timeline("R !reset " + "!500 " * 300), lambda: tasks_stopped(arn("a"), timeout=12 * 3600))
    story = run.story
    assert {type(error).__name__ for error in story.errors} == {"ServerException"}
    assert len(story.errors) == 100


def test_missing_stop_details_are_polled_for_shortly() -> None:
    """Two more polls, a second apart, read the stop details."""
    run = run_both(timeline("R S~"), lambda: tasks_stopped(arn("a")))
    assert near(run.naps, 6, 1, 1)


def test_intervals_are_the_same_for_the_same_seed() -> None:
    """The same seed has the same intervals."""
    flow = _stopped_after(12)
    assert _run(flow, 1).times == _run(flow, 1).times


def test_intervals_differ_between_seeds_within_a_tenth() -> None:
    """Every interval has jitter, so that waits that started together spread out."""
    plain = [6.0] * 10
    runs = [_run(_stopped_after(12), seed).naps for seed in range(40)]
    for nap, *others in zip(plain, *runs, strict=False):
        assert all(0.9 * nap <= other <= 1.1 * nap for other in others)
        assert min(others) < 0.95 * nap
        assert max(others) > 1.05 * nap
        assert len(set(others)) == len(others)


def _stopped_after(looks: int) -> Callable[[], Flow[list[Task]]]:
    return lambda: tasks_running(arn("a"), max_polls=looks)


def _run(flow: Callable[[], Flow[list[Task]]], seed: int) -> Run:
    return run_both(timeline("P"), flow, seed=seed)


# Wait strategies of the caller.


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (wait_fixed(7), [7] * 6),
        (wait_fixed(7) + wait_fixed(3), [10] * 6),
        (wait_incrementing(start=1, increment=2), [1, 1, 3, 5, 7, 9]),
        (wait_exponential(multiplier=1, max=10), [1, 1, 2, 4, 8, 10]),
        (wait_chain(wait_fixed(1), wait_fixed(2), wait_fixed(20)), [1, 1, 2, 20, 20, 20]),
        (sum([wait_fixed(1), wait_fixed(2), wait_incrementing(0, 1)]), [3, 3, 4, 5, 6, 7]),
    ],
)
def test_a_tenacity_strategy_sets_the_intervals(strategy: wait_base, expected: list[float]) -> None:
    """Sums of strategies work; the attempt number counts the polls since the last change."""
    run = run_both(timeline("P P P P P P R"), lambda: tasks_running(arn("a"), poll=strategy))
    assert near(run.naps, *expected)


def test_a_strategy_receives_attempts_and_time() -> None:
    """The retry state has the values that tenacity sets."""
    seen: list[tuple[int, float]] = []

    class Curious(wait_base):
        def __call__(self, retry_state: RetryCallState) -> float:
            assert retry_state.seconds_since_start is not None
            seen.append((retry_state.attempt_number, retry_state.seconds_since_start))
            return 10.0

    run = run_both(timeline("V V V P P R"), lambda: tasks_running(arn("a"), poll=Curious()))
    assert [attempt for attempt, _ in seen] == [1, 1, 2, 1, 1] * 2
    assert [seconds for _, seconds in seen] == run.times[:-1] * 2


def test_a_strategy_does_not_delay_the_end_of_the_grace_or_the_deadline() -> None:
    """Two targets with different paces are both polled in time."""
    run = run_both(timeline("-/R"), lambda: tasks_stopped([arn("a"), arn("b")], poll=wait_fixed(3600), timeout=100))
    assert (run.verdict, run.times) == ("TaskNotVisible", [0, 60])
    run = run_both(timeline("R"), lambda: tasks_stopped(arn("a"), poll=wait_fixed(3600), timeout=100))
    assert (run.verdict, run.times) == ("WaitTimeout", [0, 100])


# Timeouts.


@pytest.mark.parametrize("timeout", [0.1, 1, 30.0, 61.3, 599.9, 600.0])
@pytest.mark.parametrize("wait", WAITS)
def test_the_last_poll_is_exactly_at_the_deadline(wait: Any, timeout: float) -> None:
    """One poll is made at the deadline, and its observation decides."""
    run = run_both(timeline("P"), lambda: wait(arn("a"), timeout=timeout))
    assert (run.verdict, run.elapsed, run.times[-1]) == ("WaitTimeout", timeout, timeout)
    late = {"RUNNING": "R", "STOPPED": "S"}["RUNNING" if wait is tasks_running else "STOPPED"]

    def script(ask: Any) -> Any:
        return timeline(late if ask.now >= timeout else "P")[0]

    assert run_both(script, lambda: wait(arn("a"), timeout=timeout)).error is None


@pytest.mark.parametrize(("word", "verdict"), [("P", "WaitTimeout"), ("R", "RUNNING"), ("-", "TaskNotVisible")])
def test_a_timeout_of_zero_is_one_poll(word: str, verdict: str) -> None:
    """`timeout=0` makes one poll."""
    run = run_both(timeline(word), lambda: tasks_running(arn("a"), timeout=0))
    assert (run.verdict, run.times) == (verdict, [0])


def test_a_wait_without_a_timeout_has_no_end() -> None:
    """A wait without a timeout continues for hours."""
    run = run_both(
        lambda ask: timeline("S" if ask.now > 9999 else "R")[0], lambda: tasks_stopped(arn("a"), timeout=None)
    )
    assert run.verdict == "STOPPED"
    assert 9999 < run.elapsed <= 9999 + 16.5


@pytest.mark.parametrize("polls", [1, 2, 5])
def test_max_polls_counts_polls(polls: int) -> None:
    """The limit holds whatever the timeout is."""
    run = run_both(timeline("P"), lambda: tasks_running(arn("a"), max_polls=polls, timeout=None))
    assert (run.verdict, len(run.calls)) == ("WaitTimeout", polls)
    assert f"; {polls} poll{'s' if polls > 1 else ''}: PENDING x{polls}" in str(run.error)


def test_max_polls_counts_polls_that_failed() -> None:
    """Polls with failed requests count for the limit."""
    run = run_both(timeline("!500"), lambda: tasks_running(arn("a"), max_polls=3))
    assert (run.verdict, len(run.calls)) == ("WaitTimeout", 3)


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ("-", "TaskNotVisible"),  # never visible
        ("P -", "WaitTimeout"),  # visible once
        ("- P", "WaitTimeout"),
        ("!500", "WaitTimeout"),  # unknown
        ("- !500", "TaskNotVisible"),
    ],
)
def test_a_deadline_before_the_end_of_the_grace(words: str, verdict: str) -> None:
    """At the timeout, a task that was polled and never visible is TaskNotVisible."""
    run = run_both(timeline(words), lambda: tasks_running(arn("a"), timeout=20))
    assert (run.verdict, run.elapsed) == (verdict, 20)


@pytest.mark.parametrize("latency", [0.3, 4.0, 25.0])
def test_the_duration_of_requests_is_not_added_twice(latency: float) -> None:
    """Intervals begin with the response; the deadline is exceeded by at most one request."""
    run = run_both(timeline("P"), lambda: tasks_running(arn("a"), timeout=60), latency=latency)
    assert run.verdict == "WaitTimeout"
    assert 60 <= run.elapsed <= 60 + latency
    assert all(nap >= 1.8 + latency - 1e-9 for nap in run.naps[:-1])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"timeout": -1}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"max_polls": 0}, "max_polls"),
        ({"max_polls": -3}, "max_polls"),
        ({"visibility_grace": -0.1}, "visibility_grace"),
        ({"visibility_grace": float("nan")}, "visibility_grace"),
        ({"poll": 5}, "poll"),
    ],
)
@pytest.mark.parametrize("wait", WAITS)
def test_bad_options_are_rejected_before_anything_is_sent(wait: Any, options: dict[str, Any], problem: str) -> None:
    """The error names the parameter."""
    run = run_both([], lambda: wait(arn("a"), **options))
    assert isinstance(run.error, RequestError)
    assert ([path for path, _ in run.error.problems], run.calls) == ([problem], [])


def test_all_bad_options_are_in_one_error() -> None:
    """One error holds all problems."""
    with pytest.raises(RequestError) as caught:
        tasks_running(arn("a"), timeout=-1, max_polls=0, visibility_grace=-1)
    assert [path for path, _ in caught.value.problems] == ["timeout", "max_polls", "visibility_grace"]
