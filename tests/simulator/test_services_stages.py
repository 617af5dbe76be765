from __future__ import annotations

from typing import Any

import pytest

from ecskit.testing import DeploymentScript

from .service_support import Shop, summary

ROLE = "arn:aws:iam::123456789012:role/ecs"
PAUSE = {"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}


def shop_with(strategy: str, **members: Any) -> Shop:
    """Return a world whose service was deployed once, and is now deployed again with a strategy."""
    shop = Shop()
    configuration = {"strategy": strategy, "bakeTimeInMinutes": 1, **members}
    shop.ready()
    shop.update(taskDefinition="next", deploymentConfiguration=configuration)
    return shop


def course(shop: Shop, seconds: int) -> list[tuple[str | None, float, int]]:
    """Let seconds pass, and return each stage with the production traffic and the tasks of the new revision."""
    seen: list[tuple[str | None, float, int]] = []
    for _ in range(seconds):
        shop.pass_(1)
        rollout = shop.rollout()
        target = rollout["targetServiceRevision"]
        now = (rollout.get("lifecycleStage"), target.get("requestedProductionTrafficWeight", 0.0))
        if not seen or seen[-1][:2] != now:
            seen.append((*now, target["requestedTaskCount"]))
    return seen


def test_blue_green_goes_through_its_stages() -> None:
    """Both revisions have all their tasks until CLEAN_UP, after the bake time."""
    shop = shop_with("BLUE_GREEN")
    assert course(shop, 2)[-1] == ("RECONCILE_SERVICE", 0.0, 0)
    assert course(shop, 100) == [
        ("RECONCILE_SERVICE", 0.0, 0),
        ("PRE_SCALE_UP", 0.0, 0),
        ("SCALE_UP", 0.0, 0),
        ("POST_SCALE_UP", 0.0, 2),
        ("TEST_TRAFFIC_SHIFT", 0.0, 2),
        ("POST_TEST_TRAFFIC_SHIFT", 0.0, 2),
        ("PRODUCTION_TRAFFIC_SHIFT", 100.0, 2),
        ("POST_PRODUCTION_TRAFFIC_SHIFT", 100.0, 2),
        ("BAKE_TIME", 100.0, 2),
    ]
    assert summary(shop.service()) == [("PRIMARY", "IN_PROGRESS", 2, 0), ("ACTIVE", "COMPLETED", 2, 0)]
    shop.pass_(60)
    assert (shop.last.status, shop.last.stage) == ("SUCCESSFUL", "CLEAN_UP")
    assert summary(shop.service()) == [("PRIMARY", "COMPLETED", 2, 0)]


def test_linear_and_canary_repeat_stages() -> None:
    """Traffic moves in steps, with a wait after each but the last."""
    linear = {"stepPercent": 40.0, "stepBakeTimeInMinutes": 1}
    canary = {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 2}
    for shop, steps in (
        (shop_with("LINEAR", linearConfiguration=linear), [40.0, 80.0, 100.0]),
        (shop_with("CANARY", canaryConfiguration=canary), [10.0, 100.0]),
    ):
        seen = course(shop, 400)
        assert [traffic for stage, traffic, _ in seen if stage == "PRODUCTION_TRAFFIC_SHIFT"] == steps
        assert shop.last.status == "SUCCESSFUL"


@pytest.mark.parametrize(
    ("action", "ends"), [(None, "SUCCESSFUL"), ("CONTINUE", "SUCCESSFUL"), ("ROLLBACK", "ROLLBACK_SUCCESSFUL")]
)
def test_a_pause_waits_for_an_answer(action: str | None, ends: str) -> None:
    """A PAUSE hook delays its stage until ContinueServiceDeployment answers it."""
    shop = shop_with("BLUE_GREEN", lifecycleHooks=[PAUSE])
    shop.pass_(1000)
    rollout = shop.rollout()
    (hook,) = rollout["lifecycleHookDetails"]
    assert (rollout["lifecycleStage"], hook["status"]) == ("POST_TEST_TRAFFIC_SHIFT", "AWAITING_ACTION")
    assert 0 < hook["expiresAt"] - shop.clock() <= 86400
    arn = shop.last.arn
    answer = {"serviceDeploymentArn": arn, "hookId": hook["hookId"], **({"action": action} if action else {})}
    assert shop.do("ContinueServiceDeployment", **answer) == {"serviceDeploymentArn": arn}
    assert shop.refusal("ContinueServiceDeployment", **answer).code == "InvalidParameterException"
    shop.pass_(200)
    assert shop.last.status == ends
    assert len(shop.service()["deployments"]) == 1


@pytest.mark.parametrize("strategy", ["BLUE_GREEN", "LINEAR", "CANARY"])
@pytest.mark.parametrize(("action", "ends"), [("CONTINUE", "SUCCESSFUL"), ("ROLLBACK", "ROLLBACK_SUCCESSFUL")])
def test_a_pause_times_out(action: str, ends: str, strategy: str) -> None:
    """A pause shows its expiry and its timeout action: the deployment continues or is rolled back."""
    timeout = {"timeoutInMinutes": 5, "action": action}
    shop = shop_with(strategy, lifecycleHooks=[{**PAUSE, "timeoutConfiguration": timeout}])
    while not shop.rollout().get("lifecycleHookDetails"):
        shop.pass_(1)
    began = shop.clock()
    shop.pass_(299)
    [hook] = shop.rollout()["lifecycleHookDetails"]
    assert ("AWAITING_ACTION", action, began + 300) == (hook["status"], hook["timeoutAction"], hook["expiresAt"])
    shop.pass_(1)
    if action == "ROLLBACK":
        [hook] = shop.rollout()["lifecycleHookDetails"]
        assert ("TIMED_OUT", "ROLLBACK_REQUESTED") == (hook["status"], shop.last.status)
    else:
        assert ("PRE_PRODUCTION_TRAFFIC_SHIFT", "IN_PROGRESS") == (shop.last.stage, shop.last.status)
    shop.pass_(6000)
    assert shop.last.status == ends


@pytest.mark.parametrize("strategy", ["LINEAR", "CANARY"])
def test_a_pause_of_a_traffic_step_comes_with_each_step(strategy: str) -> None:
    """A hook before the production traffic pauses before every step, each time with a new id and expiry."""
    hook = {**PAUSE, "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"]}
    steps = {"linearConfiguration": {"stepPercent": 50.0, "stepBakeTimeInMinutes": 1}}
    shop = shop_with(strategy, lifecycleHooks=[hook], **steps)
    seen: list[tuple[str, float]] = []
    while shop.last.status != "SUCCESSFUL":
        shop.pass_(10)
        for each in shop.rollout().get("lifecycleHookDetails", []):
            if each["status"] == "AWAITING_ACTION":
                seen.append((each["hookId"], each["expiresAt"]))
                answer = {"serviceDeploymentArn": shop.last.arn, "hookId": each["hookId"]}
                shop.do("ContinueServiceDeployment", **answer)
    assert 2 == len({hook for hook, _ in seen}) == len({expiry for _, expiry in seen}) == len(seen)


@pytest.mark.parametrize("stage", ["TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"])
def test_no_pause_while_traffic_shifts(stage: str) -> None:
    """A PAUSE is refused at the stages that shift traffic."""
    shop = Shop()
    shop.ready()
    configuration = {"strategy": "BLUE_GREEN", "lifecycleHooks": [{**PAUSE, "lifecycleStages": [stage]}]}
    refused = shop.refusal("UpdateService", service="web", deploymentConfiguration=configuration)
    assert "InvalidParameterException" == refused.code


def test_functions_are_called_and_succeed() -> None:
    """A hook that calls a function is IN_PROGRESS for a moment."""
    function = "arn:aws:lambda:us-east-1:123456789012:function:check"
    hook = {"hookTargetArn": function, "roleArn": ROLE, "lifecycleStages": ["RECONCILE_SERVICE"]}
    shop = shop_with("BLUE_GREEN", lifecycleHooks=[hook])
    shop.pass_(3)
    (detail,) = shop.rollout()["lifecycleHookDetails"]
    assert (detail["targetType"], detail["targetArn"], detail["status"]) == ("AWS_LAMBDA", function, "IN_PROGRESS")
    shop.pass_(300)
    assert shop.last.status == "SUCCESSFUL"


def test_a_pause_before_production_traffic_is_shown_in_the_stage_before() -> None:
    """The service model has no `lifecycleStage` of the name PRE_PRODUCTION_TRAFFIC_SHIFT."""
    shop = shop_with("BLUE_GREEN", lifecycleHooks=[{**PAUSE, "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"]}])
    shop.pass_(300)
    rollout = shop.rollout()
    assert (rollout["lifecycleStage"], shop.last.stage) == ("POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT")
    assert rollout["targetServiceRevision"]["requestedProductionTrafficWeight"] == 0.0


def test_stages_are_scripted() -> None:
    """A script says how long stages last, and where a deployment fails."""
    shop = Shop()
    shop.ready()
    script = DeploymentScript(stage_seconds={"TEST_TRAFFIC_SHIFT": 100}, fails_at="TEST_TRAFFIC_SHIFT", fails="broken")
    shop.sim.script_deployment("*", script)
    shop.update(taskDefinition="next", deploymentConfiguration={"strategy": "BLUE_GREEN"})
    shop.pass_(100)
    assert shop.last.stage == "TEST_TRAFFIC_SHIFT"
    shop.pass_(100)
    assert (shop.last.status, shop.last.reason) == ("ROLLBACK_SUCCESSFUL", "broken")
    assert summary(shop.service()) == [("PRIMARY", "COMPLETED", 2, 0)]
    assert shop.state.task_definition == shop.sim.deployments("web")[0].task_definition


def test_the_first_one_has_nothing_to_roll_back_to() -> None:
    """A first deployment that fails in a stage is stopped."""
    shop = Shop()
    shop.sim.script_deployment("web", DeploymentScript(fails_at="POST_SCALE_UP"))
    shop.create(deploymentConfiguration={"strategy": "BLUE_GREEN"})
    assert shop.statuses(100) == ["PENDING", "IN_PROGRESS", "STOP_REQUESTED", "STOPPED"]


def test_a_staged_deployment_is_replaced() -> None:
    """A newer deployment stops it, and its tasks stop while those of the source stay."""
    shop = shop_with("BLUE_GREEN", lifecycleHooks=[PAUSE])
    shop.pass_(100)
    shop.update(forceNewDeployment=True, deploymentConfiguration={"lifecycleHooks": []})
    running: list[int] = []
    for _ in range(300):
        shop.pass_(1)
        running.append(shop.state.running_count)
    assert min(running) >= 2
    assert [each.status for each in shop.sim.deployments("web")] == ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]


def test_scripts_are_checked() -> None:
    """Unknown stages and negative durations are refused."""
    with pytest.raises(ValueError, match="fails_at must be one of RECONCILE_SERVICE"):
        DeploymentScript(fails_at="NOWHERE")
    with pytest.raises(ValueError, match="unknown stage"):
        DeploymentScript(stage_seconds={"NOWHERE": 1})
    with pytest.raises(ValueError, match="must not be negative"):
        DeploymentScript(stage_seconds={"SCALE_UP": -1})
    with pytest.raises(ValueError, match="pending_seconds"):
        DeploymentScript(pending_seconds=-1)
