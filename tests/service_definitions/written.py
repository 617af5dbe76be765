"""Service definitions in the shapes that public files have, made up for the tests. Each is created on the simulator."""

from __future__ import annotations

from typing import Any

from support.definitions import NETWORK

from ecskit.testing import Simulator

Wire = dict[str, Any]

ACCOUNT = "eu-west-1:123456789012"
GROUP = f"arn:aws:elasticloadbalancing:{ACCOUNT}:targetgroup"
RULE = f"arn:aws:elasticloadbalancing:{ACCOUNT}:listener-rule/app/lb/1/2/3"
ROLE = "arn:aws:iam::123456789012:role/ecs"
REGISTRY = f"arn:aws:servicediscovery:{ACCOUNT}:service/srv-1"
SECRET = "hunter2"

BALANCER = {"targetGroupArn": f"{GROUP}/blue/1", "containerName": "app", "containerPort": 80}
SHIFTED = {
    **BALANCER,
    "advancedConfiguration": {
        "alternateTargetGroupArn": f"{GROUP}/green/1",
        "productionListenerRule": f"{RULE}/4",
        "testListenerRule": f"{RULE}/5",
        "roleArn": ROLE,
    },
}
HOOK = {
    "hookTargetArn": f"arn:aws:lambda:{ACCOUNT}:function:check",
    "roleArn": ROLE,
    "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT", "PRE_SCALE_UP"],
}
PAUSE = {
    "targetType": "PAUSE",
    "lifecycleStages": ["PRE_SCALE_UP"],
    "timeoutConfiguration": {"timeoutInMinutes": 1, "action": "CONTINUE"},
}
BREAKER = {"enable": True, "rollback": True}
FARGATE: Wire = {
    "serviceName": "web",
    "taskDefinition": "web",
    "desiredCount": 2,
    "launchType": "FARGATE",
    "networkConfiguration": NETWORK,
}
EC2: Wire = {"serviceName": "web", "taskDefinition": "agent", "desiredCount": 2, "launchType": "EC2"}
PROVIDERS: Wire = {name: value for name, value in FARGATE.items() if name != "launchType"}
CONNECTED = {"portName": "http", "discoveryName": "web", "clientAliases": [{"port": 80, "dnsName": "web.local"}]}


def deployed(**configuration: Any) -> Wire:
    return {**FARGATE, "deploymentConfiguration": configuration}


def mixed(*items: tuple[str, int, int]) -> Wire:
    strategy = [{"capacityProvider": name, "weight": weight, "base": base} for name, weight, base in items]
    return {**PROVIDERS, "capacityProviderStrategy": strategy}


def connected(**configuration: Any) -> Wire:
    return {**FARGATE, "serviceConnectConfiguration": {"enabled": True, "namespace": "local", **configuration}}


WRITTEN: dict[str, Wire] = {
    # Rolling.
    "smallest": FARGATE,
    "none desired": {**FARGATE, "desiredCount": 0},
    "percentages": deployed(minimumHealthyPercent=50, maximumPercent=150),
    "defaults written out": deployed(minimumHealthyPercent=100, maximumPercent=200, strategy="ROLLING"),
    "circuit breaker": deployed(deploymentCircuitBreaker=BREAKER),
    "circuit breaker off": deployed(deploymentCircuitBreaker={"enable": False, "rollback": False}),
    "alarms": deployed(alarms={"alarmNames": ["high", "errors"], "enable": True, "rollback": True}),
    "alarms off": deployed(alarms={"alarmNames": [], "enable": False, "rollback": False}),
    "bake time": deployed(bakeTimeInMinutes=5),
    "early success": deployed(
        earlySuccessCriteria={"enable": True, "healthyPercent": 100, "sourceServiceRevisionCleanup": "DEFERRED"}
    ),
    "platform version": {**FARGATE, "platformVersion": "1.4.0"},
    "latest platform": {**FARGATE, "platformVersion": "LATEST"},
    "public address": {
        **FARGATE,
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": ["subnet-2", "subnet-1"],
                "securityGroups": ["sg-2", "sg-1"],
                "assignPublicIp": "ENABLED",
            }
        },
    },
    "controller written out": {**FARGATE, "deploymentController": {"type": "ECS"}, "schedulingStrategy": "REPLICA"},
    "exec": {**FARGATE, "enableExecuteCommand": True},
    "tags": {
        **FARGATE,
        "enableECSManagedTags": True,
        "propagateTags": "SERVICE",
        "tags": [{"key": "team", "value": "shop"}, {"key": "empty", "value": ""}],
    },
    "rebalanced": {**FARGATE, "availabilityZoneRebalancing": "ENABLED"},
    "not rebalanced": {**FARGATE, "availabilityZoneRebalancing": "DISABLED"},
    "empty lists": {
        **FARGATE,
        "loadBalancers": [],
        "serviceRegistries": [],
        "placementConstraints": [],
        "placementStrategy": [],
        "tags": [],
    },
    "name of the task definition": {**FARGATE, "taskDefinition": "web:1"},
    # Other strategies.
    "blue/green": {**deployed(strategy="BLUE_GREEN", bakeTimeInMinutes=10), "loadBalancers": [SHIFTED]},
    "blue/green with hooks": {
        **deployed(strategy="BLUE_GREEN", lifecycleHooks=[HOOK, PAUSE]),
        "loadBalancers": [SHIFTED],
    },
    "linear": {
        **deployed(strategy="LINEAR", linearConfiguration={"stepPercent": 25.0, "stepBakeTimeInMinutes": 1}),
        "loadBalancers": [SHIFTED],
    },
    "canary": {
        **deployed(strategy="CANARY", canaryConfiguration={"canaryPercent": 12.5, "canaryBakeTimeInMinutes": 2}),
        "loadBalancers": [SHIFTED],
    },
    # Load balancers and registries.
    "load balancer": {**FARGATE, "loadBalancers": [BALANCER], "healthCheckGracePeriodSeconds": 60},
    "no grace period": {**FARGATE, "loadBalancers": [BALANCER]},
    "two load balancers": {
        **FARGATE,
        "loadBalancers": [BALANCER, {**BALANCER, "targetGroupArn": f"{GROUP}/internal/2"}],
        "healthCheckGracePeriodSeconds": 0,
    },
    "classic load balancer": {
        **EC2,
        "loadBalancers": [{"loadBalancerName": "old", "containerName": "app", "containerPort": 80}],
        "role": "ecsServiceRole",
    },
    "registry": {**FARGATE, "serviceRegistries": [{"registryArn": REGISTRY}]},
    "registry with a port": {
        **FARGATE,
        "serviceRegistries": [{"registryArn": REGISTRY, "containerName": "app", "containerPort": 80}],
    },
    "lattice": {
        **FARGATE,
        "vpcLatticeConfigurations": [
            {"roleArn": ROLE, "targetGroupArn": f"arn:aws:vpc-lattice:{ACCOUNT}:targetgroup/tg-1", "portName": "http"}
        ],
    },
    # Service Connect.
    "client of service connect": connected(),
    "service connect": connected(services=[CONNECTED]),
    "service connect with logs": connected(
        services=[{"portName": "http"}, {**CONNECTED, "portName": "admin"}],
        logConfiguration={
            "logDriver": "awslogs",
            "options": {"awslogs-group": "/ecs/connect", "awslogs-stream-prefix": SECRET},
        },
    ),
    "service connect off": {**FARGATE, "serviceConnectConfiguration": {"enabled": False}},
    # Capacity providers.
    "spot": mixed(("FARGATE_SPOT", 1, 0)),
    "mixed": mixed(("FARGATE", 1, 1), ("FARGATE_SPOT", 3, 0)),
    "weights left out": {
        **PROVIDERS,
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}],
        "platformVersion": "LATEST",
    },
    "autoscaled": {**mixed(("FARGATE", 1, 0)), "desiredCount": 4},
    # Container instances.
    "EC2": EC2,
    "binpack": {**EC2, "placementStrategy": [{"type": "binpack", "field": "memory"}]},
    "spread": {
        **EC2,
        "placementStrategy": [
            {"type": "spread", "field": "attribute:ecs.availability-zone"},
            {"type": "spread", "field": "instanceId"},
        ],
    },
    "constraints": {
        **EC2,
        "placementConstraints": [
            {"type": "distinctInstance"},
            {"type": "memberOf", "expression": "attribute:stack == prod"},
        ],
    },
    "daemon": {
        "serviceName": "web",
        "taskDefinition": "agent",
        "launchType": "EC2",
        "schedulingStrategy": "DAEMON",
        "deploymentConfiguration": {"minimumHealthyPercent": 0, "maximumPercent": 100},
    },
    "daemon without percentages": {
        "serviceName": "web",
        "taskDefinition": "agent",
        "launchType": "EC2",
        "schedulingStrategy": "DAEMON",
    },
}
"""More than forty service definitions, by what is particular to them."""


def prepare(sim: Simulator) -> None:
    """Make the cluster, its capacity, and the task definitions of the services."""
    sim.handle(
        "PutClusterCapacityProviders",
        {
            "cluster": "default",
            "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
            "defaultCapacityProviderStrategy": [],
        },
    )
    ports = [{"name": "http", "containerPort": 80}, {"name": "admin", "containerPort": 81}]
    app = {"name": "app", "image": "app:1", "memory": 64, "portMappings": ports}
    sim.handle(
        "RegisterTaskDefinition",
        {
            "family": "web",
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "containerDefinitions": [app],
        },
    )
    sim.handle("RegisterTaskDefinition", {"family": "agent", "containerDefinitions": [app]})
    resources = [{"name": name, "type": "INTEGER", "integerValue": 4096} for name in ("CPU", "MEMORY")]
    for _ in range(3):
        attributes = [{"name": "stack", "value": "prod"}]
        sim.handle("RegisterContainerInstance", {"totalResources": resources, "attributes": attributes})
