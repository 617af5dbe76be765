"""Pauses stop the clock: what a hook that waits, one that expires, and `pause_timeout` do to a deployment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest

from ecskit.errors import DeploymentRolledBack, WaitTimeout
from ecskit.models.services import (
    DeploymentConfiguration,
    DeploymentLifecycleHook,
    DeploymentLifecycleHookTimeoutConfiguration,
    LinearConfiguration,
)
from ecskit.testing import Lag

from . import acting
from .acting import deploys, streams
from .scripted import Script, World
from .stories import story
from .support import OTHERS, Act, Ecs, both

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
    assert "time was up: " in str(went.error)
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
    asked: list[Any] = []

    def on_pause(hook: Any) -> str | None:
        asked.append((hook.hook_id, hook.expires_at))
        return "CONTINUE" if len(asked) % 2 else None

    went = acting.both(deploys(timeout=60, on_pause=on_pause), world)
    assert "SUCCESSFUL" == went.verdict, repr(went.error)
    assert (4, 2) == (len(asked), len(set(asked)))  # twice in both colours
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

    def act(**options: Any) -> acting.Act:
        def acts(ecs: acting.Ecs) -> Any:
            asked: list[str] = []

            def on_pause(hook: Any) -> str:
                assert [] == asked
                asked.append(hook.hook_id)
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
    [event] = [item for item in went.items if type(item).__name__ == "DeploymentPausedAt"]
    assert ("h1", "POST_SCALE_UP", "ROLLBACK") == (event.hook.hook_id, event.stage, event.timeout_action)
    assert event.expires_at == event.hook.expires_at
    told = f"paused at POST_SCALE_UP by hook h1 until {event.expires_at:%Y-%m-%d %H:%M:%S} UTC, when ECS rolls back"
    assert f"{told}: continue it, or roll it back" == str(event)


def test_a_pause_that_follows_another_has_its_own_event() -> None:
    """Two hooks, two events, none twice."""
    rollout = {
        10: "IN_PROGRESS@POST_SCALE_UP!h1",
        60: "IN_PROGRESS@POST_TEST_TRAFFIC_SHIFT!h2",
        150: "SUCCESSFUL",
    }
    went = acting.both(streams(timeout=100), paused(rollout, 150))
    told = [item.hook.hook_id for item in went.items if type(item).__name__ == "DeploymentPausedAt"]
    assert ["h1", "h2"] == told


# On the simulator.


def with_hooks(*stages: Any, minutes: int = 600, action: Any = "ROLLBACK", strategy: Any = "BLUE_GREEN") -> Any:
    """Return a configuration with hooks that pause at some stages."""
    timeout = DeploymentLifecycleHookTimeoutConfiguration(timeout_in_minutes=minutes, action=action)
    hooks = [
        DeploymentLifecycleHook(target_type="PAUSE", lifecycle_stages=[stage], timeout_configuration=timeout)
        for stage in stages
    ]
    return DeploymentConfiguration(strategy=strategy, lifecycle_hooks=hooks)


def deploys_paused(configuration: Any, **options: Any) -> Act:
    return lambda ecs: ecs.services.deploy(
        "web", task_definition="next", deployment_configuration=configuration, **{"timeout": 900, **options}
    )


def approving(after: float, configuration: Any, **options: Any) -> Act:
    """Return the act that deploys, while another process lets each pause continue after some seconds."""

    def act(ecs: Ecs) -> Any:
        since: dict[str, float] = {}

        def on_poll(story: Any) -> None:
            [progress] = story.last.values()
            for hook in progress.paused if progress else ():
                if ecs.sim.now() - since.setdefault(hook.hook_id, ecs.sim.now()) >= after:
                    arn = progress.started.service_deployment_arn
                    request = {"serviceDeploymentArn": arn, "hookId": hook.hook_id, "action": "CONTINUE"}
                    ecs.sim.handle("ContinueServiceDeployment", request)

        return deploys_paused(configuration, on_poll=on_poll, **options)(ecs)

    return act


LAGS = {"no lag": Lag(), "replicas are behind": Lag(visible_after=2, stale_by=5)}
STAGES = ["RECONCILE_SERVICE", "POST_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"]


@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("stages", [STAGES[:1], STAGES[1:2], STAGES[2:3], STAGES[3:], STAGES])
def test_what_another_process_approves(stages: list[str], lag: str) -> None:
    """However many pauses, each approved after 1,000 s: it is deployed, and nothing is rolled back."""
    act = approving(1000, with_hooks(*stages), stable_for=30, **REMEDIES)
    went = both(act, service={"deploymentConfiguration": None}, lag=LAGS[lag])
    assert ("SUCCESSFUL", "stable") == (went.verdict, went.returned().stability), repr(went.error)
    assert went.elapsed >= 1000 * len(stages)
    assert (1, 0) == (len(went.requests("UpdateService")), len(went.requests("StopServiceDeployment")))


@pytest.mark.parametrize("action", ["CONTINUE", "ROLLBACK"])
def test_a_pause_that_expires(action: str) -> None:
    """ECS goes on, or rolls back, as the hook says; both come after `timeout`, and neither is a timeout."""
    went = both(
        deploys_paused(with_hooks("POST_SCALE_UP", minutes=20, action=action), timeout=300, **REMEDIES),
        service={"deploymentConfiguration": None},
    )
    if action == "CONTINUE":
        assert ("SUCCESSFUL", "next:1") == (went.verdict, went.runs), repr(went.error)
    else:
        error = went.raised(DeploymentRolledBack)
        assert "timed out" in str(error)
        assert ("web:1", None) == (went.runs, error.__cause__)
    assert [] == went.requests("StopServiceDeployment")
    assert went.elapsed >= 1200


@pytest.mark.parametrize("on_timeout", ["leave", "rollback"])
def test_pause_timeout_and_what_follows(on_timeout: str) -> None:
    """The deployment is left in its pause, or rolled back."""
    went = both(
        deploys_paused(with_hooks("POST_SCALE_UP"), pause_timeout=120, on_timeout=on_timeout),
        service={"deploymentConfiguration": None},
    )
    if on_timeout == "leave":
        error = went.raised(WaitTimeout)
        [progress] = error.story.last.values()
        [hook] = progress.paused
        assert f"by hook {hook.hook_id} until {hook.expires_at:%Y-%m-%d %H:%M:%S} UTC, when ECS rolls back" in str(
            error
        )
        assert "next:1" == went.runs
    else:
        assert (DeploymentRolledBack, "web:1") == (type(went.error), went.runs)
        assert isinstance(went.error.__cause__, WaitTimeout) if went.error else False


def test_continue_takes_the_hook_of_the_event() -> None:
    """`continue_deployment(event.hook)` lets it continue, and the stream goes on to its end."""
    configuration = with_hooks("POST_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT")

    def sync(ecs: Ecs) -> Any:
        started = ecs.services.start_deployment("web", task_definition="next", deployment_configuration=configuration)
        for event in started.events(timeout=300):
            if type(event).__name__ == "DeploymentPausedAt":
                started.continue_deployment(event.hook)
            yield event

    async def aio(ecs: Ecs) -> Any:
        started = await ecs.services.start_deployment(
            "web", task_definition="next", deployment_configuration=configuration
        )
        async for event in started.events(timeout=300):
            if type(event).__name__ == "DeploymentPausedAt":
                await started.continue_deployment(event.hook)
            yield event

    went = both(lambda ecs: sync(ecs) if ecs.colour == "sync" else aio(ecs), service={"deploymentConfiguration": None})
    assert None is went.error, repr(went.error)
    assert 2 == len(went.requests("ContinueServiceDeployment"))
    assert "SUCCESSFUL" == went.items[-1].progress.status


@pytest.mark.parametrize("strategy", ["LINEAR", "CANARY"])
def test_a_stage_that_comes_again_pauses_again(strategy: str) -> None:
    """Each step repeats its stages, and each pause is answered once."""
    configuration = attrs.evolve(
        with_hooks("POST_PRODUCTION_TRAFFIC_SHIFT", strategy=strategy),
        linear_configuration=LinearConfiguration(step_percent=50, step_bake_time_in_minutes=1)
        if strategy == "LINEAR"
        else None,
    )
    asked: list[str] = []

    def on_pause(hook: Any) -> str:
        asked.append(hook.hook_id)
        return "CONTINUE"

    went = both(
        deploys_paused(configuration, on_pause=on_pause, timeout=7200), service={"deploymentConfiguration": None}
    )
    assert "SUCCESSFUL" == went.verdict, repr(went.error)
    continued = [request["hookId"] for request in went.requests("ContinueServiceDeployment")]
    assert continued * (2 + len(OTHERS)) == asked
    assert len(continued) == len(set(continued)) >= 2


def test_a_pause_is_no_stall() -> None:
    """Tasks that failed before it count, but quiet during it does not, with stalled_after given."""
    went = both(
        approving(1000, with_hooks("PRE_SCALE_UP"), stalled_after=60), service={"deploymentConfiguration": None}
    )
    assert "SUCCESSFUL" == went.verdict, repr(went.error)
