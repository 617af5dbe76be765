"""`services.create` and `services.delete`: once, whatever is lost, and to the end."""

from __future__ import annotations

from typing import Any

import pytest
from support.both_clients import Ecs, Went, then
from support.simulated_ecs import nothing

from ecskit.errors import DeploymentStalled, EcsError, RequestError, UnsupportedController
from ecskit.models import AwsVpcConfiguration, CreateServiceRequest, DeploymentController, NetworkConfiguration
from ecskit.testing import Fault, Lag, SimulatedError, Simulator

from .support import PERFORMANCES, both, daemon, update

NETWORK = NetworkConfiguration(awsvpc_configuration=AwsVpcConfiguration(subnets=["subnet-1"]))


def request(**members: Any) -> CreateServiceRequest:
    expected: dict[str, Any] = {
        "service_name": "web",
        "task_definition": "web",
        "desired_count": 2,
        "launch_type": "FARGATE",
        "network_configuration": NETWORK,
        **members,
    }
    return CreateServiceRequest(**expected)


def creating(prepare: Any = nothing, options: Any = None, lag: Lag | None = None, **members: Any) -> Went:
    return both(
        lambda ecs: ecs.services.create(request(**members), **(options or {})), prepare=prepare, service=None, lag=lag
    )


def fails(operation: str, fault: Fault | SimulatedError, times: int | None = 1) -> Any:
    return lambda sim: sim.fail(operation, fault, times=times)


@pytest.mark.parametrize("lag", [None, Lag(visible_after=5, stale_by=6)], ids=["", "lag"])
@pytest.mark.parametrize("until", ["deployed", "stable"])
def test_creating(until: str, lag: Lag | None) -> None:
    """It ends when the first deployment has succeeded."""
    went = creating(options={"until": until}, lag=lag)
    assert ("web", "ACTIVE") == (went.returned().service_name, went.verdict)
    assert 2 == went.sim.services("web")[0].running_count
    [sent] = went.requests("CreateService")
    assert 32 == len(sent["clientToken"])


@pytest.mark.parametrize(
    "fault",
    [
        Fault.reset(after_effect=True),
        Fault.reset(),
        Fault.throttled(),
        Fault.server_error(after_effect=True),
        Fault.cut(),
    ],
    ids=["reset after", "reset before", "throttle", "500 after", "cut"],
)
def test_an_answer_that_is_lost(fault: Fault) -> None:
    """The request is repeated with the same token: there is one service."""
    went = creating(fails("CreateService", fault))
    assert None is went.error
    sent = went.requests("CreateService")
    assert (2, 1, 1) == (len(sent), len({each["clientToken"] for each in sent}), len(went.sim.services()))


def test_a_token_of_ones_own() -> None:
    """Twice the same is one service."""

    def create(ecs: Ecs) -> Any:
        return ecs.services.create(request(client_token="mine"))

    def twice(ecs: Ecs) -> Any:
        return then(create(ecs), lambda _: create(ecs))

    went = both(twice, service=None)
    assert (None, 1, 1) == (went.error, len(went.sim.services()), len(went.sim.deployments("web")))


def test_the_first_deployment_fails() -> None:
    """The error has the reasons and the handle; the service is left."""
    went = creating(task_definition="bad")
    error = went.raised(DeploymentStalled)
    assert "manifest unknown" in str(error)
    assert error.story.handle.ids
    assert 1 == len(went.sim.services())


def test_a_name_that_is_taken() -> None:
    """ECS refuses, and the error is raised."""
    went = both(lambda ecs: ecs.services.create(request(desired_count=7)))
    assert "InvalidParameterException" == went.verdict
    assert 1 == len(went.sim.services())


def test_external() -> None:
    """Returned when it is created: it has no deployments."""
    controller = DeploymentController(type="EXTERNAL")
    members: dict[str, Any] = {"task_definition": None, "launch_type": None, "network_configuration": None}
    went = creating(deployment_controller=controller, **members)
    assert ("ACTIVE", ["CreateService"]) == (went.verdict, went.operations)


def test_code_deploy() -> None:
    """Refused, and nothing is sent."""
    went = creating(deployment_controller=DeploymentController(type="CODE_DEPLOY"))
    assert isinstance(went.error, UnsupportedController)
    assert [] == went.operations


@pytest.mark.parametrize("operation", ["DescribeServices"])
def test_an_error_after_it_was_created_has_a_handle(operation: str) -> None:
    """From which the wait goes on."""
    went = creating(fails(operation, Fault.access_denied(), None))
    assert isinstance(went.error, EcsError)
    assert went.error.story is not None
    assert "deployment_id" in went.error.story.arguments


def test_refused() -> None:
    """One clear error, with the token."""
    went = creating(fails("CreateService", Fault.access_denied(), None))
    assert ("AccessDeniedException", ["CreateService"]) == (went.verdict, went.operations)


# Deleting.


def delete(**options: Any) -> Any:
    return lambda ecs: ecs.services.delete("web", **options)


def test_deleting() -> None:
    """Scaled down, deleted, and waited for until nothing runs."""
    went = both(delete())
    assert "INACTIVE" == went.verdict
    changes = [each for each in went.operations if each in ("UpdateService", "DeleteService")]
    assert ["UpdateService", "DeleteService"] == changes
    assert 0 == went.requests("UpdateService")[0]["desiredCount"]
    assert {task.last_status for task in went.sim.tasks()} <= {"STOPPING", "STOPPED"}


def test_deleting_by_force() -> None:
    """Without scaling it down first."""
    went = both(delete(force=True))
    assert ("INACTIVE", []) == (went.verdict, went.requests("UpdateService"))
    assert [True] == [each["force"] for each in went.requests("DeleteService")]


def test_deleting_is_refused_when_it_is_scaled_down(caplog: pytest.LogCaptureFixture) -> None:
    """A warning logs that the service was scaled down."""
    went = both(delete(), prepare=lambda sim: sim.fail("DeleteService", Fault.access_denied(), times=None))
    assert ("AccessDeniedException", 0) == (went.verdict, went.sim.services("web")[0].desired_count)
    expected = "service web was scaled down from 2 tasks to 0, but not deleted"
    assert [expected] * PERFORMANCES == [
        record.getMessage() for record in caplog.records if record.levelname == "WARNING"
    ]


def test_until_requested() -> None:
    """It is DRAINING then."""
    went = both(delete(until="requested"))
    assert ("DRAINING", 0) == (went.verdict, went.elapsed)


STATES: dict[str, tuple[Any, str]] = {
    "being deployed": (lambda sim: update(sim, wait=5, taskDefinition="next"), "INACTIVE"),
    "being rolled back": (lambda sim: update(sim, wait=70, taskDefinition="bad"), "INACTIVE"),
    "scaled to nothing": (lambda sim: update(sim, wait=60, desiredCount=0), "INACTIVE"),
    "draining": (lambda sim: sim.handle("DeleteService", {"service": "web", "force": True}), "INACTIVE"),
    "inactive": (
        lambda sim: (sim.handle("DeleteService", {"service": "web", "force": True}), sim.clock.advance(100)),
        "INACTIVE",
    ),
    "forgotten": (
        lambda sim: (sim.handle("DeleteService", {"service": "web", "force": True}), sim.clock.advance(9000)),
        "ServicesMissing",
    ),
    "throttled": (fails("DeleteService", Fault.throttled(), 2), "INACTIVE"),
    "lost before": (fails("DeleteService", Fault.reset()), "INACTIVE"),
    "lost after": (fails("DeleteService", Fault.reset(after_effect=True)), "INACTIVE"),
    "scaling is lost": (fails("UpdateService", Fault.reset(after_effect=True)), "INACTIVE"),
    "refused": (fails("DeleteService", Fault.access_denied(), None), "AccessDeniedException"),
    "scaling is refused": (fails("UpdateService", Fault.access_denied(), None), "AccessDeniedException"),
}


@pytest.mark.parametrize("force", [False, True], ids=["", "force"])
@pytest.mark.parametrize("name", STATES)
def test_deleting_what_is(name: str, *, force: bool) -> None:
    """One that is being deleted is waited for; one that is gone is gone."""
    prepare, verdict = STATES[name]
    if force and name == "scaling is refused":
        verdict = "INACTIVE"
    went = both(delete(force=force), prepare=prepare)
    assert verdict == went.verdict, repr(went.error)


def test_deleting_a_daemon() -> None:
    """It has no count to be scaled down to: it is deleted by force."""
    went = both(delete(force=True), prepare=daemon, service=None)
    assert "INACTIVE" == went.verdict


def test_deleting_with_task_sets() -> None:
    """ECS wants force, and takes them with it."""

    def prepare(sim: Simulator) -> None:
        sim.handle(
            "CreateService", {"serviceName": "web", "desiredCount": 1, "deploymentController": {"type": "EXTERNAL"}}
        )
        network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
        expected: dict[str, Any] = {"cluster": "default", "service": "web", "taskDefinition": "web"}
        expected |= {"launchType": "FARGATE", "networkConfiguration": network}
        sim.handle("CreateTaskSet", {**expected, "scale": {"value": 100.0, "unit": "PERCENT"}})
        sim.clock.advance(60)

    assert "InvalidParameterException" == both(delete(), prepare=prepare, service=None).verdict
    assert "INACTIVE" == both(delete(force=True), prepare=prepare, service=None).verdict


def test_time_is_up() -> None:
    """The service stays DRAINING."""
    went = both(delete(timeout=1))
    assert "WaitTimeout" == went.verdict
    assert "DRAINING" == went.sim.services("web")[0].status


def test_tokens_that_are_too_long() -> None:
    """RequestError; nothing is sent."""
    went = creating(client_token="x" * 37)
    assert "client_token" in str(went.raised(RequestError))
    assert [] == went.operations
