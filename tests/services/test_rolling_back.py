"""`services.rollback`: what is under way is rolled back by ECS, what is done goes back to what was deployed before."""

from __future__ import annotations

from typing import Any

import pytest
from support.both_clients import Ecs
from support.simulated_ecs import nothing

from ecskit.errors import EcsError, NothingToRollBack
from ecskit.testing import DeploymentScript, Fault, SimulatedError, Simulator

from .support import BARE_BREAKER, both, in_turn, register, update


def rollback(ecs: Ecs) -> Any:
    return ecs.services.rollback("web")


def deployed(*families: str) -> Any:
    """Return what deploys those one after the other, each to its end."""

    def prepare(sim: Simulator) -> None:
        for family in families:
            force = family.startswith("+")
            update(sim, wait=200, taskDefinition=family.lstrip("+"), **({"forceNewDeployment": True} if force else {}))

    return prepare


HISTORIES = {
    "one before": (("next",), "web:1"),
    "failures in between": (("next", "bad", "bad"), "web:1"),
    "forced in between": (("next", "+next", "+next"), "web:1"),
    "forced each night": (("next", *["+next"] * 24), "web:1"),
    "there and back": (("next", "web"), "next:1"),
    "a failure, then forced": (("bad", "next", "+next", "bad"), "web:1"),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_a_service_that_is_idle(name: str) -> None:
    """It gets the last other revision that was really deployed, in one update and one deployment."""
    families, runs = HISTORIES[name]
    went = both(rollback, prepare=deployed(*families))
    assert ("SUCCESSFUL", runs) == (went.verdict, went.runs), repr(went.error)
    assert (1, 0) == (len(went.requests("UpdateService")), len(went.requests("StopServiceDeployment")))
    assert "desiredCount" not in went.requests("UpdateService")[0]


def test_a_count_that_changed_stays() -> None:
    """What scaled the service meanwhile is not undone."""
    went = both(rollback, prepare=lambda sim: (deployed("next")(sim), update(sim, wait=100, desiredCount=5)))
    assert ("web:1", 5) == (went.runs, went.sim.services("web")[0].desired_count)


def test_revisions_by_other_names() -> None:
    """It is not "the revision before": that one was never deployed."""

    def prepare(sim: Simulator) -> None:
        register(sim, "web", image="image:2")
        register(sim, "web", image="image:3")
        update(sim, wait=200, taskDefinition="web:3")

    assert "web:1" == both(rollback, prepare=prepare).runs


def test_a_service_that_is_being_deployed() -> None:
    """ECS rolls it back."""
    went = both(rollback, prepare=lambda sim: update(sim, wait=10, taskDefinition="next"))
    assert ("ROLLBACK_SUCCESSFUL", "web:1") == (went.verdict, went.runs)
    assert [] == went.requests("UpdateService")


def test_a_service_that_is_being_rolled_back() -> None:
    """It is waited for; nothing is sent."""

    def prepare(sim: Simulator) -> None:
        update(sim, wait=10, taskDefinition="next")
        arn = sim.deployments("web")[-1].arn
        sim.handle("StopServiceDeployment", {"serviceDeploymentArn": arn, "stopType": "ROLLBACK"})

    went = both(rollback, prepare=prepare)
    assert ("ROLLBACK_SUCCESSFUL", []) == (went.verdict, went.requests("StopServiceDeployment"))


def test_a_deployment_that_failed_and_was_left() -> None:
    """Without rollback by the breaker it is PRIMARY and FAILED: the service goes back to what ran before."""
    went = both(
        rollback,
        prepare=lambda sim: update(sim, wait=300, taskDefinition="bad"),
        service={"deploymentConfiguration": BARE_BREAKER},
    )
    assert ("SUCCESSFUL", "web:1") == (went.verdict, went.runs), repr(went.error)


def test_the_rollback_fails() -> None:
    """DeploymentRollbackFailed."""
    went = both(
        rollback,
        prepare=in_turn(
            lambda sim: sim.script_deployment("web", DeploymentScript(rollback_fails="Gone.")),
            lambda sim: update(sim, wait=10, taskDefinition="next"),
        ),
    )
    assert "DeploymentRollbackFailed" == went.verdict


@pytest.mark.parametrize("families", [(), ("bad",), ("bad", "bad"), ("+web",)])
def test_nothing_to_roll_back_to(families: tuple[str, ...]) -> None:
    """Nothing is changed."""
    went = both(rollback, prepare=deployed(*families))
    assert "web" == went.raised(NothingToRollBack).service
    assert [] == went.requests("UpdateService")


@pytest.mark.parametrize(
    "operation", ["DescribeServices", "ListServiceDeployments", "DescribeServiceRevisions", "UpdateService"]
)
def test_refused(operation: str) -> None:
    """One clear error, and the service stays as it is."""

    def prepare(sim: Simulator) -> None:
        update(sim, wait=200, taskDefinition="next")
        sim.fail(operation, Fault.access_denied(), times=None)

    went = both(rollback, prepare=prepare)
    assert "AccessDeniedException" == went.verdict
    went.sim.heal()
    assert "next:1" == went.runs


@pytest.mark.parametrize(
    "operation",
    ["DescribeServices", "ListServiceDeployments", "DescribeServiceDeployments", "DescribeServiceRevisions"],
)
def test_throttled(operation: str) -> None:
    """Reads are made again."""

    def prepare(sim: Simulator) -> None:
        update(sim, wait=200, taskDefinition="next")
        sim.fail(operation, Fault.throttled(), times=2)

    went = both(rollback, prepare=prepare)
    assert ("SUCCESSFUL", "web:1") == (went.verdict, went.runs), repr(went.error)


@pytest.mark.parametrize("code", ["ClientException", "InvalidParameterException"])
def test_stopping_is_refused(code: str) -> None:
    """The error is ECS's, with the handle of the deployment, which goes on."""

    def prepare(sim: Simulator) -> None:
        update(sim, wait=10, taskDefinition="next")
        sim.fail("StopServiceDeployment", SimulatedError(code, "No."), times=None)

    went = both(rollback, prepare=prepare)
    assert code == went.verdict
    assert isinstance(went.error, EcsError)
    assert went.error.story is not None


def test_no_such_service() -> None:
    """ServicesMissing."""
    assert "ServicesMissing" == both(lambda ecs: ecs.services.rollback("nope"), prepare=nothing).verdict
