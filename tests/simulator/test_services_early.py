"""Rolling deployments with early success (`earlySuccessCriteria`)."""

from __future__ import annotations

from typing import Any

import pytest

from ecskit.testing import TaskScript

from .service_support import BREAKER, FARGATE, Shop, summary
from .support import Wire

SLOW = TaskScript(time_to_start=300)


def early(cleanup: str = "DEFERRED", percent: int = 50) -> Wire:
    """Return early success criteria."""
    return {"enable": True, "healthyPercent": percent, "sourceServiceRevisionCleanup": cleanup}


def shop(cleanup: str = "DEFERRED", percent: int = 50, desired: int = 4, **members: Any) -> Shop:
    """Return a world with a steady service. Of its next tasks, the first two start quickly and the others slowly."""
    made = Shop()
    configuration = {"minimumHealthyPercent": 50, "earlySuccessCriteria": early(cleanup, percent), **members}
    made.ready(desiredCount=desired, deploymentConfiguration=configuration)
    made.sim.script("next", [TaskScript(), TaskScript(), SLOW])
    return made


def test_half_of_the_tasks_are_enough() -> None:
    """With half of the tasks healthy, it is SUCCESSFUL and COMPLETED; then the rest starts and old tasks stop."""
    made = shop()
    made.update(taskDefinition="next")
    assert ["PENDING", "IN_PROGRESS", "SUCCESSFUL"] == made.statuses(30)
    assert [("PRIMARY", "COMPLETED", 2, 2)] == summary(made.service())[:1]
    assert not made.state.steady
    made.pass_(300)
    assert [("PRIMARY", "COMPLETED", 4, 0)] == summary(made.service())
    assert made.state.steady


@pytest.mark.parametrize(("percent", "desired", "needed"), [(90, 10, 9), (50, 3, 2), (0, 4, 0), (100, 4, 4)])
def test_the_share_is_rounded_up(percent: int, desired: int, needed: int) -> None:
    """A deployment succeeds as soon as that many tasks are healthy, not before."""
    made = Shop()
    configuration = {"minimumHealthyPercent": 0, "earlySuccessCriteria": early(percent=percent)}
    made.ready(desiredCount=desired, deploymentConfiguration=configuration)
    made.sim.script("next", [TaskScript(time_to_start=60 + 10 * number) for number in range(desired)])
    made.update(taskDefinition="next")
    while made.last.status != "SUCCESSFUL":
        made.pass_(1)
    target = made.rollout()["targetServiceRevision"]
    assert (needed, desired - needed) == (target["runningTaskCount"], target["pendingTaskCount"])


def test_blocking_removes_the_old_tasks_before_the_success() -> None:
    """An old task with scale-in protection delays the success until its protection ends."""
    made = shop("BLOCKING")
    [first, *_] = made.sim.tasks("web")
    made.do("UpdateTaskProtection", cluster="default", tasks=[first.arn], protectionEnabled=True, expiresInMinutes=2)
    made.update(taskDefinition="next")
    assert ["PENDING", "IN_PROGRESS"] == made.statuses(100)
    assert [("PRIMARY", "IN_PROGRESS", 2, 2), ("ACTIVE", "COMPLETED", 1, 0)] == summary(made.service())
    assert ["IN_PROGRESS", "SUCCESSFUL"] == made.statuses(30)
    assert 2 == made.state.running_count - sum(task.last_status == "RUNNING" for task in made.sim.tasks("web"))


def test_deferred_removes_the_old_tasks_after_the_success() -> None:
    """A protected old task does not delay the success; it stops when its protection ends."""
    made = shop("DEFERRED")
    [first, *_] = made.sim.tasks("web")
    made.do("UpdateTaskProtection", cluster="default", tasks=[first.arn], protectionEnabled=True, expiresInMinutes=2)
    made.update(taskDefinition="next")
    assert ["PENDING", "IN_PROGRESS", "SUCCESSFUL"] == made.statuses(30)
    made.pass_(30)
    assert [("PRIMARY", "COMPLETED", 2, 2), ("ACTIVE", "COMPLETED", 1, 0)] == summary(made.service())
    made.pass_(100)
    assert [("PRIMARY", "COMPLETED", 2, 2)] == summary(made.service())


@pytest.mark.parametrize("cleanup", ["BLOCKING", "DEFERRED"])
def test_the_bake_time_comes_first(cleanup: str) -> None:
    """With alarms the success waits for the bake time, in which an alarm still rolls back."""
    alarms = {"alarmNames": ["errors"], "enable": True, "rollback": True}
    made = shop(cleanup, alarms=alarms, bakeTimeInMinutes=1)
    made.pass_(60)
    made.update(taskDefinition="next")
    assert ["PENDING", "IN_PROGRESS"] == made.statuses(80)
    assert ["IN_PROGRESS", "SUCCESSFUL"] == made.statuses(10)
    assert 0 == made.sim.fire_alarm("errors")

    made = shop(cleanup, alarms=alarms, bakeTimeInMinutes=1)
    made.pass_(60)
    made.update(taskDefinition="next")
    made.pass_(40)
    assert 1 == made.sim.fire_alarm("errors")
    assert "ROLLBACK_SUCCESSFUL" == made.statuses(60)[-1]


def test_the_circuit_breaker_ends_with_the_success() -> None:
    """Before the success, failures roll back; after it, failed tasks are replaced and nothing is rolled back."""
    made = shop(deploymentCircuitBreaker=BREAKER)
    made.update(taskDefinition="bad")
    assert "ROLLBACK_SUCCESSFUL" == made.statuses(200)[-1]

    made.sim.script("next", [TaskScript(), TaskScript(), TaskScript.fails_to_pull(after=40)])
    made.update(taskDefinition="next")
    made.pass_(1000)
    assert "SUCCESSFUL" == made.last.status
    assert [("PRIMARY", "COMPLETED", 2)] == [each[:3] for each in summary(made.service())]
    assert made.service()["deployments"][0]["failedTasks"] >= 5


def test_the_counts_of_the_deployment_are_those_of_its_end() -> None:
    """DescribeServiceDeployments shows the counts at the success, DescribeServices the current ones."""
    made = shop()
    made.update(taskDefinition="next")
    made.pass_(400)
    target = made.rollout()["targetServiceRevision"]
    assert (2, 2) == (target["runningTaskCount"], target["pendingTaskCount"])
    assert 4 == made.service()["runningCount"]


def test_a_newer_deployment_follows_an_early_success() -> None:
    """The next deployment rolls back to the one with early success."""
    made = shop(deploymentCircuitBreaker=BREAKER)
    made.update(taskDefinition="next")
    made.pass_(40)
    made.update(taskDefinition="bad")
    assert "ROLLBACK_SUCCESSFUL" == made.statuses(600)[-1]
    assert made.state.task_definition is not None
    assert made.state.task_definition.endswith("next:1")


@pytest.mark.parametrize(
    "members",
    [
        {"strategy": "BLUE_GREEN", "earlySuccessCriteria": early()},
        {"strategy": "LINEAR", "earlySuccessCriteria": early()},
        {"strategy": "CANARY", "earlySuccessCriteria": early()},
        {"earlySuccessCriteria": {"enable": True, "healthyPercent": 100}},
        {"earlySuccessCriteria": {"enable": True, "sourceServiceRevisionCleanup": "BLOCKING"}},
        {"minimumHealthyPercent": 60, "earlySuccessCriteria": early(percent=59)},
        {"earlySuccessCriteria": early(percent=99)},
        {"earlySuccessCriteria": early(percent=101)},
        {"earlySuccessCriteria": early(percent=-1)},
        {"earlySuccessCriteria": early("SOMETIMES", 100)},
    ],
)
def test_what_is_refused(members: Wire) -> None:
    """Other strategies, missing members, shares below the minimum or out of range; also when a service is updated."""
    made = Shop()
    assert (
        "InvalidParameterException"
        == made.refusal(
            "CreateService",
            serviceName="web",
            taskDefinition="web",
            desiredCount=1,
            deploymentConfiguration=members,
            **FARGATE,
        ).code
    )
    made.ready()
    refused = made.refusal("UpdateService", service="web", deploymentConfiguration=members)
    assert "InvalidParameterException" == refused.code


def test_other_controllers_are_refused() -> None:
    """Early success is for the deployment controller ECS."""
    made = Shop()
    request = {"serviceName": "web", "desiredCount": 1, "deploymentController": {"type": "EXTERNAL"}}
    configuration = {"earlySuccessCriteria": early(percent=100)}
    assert (
        "InvalidParameterException"
        == made.refusal("CreateService", deploymentConfiguration=configuration, **request).code
    )
    made.do("CreateService", **request)
    refused = made.refusal("UpdateService", service="web", deploymentConfiguration=configuration)
    assert "InvalidParameterException" == refused.code


def test_criteria_that_are_off_change_nothing() -> None:
    """Without `enable` a deployment needs all tasks, whatever the other members are."""
    made = Shop()
    off = {"enable": False, "healthyPercent": 1, "sourceServiceRevisionCleanup": "DEFERRED"}
    made.ready(desiredCount=4, deploymentConfiguration={"earlySuccessCriteria": off})
    made.sim.script("next", [TaskScript(), TaskScript(), SLOW])
    made.update(taskDefinition="next")
    assert ["PENDING", "IN_PROGRESS"] == made.statuses(290)
    assert ["IN_PROGRESS", "SUCCESSFUL"] == made.statuses(30)
