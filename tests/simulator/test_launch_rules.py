"""The rules about launches and services: each refuses a wrong request, with the words of ECS, and not a right one."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from support.definitions import NETWORK

from ecskit._rules.launches import RUN_TASK_RULES, START_TASK_RULES
from ecskit._rules.rule import Rule
from ecskit._rules.services import SERVICE_RULES, TASK_SET_RULES

from .service_support import FARGATE
from .support import Wire, World

SPREAD = {"type": "spread", "field": "instanceId"}
DISTINCT = {"type": "distinctInstance"}
SPOT, ON_DEMAND = {"capacityProvider": "FARGATE_SPOT"}, {"capacityProvider": "FARGATE"}
HOOK = {"hookTargetArn": "arn:f", "roleArn": "arn:r", "lifecycleStages": ["POST_SCALE_UP"]}
PAUSE = {"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}
EARLY = {"enable": True, "healthyPercent": 100, "sourceServiceRevisionCleanup": "DEFERRED"}
TARGET = {"targetGroupArn": "arn:t", "containerName": "app", "containerPort": 80}

BASES: dict[str, tuple[str, Wire]] = {
    "run": ("RunTask", {"taskDefinition": "web", **FARGATE}),
    "run on instances": ("RunTask", {"taskDefinition": "plain"}),
    "run in a VPC": ("RunTask", {"taskDefinition": "vpc", "networkConfiguration": NETWORK}),
    "start": ("StartTask", {"taskDefinition": "plain", "containerInstances": ["INSTANCE"]}),
    "create": ("CreateService", {"serviceName": "new", "taskDefinition": "web", "desiredCount": 1, **FARGATE}),
    "create on instances": ("CreateService", {"serviceName": "new", "taskDefinition": "plain", "desiredCount": 1}),
    "daemon": ("CreateService", {"serviceName": "new", "taskDefinition": "plain", "schedulingStrategy": "DAEMON"}),
    "external": (
        "CreateService",
        {"serviceName": "new", "desiredCount": 1, "deploymentController": {"type": "EXTERNAL"}},
    ),
    "update": ("UpdateService", {"service": "web"}),
    "task set": ("CreateTaskSet", {"service": "sets", "cluster": "default", "taskDefinition": "web", **FARGATE}),
}


@attrs.frozen
class Case:
    """A rule, a request that it refuses, and one like it that passes."""

    rule: str
    base: str
    wrong: Wire
    right: Wire
    message: str
    """What the error says."""


def vpc(**members: Any) -> Wire:
    return {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"], **members}}}


def override(**members: Any) -> Wire:
    return {"overrides": {"containerOverrides": [{"name": "app", **members}]}}


def configured(**members: Any) -> Wire:
    return {"deploymentConfiguration": members}


def linear(name: str, value: float) -> Wire:
    return configured(strategy="LINEAR", linearConfiguration={name: value})


CASES = [
    Case("count", "run", {"count": 11}, {"count": 10}, "count: expected 1 to 10 tasks, got 11."),
    Case("count", "run", {"count": 0}, {"count": 1}, "count: expected 1 to 10 tasks, got 0."),
    Case("client-token", "run", {"clientToken": "x" * 65}, {"clientToken": "x" * 64}, "expected at most 64 characters"),
    Case("client-token", "create", {"clientToken": "a b"}, {"clientToken": "a-b"}, "1 to 36 printable ASCII"),
    Case("client-token", "task set", {"clientToken": "x" * 37}, {"clientToken": "x" * 36}, "1 to 36 printable ASCII"),
    Case("started-by", "run", {"startedBy": "x" * 129}, {"startedBy": "x" * 128}, "expected 1 to 128 letters"),
    Case("started-by", "run", {"startedBy": "a b"}, {"startedBy": "ecs-svc/1.a_b"}, "expected 1 to 128 letters"),
    Case("started-by", "start", {"startedBy": "x" * 37}, {"startedBy": "x" * 36}, "startedBy longer than 36."),
    Case("started-by", "start", {"startedBy": "a b"}, {"startedBy": "a/b"}, "startedBy: expected letters"),
    Case("reference-id", "run", {"referenceId": "x" * 1025}, {"referenceId": "x" * 1024}, "at most 1024 characters"),
    Case(
        "propagate-tags",
        "run",
        {"propagateTags": "SERVICE"},
        {"propagateTags": "TASK_DEFINITION"},
        'propagateTags: "SERVICE" is for tasks of services.',
    ),
    Case("container-instances", "start", {"containerInstances": []}, {}, "expected at least one"),
    Case(
        "container-instances",
        "start",
        {"containerInstances": ["i"] * 11},
        {"containerInstances": ["i"] * 10},
        "expected at most 10 container instances, got 11",
    ),
    Case(
        "network-missing",
        "run",
        {"networkConfiguration": None},
        {},
        "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
    ),
    Case(
        "network-missing",
        "create",
        {"networkConfiguration": {}},
        {},
        "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
    ),
    Case(
        "network-not-allowed",
        "run on instances",
        {"networkConfiguration": NETWORK},
        {},
        "Network Configuration is not valid for the given networkMode of this task definition.",
    ),
    Case("subnets", "run", vpc(subnets=[]), vpc(), "subnets: expected at least one subnet."),
    Case(
        "subnets",
        "create",
        vpc(subnets=["subnet-1"] * 17),
        vpc(subnets=["subnet-1"] * 16),
        "subnets can have at most 16 items.",
    ),
    Case("security-groups", "run", vpc(securityGroups=["sg"] * 6), vpc(securityGroups=["sg"] * 5), "at most 5 groups"),
    Case(
        "public-ip",
        "run in a VPC",
        vpc(assignPublicIp="ENABLED"),
        vpc(assignPublicIp="DISABLED"),
        "Assign public IP is not supported for this launch type.",
    ),
    Case(
        "platform-version",
        "run on instances",
        {"platformVersion": "LATEST"},
        {},
        "The platform version must be null when specifying an EC2 launch type.",
    ),
    Case(
        "platform-version",
        "create on instances",
        {"platformVersion": "1.4.0"},
        {},
        "The platform version must be null when specifying an EC2 launch type.",
    ),
    Case(
        "compatibility",
        "run",
        {"taskDefinition": "plain", "networkConfiguration": None},
        {},
        "Task definition does not support launch_type FARGATE.",
    ),
    Case(
        "launch-type",
        "run",
        {"capacityProviderStrategy": [ON_DEMAND]},
        {"capacityProviderStrategy": [ON_DEMAND], "launchType": None},
        "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
    ),
    Case(
        "launch-type",
        "create",
        {"capacityProviderStrategy": [ON_DEMAND]},
        {"capacityProviderStrategy": [ON_DEMAND], "launchType": None},
        "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
    ),
    Case(
        "strategy",
        "run",
        {"launchType": None, "capacityProviderStrategy": [{**ON_DEMAND, "weight": 1}] * 21},
        {"launchType": None, "capacityProviderStrategy": [{**ON_DEMAND, "weight": 1}]},
        "capacityProviderStrategy: expected at most 20 items, got 21.",
    ),
    Case(
        "strategy-mixed",
        "create",
        {"launchType": None, "capacityProviderStrategy": [{**SPOT, "weight": 1}, {"capacityProvider": "group"}]},
        {"launchType": None, "capacityProviderStrategy": [{**SPOT, "weight": 1}, ON_DEMAND]},
        "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and Fargate"
        " providers. Specify one or the other and try again.",
    ),
    Case(
        "strategy-weights",
        "run",
        {"launchType": None, "capacityProviderStrategy": [SPOT, ON_DEMAND]},
        {"launchType": None, "capacityProviderStrategy": [SPOT, {**ON_DEMAND, "weight": 1}]},
        "There are no capacity providers in the capacity provider strategy with a weight value greater than zero."
        " Specify a weight value greater than zero for at least one capacity provider and try again.",
    ),
    Case(
        "strategy-base",
        "run",
        {
            "launchType": None,
            "capacityProviderStrategy": [{**SPOT, "weight": 1, "base": 1}, {**ON_DEMAND, "base": 2}],
        },
        {"launchType": None, "capacityProviderStrategy": [{**SPOT, "weight": 1, "base": 1}, ON_DEMAND]},
        "There are multiple capacity providers in the specified capacity provider strategy with a base value greater"
        " than zero. Only one capacity provider can have a base value greater than zero. Specify a valid capacity"
        " provider strategy and try again.",
    ),
    Case(
        "fargate-constraints",
        "run",
        {"placementConstraints": [DISTINCT]},
        {"placementConstraints": []},
        "Placement constraints are not supported with FARGATE launch type.",
    ),
    Case(
        "fargate-strategy",
        "create",
        {"placementStrategy": [SPREAD]},
        {"placementStrategy": []},
        "Placement strategies are not supported with FARGATE launch type.",
    ),
    Case(
        "placement-constraints",
        "run on instances",
        {"placementConstraints": [DISTINCT] * 11},
        {"placementConstraints": [DISTINCT] * 10},
        "expected at most 10 constraints with those of the task definition, got 11",
    ),
    Case(
        "placement-constraints",
        "run on instances",
        {"taskDefinition": "constrained", "placementConstraints": [DISTINCT] * 10},
        {"taskDefinition": "constrained", "placementConstraints": [DISTINCT] * 9},
        "expected at most 10 constraints with those of the task definition, got 11",
    ),
    Case(
        "distinct-instance",
        "run on instances",
        {"placementConstraints": [{**DISTINCT, "expression": "agentConnected == true"}]},
        {"placementConstraints": [DISTINCT]},
        "distinctInstance expression should not be specified.",
    ),
    Case(
        "placement-strategy",
        "create on instances",
        {"placementStrategy": [SPREAD] * 6},
        {"placementStrategy": [SPREAD] * 5},
        "Maximum number of strategies is 5.",
    ),
    Case(
        "binpack",
        "run on instances",
        {"placementStrategy": [{"type": "binpack", "field": "instanceId"}]},
        {"placementStrategy": [{"type": "binpack", "field": "MEMORY"}]},
        "binpack field 'instanceId' is invalid.",
    ),
    Case(
        "random",
        "create on instances",
        {"placementStrategy": [{"type": "random", "field": "cpu"}]},
        {"placementStrategy": [{"type": "random"}]},
        "random field should not be specified.",
    ),
    Case(
        "overrides",
        "run",
        override(command=["x" * 8192]),
        override(command=["x" * 8000]),
        "Container Overrides length must be at most 8192",
    ),
    Case(
        "overrides",
        "start",
        override(command=["x" * 8192]),
        override(command=["x" * 8000]),
        "Container Overrides length must be at most 8192",
    ),
    Case(
        "override-container",
        "run",
        override(name="django"),
        override(),
        "Override for container named django is not a container in the TaskDefinition.",
    ),
    Case("override-size", "run", {"overrides": {"cpu": "much"}}, {"overrides": {"cpu": ".25 vCPU"}}, '"much"'),
    Case("override-size", "run", {"overrides": {"memory": "much"}}, {"overrides": {"memory": "0.5 GB"}}, '"much"'),
    Case(
        "fargate-size",
        "run",
        {"overrides": {"cpu": "256", "memory": "4096"}},
        {"overrides": {"cpu": "512", "memory": "4096"}},
        "overrides: Fargate has no size of 256 CPU units with 4096 MiB.",
    ),
    Case(
        "override-memory",
        "run",
        override(memory=513),
        override(memory=512),
        "'memory' setting for container 'app' is greater than for task.",
    ),
    Case(
        "service-name",
        "create",
        {"serviceName": "a b"},
        {"serviceName": "a-b"},
        r"ServiceName must match ^[a-zA-Z0-9\-_]{1,255}$, but was a b",
    ),
    Case(
        "daemon-controller",
        "daemon",
        {"deploymentController": {"type": "CODE_DEPLOY"}},
        {"deploymentController": {"type": "ECS"}},
        'schedulingStrategy: "DAEMON" is not supported by the controller CODE_DEPLOY.',
    ),
    Case(
        "daemon-count",
        "daemon",
        {"desiredCount": 0},
        {},
        "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value"
        " and try again",
    ),
    Case(
        "daemon-strategy",
        "daemon",
        {"placementStrategy": [SPREAD]},
        {"placementConstraints": [{"type": "memberOf", "expression": "agentConnected == true"}]},
        "The daemon scheduling strategy does not support placement strategies. Remove the placement strategy and try"
        " again",
    ),
    Case(
        "daemon-percent",
        "daemon",
        configured(maximumPercent=101),
        configured(maximumPercent=100),
        "The daemon scheduling strategy does not support values above 100 for maximumPercent on a deployment"
        " configuration. Change the maximumPercent value to 100, and try again",
    ),
    Case("daemon-fargate", "daemon", {"taskDefinition": "web", **FARGATE}, {}, "is not supported on Fargate."),
    Case("external-definition", "external", {"taskDefinition": "web"}, {}, "TaskDefinition must be blank."),
    Case(
        "external-load-balancers", "external", {"loadBalancers": [TARGET]}, {}, "LoadBalancers must be empty or null."
    ),
    Case("external-launch-type", "external", {"launchType": "EC2"}, {}, "launchType: belongs to the task sets"),
    Case("task-definition", "create", {"taskDefinition": None}, {}, "taskDefinition: required by the controller ECS."),
    Case("desired-count", "create", {"desiredCount": None}, {}, "desiredCount: required by the scheduling strategy"),
    Case("desired-count", "update", {"desiredCount": 5001}, {"desiredCount": 0}, "expected 0 to 5000 tasks, got 5001."),
    Case(
        "grace-period",
        "create",
        {"healthCheckGracePeriodSeconds": 9},
        {"healthCheckGracePeriodSeconds": 9, "loadBalancers": [TARGET]},
        "Health check grace period is only valid for services configured to use load balancers",
    ),
    Case(
        "grace-period",
        "create",
        {"healthCheckGracePeriodSeconds": -1, "loadBalancers": [TARGET]},
        {"healthCheckGracePeriodSeconds": 0},
        "expected 0 to 2147483647 seconds",
    ),
    Case(
        "minimum-percent",
        "update",
        configured(minimumHealthyPercent=101),
        configured(minimumHealthyPercent=50),
        "minimumHealthyPercent must be at most 100",
    ),
    Case(
        "minimum-percent",
        "create",
        configured(minimumHealthyPercent=-1),
        configured(minimumHealthyPercent=0),
        "deploymentConfiguration.minimumHealthyPercent: expected 0 or more, got -1.",
    ),
    Case(
        "maximum-percent",
        "create",
        configured(maximumPercent=99),
        configured(maximumPercent=101),
        "maximumPercent must be at least 100",
    ),
    Case(
        "blocked-deployments",
        "update",
        configured(maximumPercent=100),
        configured(maximumPercent=100, minimumHealthyPercent=50),
        "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
    ),
    Case(
        "early-success",
        "create",
        configured(earlySuccessCriteria={**EARLY, "healthyPercent": 99}),
        configured(earlySuccessCriteria=EARLY),
        "healthyPercent: expected minimumHealthyPercent or more, 100, got 99.",
    ),
    Case(
        "early-success",
        "create",
        configured(earlySuccessCriteria={"enable": True}),
        configured(earlySuccessCriteria={"enable": False}),
        "healthyPercent: required where enable is true.",
    ),
    Case(
        "early-success",
        "create",
        configured(earlySuccessCriteria=EARLY, strategy="CANARY"),
        configured(earlySuccessCriteria=EARLY, strategy="ROLLING"),
        "for the controller ECS with the strategy ROLLING only",
    ),
    Case("linear-step", "create", linear("stepPercent", 2.9), linear("stepPercent", 3.0), "expected 3 to 100 percent"),
    Case(
        "canary-share",
        "create",
        configured(strategy="CANARY", canaryConfiguration={"canaryPercent": 0.0}),
        configured(strategy="CANARY", canaryConfiguration={"canaryPercent": 0.1}),
        "expected 0.1 to 100 percent, got 0.0.",
    ),
    Case(
        "bake-time",
        "create",
        linear("stepBakeTimeInMinutes", 1441),
        linear("stepBakeTimeInMinutes", 1440),
        "expected 0 to 1440 minutes, got 1441.",
    ),
    Case(
        "lifecycle-hook",
        "create",
        configured(lifecycleHooks=[{**PAUSE, "lifecycleStages": ["TEST_TRAFFIC_SHIFT"]}]),
        configured(lifecycleHooks=[PAUSE]),
        "PAUSE hooks cannot be configured at TEST_TRAFFIC_SHIFT or PRODUCTION_TRAFFIC_SHIFT",
    ),
    Case(
        "lifecycle-hook",
        "create",
        configured(lifecycleHooks=[{**HOOK, "roleArn": ""}]),
        configured(lifecycleHooks=[HOOK]),
        "lifecycleHooks[0].roleArn: required by hooks that call a function.",
    ),
    Case(
        "lifecycle-hook",
        "create",
        configured(lifecycleHooks=[{**HOOK, "lifecycleStages": []}]),
        configured(lifecycleHooks=[HOOK]),
        "lifecycleStages: expected at least one stage.",
    ),
    Case(
        "target-container",
        "create",
        {"loadBalancers": [{**TARGET, "containerName": "web"}]},
        {"loadBalancers": [TARGET]},
        "The container web does not exist in the task definition.",
    ),
    Case(
        "target-container",
        "create",
        {"serviceRegistries": [{"registryArn": "arn:r", "containerName": "web"}]},
        {"serviceRegistries": [{"registryArn": "arn:r"}]},
        "The container web does not exist in the task definition.",
    ),
    Case(
        "target-port",
        "create",
        {"loadBalancers": [{**TARGET, "containerPort": 8080}]},
        {"loadBalancers": [{**TARGET, "containerPort": 9005}]},
        "The container app did not have a container port 8080 defined.",
    ),
    Case(
        "target-port",
        "task set",
        {"loadBalancers": [{**TARGET, "containerPort": 8080}]},
        {"loadBalancers": [TARGET]},
        "The container app did not have a container port 8080 defined.",
    ),
    Case(
        "load-balancer",
        "create",
        {"loadBalancers": [{**TARGET, "loadBalancerName": "classic"}]},
        {"loadBalancers": [TARGET]},
        "loadBalancerName and targetGroupArn cannot both be specified. You must specify either a loadBalancerName or a"
        " targetGroupArn in all loadBalancer entries",
    ),
    Case(
        "classic-load-balancer",
        "create",
        {"loadBalancers": [{"loadBalancerName": "classic", "containerName": "app", "containerPort": 80}]},
        {"loadBalancers": [TARGET]},
        "Classic Load Balancers are not supported with Fargate.",
    ),
    Case(
        "service-registries",
        "create",
        {"serviceRegistries": [{"registryArn": "arn:1"}, {"registryArn": "arn:2"}]},
        {"serviceRegistries": [{"registryArn": "arn:1"}]},
        "service registries can have at most 1 items.",
    ),
]


@pytest.fixture
def world() -> World:
    """A simulator with task definitions, a container instance and two services."""
    world = World()
    ports = [{"containerPort": 80}, {"containerPortRange": "9000-9010", "name": "many"}]
    world.register("web", {"name": "app", "image": "app:1", "portMappings": ports})
    plain = [{"name": "app", "image": "app:1", "memory": 64}]
    constraint = {"type": "memberOf", "expression": "agentConnected == true"}
    world.do("RegisterTaskDefinition", family="plain", containerDefinitions=plain)
    world.do("RegisterTaskDefinition", family="vpc", containerDefinitions=plain, networkMode="awsvpc")
    world.do(
        "RegisterTaskDefinition", family="constrained", containerDefinitions=plain, placementConstraints=[constraint]
    )
    world.do("CreateService", serviceName="web", taskDefinition="web", desiredCount=1, **FARGATE)
    world.do("CreateService", serviceName="sets", desiredCount=1, deploymentController={"type": "EXTERNAL"})
    return world


def request(world: World, base: str, members: Wire) -> tuple[str, Wire]:
    operation, request = BASES[base]
    request = {name: value for name, value in {**request, **members}.items() if value is not None}
    if request.get("containerInstances") == ["INSTANCE"]:
        request["containerInstances"] = [world.add_instance()]
    elif "on instances" in base or "VPC" in base:
        world.add_instance()
    world.do("PutClusterCapacityProviders", **PROVIDERS)
    return operation, request


PROVIDERS: Wire = {
    "cluster": "default",
    "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
    "defaultCapacityProviderStrategy": [],
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.base} {case.rule}")
def test_a_wrong_request_is_refused(world: World, case: Case) -> None:
    """With the words of ECS where they are known, else with the path and what is right."""
    operation, wrong = request(world, case.base, case.wrong)
    refusal = world.refusal(operation, **wrong)
    assert refusal.code == "InvalidParameterException"
    assert case.message in refusal.message


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.base} {case.rule}")
def test_a_right_request_passes(world: World, case: Case) -> None:
    """One that differs in that point only."""
    operation, right = request(world, case.base, case.right)
    world.do(operation, **right)


ALL: list[Rule[Any]] = [*RUN_TASK_RULES, *START_TASK_RULES, *SERVICE_RULES, *TASK_SET_RULES]


def test_every_rule_has_a_case() -> None:
    """A new rule has to be tested."""
    assert {rule.name for rule in ALL} == {case.rule for case in CASES}


def test_every_rule_says_where_it_is_from() -> None:
    """The page of AWS, and the report that shows a refusal where its words are known."""
    for rule in ALL:
        assert rule.source.startswith("https://docs.aws.amazon.com/AmazonECS/latest/"), rule.name
        assert bool(rule.words) == bool(rule.report), rule.name
        assert rule.severity == "error", rule.name
        assert rule.known in ("documented", "refused"), rule.name
        assert not rule.report or rule.report.startswith("https://github.com/"), rule.name
