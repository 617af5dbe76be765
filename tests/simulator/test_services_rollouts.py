from __future__ import annotations

from typing import Any

import pytest

from ecskit._simulator.scheduler.rollouts import threshold
from ecskit.testing import DeploymentScript, TaskScript

from .service_support import BREAKER, Shop, messages, summary
from .support import ARN, NOON

BREAKS = {"deploymentConfiguration": {"deploymentCircuitBreaker": BREAKER}}
STAYS = {"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}}


@pytest.fixture
def shop() -> Shop:
    """Return a world with task definitions."""
    return Shop()


def test_a_deployment_goes_from_pending_to_successful(shop: Shop) -> None:
    """PENDING, IN_PROGRESS, SUCCESSFUL, each with its times."""
    shop.create()
    pending = shop.rollout()
    assert (pending["status"], "startedAt" in pending, pending["sourceServiceRevisions"]) == ("PENDING", False, [])
    assert shop.statuses(60) == ["PENDING", "IN_PROGRESS", "SUCCESSFUL"]
    done = shop.rollout()
    assert [done[name] - NOON for name in ("createdAt", "startedAt", "finishedAt")] == [0, 2, 22]
    revision = {"arn": shop.last.revision_arn, "requestedTaskCount": 2, "runningTaskCount": 2, "pendingTaskCount": 0}
    assert done["targetServiceRevision"] == revision


def test_the_circuit_breaker_rolls_back(shop: Shop) -> None:
    """Three failed tasks fail the deployment; the deployment before becomes PRIMARY again and completes again."""
    good = shop.ready(**BREAKS)["deployments"][0]["id"]
    shop.update(taskDefinition="bad")
    assert shop.statuses(150) == [
        "PENDING",
        "IN_PROGRESS",
        "ROLLBACK_REQUESTED",
        "ROLLBACK_IN_PROGRESS",
        "ROLLBACK_SUCCESSFUL",
    ]
    rollout = shop.rollout()
    assert rollout["statusReason"] == "ECS deployment circuit breaker: tasks failed to start."
    assert rollout["rollback"]["serviceRevisionArn"] == shop.rollout(0)["targetServiceRevision"]["arn"]
    assert rollout["deploymentCircuitBreaker"] == {"status": "TRIGGERED", "failureCount": 4, "threshold": 3}
    service = shop.service()
    assert summary(service) == [("PRIMARY", "COMPLETED", 2, 0)]
    assert (service["deployments"][0]["id"], service["taskDefinition"]) == (good, f"{ARN}task-definition/web:1")
    assert f"rolling back to (deployment {good})." in messages(service)


def test_without_rollback_the_deployment_fails_and_stays(shop: Shop) -> None:
    """The failed deployment stays PRIMARY and launches nothing; the old tasks keep running."""
    shop.ready(**STAYS)
    shop.update(taskDefinition="bad")
    assert shop.statuses(150) == ["PENDING", "IN_PROGRESS", "STOP_REQUESTED", "STOPPED"]
    failed, old = shop.service()["deployments"]
    assert (failed["rolloutState"], failed["runningCount"], failed["pendingCount"]) == ("FAILED", 0, 0)
    assert failed["failedTasks"] == 4
    assert (old["rolloutState"], old["runningCount"]) == ("COMPLETED", 2)
    launched = len(shop.sim.tasks("bad"))
    shop.pass_(3000)
    assert len(shop.sim.tasks("bad")) == launched
    shop.update(taskDefinition="next")
    shop.pass_(60)
    assert summary(shop.service()) == [("PRIMARY", "COMPLETED", 2, 0)]


def test_the_first_deployment_stalls(shop: Shop) -> None:
    """Without a deployment to roll back to, no more tasks are launched, and the deployment stays IN_PROGRESS."""
    shop.create(taskDefinition="bad", **BREAKS)
    shop.pass_(3000)
    assert len(shop.sim.tasks("bad")) == 4
    assert summary(shop.service()) == [("PRIMARY", "IN_PROGRESS", 0, 0)]
    assert (shop.last.status, shop.rollout()["deploymentCircuitBreaker"]["status"]) == ("IN_PROGRESS", "TRIGGERED")


def test_without_a_breaker_tasks_are_tried_for_ever(shop: Shop) -> None:
    """Failed launches are repeated at growing intervals."""
    shop.create(taskDefinition="bad", desiredCount=1)
    shop.pass_(600)
    assert 5 <= len(shop.sim.tasks("bad")) <= 9
    assert shop.last.status == "IN_PROGRESS"
    assert shop.service()["deployments"][0]["failedTasks"] >= 5


@pytest.mark.parametrize(("reset", "status"), [(True, "IN_PROGRESS"), (False, "STOPPED")])
def test_a_healthy_task_resets_the_count(shop: Shop, *, reset: bool, status: str) -> None:
    """Failures in a row count, unless resetOnHealthyTask is off: then all do."""
    shop.sim.script("next", [TaskScript.fails_to_pull(), TaskScript.runs_for(5)] * 20)
    breaker = {"enable": True, "rollback": False, "resetOnHealthyTask": reset}
    shop.create(taskDefinition="next", deploymentConfiguration={"deploymentCircuitBreaker": breaker})
    shop.pass_(150)
    assert shop.last.status == status


@pytest.mark.parametrize(
    ("desired", "chosen", "expected"),
    [
        (1, None, 3),
        (7, None, 4),
        (1000, None, 200),
        (1000, ("COUNT", 1), 1),
        (10, ("BOUNDED_PERCENT", 100), 10),
        (2, ("BOUNDED_PERCENT", 100), 3),
        (2, ("UNBOUNDED_PERCENT", 50), 1),
        (1000, ("UNBOUNDED_PERCENT", 100), 1000),
    ],
)
def test_the_threshold_of_the_breaker(desired: int, chosen: tuple[str, int] | None, expected: int) -> None:
    """Half of the desired count, 3 to 200; or as configured: a count or a share, with or without bounds."""
    breaker: dict[str, Any] = {"enable": True, "rollback": True}
    if chosen is not None:
        breaker["thresholdConfiguration"] = {"type": chosen[0], "value": chosen[1]}
    assert threshold({"deploymentCircuitBreaker": breaker}, desired) == expected


def test_a_rollback_can_fail(shop: Shop) -> None:
    """A rollback fails if a script says so, or if the tasks of the old revision do not start."""
    shop.ready(**BREAKS)
    shop.sim.script_deployment("web", DeploymentScript(rollback_fails="no way back"))
    shop.update(taskDefinition="bad")
    assert shop.statuses(200)[-1] == "ROLLBACK_FAILED"
    assert shop.last.reason == "The rollback failed: no way back"

    shop = Shop()
    halves = {"minimumHealthyPercent": 0, "maximumPercent": 100, "deploymentCircuitBreaker": BREAKER}
    shop.ready(deploymentConfiguration=halves)
    shop.update(taskDefinition="bad")
    shop.sim.script("web", TaskScript.fails_to_pull())
    assert shop.statuses(300)[-1] == "ROLLBACK_FAILED"
    assert shop.service()["deployments"][0]["rolloutState"] == "FAILED"


def test_a_newer_deployment_replaces_one_under_way(shop: Shop) -> None:
    """The older one is STOP_REQUESTED, then STOPPED, and its reason names the newer one."""
    shop.ready()
    shop.update(taskDefinition="bad")
    shop.pass_(10)
    shop.update(taskDefinition="next")
    _, older, newer = shop.sim.deployments("web")
    assert (older.status, older.reason) == ("STOP_REQUESTED", f"Replaced by {newer.arn}.")
    shop.pass_(3)
    assert shop.sim.deployments("web")[1].status == "STOPPED"
    assert {"stoppedAt", "finishedAt"} <= shop.rollout(1).keys()
    shop.pass_(60)
    assert summary(shop.service()) == [("PRIMARY", "COMPLETED", 2, 0)]
    assert shop.last.status == "SUCCESSFUL"


def test_a_newer_deployment_ends_a_rollback(shop: Shop) -> None:
    """The rollback fails; a failure of the newer deployment has nothing to roll back to."""
    shop.ready(**BREAKS)
    shop.update(taskDefinition="bad")
    shop.pass_(48)
    assert shop.last.status in ("ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")
    shop.update(taskDefinition="next")
    assert [each.status for each in shop.sim.deployments("web")] == ["SUCCESSFUL", "ROLLBACK_FAILED", "PENDING"]
    shop.pass_(60)
    assert shop.last.status == "SUCCESSFUL"


def test_a_deployment_is_stopped_with_rollback(shop: Shop) -> None:
    """StopServiceDeployment rolls back by default, can be repeated, and is a conflict for a finished deployment."""
    shop.ready()
    shop.update(taskDefinition="next")
    arn = shop.last.arn
    for _ in range(2):
        assert shop.do("StopServiceDeployment", serviceDeploymentArn=arn) == {"serviceDeploymentArn": arn}
    assert shop.statuses(60) == ["ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL"]
    assert shop.state.task_definition == f"{ARN}task-definition/web:1"
    assert shop.refusal("StopServiceDeployment", serviceDeploymentArn=arn).code == "ConflictException"
    missing = f"{ARN}service-deployment/default/web/x"
    code = shop.refusal("StopServiceDeployment", serviceDeploymentArn=missing).code
    assert code == "ServiceDeploymentNotFoundException"


def test_a_deployment_is_aborted(shop: Shop) -> None:
    """ABORT leaves all tasks as they are; the first deployment cannot be rolled back."""
    shop.create()
    arn = shop.last.arn
    assert shop.refusal("StopServiceDeployment", serviceDeploymentArn=arn).code == "InvalidParameterException"
    shop.pass_(60)
    shop.update(taskDefinition="next")
    shop.pass_(5)
    shop.do("StopServiceDeployment", serviceDeploymentArn=shop.last.arn, stopType="ABORT")
    assert shop.statuses(60) == ["STOP_REQUESTED", "STOPPED"]
    assert summary(shop.service()) == [("PRIMARY", "FAILED", 2, 0), ("ACTIVE", "COMPLETED", 2, 0)]


@pytest.mark.parametrize(("rollback", "ends"), [(True, "ROLLBACK_SUCCESSFUL"), (False, "STOPPED")])
def test_an_alarm_fails_a_deployment(shop: Shop, *, rollback: bool, ends: str) -> None:
    """An alarm that fires while a deployment is watched fails it, also after everything runs."""
    alarms = {"alarmNames": ["errors"], "enable": True, "rollback": rollback}
    shop.ready(deploymentConfiguration={"alarms": alarms, "bakeTimeInMinutes": 1})
    shop.pass_(60)
    assert shop.last.status == "SUCCESSFUL"
    assert shop.sim.fire_alarm("errors") == 0
    shop.update(taskDefinition="next")
    shop.pass_(50)
    assert (shop.last.status, shop.state.rollout_state) == ("IN_PROGRESS", "IN_PROGRESS")
    assert shop.sim.fire_alarm("other") == 0
    assert shop.sim.fire_alarm("errors") == 1
    assert shop.statuses(120)[-1] == ends
    assert shop.rollout()["alarms"] == {
        "status": "TRIGGERED",
        "alarmNames": ["errors"],
        "triggeredAlarmNames": ["errors"],
    }


def test_a_deletion_ends_a_deployment(shop: Shop) -> None:
    """The deployment of a service that is deleted is stopped."""
    shop.create()
    shop.pass_(5)
    shop.do("DeleteService", service="web", force=True)
    assert shop.statuses(60) == ["STOP_REQUESTED", "STOPPED"]
    assert shop.rollout()["statusReason"] == "The service was deleted."


def test_deployments_are_listed(shop: Shop) -> None:
    """The newest comes first; filters are by status and by time of creation."""
    shop.ready()
    shop.update(forceNewDeployment=True)

    def listed(**members: Any) -> list[str]:
        found = shop.do("ListServiceDeployments", service="web", **members)["serviceDeployments"]
        return [each["status"] for each in found]

    assert listed() == ["PENDING", "SUCCESSFUL"]
    assert listed(status=["SUCCESSFUL", "STOPPED"]) == ["SUCCESSFUL"]
    assert listed(createdAt={"after": NOON + 1}) == ["PENDING"]
    assert listed(createdAt={"before": NOON + 1}) == ["SUCCESSFUL"]
    first = shop.do("ListServiceDeployments", service="web", maxResults=1)
    (second,) = shop.do("ListServiceDeployments", service="web", nextToken=first["nextToken"])["serviceDeployments"]
    assert second["targetServiceRevisionArn"] == shop.sim.deployments("web")[0].revision_arn
    arn = shop.service()["serviceArn"]
    assert len(shop.do("ListServiceDeployments", service=arn)["serviceDeployments"]) == 2
    assert shop.refusal("ListServiceDeployments", service="nope").code == "ServiceNotFoundException"


def test_revisions_are_described(shop: Shop) -> None:
    """A revision shows its configuration; an unknown one is MISSING."""
    shop.ready()
    shop.update(taskDefinition="next")
    arn = shop.sim.deployments("web")[0].revision_arn
    missing = f"{ARN}service-revision/default/web/1"
    answer = shop.do("DescribeServiceRevisions", serviceRevisionArns=[arn, missing])
    (revision,) = answer["serviceRevisions"]
    assert revision["taskDefinition"] == f"{ARN}task-definition/web:1"
    (image,) = revision["containerImages"]
    assert (image["containerName"], image["image"]) == ("app", "app:1")
    (task, *_) = shop.do("DescribeTasks", tasks=shop.do("ListTasks", family="web")["taskArns"])["tasks"]
    assert image["imageDigest"] == task["containers"][0]["imageDigest"]
    assert revision["platformVersion"] == "1.4.0"
    assert answer["failures"] == [{"arn": missing, "reason": "MISSING"}]


def test_many_updates_leave_one_deployment(shop: Shop) -> None:
    """Of several deployments in a row, the last one is deployed and the others are stopped."""
    shop.ready()
    for number in range(8):
        shop.update(forceNewDeployment=True)
        shop.pass_(number % 3)
    shop.pass_(120)
    assert [each.status for each in shop.sim.deployments("web")] == ["SUCCESSFUL", *["STOPPED"] * 7, "SUCCESSFUL"]
    assert summary(shop.service()) == [("PRIMARY", "COMPLETED", 2, 0)]
