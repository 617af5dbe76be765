"""When a wait looks, and when it gives up."""

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
    """Whether naps are what is expected, within the jitter of 10%."""
    return len(naps) == len(expected) and all(0.9 * e <= nap <= 1.1 * e for nap, e in zip(naps, expected, strict=True))


# How often.


def test_naps_of_a_task_that_starts() -> None:
    """The sooner it can run, the shorter."""
    run = run_both(timeline("V V V P P P A A R"), lambda: tasks_running(arn("a")))
    assert near(run.naps, 7.5, 7.5, 7.5, 6, 6, 6, 3, 3)


def test_naps_of_a_task_that_runs() -> None:
    """They grow from 6 to 8 s, and are short while it stops."""
    run = run_both(timeline("R " * 40 + "D G E S"), lambda: tasks_stopped(arn("a")))
    assert near(run.naps, *(min(8, 6 * 1.01**looks) for looks in range(40)), 2, 2, 2)


def test_naps_of_a_task_that_runs_on_fargate() -> None:
    """Longer: it takes longer to stop, so that its stopping is still seen."""
    looks = [[task("RUNNING", launchType="FARGATE")]] * 40 + [[task("STOPPED")]]
    run = run_both(looks, lambda: tasks_stopped(arn("a")))
    assert near(run.naps, *(min(12, 8 * 1.02**looks) for looks in range(40)))


def test_naps_of_a_task_with_a_status_of_tomorrow() -> None:
    """2 s, growing to 5 s; from the beginning when something changes."""
    run = run_both(timeline("H H H H H H R"), lambda: tasks_running(arn("a")))
    assert near(run.naps, 2, 3, 4.5, 5, 5, 5)
    run = run_both(timeline("- - - H H H H R"), lambda: tasks_running(arn("a")))
    assert near(run.naps, 2, 3, 4.5, 2, 3, 4.5, 5)


def test_naps_of_a_task_that_is_not_visible() -> None:
    """As of one that starts."""
    run = run_both(timeline("- - - - - - - R"), lambda: tasks_running(arn("a")))
    assert near(run.naps, 2, 3, 4.5, 5, 5, 5, 5)


def test_naps_are_as_short_as_any_task_needs() -> None:
    """One that is about to run beside one that runs."""
    run = run_both(timeline("R/A " * 9 + "S/S"), lambda: tasks_stopped([arn("a"), arn("b")]))
    assert near(run.naps, *[3] * 9)


def test_naps_grow_with_errors_to_a_cap_and_are_reset() -> None:
    """Throttled five times after the SDK's own retries."""
    run = run_both(timeline("R " + "!throttle " * 7 + "R R S"), lambda: tasks_stopped(arn("a")))
    assert near(run.naps, 6, 12, 24, 30, 30, 30, 30, 30, 6, 6)


def test_naps_grow_with_errors_also_while_a_task_starts() -> None:
    """The pace at which it is looked at gives way: whoever throttles wants to be asked less."""
    run = run_both(timeline("P " + "!throttle " * 6 + "P R"), lambda: tasks_running(arn("a")))
    assert near(run.naps, 6, 12, 24, 30, 30, 30, 30, 6)


def test_errors_are_counted() -> None:
    """All of them are in the story."""
    run = run_both(timeline("R " + "!throttle " * 5 + "R"), lambda: tasks_stopped(arn("a"), timeout=150))
    story = run.story
    assert [str(error) for error in story.errors] == ["DescribeTasks: ThrottlingException: slow down"] * 5


def test_a_night_of_errors_does_not_end_a_wait() -> None:
    """Neither by an overflow nor by memory."""
    run = run_both(timeline("R " + "!500 " * 1500 + "S"), lambda: tasks_stopped(arn("a"), timeout=None))
    assert run.verdict == "STOPPED"
    assert max(run.naps) <= 33


def test_the_errors_of_a_long_wait_are_kept_to_the_latest() -> None:
    """A wait without an end does not collect without one."""
    run = run_both(timeline("R !reset " + "!500 " * 300), lambda: tasks_stopped(arn("a"), timeout=12 * 3600))
    story = run.story
    assert {type(error).__name__ for error in story.errors} == {"ServerException"}
    assert len(story.errors) == 100


def test_stop_details_that_are_late_are_looked_for_shortly() -> None:
    """Twice, a second apart."""
    run = run_both(timeline("R S~"), lambda: tasks_stopped(arn("a")))
    assert near(run.naps, 6, 1, 1)


def test_naps_are_the_same_for_the_same_seed() -> None:
    """Runs can be repeated."""
    flow = _stopped_after(12)
    assert _run(flow, 1).times == _run(flow, 1).times


def test_naps_differ_between_seeds_within_a_tenth() -> None:
    """Every single one, also where the pace is given: waits that started together do not go on together."""
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


# Strategies of the caller's.


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
def test_a_strategy_of_tenacitys_sets_the_naps(strategy: wait_base, expected: list[float]) -> None:
    """Sums too; its attempt number counts the looks since something changed."""
    run = run_both(timeline("P P P P P P R"), lambda: tasks_running(arn("a"), poll=strategy))
    assert near(run.naps, *expected)


def test_a_strategy_sees_attempts_and_time() -> None:
    """As tenacity's own loop would tell them."""
    seen: list[tuple[int, float]] = []

    class Curious(wait_base):
        def __call__(self, retry_state: RetryCallState) -> float:
            assert retry_state.seconds_since_start is not None
            seen.append((retry_state.attempt_number, retry_state.seconds_since_start))
            return 10.0

    run = run_both(timeline("V V V P P R"), lambda: tasks_running(arn("a"), poll=Curious()))
    assert [attempt for attempt, _ in seen] == [1, 1, 2, 1, 1] * 2
    assert [seconds for _, seconds in seen] == run.times[:-1] * 2


def test_a_strategy_does_not_put_off_the_end_of_the_grace_nor_the_deadline() -> None:
    """Both are looked at in time."""
    run = run_both(timeline("-/R"), lambda: tasks_stopped([arn("a"), arn("b")], poll=wait_fixed(3600), timeout=100))
    assert (run.verdict, run.times) == ("TaskNotVisible", [0, 60])
    run = run_both(timeline("R"), lambda: tasks_stopped(arn("a"), poll=wait_fixed(3600), timeout=100))
    assert (run.verdict, run.times) == ("WaitTimeout", [0, 100])


# The end of patience.


@pytest.mark.parametrize("timeout", [0.1, 1, 30.0, 61.3, 599.9, 600.0])
@pytest.mark.parametrize("wait", WAITS)
def test_the_last_look_is_exactly_at_the_deadline(wait: Any, timeout: float) -> None:
    """It is one look, and it counts: what it shows decides."""
    run = run_both(timeline("P"), lambda: wait(arn("a"), timeout=timeout))
    assert (run.verdict, run.elapsed, run.times[-1]) == ("WaitTimeout", timeout, timeout)
    late = {"RUNNING": "R", "STOPPED": "S"}["RUNNING" if wait is tasks_running else "STOPPED"]

    def script(ask: Any) -> Any:
        return timeline(late if ask.now >= timeout else "P")[0]

    assert run_both(script, lambda: wait(arn("a"), timeout=timeout)).error is None


@pytest.mark.parametrize(("word", "verdict"), [("P", "WaitTimeout"), ("R", "RUNNING"), ("-", "TaskNotVisible")])
def test_no_time_is_one_look(word: str, verdict: str) -> None:
    """`timeout=0` asks what is so now."""
    run = run_both(timeline(word), lambda: tasks_running(arn("a"), timeout=0))
    assert (run.verdict, run.times) == (verdict, [0])


def test_no_timeout_is_for_ever() -> None:
    """Hours are nothing."""
    run = run_both(
        lambda ask: timeline("S" if ask.now > 9999 else "R")[0], lambda: tasks_stopped(arn("a"), timeout=None)
    )
    assert run.verdict == "STOPPED"
    assert 9999 < run.elapsed <= 9999 + 16.5


@pytest.mark.parametrize("polls", [1, 2, 5])
def test_max_polls_counts_looks(polls: int) -> None:
    """Whatever time it is."""
    run = run_both(timeline("P"), lambda: tasks_running(arn("a"), max_polls=polls, timeout=None))
    assert (run.verdict, len(run.calls)) == ("WaitTimeout", polls)
    assert f"; {polls} poll{'s' if polls > 1 else ''}: PENDING x{polls}" in str(run.error)


def test_max_polls_counts_looks_that_brought_errors() -> None:
    """They are looks."""
    run = run_both(timeline("!500"), lambda: tasks_running(arn("a"), max_polls=3))
    assert (run.verdict, len(run.calls)) == ("WaitTimeout", 3)


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ("-", "TaskNotVisible"),  # nothing was seen
        ("P -", "WaitTimeout"),  # it was, once
        ("- P", "WaitTimeout"),
        ("!500", "WaitTimeout"),  # nobody knows
        ("- !500", "TaskNotVisible"),
    ],
)
def test_a_deadline_before_the_end_of_the_grace(words: str, verdict: str) -> None:
    """A task that was looked for and never seen is not merely late."""
    run = run_both(timeline(words), lambda: tasks_running(arn("a"), timeout=20))
    assert (run.verdict, run.elapsed) == (verdict, 20)


@pytest.mark.parametrize("latency", [0.3, 4.0, 25.0])
def test_calls_that_take_time_are_not_waited_for_twice(latency: float) -> None:
    """Naps begin when an answer is there; the deadline is overrun by one call at the most."""
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
def test_bad_patience_is_told_before_anything_is_sent(wait: Any, options: dict[str, Any], problem: str) -> None:
    """By the name of the parameter."""
    run = run_both([], lambda: wait(arn("a"), **options))
    assert isinstance(run.error, RequestError)
    assert ([path for path, _ in run.error.problems], run.calls) == ([problem], [])


def test_all_bad_patience_is_told_at_once() -> None:
    """Not one after the other."""
    with pytest.raises(RequestError) as caught:
        tasks_running(arn("a"), timeout=-1, max_polls=0, visibility_grace=-1)
    assert [path for path, _ in caught.value.problems] == ["timeout", "max_polls", "visibility_grace"]
