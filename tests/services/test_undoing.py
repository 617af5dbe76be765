"""What is done when a deployment does not succeed: `on_failure` and `on_timeout`, for each way to end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from support.both_clients import Ecs, Went, perform, then
from support.simulated_ecs import nothing

from ecskit.errors import DeploymentRolledBack, EcsError
from ecskit.testing import DeploymentScript, Fault, SimulatedError, Simulator

from .support import BARE_BREAKER, BREAKER, both, create, furnished, in_turn

Prepare = Callable[[Simulator], object]


def fails(operation: str, code: str = "AccessDeniedException", times: int | None = None) -> Prepare:
    return lambda sim: sim.fail(operation, SimulatedError(code, "No."), times=times)


def scripted(**members: Any) -> Prepare:
    return lambda sim: sim.script_deployment("web", DeploymentScript(**members))


@attrs.frozen(kw_only=True)
class Way:
    """A way in which a deployment does not succeed."""

    left: str
    """The error with "leave"."""
    undone: str = "DeploymentRolledBack"
    """The error with "rollback"."""
    runs: str = "web:1"
    """What the service runs then."""
    breaker: Any = attrs.field(factory=lambda: BREAKER)
    prepare: Prepare = nothing
    change: dict[str, Any] = attrs.field(factory=lambda: {"task_definition": "bad"})
    updates: int = 1
    """How often UpdateService is sent with "rollback"."""
    timeout: float = 600


SLOW = {"task_definition": "next"}
REFUSED_READS = in_turn(
    lambda sim: sim.fail("ListServiceDeployments", Fault.access_denied(), times=None),
    lambda sim: sim.fail("DescribeServiceDeployments", Fault.access_denied(), times=None),
)
WAYS: dict[str, Way] = {
    "breaker with rollback": Way(left="DeploymentRolledBack"),
    "breaker without rollback": Way(left="DeploymentFailed", breaker=BARE_BREAKER, updates=2),
    "no breaker": Way(left="DeploymentStalled", breaker=None),
    "no breaker, reads refused": Way(left="DeploymentStalled", breaker=None, prepare=REFUSED_READS, updates=2),
    "breaker with rollback, reads refused": Way(left="DeploymentRolledBack", prepare=REFUSED_READS),
    "breaker without rollback, reads refused": Way(
        left="DeploymentFailed", breaker=BARE_BREAKER, prepare=REFUSED_READS, updates=2
    ),
    "no breaker, stopping refused": Way(
        left="DeploymentStalled", breaker=None, prepare=fails("StopServiceDeployment"), updates=2
    ),
    "no breaker, stopping is throttled": Way(
        left="DeploymentStalled",
        breaker=None,
        prepare=lambda sim: sim.fail("StopServiceDeployment", Fault.throttled(), times=2),
    ),
    "no breaker, the answer of stopping is lost": Way(
        left="DeploymentStalled",
        breaker=None,
        prepare=lambda sim: sim.fail("StopServiceDeployment", Fault.reset(after_effect=True)),
    ),
    "a stage fails": Way(
        left="DeploymentRolledBack",
        change={"task_definition": "next", "strategy": "BLUE_GREEN"},
        prepare=scripted(fails_at="TEST_TRAFFIC_SHIFT"),
    ),
    "time is up": Way(left="WaitTimeout", change=SLOW, timeout=10),
    "time is up before anything is to be seen": Way(left="WaitTimeout", change=SLOW, timeout=0),
    "time is up, reads refused": Way(left="WaitTimeout", change=SLOW, timeout=10, prepare=REFUSED_READS, updates=2),
    "time is up, stopping refused": Way(
        left="WaitTimeout", change=SLOW, timeout=10, prepare=fails("StopServiceDeployment"), updates=2
    ),
    "the rollback fails": Way(
        left="WaitTimeout",
        change=SLOW,
        timeout=10,
        prepare=scripted(rollback_fails="The old image is gone."),
        undone="DeploymentRollbackFailed",
        runs="web:1",
    ),
}


def act(way: Way, **rollback_options: str) -> Callable[[Ecs], Any]:
    return lambda ecs: ecs.services.deploy("web", **way.change, **rollback_options, timeout=way.timeout)


def went(way: Way, **rollback_options: str) -> Went:
    return both(act(way, **rollback_options), prepare=way.prepare, service={"deploymentConfiguration": way.breaker})


@pytest.mark.parametrize("name", WAYS)
def test_left_alone(name: str) -> None:
    """By default nothing is stopped and nothing is updated again."""
    way = WAYS[name]
    end = went(way)
    assert way.left == end.verdict, repr(end.error)
    assert (1, 0) == (len(end.requests("UpdateService")), len(end.requests("StopServiceDeployment")))
    assert isinstance(end.error, EcsError)
    assert end.error.story is not None


@pytest.mark.parametrize("name", WAYS)
def test_rolled_back(name: str) -> None:
    """When the error is raised, the service runs again what it ran before."""
    way = WAYS[name]
    end = went(way, on_failure="rollback", on_timeout="rollback")
    assert way.undone == end.verdict, repr(end.error)
    assert way.runs == end.runs
    assert way.updates == len(end.requests("UpdateService"))
    if way.undone == "DeploymentRolledBack":
        assert isinstance(end.error, DeploymentRolledBack)
        assert (end.error.rolled_back_to or "").endswith("/web:1")
        [service] = end.sim.services("web")
        assert "COMPLETED" == service.rollout_state
    if way.left != way.undone:
        assert way.left == type(end.error.__cause__).__name__ if end.error else False


def test_the_other_remedy_does_not_count() -> None:
    """A timeout is no failure, and a failure no timeout."""
    assert "WaitTimeout" == went(WAYS["time is up"], on_failure="rollback").verdict
    assert "DeploymentStalled" == went(WAYS["no breaker"], on_timeout="rollback").verdict


def test_the_first_deployment_has_nothing_to_go_back_to() -> None:
    """The stalled deployment is raised as it is; there is no second update of anything."""

    def first(ecs: Ecs) -> Any:
        create(ecs.sim, taskDefinition="bad")
        found = ecs.services.describe("web")
        return then(
            found,
            lambda services: then(
                ecs.services.deployment(services[0]), lambda handle: handle.wait(on_failure="rollback")
            ),
        )

    end = both(first, service=None)
    assert "DeploymentStalled" == end.verdict, repr(end.error)
    assert [] == end.requests("UpdateService")
    assert "manifest unknown" in str(end.error)


def test_an_update_that_is_refused_changed_nothing() -> None:
    """There is nothing to roll back."""
    end = both(
        lambda ecs: ecs.services.deploy("web", task_definition="next", on_failure="rollback", on_timeout="rollback"),
        prepare=fails("UpdateService", "InvalidParameterException"),
    )
    assert "InvalidParameterException" == end.verdict
    assert (1, 0) == (len(end.requests("UpdateService")), len(end.requests("StopServiceDeployment")))


def test_another_process_has_deployed_meanwhile() -> None:
    """What is newer is not rolled back."""

    def act(ecs: Ecs) -> Any:
        def other(handle: Any) -> Any:
            ecs.sim.handle("UpdateService", {"service": "web", "taskDefinition": "web", "forceNewDeployment": True})
            return handle.wait(on_failure="rollback", on_timeout="rollback", on_cancel="rollback")

        return then(ecs.services.start_deployment("web", task_definition="next"), other)

    end = both(act)
    assert ("DeploymentSuperseded", "web:1") == (end.verdict, end.runs)
    assert [] == end.requests("StopServiceDeployment")


def test_a_deployment_that_succeeds_while_it_is_stopped() -> None:
    """Time is up, but it is done before ECS can stop it: that is a success."""

    def act(ecs: Ecs) -> Any:
        return ecs.services.deploy("web", task_definition="next", timeout=15, on_timeout="rollback")

    def prepare(sim: Simulator) -> None:
        # When stopping is asked for again, there is nothing to stop any more.
        sim.fail("StopServiceDeployment", Fault.throttled(), times=4)

    end = both(act, prepare=prepare)
    [*_, last] = end.sim.deployments("web")
    assert ("SUCCESSFUL" == last.status) == (end.error is None)


def test_what_another_process_deploys_while_time_runs_out_is_left_alone() -> None:
    """ECS cannot stop what was replaced already, and the newer deployment is not undone."""
    sim = furnished()

    def other(_: int, operation: str) -> None:
        if operation == "StopServiceDeployment":
            sim.handle("UpdateService", {"service": "web", "taskDefinition": "bad"})
            sim.clock.advance(5)

    end = perform(
        lambda ecs: ecs.services.deploy("web", **SLOW, timeout=10, on_timeout="rollback"), Ecs.sync(sim, before=other)
    )
    assert ("WaitTimeout", "bad:1") == (end.verdict, end.runs)
    assert ["bad", "next"] == sorted(each["taskDefinition"] for each in end.requests("UpdateService"))


@pytest.mark.parametrize("operation", ["DescribeServices", "ListServiceDeployments", "DescribeServiceDeployments"])
def test_reads_that_fail_while_it_is_undone(operation: str) -> None:
    """One answer that is lost does not keep a service from being rolled back."""

    def prepare(sim: Simulator) -> None:
        sim.fail("StopServiceDeployment", Fault.reset(after_effect=True))
        sim.fail(operation, Fault.throttled(), times=3, after=10)

    end = both(lambda ecs: ecs.services.deploy("web", **SLOW, timeout=10, on_timeout="rollback"), prepare=prepare)
    assert ("DeploymentRolledBack", "web:1") == (end.verdict, end.runs)
    assert 1 == len(end.requests("UpdateService"))
