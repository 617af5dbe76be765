"""Random changes of daemons, gateways and Express services: the rules hold for any requests in any order."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest
from support.definitions import NETWORK

from ecskit.testing import Lag, Progress, SimulatedError

from .support import ARN, Wire, World

ROLE = "arn:aws:iam::123456789012:role/ecs"
FINAL = ("SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED")
NAMES = ("a", "b")
PROVIDERS = [f"{ARN}capacity-provider/mi"]
KINDS: tuple[Any, ...] = ("daemon", "daemon-task-definition", "gateway", "gateway-route", "express-gateway-service")


class Lives:
    """Sends random requests, and stores the names in the answers."""

    def __init__(self, seed: int, lag: Lag | None = None) -> None:
        self.world = World(seed=seed, lag=lag)
        self.random = random.Random(seed)
        self.deployments: list[str] = []
        self.routes: list[str] = []
        template = {
            "ec2InstanceProfileArn": ROLE,
            "networkConfiguration": {"subnets": NETWORK["awsvpcConfiguration"]["subnets"]},
        }
        instances = {"infrastructureRoleArn": ROLE, "instanceLaunchTemplate": template}
        self.world.do("CreateCapacityProvider", name="mi", cluster="default", managedInstancesProvider=instances)

    def requests(self) -> list[tuple[str, Wire]]:
        """Return the requests that are possible for a name now."""
        name = self.random.choice(NAMES)
        daemon = {"daemonTaskDefinitionArn": "agent", "capacityProviderArns": PROVIDERS}
        container = {"executionRoleArn": ROLE, "primaryContainer": {"image": "i"}}
        service = {"serviceArn": f"{ARN}service/default/{name}"}
        association = {"gateway": name, "cluster": "default"}
        return [
            (
                "RegisterDaemonTaskDefinition",
                {"family": "agent", "containerDefinitions": [{"name": "x", "image": "i"}]},
            ),
            ("DeleteDaemonTaskDefinition", {"daemonTaskDefinition": f"agent:{self.random.randint(1, 9)}"}),
            ("CreateDaemon", {"daemonName": name, **daemon, "clientToken": self.random.choice(NAMES)}),
            ("UpdateDaemon", {"daemonArn": f"{ARN}daemon/default/{name}", **daemon}),
            ("DeleteDaemon", {"daemonArn": f"{ARN}daemon/default/{name}"}),
            ("DescribeDaemon", {"daemonArn": f"{ARN}daemon/default/{name}"}),
            ("ListDaemonDeployments", {"daemonArn": f"{ARN}daemon/default/{name}"}),
            ("DescribeDaemonTaskDefinition", {"daemonTaskDefinition": "agent"}),
            (
                "CreateGateway",
                {"name": name, "infrastructureRoleArn": ROLE, "configuration": {"hostSharedAlb": {}}},
            ),
            ("UpdateGateway", {"gateway": name, "deletionProtection": self.random.random() < 0.3}),
            ("DeleteGateway", {"gateway": name}),
            ("DescribeGateway", {"gateway": name}),
            ("DescribeGatewayResources", {"gateway": name}),
            ("ListGatewayRoutes", {"gateway": name}),
            ("AssociateGatewayWithCluster", association),
            ("DisassociateGatewayFromCluster", association),
            ("CreateExpressGatewayService", {"serviceName": name, "infrastructureRoleArn": ROLE, **container}),
            ("UpdateExpressGatewayService", {**service, "healthCheckPath": "/"}),
            ("DeleteExpressGatewayService", service),
            ("DescribeExpressGatewayService", service),
        ]

    def step(self) -> None:
        """Do one thing: advance the clock, change a script, open or close a route, or send a request."""
        self.world.pass_(self.random.choice((0, 1, 4, 15, 70, 2000)))
        chance = self.random.random()
        with contextlib.suppress(SimulatedError):
            if chance < 0.1:
                fails = self.random.choice((None, "scripted"))
                progress = Progress(seconds=self.random.choice((None, 0, 7)), fails=fails, rollback_fails=fails)
                self.world.sim.script_resource(self.random.choice(KINDS), self.random.choice(NAMES), progress)
            elif chance < 0.2:
                self.routes.append(self.world.sim.open_route(self.random.choice(NAMES), self.random.choice(NAMES)))
            elif chance < 0.3 and self.routes:
                self.world.sim.close_route(self.random.choice(self.routes))
            else:
                operation, request = self.random.choice(self.requests())
                answer = self.world.sim.handle(operation, request)
                self.deployments.extend({answer["deploymentArn"]} if "deploymentArn" in answer else ())

    def looked_at(self) -> dict[str, str]:
        """Return the status of each daemon deployment that is still shown."""
        found: dict[str, str] = {}
        for start in range(0, len(self.deployments), 20):
            arns = self.deployments[start : start + 20]
            answer = self.world.do("DescribeDaemonDeployments", daemonDeploymentArns=arns)
            found |= {each["daemonDeploymentArn"]: each["status"] for each in answer["daemonDeployments"]}
        return found


@pytest.mark.parametrize("seed", range(20))
def test_what_has_ended_does_not_change(seed: int) -> None:
    """An ended deployment keeps its status; at most one deployment of a daemon is neither ended nor stopping."""
    lives = Lives(seed)
    ended: dict[str, str] = {}
    for _ in range(150):
        lives.step()
        now = lives.looked_at()
        assert {arn: now[arn] for arn in ended.keys() & now.keys()} == {
            arn: ended[arn] for arn in ended.keys() & now.keys()
        }
        ended |= {arn: status for arn, status in now.items() if status in FINAL}
        unfinished = [arn.rsplit("/", 1)[0] for arn, status in now.items() if status not in (*FINAL, "STOP_REQUESTED")]
        assert len(unfinished) == len(set(unfinished))


@pytest.mark.parametrize("seed", range(20))
def test_an_association_outlives_its_routes(seed: int) -> None:
    """A DISASSOCIATING association has a route that it waits for, and a deleted gateway has no association."""
    lives = Lives(seed)
    for _ in range(150):
        lives.step()
        routes = {each["gatewayArn"] for each in lives.world.do("ListGatewayRoutes")["gatewayRoutes"]}
        gateways = {each["gatewayArn"] for each in lives.world.do("ListGateways")["gateways"]}
        listed = lives.world.do("ListGatewayClusterAssociations")["gatewayClusterAssociations"]
        assert {each["gatewayArn"] for each in listed if each["status"] == "DISASSOCIATING"} <= routes
        assert {each["gatewayArn"] for each in listed} | routes <= gateways


@pytest.mark.parametrize("seed", range(20))
def test_stale_reads_are_valid(seed: int) -> None:
    """With lag, every answer fits the service model, and a service shows at most two configurations."""
    lives = Lives(seed, Lag(visible_after=2, stale_by=5))
    for _ in range(200):
        lives.step()
        lives.looked_at()
        for name in NAMES:
            with contextlib.suppress(SimulatedError):
                arn = f"{ARN}service/default/{name}"
                shown = lives.world.do("DescribeExpressGatewayService", serviceArn=arn)["service"]
                assert len(shown["activeConfigurations"]) <= 2
