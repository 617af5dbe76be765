from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest
from support.definitions import NETWORK

from ecskit._transport import service_model
from ecskit.testing import Lag, Progress, SimulatedError, TaskScript, simulated_operations

from .support import ARN, World

MODEL = service_model.load()
SHAPES: dict[str, Any] = MODEL["shapes"]
WORDS = ("default", "other", "web", "web:1", "job:2", "app", "FARGATE", "ACTIVE", "256", "512", "1 GB", "")

CONTAINER = {"name": "app", "image": "i", "memory": 128}
AGENT = {"name": "app", "image": "i"}
ROLE = "arn:aws:iam::123456789012:role/ecs"
GOOD: dict[str, dict[str, Any]] = {
    "RegisterTaskDefinition": {"family": "job", "containerDefinitions": [CONTAINER]},
    "RunTask": {"taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": NETWORK},
    "StartTask": {"taskDefinition": "job"},
    "StopTask": {},
    "ExecuteCommand": {"interactive": True},
    "PutAccountSetting": {"name": "awsvpcTrunking", "value": "enabled"},
    "DeleteAccountSetting": {"name": "awsvpcTrunking"},
    "RegisterDaemonTaskDefinition": {"family": "agent", "containerDefinitions": [AGENT]},
    "CreateDaemon": {"daemonTaskDefinitionArn": "agent", "capacityProviderArns": ["mi"]},
    "UpdateDaemon": {"daemonTaskDefinitionArn": "agent", "capacityProviderArns": ["mi"]},
    "CreateGateway": {"configuration": {"hostSharedAlb": {}}, "deletionProtection": False},
    "CreateService": {
        "taskDefinition": "web",
        "desiredCount": 2,
        "launchType": "FARGATE",
        "networkConfiguration": NETWORK,
    },
    "UpdateService": {"service": "web", "desiredCount": 3},
    "DeleteService": {"service": "web"},
    "ListServiceDeployments": {"service": "web"},
    "DescribeServices": {"services": ["web", "sets"]},
    "CreateTaskSet": {"service": "sets", "cluster": "default", "taskDefinition": "job"},
    "UpdateTaskSet": {"service": "sets", "cluster": "default"},
    "CreateExpressGatewayService": {"executionRoleArn": ROLE, "primaryContainer": {"image": "i"}},
}


class Noise:
    """Generates random requests that fit the service model, with names from a small set."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.arns = [f"{ARN}cluster/default", f"{ARN}task-definition/web:1", "arn:aws:ecs:x"]

    def request(self, operation: str) -> dict[str, Any]:
        """Return the body of a request: random, or a valid one with random changes."""
        noise: dict[str, Any] = self.value(MODEL["operations"][operation]["input"]["shape"], 4)
        if operation not in GOOD or self.random.random() < 0.3:
            return noise
        members = self.random.sample(sorted(noise), min(2, len(noise)))
        required = SHAPES[MODEL["operations"][operation]["input"]["shape"]].get("required", ())
        return {**{name: noise[name] for name in (*required, *members)}, **GOOD[operation]}

    def value(self, name: str, depth: int) -> Any:
        """Return a value of a shape."""
        shape = SHAPES[name]
        if shape["type"] == "structure":
            return self.structure(shape, depth)
        if shape["type"] == "list":
            size = self.random.randint(shape.get("min", 0), min(3, shape.get("max", 3))) if depth else 0
            return [self.value(shape["member"]["shape"], depth - 1) for _ in range(size)]
        if shape["type"] == "map":
            return {self.random.choice(WORDS): self.value(shape["value"]["shape"], depth - 1)} if depth else {}
        if shape["type"] == "string":
            return self.text(shape)
        if shape["type"] == "boolean":
            return self.random.random() < 0.5
        number = self.random.choice([0, 1, 2, 10, 128, 1024, -1])
        return min(max(number, shape.get("min", number)), shape.get("max", number))

    def structure(self, shape: dict[str, Any], depth: int) -> dict[str, Any]:
        """Return a structure with the required and some other members."""
        members = list(shape["members"])
        if shape.get("union"):
            chosen = [self.random.choice(members)]
        else:
            share = 0.4 if depth > 0 else 0
            optional = [member for member in members if self.random.random() < share]
            chosen = [*shape.get("required", ()), *(each for each in optional if each not in shape.get("required", ()))]
        return {member: self.value(shape["members"][member]["shape"], depth - 1) for member in chosen}

    def text(self, shape: dict[str, Any]) -> str:
        """Return a string: an enum value, a word, or the name of something that exists."""
        if "enum" in shape:
            return str(self.random.choice(shape["enum"]))
        text = self.random.choice(self.random.choice((WORDS, self.arns[-30:])))
        return text.ljust(shape.get("min", 0), "x")[: shape.get("max", 1000)]

    def learn(self, answer: Any) -> None:
        """Store the ARNs in an answer."""
        if isinstance(answer, dict):
            for value in answer.values():
                self.learn(value)
        elif isinstance(answer, list):
            for value in answer:
                self.learn(value)
        elif isinstance(answer, str) and answer.startswith(ARN):
            self.arns.append(answer)


def populate(world: World) -> None:
    """Create resources that random requests can name."""
    world.register("web")
    world.register_for_instances("job", portMappings=[{"containerPort": 80}])
    world.register_for_instances("job")
    world.add_instance()
    world.do("CreateCluster", clusterName="other")
    world.run_one(enableExecuteCommand=True)
    world.do("RunTask", taskDefinition="job", count=2)
    template = {"ec2InstanceProfileArn": ROLE, "networkConfiguration": {"subnets": ["subnet-1"]}}
    instances = {"infrastructureRoleArn": ROLE, "instanceLaunchTemplate": template}
    world.do("CreateCapacityProvider", name="mi", cluster="default", managedInstancesProvider=instances)
    world.do("CreateGateway", name="web", infrastructureRoleArn=ROLE, **GOOD["CreateGateway"])
    world.do("AssociateGatewayWithCluster", gateway="web", cluster="default")
    world.sim.open_route("web", "app")
    world.do("CreateService", serviceName="web", **GOOD["CreateService"])
    external = {"type": "EXTERNAL"}
    world.do("CreateService", serviceName="sets", desiredCount=1, deploymentController=external)


@pytest.mark.parametrize("seed", range(18))
def test_every_request_gets_an_answer(seed: int) -> None:
    """Every request that fits the service model gets a valid answer or error."""
    world = World(seed=seed, lag=Lag(visible_after=1, stale_by=2))
    # Some end between two requests. Shorter lives would only have services replace them, again and again.
    world.sim.script("web", TaskScript(run_time=200, exit_codes=1))
    populate(world)
    world.sim.script_resource("gateway", "*", Progress(fails="scripted"))
    noise = Noise(seed)
    operations = sorted(simulated_operations())
    for _ in range(400):
        world.pass_(noise.random.choice((0, 0.5, 5, 60, 600)))
        operation = noise.random.choice(operations)
        with contextlib.suppress(SimulatedError):
            noise.learn(world.do(operation, **noise.request(operation)))
