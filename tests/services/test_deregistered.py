"""A rollback to a task definition that was deregistered registers it again; one that was deleted is a clear error."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from support.both_clients import Ecs, then

from ecskit.errors import AccessDeniedException, DeploymentRollbackFailed, DeploymentRolledBack, NothingToRollBack
from ecskit.services import RevisionRegistered, RollbackStarted
from ecskit.testing import Fault, SimulatedError, Simulator, TaskScript

from .support import BARE_BREAKER, both, in_turn, register, update

Prepare = Callable[[Simulator], object]


def rollback(ecs: Ecs) -> Any:
    return ecs.services.rollback("web")


def deregister(sim: Simulator) -> None:
    """Deregister web:1, and let it take effect."""
    sim.handle("DeregisterTaskDefinition", {"taskDefinition": "web:1"})


def delete(sim: Simulator) -> None:
    """Delete web:1, which stays visible while tasks use it."""
    deregister(sim)
    sim.handle("DeleteTaskDefinitions", {"taskDefinitions": ["web:1"]})


def forget(sim: Simulator) -> None:
    """Delete web:1, and let it go."""
    delete(sim)
    sim.clock.advance(4000)


def deployed(sim: Simulator) -> None:
    """Deploy next:1 to its end."""
    update(sim, wait=200, taskDefinition="next")


def test_rollback() -> None:
    """The copy has the content and the tags of the original, and the result names both."""
    went = both(rollback, prepare=in_turn(deployed, deregister))
    assert ("SUCCESSFUL", "web:2") == (went.verdict, went.runs)
    started = went.returned().started
    assert ("web:2", "web:1") == (started.task_definition.rsplit("/", 1)[-1], started.copy_of.rsplit("/", 1)[-1])
    one, two = (
        went.sim.handle("DescribeTaskDefinition", {"taskDefinition": name, "include": ["TAGS"]})
        for name in ("web:1", "web:2")
    )
    assert one["tags"] == two["tags"] == [{"key": "team", "value": "shop"}]
    assert one["taskDefinition"]["containerDefinitions"] == two["taskDefinition"]["containerDefinitions"]
    assert ["web:1", "web:2"] == [each["taskDefinition"].rsplit("/", 1)[-1] for each in went.requests("UpdateService")]


def test_tags_of_aws_are_left_out() -> None:
    """CloudFormation sets some, and ECS refuses a registration that states them."""

    def tagged(sim: Simulator) -> None:
        next(iter(sim._account.task_definitions.values())).tags.append(
            {"key": "aws:cloudformation:stack", "value": "x"}
        )

    went = both(rollback, prepare=in_turn(tagged, deployed, deregister))
    assert ("SUCCESSFUL", "web:2") == (went.verdict, went.runs)
    assert [each["tags"] for each in went.requests("RegisterTaskDefinition")] == [[{"key": "team", "value": "shop"}]]


def test_the_handle_keeps_it() -> None:
    """The deployment goes to another process as text."""

    def act(ecs: Ecs) -> Any:
        def read(progress: Any) -> Any:
            return ecs.services.deployment(progress.started.to_json())

        return then(rollback(ecs), read)

    assert both(act, prepare=in_turn(deployed, deregister)).returned().started.copy_of.endswith("/web:1")


def test_a_copy_that_exists_is_used() -> None:
    """The latest revision is the same: nothing is registered."""
    went = both(rollback, prepare=in_turn(deployed, lambda sim: register(sim, "web"), deregister))
    assert ("SUCCESSFUL", "web:2", []) == (went.verdict, went.runs, went.requests("RegisterTaskDefinition"))
    assert went.returned().started.copy_of.endswith("/web:1")


def test_an_active_one_is_not_read() -> None:
    """Without a refusal, the rollback sends nothing more than before."""
    went = both(rollback, prepare=deployed)
    assert ("web:1", None, []) == (went.runs, went.returned().started.copy_of, went.requests("DescribeTaskDefinition"))


@pytest.mark.parametrize("remove", [delete, forget])
def test_rollback_to_a_deleted_one(remove: Prepare) -> None:
    """Nothing is registered, and the error gives the way out."""
    went = both(rollback, prepare=in_turn(deployed, remove))
    went.raised(NothingToRollBack)
    assert went.message == (
        "service web was not rolled back: the task definition web:1 was deleted, or never existed; deploy another one"
        " with `ecs.services.deploy`"
    )
    assert [] == went.requests("RegisterTaskDefinition")


def test_another_refusal() -> None:
    """The task definition is ACTIVE, so something else was refused: that error is raised, and nothing is registered."""
    refusal = SimulatedError("InvalidParameterException", "Too many tags.")
    went = both(rollback, prepare=in_turn(deployed, lambda sim: sim.fail("UpdateService", refusal)))
    assert ("InvalidParameterException", True) == (went.verdict, "Too many tags" in went.message)
    assert [] == went.requests("RegisterTaskDefinition")


@pytest.mark.parametrize("denied", ["DescribeTaskDefinition", "RegisterTaskDefinition"])
def test_without_the_permission(denied: str) -> None:
    """The refusal of the update, or of the registration, is raised."""
    prepare = in_turn(deployed, deregister, lambda sim: sim.fail(denied, Fault.access_denied(), times=None))
    went = both(rollback, prepare=prepare)
    if denied == "RegisterTaskDefinition":
        went.raised(AccessDeniedException)
    else:
        assert ("ClientException", True) == (went.verdict, "inactive" in went.message)


def test_without_the_permission_to_read_tags() -> None:
    """The copy is registered without them."""
    prepare = in_turn(deployed, deregister, lambda sim: sim.fail("DescribeTaskDefinition", Fault.access_denied()))
    went = both(rollback, prepare=prepare)
    assert ("SUCCESSFUL", "web:2") == (went.verdict, went.runs)
    assert [["TAGS"], None] == [each.get("include") for each in went.requests("DescribeTaskDefinition")][:2]


def crashing(sim: Simulator) -> None:
    """Let tasks of the family `next` fail, and ECS roll nothing back."""
    sim.script("next", TaskScript.fails_to_pull("manifest unknown"))
    sim.fail("StopServiceDeployment", Fault.access_denied(), times=None)


FAILING: dict[str, Any] = {"service": {"deploymentConfiguration": BARE_BREAKER}}


def test_on_failure() -> None:
    """The error shows the copy and its original."""
    went = both(
        lambda ecs: ecs.services.deploy("web", task_definition="next", on_failure="rollback"),
        prepare=in_turn(crashing, deregister),
        **FAILING,
    )
    error: DeploymentRolledBack = went.raised(DeploymentRolledBack)
    assert "web:2" == went.runs
    assert re.search(r"was rolled back to web:2, a copy of the deregistered web:1\b", str(error))
    assert error.progress.restored_copy_of is not None
    assert error.progress.restored_copy_of.endswith("/web:1")


def test_in_the_stream() -> None:
    """An event shows it, after the start of the rollback."""

    def act(ecs: Ecs) -> Any:
        started = ecs.services.start_deployment("web", task_definition="next")
        if ecs.colour == "sync":
            return started.events(on_failure="rollback")
        return _events(started)

    went = both(act, prepare=in_turn(crashing, deregister), **FAILING)
    went.raised(DeploymentRolledBack)
    kinds = [type(item) for item in went.items]
    [event] = [item for item in went.items if isinstance(item, RevisionRegistered)]
    assert kinds.index(RollbackStarted) + 1 == kinds.index(RevisionRegistered)
    assert "web:1 was deregistered; web:2 is a copy of it and is deployed instead" == str(event)


async def _events(started: Any) -> Any:
    async for event in (await started).events(on_failure="rollback"):
        yield event


def test_on_failure_with_a_deleted_one() -> None:
    """The deployment failed, and so did its rollback."""
    went = both(
        lambda ecs: ecs.services.deploy("web", task_definition="next", on_failure="rollback"),
        prepare=in_turn(crashing, delete),
        **FAILING,
    )
    went.raised(DeploymentRollbackFailed)
    assert "the task definition web:1 was deleted, or never existed; deploy another one" in went.message


def test_on_cancel() -> None:
    """The copy is deployed, and not waited for."""

    def act(ecs: Ecs) -> Any:
        def interrupt(_: object) -> None:
            raise KeyboardInterrupt

        return ecs.services.deploy("web", task_definition="next", on_cancel="rollback", on_poll=interrupt)

    went = both(act, prepare=in_turn(crashing, deregister), **FAILING)
    assert ("KeyboardInterrupt", "web:2") == (went.verdict, went.runs)
