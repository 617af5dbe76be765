"""The requests that are sent to every emulator in order. A request can use the answers of earlier ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import attrs

Seen: TypeAlias = dict[str, dict[str, Any]]
"""The answers so far, by step name."""


@attrs.frozen
class Step:
    """One request. It is repeated until `settled` accepts the answer."""

    name: str
    operation: str
    request: Callable[[Seen], dict[str, Any]]
    settled: Callable[[dict[str, Any]], bool] = lambda _: True


CLUSTER = "shop"
LOST = "arn:aws:ecs:us-east-1:000000000000:"
UNKNOWN = f"{'f' * 32}"

DEFINITION: dict[str, Any] = {
    "family": "web",
    "cpu": "256",
    "memory": "512",
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "containerDefinitions": [
        {
            "name": "app",
            "image": "shop/app:1",
            "essential": True,
            "memory": 128,
            "portMappings": [{"containerPort": 80}],
            "environment": [{"name": "STAGE", "value": "test"}],
        },
        {"name": "log", "image": "shop/log:1", "essential": False, "memory": 128},
    ],
    "tags": [{"key": "team", "value": "shop"}],
}


def network(seen: Seen) -> dict[str, Any]:
    """Return a network configuration, with the subnet and security group of the emulator if it has any."""
    given = seen.get("subnet", {})
    return {
        "awsvpcConfiguration": {
            "subnets": [given.get("subnet", "subnet-1")],
            "securityGroups": [given.get("group", "sg-1")],
            "assignPublicIp": "DISABLED",
        }
    }


def service_of(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the only service of an answer."""
    [service] = answer["services"]
    return dict(service)


def is_steady(answer: dict[str, Any]) -> bool:
    """Whether a service is steady."""
    service = service_of(answer)
    deployments = service["deployments"]
    done = len(deployments) == 1 and deployments[0].get("rolloutState") in ("COMPLETED", None)
    return done and service["runningCount"] == service["desiredCount"] and not service["pendingCount"]


def all_tasks(status: str) -> Callable[[dict[str, Any]], bool]:
    """Return a test whether all tasks of an answer have a status."""
    return lambda answer: all(task["lastStatus"] == status for task in answer["tasks"])


def arns(seen: Seen, name: str = "run tasks") -> list[str]:
    """Return the ARNs of the tasks of an answer."""
    return [task["taskArn"] for task in seen[name]["tasks"]]


def revision(seen: Seen, name: str) -> str:
    """Return the ARN of a task definition."""
    return str(seen[name]["taskDefinition"]["taskDefinitionArn"])


def of_service(**members: Any) -> Callable[[Seen], dict[str, Any]]:
    """Return a request for the service `front`."""
    return lambda _: {"cluster": CLUSTER, "service": "front", **members}


def always(**members: Any) -> Callable[[Seen], dict[str, Any]]:
    """Return a request that uses no earlier answer."""
    return lambda _: members


DESCRIBE = always(cluster=CLUSTER, services=["front"])

STEPS = (
    Step("create cluster", "CreateCluster", always(clusterName=CLUSTER, tags=[{"key": "a", "value": "b"}])),
    Step("create cluster again", "CreateCluster", always(clusterName=CLUSTER)),
    Step("describe clusters", "DescribeClusters", always(clusters=[CLUSTER, "nowhere"])),
    Step("list clusters", "ListClusters", always()),
    # task definitions
    Step("register", "RegisterTaskDefinition", always(**DEFINITION)),
    Step("register second", "RegisterTaskDefinition", always(**{**DEFINITION, "tags": []})),
    Step(
        "register without containers",
        "RegisterTaskDefinition",
        always(**{**DEFINITION, "containerDefinitions": []}),
    ),
    Step(
        "register fargate without cpu",
        "RegisterTaskDefinition",
        always(**{name: value for name, value in DEFINITION.items() if name != "cpu"}),
    ),
    Step("describe definition", "DescribeTaskDefinition", always(taskDefinition="web:1", include=["TAGS"])),
    Step("describe latest definition", "DescribeTaskDefinition", always(taskDefinition="web")),
    Step("describe lost definition", "DescribeTaskDefinition", always(taskDefinition="lost")),
    Step("list definitions", "ListTaskDefinitions", always(familyPrefix="web", sort="DESC")),
    Step("list families", "ListTaskDefinitionFamilies", always()),
    # services
    Step(
        "create service",
        "CreateService",
        lambda seen: {
            "cluster": CLUSTER,
            "serviceName": "front",
            "taskDefinition": "web:1",
            "desiredCount": 2,
            "launchType": "FARGATE",
            "networkConfiguration": network(seen),
            "clientToken": "once",
            "tags": [{"key": "team", "value": "shop"}],
        },
    ),
    Step("first deployment", "DescribeServices", DESCRIBE, is_steady),
    Step(
        "create service again, otherwise",
        "CreateService",
        lambda seen: {
            "cluster": CLUSTER,
            "serviceName": "front",
            "taskDefinition": "web:1",
            "desiredCount": 3,
            "launchType": "FARGATE",
            "networkConfiguration": network(seen),
        },
    ),
    Step(
        "create service of nothing",
        "CreateService",
        lambda seen: {
            "cluster": CLUSTER,
            "serviceName": "none",
            "taskDefinition": "lost",
            "desiredCount": 1,
            "launchType": "FARGATE",
            "networkConfiguration": network(seen),
        },
    ),
    Step(
        "create service nowhere",
        "CreateService",
        lambda seen: {
            "cluster": "nowhere",
            "serviceName": "none",
            "taskDefinition": "web",
            "desiredCount": 1,
            "launchType": "FARGATE",
            "networkConfiguration": network(seen),
        },
    ),
    Step(
        "create external service",
        "CreateService",
        always(cluster=CLUSTER, serviceName="outside", desiredCount=0, deploymentController={"type": "EXTERNAL"}),
    ),
    Step("delete external service", "DeleteService", always(cluster=CLUSTER, service="outside", force=True)),
    Step("describe with tags", "DescribeServices", always(cluster=CLUSTER, services=["front"], include=["TAGS"])),
    Step("describe lost service", "DescribeServices", always(cluster=CLUSTER, services=["front", "lost"])),
    Step("describe nowhere", "DescribeServices", always(cluster="nowhere", services=["front"])),
    Step("list services", "ListServices", always(cluster=CLUSTER)),
    Step("list services of EC2", "ListServices", always(cluster=CLUSTER, launchType="EC2")),
    Step("list services nowhere", "ListServices", always(cluster="nowhere")),
    Step("tasks of service", "ListTasks", always(cluster=CLUSTER, serviceName="front")),
    Step(
        "describe tasks of service",
        "DescribeTasks",
        lambda seen: {"cluster": CLUSTER, "tasks": seen["tasks of service"]["taskArns"] or [UNKNOWN]},
    ),
    Step(
        "tasks of deployment",
        "ListTasks",
        lambda seen: {"cluster": CLUSTER, "startedBy": service_of(seen["first deployment"])["deployments"][0]["id"]},
    ),
    Step("service deployments", "ListServiceDeployments", of_service()),
    Step(
        "describe service deployments",
        "DescribeServiceDeployments",
        lambda seen: {
            "serviceDeploymentArns": [
                each["serviceDeploymentArn"] for each in seen["service deployments"].get("serviceDeployments", [])
            ]
            or [f"{LOST}service-deployment/{CLUSTER}/front/{'a' * 21}"]
        },
    ),
    Step("scale", "UpdateService", of_service(desiredCount=3)),
    Step("scaled", "DescribeServices", DESCRIBE, is_steady),
    Step("change nothing", "UpdateService", of_service()),
    Step("deploy", "UpdateService", of_service(taskDefinition="web:2")),
    Step("deployed", "DescribeServices", DESCRIBE, is_steady),
    Step("force", "UpdateService", of_service(forceNewDeployment=True)),
    Step("forced", "DescribeServices", DESCRIBE, is_steady),
    Step("deploy lost definition", "UpdateService", of_service(taskDefinition="lost")),
    Step(
        "deploy lost definition by ARN",
        "UpdateService",
        lambda seen: {
            "cluster": CLUSTER,
            "service": "front",
            "taskDefinition": revision(seen, "register").replace("web:1", "lost:1"),
        },
    ),
    Step("update lost service", "UpdateService", always(cluster=CLUSTER, service="lost", desiredCount=1)),
    Step("update nowhere", "UpdateService", always(cluster="nowhere", service="front", desiredCount=1)),
    Step(
        "stopped tasks of service", "ListTasks", always(cluster=CLUSTER, serviceName="front", desiredStatus="STOPPED")
    ),
    Step("delete service with tasks", "DeleteService", of_service()),
    Step("last tasks of service", "ListTasks", always(cluster=CLUSTER, serviceName="front")),
    Step("scale to nothing", "UpdateService", of_service(desiredCount=0)),
    Step("nothing runs", "DescribeServices", DESCRIBE, is_steady),
    Step(
        "last tasks stopped",
        "DescribeTasks",
        lambda seen: {"cluster": CLUSTER, "tasks": seen["last tasks of service"]["taskArns"] or [UNKNOWN]},
        all_tasks("STOPPED"),
    ),
    Step("delete service", "DeleteService", of_service()),
    Step("deleted", "DescribeServices", DESCRIBE, lambda answer: service_of(answer)["status"] == "INACTIVE"),
    Step("delete service of nothing", "DeleteService", always(cluster=CLUSTER, service="none", force=True)),
    Step("list after deletion", "ListServices", always(cluster=CLUSTER)),
    Step("update deleted service", "UpdateService", of_service(desiredCount=1)),
    Step("delete deleted service", "DeleteService", of_service()),
    Step("delete lost service", "DeleteService", always(cluster=CLUSTER, service="lost")),
    # tasks
    Step(
        "run tasks",
        "RunTask",
        lambda seen: {
            "cluster": CLUSTER,
            "taskDefinition": "web",
            "count": 2,
            "launchType": "FARGATE",
            "networkConfiguration": network(seen),
            "startedBy": "me",
            "tags": [{"key": "a", "value": "b"}],
            "overrides": {"containerOverrides": [{"name": "app", "command": ["x"]}]},
        },
    ),
    Step(
        "tasks running",
        "DescribeTasks",
        lambda seen: {"cluster": CLUSTER, "tasks": arns(seen), "include": ["TAGS"]},
        all_tasks("RUNNING"),
    ),
    Step("list tasks by starter", "ListTasks", always(cluster=CLUSTER, startedBy="me")),
    Step("list tasks of family", "ListTasks", always(cluster=CLUSTER, family="web")),
    Step(
        "stop task",
        "StopTask",
        lambda seen: {"cluster": CLUSTER, "task": arns(seen)[0], "reason": "enough"},
    ),
    Step(
        "task stopped",
        "DescribeTasks",
        lambda seen: {"cluster": CLUSTER, "tasks": arns(seen)[:1]},
        all_tasks("STOPPED"),
    ),
    Step("stop stopped task", "StopTask", lambda seen: {"cluster": CLUSTER, "task": arns(seen)[0]}),
    Step("describe lost task", "DescribeTasks", always(cluster=CLUSTER, tasks=[UNKNOWN])),
    Step("stop lost task", "StopTask", always(cluster=CLUSTER, task=UNKNOWN)),
    Step("list stopped tasks", "ListTasks", always(cluster=CLUSTER, desiredStatus="STOPPED", family="web")),
    Step(
        "run eleven tasks",
        "RunTask",
        lambda seen: {
            "cluster": CLUSTER,
            "taskDefinition": "web",
            "count": 11,
            "launchType": "FARGATE",
            "networkConfiguration": network(seen),
        },
    ),
    Step(
        "run awsvpc without network",
        "RunTask",
        always(cluster=CLUSTER, taskDefinition="web", launchType="FARGATE"),
    ),
    Step("run lost definition", "RunTask", always(cluster=CLUSTER, taskDefinition="lost")),
    Step("run nowhere", "RunTask", always(cluster="nowhere", taskDefinition="web")),
    # end
    Step("delete cluster with tasks", "DeleteCluster", always(cluster=CLUSTER)),
    Step("stop the other task", "StopTask", lambda seen: {"cluster": CLUSTER, "task": arns(seen)[1]}),
    Step(
        "all tasks stopped",
        "DescribeTasks",
        lambda seen: {"cluster": CLUSTER, "tasks": arns(seen)},
        all_tasks("STOPPED"),
    ),
    Step("deregister", "DeregisterTaskDefinition", always(taskDefinition="web:1")),
    Step("deregister lost", "DeregisterTaskDefinition", always(taskDefinition="lost:1")),
    Step("delete definitions", "DeleteTaskDefinitions", always(taskDefinitions=["web:1", "web:2"])),
    Step("delete cluster", "DeleteCluster", always(cluster=CLUSTER)),
    Step("describe deleted cluster", "DescribeClusters", always(clusters=[CLUSTER])),
    Step("delete lost cluster", "DeleteCluster", always(cluster="nowhere")),
)
"""In the order in which they are taken."""
