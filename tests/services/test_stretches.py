"""How long tasks are observed after a success, how many stops are too many, and what the error holds."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from support.both_clients import Act, Ecs, Went

from ecskit.errors import DeploymentFailed, DeploymentRolledBack, DeploymentUnstable, EcsError, WaitError
from ecskit.testing import TaskScript

from .crashes import CRASH, RUNS, STEADY, crashing, deploys
from .support import both

# The clock.


def test_one_stop_restarts_the_clock() -> None:
    """One task exits 50 s after the success: stable_for begins anew when its replacement runs."""
    went = both(
        deploys(stable_for=60, on_failure="rollback"),
        prepare=crashing([TaskScript.exits(1, after=50), STEADY]),
        service={"desiredCount": 4},
    )
    assert ("SUCCESSFUL", "stable", 1) == (
        went.verdict,
        went.returned().stability,
        went.result.observed_stability.stops,
    )
    assert 20 + 50 + 20 + 60 <= went.elapsed <= 20 + 50 + 20 + 60 + 15


def test_no_quiet_stretch_in_three_times_as_long() -> None:
    """Stops below the threshold, but again and again: unstable after 3 x stable_for."""
    went = both(
        deploys(stable_for=60),
        prepare=crashing([TaskScript.exits(1, after=30), *[STEADY] * 9, *[TaskScript.exits(1, after=30)] * 99]),
        service={"desiredCount": 10},
    )
    error = went.raised(DeploymentUnstable)
    assert 180 <= error.progress.observed_stability.elapsed < 185
    assert 2 <= error.progress.observed_stability.stops < 5
    assert "container app exited with 1" in str(error)


def test_stable_for_nothing() -> None:
    """With stable_for=0, it ends with the success, as without it."""
    plain, went = both(deploys()), both(deploys(stable_for=0))
    assert ("SUCCESSFUL", plain.elapsed) == (went.verdict, went.elapsed)


@pytest.mark.parametrize("timeout", [40, 60])
def test_stable_for_is_outside_timeout(timeout: float) -> None:
    """The tasks are observed for 300 s though the timeout is shorter."""
    went = both(deploys(timeout=timeout, stable_for=300, on_timeout="rollback"))
    assert ("SUCCESSFUL", "stable") == (went.verdict, went.returned().stability)
    assert 320 <= went.elapsed <= 340


def test_timeout_before_the_success_still_counts() -> None:
    """stable_for gives no more time to come to a success."""
    went = both(deploys(timeout=15, stable_for=300))
    assert ("WaitTimeout", 15.0) == (went.verdict, went.elapsed)


def test_observation_ends_when_the_stretch_is_over() -> None:
    """The last poll is at the end of the stretch, not some seconds later."""
    went = both(deploys(stable_for=100))
    [after] = [went.returned().observed_stability]
    assert 100.0 == pytest.approx(after.quiet_for, abs=0.01)


# What is there without it, and what progress says.


def test_deployed_does_not_mean_stays_up() -> None:
    """Without stable_for, a crash loop is deployed when ECS says SUCCESSFUL, and stability is None."""
    went = both(deploys(on_failure="rollback"), prepare=crashing())
    assert ("SUCCESSFUL", None) == (went.verdict, went.returned().stability)
    assert went.elapsed < 30
    assert 1 == len(went.requests("UpdateService"))


def test_stability_while_it_is_observed() -> None:
    """It is None, then "watching", then "stable"."""
    seen: list[list[Any]] = []

    def act(ecs: Ecs) -> Any:
        shown: list[Any] = []
        seen.append(shown)

        def on_poll(story: Any) -> None:
            [progress] = story.last.values()
            if progress.stability not in shown:
                shown.append(progress.stability)

        return deploys(stable_for=30, on_poll=on_poll)(ecs)

    assert "SUCCESSFUL" == both(act).verdict
    assert [[None, "watching", "stable"]] * RUNS == seen


def test_many_tasks_that_stop_one_by_one() -> None:
    """The threshold is half of the desired count: 5 of 10, wherever they stop in the stretch."""
    scripts = [*[TaskScript.exits(1, after=10 * n) for n in range(1, 6)], STEADY]
    went = both(deploys(stable_for=600), prepare=crashing(scripts), service={"desiredCount": 10})
    error = went.raised(DeploymentUnstable)
    assert "5 tasks stopped within 50 s: container app exited with 1 (5 of 5)" in str(error)


@pytest.mark.parametrize(("most", "verdict"), [(5, "DeploymentUnstable"), (6, "SUCCESSFUL")])
def test_max_failed_tasks_bounds_stops_after_the_success(most: int, verdict: str) -> None:
    """It replaces the threshold, in either direction."""
    scripts = [*[TaskScript.exits(1, after=10 * n) for n in range(1, 6)], STEADY]
    went = both(deploys(stable_for=60, max_failed_tasks=most), prepare=crashing(scripts), service={"desiredCount": 20})
    assert verdict == went.verdict, repr(went.error)


@pytest.mark.parametrize(("value", "verdict"), [(2, "DeploymentUnstable"), (3, "SUCCESSFUL")])
def test_the_threshold_of_the_breaker_bounds_stops_after_the_success(value: int, verdict: str) -> None:
    """The configured COUNT is how many stops are too many, also after the success."""
    breaker = {"enable": True, "rollback": True, "thresholdConfiguration": {"type": "COUNT", "value": value}}
    scripts = [TaskScript.exits(1, after=10), TaskScript.exits(1, after=20), STEADY]
    went = both(
        deploys(stable_for=60),
        prepare=crashing(scripts),
        service={"desiredCount": 4, "deploymentConfiguration": {"deploymentCircuitBreaker": breaker}},
    )
    assert verdict == went.verdict, repr(went.error)


def test_different_reasons_have_their_shares() -> None:
    """The message counts each reason."""
    scripts = [*[CRASH] * 3, TaskScript.exits(2, after=5)]
    went = both(deploys(stable_for=60), prepare=crashing(scripts), service={"desiredCount": 4})
    expected = "4 tasks stopped within 5 s: container app exited with 1 (3 of 4), container app exited with 2 (1 of 4)"
    assert expected in str(went.raised(DeploymentUnstable))


# The error.


def unstable(**options: Any) -> Went:
    return both(deploys(stable_for=60, **options), prepare=crashing(), service={"desiredCount": 4})


def test_what_the_error_is() -> None:
    """A DeploymentFailed, a WaitError, an EcsError; as is the one that a rollback leads to."""
    left, back = unstable().error, unstable(on_failure="rollback").error
    assert isinstance(left, DeploymentUnstable)
    assert isinstance(back, DeploymentRolledBack)
    for error in (left, back, back.__cause__):
        assert isinstance(error, DeploymentFailed)
        assert isinstance(error, WaitError)
        assert isinstance(error, EcsError)
        assert 4 == len(error.progress.stopped_tasks)


@pytest.mark.parametrize("on_failure", ["leave", "rollback"])
def test_the_error_survives_pickling_and_copying(on_failure: str) -> None:
    """With its text and what it holds."""
    error = unstable(on_failure=on_failure).error
    assert isinstance(error, DeploymentFailed)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # our own
        assert (type(error), str(error)) == (type(again), str(again))
        assert error.progress == again.progress


def test_the_handle_of_the_error_goes_on() -> None:
    """`resume` observes the same deployment again, with the same stable_for."""

    def again(ecs: Ecs, error: DeploymentFailed) -> Any:
        ecs.sim.script("next", STEADY)
        return ecs.wait.resume(error.story.handle)

    went = both(failing(deploys(stable_for=60), again), prepare=crashing(), service={"desiredCount": 4})
    assert ("SUCCESSFUL", "stable") == (went.verdict, went.returned().stability)
    assert went.elapsed >= 28 + 60


def failing(act: Act, next_: Callable[[Ecs, DeploymentFailed], Any]) -> Act:
    """Return the act that does something with the error of another one."""

    def sync(ecs: Ecs) -> Any:
        with pytest.raises(DeploymentFailed) as failed:
            act(ecs)
        return next_(ecs, failed.value)

    async def aio(ecs: Ecs) -> Any:
        with pytest.raises(DeploymentFailed) as failed:
            await act(ecs)
        return await next_(ecs, failed.value)

    return lambda ecs: sync(ecs) if ecs.colour == "sync" else aio(ecs)
