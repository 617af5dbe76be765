from __future__ import annotations

from typing import Any

import pytest

from ecskit.testing import Progress

from .support import ARN, NOON, Wire, World
from .test_daemons import define


def test_a_definition_gets_deleted(world: World) -> None:
    """A daemon task definition is ACTIVE, DELETE_IN_PROGRESS, DELETED, and gone an hour later."""
    arn = define(world)
    assert world.do("DeleteDaemonTaskDefinition", daemonTaskDefinition="agent:1") == {"daemonTaskDefinitionArn": arn}
    seen = []
    for pause in (0, 9.9, 0.1):
        world.pass_(pause)
        shown = world.do("DescribeDaemonTaskDefinition", daemonTaskDefinition=arn)["daemonTaskDefinition"]
        seen.append((shown["status"], shown["deleteRequestedAt"]))
    assert seen == [("DELETE_IN_PROGRESS", NOON), ("DELETE_IN_PROGRESS", NOON), ("DELETED", NOON)]
    assert world.refusal("DeleteDaemonTaskDefinition", daemonTaskDefinition=arn).code == "ClientException"
    world.pass_(3600)
    assert world.refusal("DescribeDaemonTaskDefinition", daemonTaskDefinition=arn).code == "ClientException"
    assert define(world) == f"{ARN}daemon-task-definition/agent:2"


def test_the_deletion_of_a_definition_can_hang(world: World) -> None:
    """A deletion that fails stays in progress."""
    world.sim.script_resource("daemon-task-definition", "agent", Progress(fails="in use"))
    arn = define(world)
    world.do("DeleteDaemonTaskDefinition", daemonTaskDefinition=arn)
    world.pass_(1e5)
    shown = world.do("DescribeDaemonTaskDefinition", daemonTaskDefinition=arn)["daemonTaskDefinition"]
    assert shown["status"] == "DELETE_IN_PROGRESS"


def test_a_family_stands_for_its_last_active_revision(world: World) -> None:
    """Without a revision, the latest ACTIVE one is described."""
    for _ in range(3):
        define(world)
    world.do("DeleteDaemonTaskDefinition", daemonTaskDefinition="agent:3")
    shown = world.do("DescribeDaemonTaskDefinition", daemonTaskDefinition="agent")["daemonTaskDefinition"]
    assert (shown["revision"], shown["containerDefinitions"][0]["essential"]) == (2, True)
    assert world.refusal("DescribeDaemonTaskDefinition", daemonTaskDefinition="nope").code == "ClientException"
    assert world.refusal("DeleteDaemonTaskDefinition", daemonTaskDefinition="agent").code == "ClientException"


def test_definitions_are_listed(world: World) -> None:
    """ListDaemonTaskDefinitions orders by family and revision number, and filters."""
    for _ in range(11):
        define(world)
    define(world, "log")
    world.do("DeleteDaemonTaskDefinition", daemonTaskDefinition="agent:1")

    def listed(**members: Any) -> list[str]:
        found = world.do("ListDaemonTaskDefinitions", **members)["daemonTaskDefinitions"]
        return [each["arn"].rsplit("/")[-1] for each in found]

    assert listed() == [*(f"agent:{number}" for number in range(2, 12)), "log:1"]
    assert listed(sort="DESC", maxResults=2) == ["log:1", "agent:11"]
    assert listed(revision="LAST_REGISTERED") == ["agent:11", "log:1"]
    assert listed(status="DELETE_IN_PROGRESS") == ["agent:1"]
    assert (listed(familyPrefix="lo"), listed(family="lo"), len(listed(status="ALL"))) == (["log:1"], [], 12)


@pytest.mark.parametrize(
    "containers",
    [
        [],
        [{"image": "a"}],
        [{"name": "a", "image": "a"}, {"name": "a", "image": "b"}],
        [{"name": "a", "image": "a", "essential": False}],
    ],
)
def test_a_definition_that_cannot_be(world: World, containers: list[Wire]) -> None:
    """A definition needs containers with names of their own, one of them essential."""
    request: Wire = {"family": "agent", "containerDefinitions": containers}
    assert world.refusal("RegisterDaemonTaskDefinition", **request).code == "ClientException"
