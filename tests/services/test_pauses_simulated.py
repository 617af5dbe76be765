"""Pauses of deployments on the simulator: approved by other processes, expired, timed out, answered by events."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from support.both_clients import Act, Ecs

from ecskit.errors import DeploymentRolledBack, WaitTimeout
from ecskit.models.services import (
    DeploymentConfiguration,
    DeploymentLifecycleHook,
    DeploymentLifecycleHookTimeoutConfiguration,
    LinearConfiguration,
)
from ecskit.testing import Lag

from .support import OTHERS, both

REMEDIES = {"on_failure": "rollback", "on_timeout": "rollback"}


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
                if ecs.sim.time() - since.setdefault(hook.hook_id, ecs.sim.time()) >= after:
                    arn = progress.started.service_deployment_arn
                    request = {"serviceDeploymentArn": arn, "hookId": hook.hook_id, "action": "CONTINUE"}
                    ecs.sim.handle("ContinueServiceDeployment", request)

        return deploys_paused(configuration, on_poll=on_poll, **options)(ecs)

    return act


LAGS = {"no lag": Lag(), "replicas are behind": Lag(visible_after=2, stale_by=5)}
STAGES = ["RECONCILE_SERVICE", "POST_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"]


@pytest.mark.parametrize(
    ("stages", "lag"), [*(([stage], "no lag") for stage in STAGES), *((STAGES, lag) for lag in LAGS)]
)
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
            if type(event).__name__ == "PauseStarted":
                started.continue_deployment(event.hook)
            yield event

    async def aio(ecs: Ecs) -> Any:
        started = await ecs.services.start_deployment(
            "web", task_definition="next", deployment_configuration=configuration
        )
        async for event in started.events(timeout=300):
            if type(event).__name__ == "PauseStarted":
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
    targets: list[str] = []

    def on_pause(hook: Any) -> str:
        targets.append(hook.hook_id)
        return "CONTINUE"

    went = both(
        deploys_paused(configuration, on_pause=on_pause, timeout=7200), service={"deploymentConfiguration": None}
    )
    assert "SUCCESSFUL" == went.verdict, repr(went.error)
    continued = [request["hookId"] for request in went.requests("ContinueServiceDeployment")]
    assert continued * (2 + len(OTHERS)) == targets
    assert len(continued) == len(set(continued)) >= 2


def test_a_pause_is_no_stall() -> None:
    """Tasks that failed before it count, but quiet during it does not, with stalled_after given."""
    went = both(
        approving(1000, with_hooks("PRE_SCALE_UP"), stalled_after=60), service={"deploymentConfiguration": None}
    )
    assert "SUCCESSFUL" == went.verdict, repr(went.error)
