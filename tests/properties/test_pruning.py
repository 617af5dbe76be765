"""`prune` never removes what a random world still uses: services, deployments, task sets, tasks, and any rollback."""

from __future__ import annotations

import contextlib
from random import Random
from typing import Any

import pytest
from support.both_clients import Ecs, Wire
from support.definitions import NETWORK, register

from ecskit.errors import EcsError
from ecskit.testing import Simulator, TaskScript

WORLDS = 20
BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
FARGATE: Wire = {"launchType": "FARGATE", "networkConfiguration": NETWORK}


def random_world(random: Random) -> Simulator:
    """Return an account in which services were deployed, failed, were rolled back, and are being deployed."""
    sim = Simulator()
    images = [{"name": "app", "image": f"image:{number}"} for number in range(7)]
    revisions = [register(sim, family, app) for family in ("web", "job") for app in images]
    sim.handle("CreateCluster", {"clusterName": "prod"})
    services: list[Wire] = []
    for number in range(random.randint(1, 3)):
        where = {"cluster": random.choice(["default", "prod"])}
        name = f"service-{number}"
        breaker = {"deploymentConfiguration": BREAKER} if random.random() < 0.7 else {}
        created = {**where, **FARGATE, **breaker, "serviceName": name, "desiredCount": random.randint(0, 2)}
        sim.handle("CreateService", {**created, "taskDefinition": random.choice(revisions)})
        services.append({**where, "service": name})
    sets: Wire = {"service": "sets", "cluster": "default"}
    external = {"serviceName": "sets", "desiredCount": 1, "deploymentController": {"type": "EXTERNAL"}}
    sim.handle("CreateService", external)
    for _ in range(random.randint(3, 10)):
        revision = random.choice(revisions)
        match random.randrange(6):
            case 0 | 1 | 2:
                network: Wire = {
                    "networkConfiguration": {"awsvpcConfiguration": {"subnets": [f"subnet-{len(sim.calls)}"]}}
                }
                changed = network if random.random() < 0.3 else {"taskDefinition": revision}
                sim.handle("UpdateService", {**random.choice(services), **changed})
            case 3:
                sim.handle("RunTask", {**FARGATE, "taskDefinition": revision, "cluster": "prod"})
            case 4:
                sim.handle("CreateTaskSet", {**sets, **FARGATE, "taskDefinition": revision})
            case _:
                sim.script("web", random.choice([TaskScript(), TaskScript.fails_to_pull("manifest unknown")]))
        sim.clock.advance(random.choice([0, 5, 60, 400]))
    return sim


def used(sim: Simulator) -> set[str]:
    """Return the task definitions that are in use, as ECS shows them."""
    found: set[str] = {
        task["taskDefinitionArn"]
        for cluster in ("default", "prod")
        if (arns := sim.handle("ListTasks", {"cluster": cluster})["taskArns"])
        for task in sim.handle("DescribeTasks", {"cluster": cluster, "tasks": arns})["tasks"]
    }
    for state in sim.services():
        request = {"cluster": state.cluster_arn, "services": [state.name]}
        [service] = sim.handle("DescribeServices", request)["services"]
        shown = [service, *service.get("deployments", ()), *service.get("taskSets", ())]
        found |= {each["taskDefinition"] for each in shown if "taskDefinition" in each}
    return found


def active(sim: Simulator) -> set[str]:
    """Return all active revisions."""
    return {arn for each in ("web", "job") for arn in _revisions(sim, each)}


def _revisions(sim: Simulator, family: str) -> list[str]:
    arns: list[str] = sim.handle("ListTaskDefinitions", {"familyPrefix": family})["taskDefinitionArns"]
    return arns


@pytest.mark.parametrize("seed", range(WORLDS))
def test_what_a_world_uses_stays(seed: int) -> None:
    """All that is in use stays active, and no rollback finds its revision deregistered. The rest goes."""
    random = Random(seed)
    sim = random_world(random)
    ecs: Any = Ecs.sync(sim)
    before, keep = used(sim), random.randint(1, 3)
    for family in ("web", "job"):
        newest = set(_revisions(sim, family)[-keep:])
        pruned = ecs.task_definitions.prune(family, keep=keep, dry_run=False)
        assert {*pruned.kept} >= newest
        assert {*pruned.kept} == {*_revisions(sim, family)}
        assert all("rollback" in reason for arn in {*pruned.kept} - before - newest for reason in pruned.kept[arn])
    assert before <= active(sim)
    for state in sim.services():
        if state.name != "sets":
            with contextlib.suppress(EcsError):  # there may be nothing to roll back to, and the deployment may fail
                ecs.services.rollback(state.name, cluster=state.cluster_arn, timeout=3600)
    sim.clock.advance(3600)
    registered = [call for call in sim.calls if call.operation == "RegisterTaskDefinition"]
    assert len(registered) == 14  # no rollback registered a copy
    assert used(sim) <= active(sim)
