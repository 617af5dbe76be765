"""Pauses stop the clock: what a hook that waits, one that expires, and `pause_timeout` do to a deployment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from support.both_clients import Act, Ecs

from ecskit.errors import DeploymentRolledBack, WaitTimeout

from . import acting
from .acting import deploys, streams
from .scripted import Script, World
from .stories import story

REMEDIES = {"on_failure": "rollback", "on_timeout": "rollback"}
ROLLED_BACK = Script(
    service={0: "2=I:2 1=C", 20: "1=C:2back"},
    rollouts={2: {0: "ROLLBACK_REQUESTED>1: stopped", 20: "ROLLBACK_SUCCESSFUL>1: stopped"}},
)


def paused(rollout: Mapping[Any, str], done: float | None = None, **more: Any) -> World:
    """Return a world whose new tasks all run, and that is deployed at a moment."""
    service = {0: "2=I:2 1=C", **({} if done is None else {done: "2=C"})}
    return story(service, {2: {0: "IN_PROGRESS@SCALE_UP", **rollout}}, stopped=ROLLED_BACK, **more)


# The clock.


def test_what_others_approve_late_is_not_rolled_back() -> None:
    """Approved after 1,000 s with timeout=900: the deployment goes on, and is deployed."""
    world = paused({10: "IN_PROGRESS@POST_SCALE_UP!h1", 1010: "IN_PROGRESS@BAKE_TIME", 1050: "SUCCESSFUL"}, 1050)
    went = acting.both(deploys(timeout=900, **REMEDIES), world)
    assert "SUCCESSFUL" == went.verdict, repr(went.error)
    assert [] == went.sent("StopServiceDeployment")
    assert 1 == len(went.sent("UpdateService"))


def test_two_pauses() -> None:
    """Each of them stops the clock; what is between them counts."""
    rollout = {
        10: "IN_PROGRESS@POST_SCALE_UP!h1",
        1010: "IN_PROGRESS@TEST_TRAFFIC_SHIFT",
        1060: "IN_PROGRESS@POST_TEST_TRAFFIC_SHIFT!h2",
        3060: "IN_PROGRESS@BAKE_TIME",
        3100: "SUCCESSFUL",
    }
    went = acting.both(deploys(timeout=200, **REMEDIES), paused(rollout, 3100))
    assert "SUCCESSFUL" == went.verdict, repr(went.error)
    late = acting.both(deploys(timeout=60), paused(rollout, 3100))
    assert "WaitTimeout" == late.verdict
    assert 1060 <= late.elapsed <= 3160


@pytest.mark.parametrize("pause", [100, 1000])
def test_only_the_pause_stops_the_clock(pause: float) -> None:
    """Time is up after `timeout` and the time of the pause, as polls have shown it."""
    rollout = {10: "IN_PROGRESS@POST_SCALE_UP!h1", 10 + pause: "IN_PROGRESS@BAKE_TIME"}
    went = acting.both(deploys(timeout=300), paused(rollout))
    assert "WaitTimeout" == went.verdict
    assert 300 + pause - 35 <= went.elapsed <= 300 + pause + 35


def test_a_function_that_is_called_stops_no_clock() -> None:
    """A hook that is IN_PROGRESS runs a function: only AWAITING_ACTION is a pause."""
    rollout = {10: "IN_PROGRESS@POST_SCALE_UP!h1=IN_PROGRESS"}
    went = acting.both(deploys(timeout=300, pause_timeout=20), paused(rollout))
    assert ("WaitTimeout", 300.0) == (went.verdict, went.elapsed)
    assert "h1" not in str(went.error)


@pytest.mark.parametrize("state", ["SUCCEEDED", "FAILED", "TIMED_OUT"])
def test_a_hook_that_is_over_stops_no_clock(state: str) -> None:
    """Hooks that ended are shown along with their stage."""
    went = acting.both(deploys(timeout=100), paused({10: f"IN_PROGRESS@POST_SCALE_UP!h1={state}"}))
    assert ("WaitTimeout", 100.0) == (went.verdict, went.elapsed)


def test_a_pause_without_a_limit() -> None:
    """Without pause_timeout, a pause of hours is waited for."""
    end = 10800
    rollout = {10: "IN_PROGRESS@POST_SCALE_UP!h1", end: "IN_PROGRESS@BAKE_TIME", end + 50: "SUCCESSFUL"}
    went = acting.both(deploys(timeout=200, **REMEDIES), paused(rollout, end + 50))
    assert "SUCCESSFUL" == went.verdict
    assert len(went.calls) < 3 * end / 25


# pause_timeout.

LONG = paused({10: "IN_PROGRESS@POST_SCALE_UP!h1~86400"})


def test_pause_timeout() -> None:
    """WaitTimeout, so many seconds after the pause was seen; the message names the hook, until when, and what then."""
    went = acting.both(deploys(timeout=900, pause_timeout=100), LONG)
    assert isinstance(went.error, WaitTimeout)
    assert 110 <= went.elapsed <= 115
    assert "paused at POST_SCALE_UP by hook h1 until 20" in str(went.error)
    assert "UTC, when ECS rolls back" in str(went.error)
    assert [] == went.sent("StopServiceDeployment")


@pytest.mark.parametrize("timeout", [1, 5])
def test_pause_timeout_is_longer_than_timeout(timeout: float) -> None:
    """The pause has begun within `timeout`, so that `pause_timeout` alone counts."""
    world = paused({0: "IN_PROGRESS@POST_SCALE_UP!h1"})
    went = acting.both(deploys(timeout=timeout, pause_timeout=100), world)
    assert "WaitTimeout" == went.verdict
    assert 100 <= went.elapsed <= 105


def test_pause_timeout_rolls_back() -> None:
    """With on_timeout="rollback", ECS rolls back; the cause is the timeout."""
    went = acting.both(deploys(timeout=900, pause_timeout=100, on_timeout="rollback"), LONG)
    assert isinstance(went.error, DeploymentRolledBack)
    assert isinstance(went.error.__cause__, WaitTimeout)
    assert "timed out: " in str(went.error)
    assert "by hook h1" in str(went.error)
    assert 1 == len(went.sent("StopServiceDeployment"))


def test_pause_timeout_is_no_failure() -> None:
    """on_failure has no part in it."""
    went = acting.both(deploys(timeout=900, pause_timeout=100, on_failure="rollback"), LONG)
    assert ("WaitTimeout", []) == (went.verdict, went.sent("StopServiceDeployment"))


@pytest.mark.parametrize("gap", [0, 1, 100])
def test_pause_timeout_is_for_one_pause(gap: float) -> None:
    """Two pauses of 80 s are within 100 s each, also where no poll shows what is between them."""
    second = 90 + gap
    rollout: dict[float, str] = {10: "IN_PROGRESS@POST_SCALE_UP!h1"}
    if gap:
        rollout[90] = "IN_PROGRESS@TEST_TRAFFIC_SHIFT"
    rollout |= {
        second: "IN_PROGRESS@POST_TEST_TRAFFIC_SHIFT!h2",
        second + 80: "IN_PROGRESS@BAKE_TIME",
        second + 90: "SUCCESSFUL",
    }
    went = acting.both(deploys(timeout=300, pause_timeout=100), paused(rollout, second + 90))
    assert "SUCCESSFUL" == went.verdict, repr(went.error)


def test_one_hook_that_pauses_twice() -> None:
    """A hook of two stages pauses each: its function is called for both, and both stop the clock."""
    world = World(
        update=Script(
            service={0: "2=I:2 1=C"},
            rollouts={2: {0: "IN_PROGRESS@SCALE_UP", 10: "IN_PROGRESS@POST_SCALE_UP!h1~500"}},
        ),
        continued=Script(
            service={0: "2=I:2 1=C", 100: "2=C"},
            rollouts={2: {0: "IN_PROGRESS@POST_TEST_TRAFFIC_SHIFT!h1~700", 100: "SUCCESSFUL"}},
        ),
    )
    targets: list[Any] = []

    def on_pause(hook: Any) -> str | None:
        targets.append((hook.hook_id, hook.expires_at))
        return "CONTINUE" if len(targets) % 2 else None

    went = acting.both(deploys(timeout=60, on_pause=on_pause), world)
    assert "SUCCESSFUL" == went.verdict, repr(went.error)
    assert (4, 2) == (len(targets), len(set(targets)))  # twice in both colours
    assert 1 == len(went.sent("ContinueServiceDeployment"))


# Callbacks.


def answering(after: float, lag: float = 0.0, action: str = "CONTINUE") -> tuple[Callable[..., Any], World]:
    """Return an act whose callback takes some seconds, and a world that shows its answer after some more."""
    waits: dict[float, str] = {0: "IN_PROGRESS@POST_SCALE_UP!h1"} if lag else {}
    world = World(
        update=Script(
            service={0: "2=I:2 1=C"},
            rollouts={2: {0: "IN_PROGRESS@SCALE_UP", 10: "IN_PROGRESS@POST_SCALE_UP!h1"}},
        ),
        continued=Script(
            service={0: "2=I:2 1=C", lag + 50: "2=C"},
            rollouts={2: {**waits, lag: "IN_PROGRESS@BAKE_TIME", lag + 50: "SUCCESSFUL"}},
        ),
        turned=ROLLED_BACK,
        stopped=ROLLED_BACK,
    )

    def act(**options: Any) -> Act:
        def acts(ecs: Ecs) -> Any:
            targets: list[str] = []

            def on_pause(hook: Any) -> str:
                assert [] == targets
                targets.append(hook.hook_id)
                ecs.clock.advance(after)
                return action

            return deploys(on_pause=on_pause, **options)(ecs)

        return acts

    return act, world


@pytest.mark.parametrize("lag", [0, 30])
@pytest.mark.parametrize("after", [0, 1000])
@pytest.mark.parametrize("limits", [{}, {"pause_timeout": 10}, {"pause_timeout": 2000}])
def test_a_callback_that_takes_long(after: float, lag: float, limits: dict[str, float]) -> None:
    """It takes the time of the pause; what it has answered is not timed out, also where reads are behind."""
    act, world = answering(after, lag)
    went = acting.both(act(timeout=200, **limits, **REMEDIES), world)
    assert "SUCCESSFUL" == went.verdict, repr(went.error)
    assert 1 == len(went.sent("ContinueServiceDeployment"))
    assert [] == went.sent("StopServiceDeployment")


def test_reads_that_show_an_answered_hook_for_ever() -> None:
    """An answered hook stops no clock, and is not in the message."""
    act, world = answering(0, 10_000)
    went = acting.both(act(timeout=200), world)
    assert ("WaitTimeout", True) == (went.verdict, went.elapsed <= 235)
    assert "h1" not in str(went.error)


@pytest.mark.parametrize("after", [0, 1000])
def test_a_callback_that_rolls_back(after: float) -> None:
    """The rollback is that of the hook, and time is not up."""
    act, world = answering(after, action="ROLLBACK")
    went = acting.both(act(timeout=200, **REMEDIES), world)
    assert ("DeploymentRolledBack", None) == (went.verdict, went.error and went.error.__cause__)
    assert [] == went.sent("StopServiceDeployment")


# Events.


def test_the_event_of_a_pause() -> None:
    """It has the hook, when it expires, and what ECS does then; the line has all of it."""
    world = paused({10: "IN_PROGRESS@POST_SCALE_UP!h1~500", 100: "IN_PROGRESS@BAKE_TIME", 150: "SUCCESSFUL"}, 150)
    went = acting.both(streams(timeout=100), world)
    [event] = [item for item in went.items if type(item).__name__ == "PauseStarted"]
    assert ("h1", "POST_SCALE_UP", "ROLLBACK") == (event.hook.hook_id, event.stage, event.timeout_action)
    assert event.expires_at == event.hook.expires_at
    expected = f"paused at POST_SCALE_UP by hook h1 until {event.expires_at:%Y-%m-%d %H:%M:%S} UTC, when ECS rolls back"
    assert f"{expected}: continue it, or roll it back" == str(event)


def test_a_pause_that_follows_another_has_its_own_event() -> None:
    """Two hooks, two events, none twice."""
    rollout = {
        10: "IN_PROGRESS@POST_SCALE_UP!h1",
        60: "IN_PROGRESS@POST_TEST_TRAFFIC_SHIFT!h2",
        150: "SUCCESSFUL",
    }
    went = acting.both(streams(timeout=100), paused(rollout, 150))
    expected = [item.hook.hook_id for item in went.items if type(item).__name__ == "PauseStarted"]
    assert ["h1", "h2"] == expected
