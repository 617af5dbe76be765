"""Support for the tests of the simulator: a manual clock, and common task definitions and requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from support import definitions
from support.definitions import NETWORK

from ecskit.testing import Counting, Lag, Quota, SimulatedError, Simulator

Wire = dict[str, Any]

NOON = 1_700_000_000.0
ARN = "arn:aws:ecs:us-east-1:123456789012:"
RANKS = ("PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED")


class ManualClock:
    """A clock that moves only when a test moves it."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> float:
        return self.time

    def pass_(self, seconds: float) -> None:
        """Let seconds pass."""
        self.time += seconds


class World:
    """A simulator on a manual clock, with short methods for common requests."""

    def __init__(
        self,
        *,
        seed: int = 0,
        lag: Lag | None = None,
        quotas: Sequence[Quota] = (),
        counting: Counting = "zero_first",
        bare_replays: bool = False,
    ) -> None:
        self.clock = ManualClock()
        self.sim = Simulator(
            now=self.clock, seed=seed, lag=lag, quotas=quotas, counting=counting, bare_replays=bare_replays
        )

    def do(self, operation: str, **request: Any) -> Wire:
        """Perform an operation."""
        return self.sim.handle(operation, request)

    def refusal(self, operation: str, **request: Any) -> SimulatedError:
        """Perform an operation that must be refused, and return the error."""
        with pytest.raises(SimulatedError) as caught:
            self.sim.handle(operation, request)
        return caught.value

    def pass_(self, seconds: float) -> None:
        """Let seconds pass."""
        self.clock.pass_(seconds)

    def register(self, family: str = "web", *containers: Wire, **members: Any) -> str:
        """Register a task definition for Fargate, and return its ARN."""
        containers = containers or ({"name": "app", "image": "app:1"},)
        return definitions.register(self.sim, family, *containers, **members)

    def register_for_instances(self, family: str = "web", *, memory: int = 512, cpu: int = 256, **members: Any) -> str:
        """Register a task definition for container instances, and return its ARN."""
        container = {"name": "app", "image": "app:1", "memory": memory, "cpu": cpu, **members}
        request = {"family": family, "containerDefinitions": [container]}
        definition = self.sim.handle("RegisterTaskDefinition", request)["taskDefinition"]
        arn: str = definition["taskDefinitionArn"]
        return arn

    def run(self, family: str = "web", **members: Any) -> list[Wire]:
        """Run tasks on Fargate, and return them."""
        request = {"taskDefinition": family, "launchType": "FARGATE", "networkConfiguration": NETWORK, **members}
        tasks: list[Wire] = self.sim.handle("RunTask", request)["tasks"]
        return tasks

    def run_one(self, family: str = "web", **members: Any) -> str:
        """Run one task on Fargate, and return its ARN."""
        arn: str = self.run(family, **members)[0]["taskArn"]
        return arn

    def task(self, arn: str) -> Wire:
        """Return a task as DescribeTasks shows it."""
        (task,) = self.do("DescribeTasks", tasks=[arn], include=["TAGS"])["tasks"]
        shown: Wire = task
        return shown

    def add_instance(self, *, cpu: int = 1024, memory: int = 2048, **members: Any) -> str:
        """Register a container instance, and return its ARN."""
        resources = [
            {"name": "CPU", "type": "INTEGER", "integerValue": cpu},
            {"name": "MEMORY", "type": "INTEGER", "integerValue": memory},
            {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22"]},
        ]
        answer = self.do("RegisterContainerInstance", totalResources=resources, **members)
        arn: str = answer["containerInstance"]["containerInstanceArn"]
        return arn


def exit_codes(task: Wire) -> dict[str, int | None]:
    """Return the exit code of each container of a task."""
    return {container["name"]: container.get("exitCode") for container in task["containers"]}
