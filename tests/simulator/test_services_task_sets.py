from __future__ import annotations

from typing import Any

import pytest

from ecskit.testing import Lag

from .service_support import FARGATE, Shop
from .support import ARN, Wire

HERE = {"cluster": "default", "service": "web"}


@pytest.fixture
def shop() -> Shop:
    """Return a world with a service of the deployment controller EXTERNAL."""
    return external()


def external(lag: Lag | None = None) -> Shop:
    shop = Shop(lag=lag)
    shop.do("CreateService", serviceName="web", desiredCount=3, deploymentController={"type": "EXTERNAL"})
    return shop


def add(shop: Shop, scale: float = 100.0, **members: Any) -> Wire:
    request = {**HERE, "taskDefinition": "web", "scale": {"value": scale, "unit": "PERCENT"}, **FARGATE, **members}
    task_set: Wire = shop.do("CreateTaskSet", **request)["taskSet"]
    return task_set


def task_set(shop: Shop, id_: str) -> Wire:
    (found,) = shop.do("DescribeTaskSets", **HERE, taskSets=[id_])["taskSets"]
    shown: Wire = found
    return shown


def test_a_task_set_has_a_share_of_the_tasks(shop: Shop) -> None:
    """A task set is STABILIZING until its scale of the desired count, rounded up, runs."""
    created = add(shop, 50, externalId="x")
    assert (created["status"], created["computedDesiredCount"], created["externalId"]) == ("ACTIVE", 0, "x")
    assert created["stabilityStatus"] == "STABILIZING"
    assert created["taskSetArn"] == f"{ARN}task-set/default/web/{created['id']}"
    shop.pass_(1)
    assert task_set(shop, created["id"])["computedDesiredCount"] == 2
    shop.pass_(30)
    shown = task_set(shop, created["id"])
    assert (shown["runningCount"], shown["stabilityStatus"]) == (2, "STEADY_STATE")
    assert len(shop.do("ListTasks", startedBy=created["id"])["taskArns"]) == 2
    assert [] == shop.service()["deployments"]
    assert [each["id"] for each in shop.service()["taskSets"]] == [created["id"]]


def test_an_external_service_has_a_launch_type_and_a_role(shop: Shop) -> None:
    """Its task sets have the task definition; its own `launchType` is EC2, and it has the service-linked role."""
    service = shop.service()
    assert ("EC2", "EXTERNAL") == (service["launchType"], service["deploymentController"]["type"])
    assert service["roleArn"].endswith(":role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS")


def test_task_sets_are_scaled_and_switched(shop: Shop) -> None:
    """The scale follows requests and the desired count; one task set at most is PRIMARY."""
    first, second = add(shop)["id"], add(shop, 0)["id"]
    shop.do("UpdateServicePrimaryTaskSet", **HERE, primaryTaskSet=first)
    shop.do("UpdateTaskSet", **HERE, taskSet=second, scale={"value": 100, "unit": "PERCENT"})
    answer = shop.do("UpdateServicePrimaryTaskSet", **HERE, primaryTaskSet=second)
    assert answer["taskSet"]["status"] == "PRIMARY"
    assert task_set(shop, first)["status"] == "ACTIVE"
    shop.update(desiredCount=4)
    shop.pass_(30)
    assert [each["runningCount"] for each in shop.do("DescribeTaskSets", **HERE)["taskSets"]] == [4, 4]


def test_a_task_set_drains(shop: Shop) -> None:
    """Deletion needs a scale of 0 or force; a task set is DRAINING until its tasks have stopped, then MISSING."""
    id_ = add(shop)["id"]
    shop.pass_(30)
    assert shop.refusal("DeleteTaskSet", **HERE, taskSet=id_).code == "InvalidParameterException"
    deleted = shop.do("DeleteTaskSet", **HERE, taskSet=id_, force=True)["taskSet"]
    assert (deleted["status"], deleted["runningCount"]) == ("DRAINING", 3)
    shop.pass_(11)
    answer = shop.do("DescribeTaskSets", **HERE, taskSets=[id_])
    assert answer["taskSets"] == []
    assert [failure["reason"] for failure in answer["failures"]] == ["MISSING"]
    assert shop.refusal("UpdateTaskSet", **HERE, taskSet=id_, scale={}).code == "TaskSetNotFoundException"


def test_creation_of_a_task_set_is_idempotent(shop: Shop) -> None:
    """An equal request with the same token returns the same task set; tokens have at most 36 characters."""
    assert add(shop, clientToken="t")["id"] == add(shop, clientToken="t")["id"]
    request = {**HERE, "taskDefinition": "next", **FARGATE}
    for token in ("t", "t" * 37):
        assert shop.refusal("CreateTaskSet", **request, clientToken=token).code == "InvalidParameterException"


def test_a_service_has_five_task_sets(shop: Shop) -> None:
    """A sixth one is refused."""
    for _ in range(5):
        add(shop, 0)
    assert shop.refusal("CreateTaskSet", **HERE, taskDefinition="web", **FARGATE).code == "LimitExceededException"


def test_a_service_with_task_sets_is_deleted_with_force(shop: Shop) -> None:
    """Its tasks stop, and it is INACTIVE without task sets."""
    add(shop)
    shop.pass_(30)
    shop.update(desiredCount=0)
    assert shop.refusal("DeleteService", service="web").code == "InvalidParameterException"
    shop.do("DeleteService", service="web", force=True)
    shop.pass_(30)
    assert (shop.service()["status"], shop.service()["taskSets"]) == ("INACTIVE", [])
    assert shop.refusal("DescribeTaskSets", **HERE).code == "ServiceNotActiveException"


def test_what_runs_is_not_said_by_the_service(shop: Shop) -> None:
    """An EXTERNAL service is not updated with a task definition, and an ECS one has no task sets."""
    assert shop.refusal("UpdateService", service="web", taskDefinition="next").code == "InvalidParameterException"
    shop.create(serviceName="own", desiredCount=0)
    refusal = shop.refusal("CreateTaskSet", cluster="default", service="own", taskDefinition="web")
    assert refusal.code == "InvalidParameterException"


def test_codedeploy_services_have_no_deployments() -> None:
    """A PRIMARY task set exists from the start, only the desired count can be updated, `deployments` is absent."""
    shop = Shop()
    created = shop.create(deploymentController={"type": "CODE_DEPLOY"})
    assert "deployments" not in created
    assert created["deploymentConfiguration"] == {"maximumPercent": 200, "minimumHealthyPercent": 100}
    assert [(each["status"], each.get("startedBy")) for each in created["taskSets"]] == [("PRIMARY", None)]
    shop.pass_(30)
    assert shop.state.steady
    assert shop.refusal("UpdateService", service="web", forceNewDeployment=True).code == "InvalidParameterException"
    shop.update(desiredCount=1)
    shop.pass_(30)
    assert shop.state.running_count == 1
    assert shop.sim.deployments("web") == []


def test_the_count_of_a_task_set_follows_a_second_later() -> None:
    """The answers of UpdateService and DeleteService show the computed count before; a deletion scales to 0 percent."""
    shop = Shop()
    shop.ready(deploymentController={"type": "CODE_DEPLOY"}, desiredCount=1)

    def counts(service: Wire) -> tuple[Any, ...]:
        (each,) = service["taskSets"]
        return service["desiredCount"], each["computedDesiredCount"], each["scale"]["value"], each["stabilityStatus"]

    assert counts(shop.update(desiredCount=0)) == (0, 1, 100.0, "STEADY_STATE")
    deleted = shop.do("DeleteService", service="web", force=True)["service"]
    assert (*counts(deleted), deleted["deployments"]) == (0, 1, 0.0, "STABILIZING", [])
    assert counts(shop.service()) == (0, 1, 0.0, "STABILIZING")
    assert "deployments" not in shop.service()
    shop.pass_(1)
    assert counts(shop.service())[1] == 0


def test_events_name_the_task_set() -> None:
    """Events about a task set name it; the steady state of the service follows that of the task set."""
    shop = Shop()
    (task_set,) = shop.ready(deploymentController={"type": "CODE_DEPLOY"}, desiredCount=1)["taskSets"]
    (task,) = shop.sim.tasks("web")
    about = f"(service web, taskSet {task_set['id']})"
    assert [event["message"] for event in reversed(shop.service()["events"])] == [
        f"{about} has started 1 tasks: (task {task.arn.rsplit('/', 1)[-1]}).",
        f"{about} updated state to STEADY_STATE.",
        "(service web) has reached a steady state.",
    ]


def test_reads_of_task_sets_lag() -> None:
    """A new task set is MISSING for a while, and stale reads still show a deleted one."""
    shop = external(Lag(visible_after=3))
    id_ = add(shop)["id"]
    assert shop.do("DescribeTaskSets", **HERE, taskSets=[id_])["taskSets"] == []
    shop = external(Lag(stale_by=1000, stale_share=1))
    shop.pass_(2000)
    id_ = add(shop)["id"]
    shop.pass_(2000)
    shop.do("DeleteTaskSet", **HERE, taskSet=id_, force=True)
    shop.pass_(15)
    assert task_set(shop, id_)["runningCount"] == 3
