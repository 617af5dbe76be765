"""Support for the tests of services: a world with one service, and short methods to read it."""

from __future__ import annotations

from typing import Any

from support.definitions import NETWORK

from ecskit.testing import Counting, DeploymentState, Lag, ServiceState, TaskScript

from .support import Wire, World

BREAKER = {"enable": True, "rollback": True}
FARGATE: Wire = {"launchType": "FARGATE", "networkConfiguration": NETWORK}


class Shop(World):
    """A simulator with task definitions web:1, next:1 and bad:1, of which the last one cannot be pulled."""

    def __init__(self, *, seed: int = 0, lag: Lag | None = None, counting: Counting = "zero_first") -> None:
        super().__init__(seed=seed, lag=lag, counting=counting)
        for family in ("web", "next", "bad"):
            self.register(family, {"name": "app", "image": "app:1", "portMappings": [{"containerPort": 80}]})
        self.sim.script("bad", TaskScript.fails_to_pull())

    def create(self, **members: Any) -> Wire:
        """Create the service web, and return it."""
        request = {"serviceName": "web", "taskDefinition": "web", "desiredCount": 2, **FARGATE, **members}
        service: Wire = self.do("CreateService", **request)["service"]
        return service

    def ready(self, **members: Any) -> Wire:
        """Create the service web, and let it become steady."""
        self.create(**members)
        self.pass_(60)
        return self.service()

    def update(self, **members: Any) -> Wire:
        """Update the service, and return it."""
        service: Wire = self.do("UpdateService", service="web", **members)["service"]
        return service

    def service(self) -> Wire:
        """Return the service as DescribeServices shows it."""
        (service,) = self.do("DescribeServices", services=["web"], include=["TAGS"])["services"]
        shown: Wire = service
        return shown

    def rollout(self, index: int = -1) -> Wire:
        """Return a service deployment as DescribeServiceDeployments shows it."""
        arn = self.sim.deployments("web")[index].arn
        (rollout,) = self.do("DescribeServiceDeployments", serviceDeploymentArns=[arn])["serviceDeployments"]
        shown: Wire = rollout
        return shown

    @property
    def state(self) -> ServiceState:
        """The state of the service."""
        (state,) = self.sim.services("web")
        return state

    @property
    def last(self) -> DeploymentState:
        """The state of the newest service deployment."""
        return self.sim.deployments("web")[-1]

    def statuses(self, seconds: float, step: float = 1.0) -> list[str]:
        """Let seconds pass, and return the statuses that the newest service deployment goes through."""
        seen = [self.last.status]
        for _ in range(int(seconds / step)):
            self.pass_(step)
            if self.last.status != seen[-1]:
                seen.append(self.last.status)
        return seen


def summary(service: Wire) -> list[tuple[str, str, int, int]]:
    """Return status, rollout state, running and pending count of each deployment."""
    return [
        (each["status"], each["rolloutState"], each["runningCount"], each["pendingCount"])
        for each in service["deployments"]
    ]


def messages(service: Wire) -> list[str]:
    """Return the events of a service, oldest first, without the name of the service."""
    return [event["message"].partition(") ")[2] for event in reversed(service["events"])]
