"""Tasks that find no room, lose their capacity, or crash between polls: what is evidence of a stall."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from support.both_clients import Act, Ecs
from support.simulated_ecs import nothing

from ecskit.errors import DeploymentRolledBack, DeploymentStalled
from ecskit.testing import Fault, Simulator, TaskScript

from .support import BREAKER, both, create, in_turn, register

Prepare = Callable[[Simulator], object]
STEADY = TaskScript.healthy()
REMEDIES = {"on_failure": "rollback", "on_timeout": "rollback"}


def deploys(**options: Any) -> Act:
    return lambda ecs: ecs.services.deploy("web", task_definition="next", **{"timeout": 7200, **options})


def scripted(*scripts: TaskScript) -> Prepare:
    return lambda sim: sim.script("next", scripts)


def refused(sim: Simulator) -> None:
    for operation in ("ListServiceDeployments", "DescribeServiceDeployments"):
        sim.fail(operation, Fault.access_denied(), times=None)


# Placement.


def on_instances(sim: Simulator, name: str, memory: int) -> None:
    container = {"name": "app", "image": "image:1", "memory": memory}
    request = {"family": name, "requiresCompatibilities": ["EC2"], "containerDefinitions": [container]}
    sim.handle("RegisterTaskDefinition", request)


def instance(sim: Simulator, size: int) -> None:
    resources = [{"name": name, "type": "INTEGER", "integerValue": size} for name in ("CPU", "MEMORY")]
    sim.handle("RegisterContainerInstance", {"totalResources": resources})


def crowded(**members: Any) -> Prepare:
    """Return what makes a service on one instance, and tasks of next too big for it."""

    def prepare(sim: Simulator) -> None:
        on_instances(sim, "next", 4096)
        on_instances(sim, "small", 64)
        instance(sim, 512)
        expected: dict[str, Any] = {"launchType": "EC2", "networkConfiguration": None, "deploymentConfiguration": None}
        create(sim, taskDefinition="small", **{**expected, **members})

    return prepare


def arriving(seconds: float, **options: Any) -> Act:
    """Return the act that deploys next, while a big instance is added after some seconds."""

    def act(ecs: Ecs) -> Any:
        begin, added = ecs.sim.time(), list[bool]()

        def on_poll(_: Any) -> None:
            if not added and ecs.sim.time() - begin >= seconds:
                added.append(True)
                instance(ecs.sim, 16384)

        return deploys(on_poll=on_poll, **options)(ecs)

    return act


@pytest.mark.parametrize("reads", [nothing, refused])
def test_tasks_that_find_no_room(reads: Prepare) -> None:
    """Events that repeat for ten minutes and more are evidence; the message has the latest one."""
    went = both(deploys(), prepare=in_turn(crowded(), reads), service=None)
    error = went.raised(DeploymentStalled)
    assert "tasks cannot be placed, and no circuit breaker ends it: (service web) was unable to place a task" in str(
        error
    )
    assert 600 <= went.elapsed <= 1800


@pytest.mark.parametrize("seconds", [30, 300])
def test_room_that_comes_late(seconds: float) -> None:
    """Instances that are added meanwhile: it is deployed."""
    went = both(arriving(seconds, **REMEDIES), prepare=crowded(), service=None)
    assert ("SUCCESSFUL", "next:2") == (went.verdict, went.runs), repr(went.error)
    assert went.elapsed >= seconds


def test_no_room_with_a_breaker() -> None:
    """The circuit breaker counts placements that fail, and ends it."""
    went = both(deploys(), prepare=crowded(deploymentConfiguration=BREAKER), service=None)
    assert isinstance(went.error, DeploymentRolledBack), repr(went.error)
    assert "circuit breaker" in str(went.error)


def test_no_room_is_rolled_back() -> None:
    """A stall is a failure: on_failure applies."""
    went = both(deploys(on_failure="rollback"), prepare=crowded(), service=None)
    error = went.raised(DeploymentRolledBack)
    assert "was rolled back to small:1: tasks cannot be placed" in str(error)
    assert "small:1" == went.runs


# Stops that are no evidence.

OUTSIDE = {
    "Spot": TaskScript.spot_interrupted(after=10),
    "a termination notice": attrs.evolve(TaskScript.spot_interrupted(after=10), stop_code="TerminationNotice"),
    "a lost host": TaskScript.loses_host(after=10),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_capacity_that_is_taken_back_is_no_stall(name: str) -> None:
    """Eight tasks lose their capacity before all of them run: it is deployed in the end."""
    slow = attrs.evolve(STEADY, time_to_start=60)
    went = both(
        deploys(**REMEDIES),
        prepare=scripted(*[OUTSIDE[name]] * 7, slow),
        service={"desiredCount": 8, "deploymentConfiguration": None},
    )
    assert ("SUCCESSFUL", "next:1") == (went.verdict, went.runs), repr(went.error)


def test_tasks_of_others_are_no_evidence() -> None:
    """Tasks of the earlier deployment that crash meanwhile do not count against this one."""

    def prepare(sim: Simulator) -> None:
        register(sim, "web")
        sim.script("next", attrs.evolve(STEADY, time_to_start=400))
        sim.script("web", TaskScript.exits(1, after=20))
        create(sim, wait=50, desiredCount=4, deploymentConfiguration=None)

    went = both(deploys(**REMEDIES), prepare=prepare, service=None)
    assert ("SUCCESSFUL", "next:1") == (went.verdict, went.runs), repr(went.error)
    assert [] == list(went.result.stopped_tasks)


@pytest.mark.parametrize("after", [20, 40, 90])
@pytest.mark.parametrize("strategy", ["ROLLING", "BLUE_GREEN"])
def test_tasks_that_are_replaced_between_polls(strategy: str, after: float) -> None:
    """All tasks run whenever the service is read, and crash between: events of new tasks lead to the stopped ones."""

    def prepare(sim: Simulator) -> None:
        for family in ("small", "next"):
            on_instances(sim, family, 64)
        instance(sim, 8192)
        sim.script("next", TaskScript.exits(1, after=after))
        bake = {"strategy": strategy, "bakeTimeInMinutes": 10}
        create(
            sim,
            wait=2000,
            taskDefinition="small",
            launchType="EC2",
            networkConfiguration=None,
            deploymentConfiguration=bake,
        )

    went = both(deploys(), prepare=prepare, service=None)
    assert "container app exited with 1" in str(went.raised(DeploymentStalled))
    assert went.elapsed <= 45 + 3 * after
