"""`services.deploy` on the simulator: what is registered and sent, and that it is this deployment that succeeds."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from support.both_clients import Ecs, perform, then

from ecskit.errors import DeploymentInProgress, DeploymentRolledBack, RequestError
from ecskit.models import (
    ContainerDefinition,
    DeploymentCircuitBreaker,
    DeploymentConfiguration,
    RegisterTaskDefinitionRequest,
)
from ecskit.testing import Lag, Simulator

from .support import BARE_BREAKER, ENVIRONMENT, SECRET, both, create, daemon, furnished, in_turn, register, update


def deploy(**options: Any) -> Any:
    return lambda ecs: ecs.services.deploy("web", **options)


def latest(sim: Simulator, family: str) -> dict[str, Any]:
    answer: dict[str, Any] = sim.handle("DescribeTaskDefinition", {"taskDefinition": family, "include": ["TAGS"]})
    return answer


REQUEST = RegisterTaskDefinitionRequest(
    family="web",
    cpu="256",
    memory="512",
    network_mode="awsvpc",
    requires_compatibilities=["FARGATE"],
    container_definitions=[ContainerDefinition(name="app", image="image:7")],
)
WITH_ROLE = attrs.evolve(REQUEST, execution_role_arn="arn:aws:iam::123456789012:role/execution")
PARAMETER = "arn:aws:ssm:us-east-1:123456789012:parameter/token"
ARN = "arn:aws:ecs:us-east-1:123456789012:task-definition/"

CHANGES: dict[str, tuple[dict[str, Any], str, int]] = {
    "images": ({"images": {"app": "image:2"}}, "web:2", 1),
    "environment": ({"environment": {"app": {"MODE": "blue", "COLOUR": None}}}, "web:2", 1),
    "secrets": ({"task_definition": WITH_ROLE, "secrets": {"app": {"TOKEN": PARAMETER}}}, "web:2", 1),
    "family": ({"task_definition": "next"}, "next:1", 0),
    "family and revision": ({"task_definition": "next:1"}, "next:1", 0),
    "ARN": ({"task_definition": f"{ARN}next:1"}, "next:1", 0),
    "request": ({"task_definition": REQUEST}, "web:2", 1),
    "images of another one": ({"task_definition": "next", "images": {"app": "image:3"}}, "next:2", 1),
    "images of a request": ({"task_definition": REQUEST, "images": {"app": "image:9"}}, "web:2", 1),
    "force": ({"force": True}, "web:1", 0),
    "force with images": ({"force": True, "images": {"app": "image:2"}}, "web:2", 1),
}


@pytest.mark.parametrize("lag", [None, Lag(visible_after=4, stale_by=6, current_deployment_after=8)], ids=["", "lag"])
@pytest.mark.parametrize("name", CHANGES)
def test_what_is_deployed(name: str, lag: Lag | None) -> None:
    """One UpdateService, at most one RegisterTaskDefinition, and the service runs what was asked for."""
    change, runs, registered = CHANGES[name]
    went = both(deploy(**change), lag=lag)
    assert went.verdict in ("SUCCESSFUL", "COMPLETED"), repr(went.error)
    assert (1, registered) == (len(went.requests("UpdateService")), len(went.requests("RegisterTaskDefinition")))
    [*_, last] = went.sim.deployments("web")
    assert ("SUCCESSFUL", 2) == (last.status, len(went.sim.deployments("web")))
    assert last.arn == went.result.service_deployment.service_deployment_arn
    assert runs == went.runs


def test_a_described_definition() -> None:
    """A TaskDefinition is deployed by its ARN."""
    from ecskit._core.structuring import structure_hook
    from ecskit.models import TaskDefinition

    described = latest(furnished(), "next")["taskDefinition"]
    model: TaskDefinition = structure_hook(TaskDefinition)(described, TaskDefinition)
    went = both(deploy(task_definition=model))
    assert ("SUCCESSFUL", "next:1") == (went.verdict, went.runs)


def test_what_was_not_asked_for_is_not_sent() -> None:
    """Only the service, its cluster and the task definition."""
    went = both(deploy(images={"app": "image:2"}))
    [request] = went.requests("UpdateService")
    assert {"service", "cluster", "taskDefinition"} == set(request)


def test_a_desired_count_that_was_changed_meanwhile_stays() -> None:
    """Whatever scales the service keeps its count: between the read and the update, and while it is deployed."""
    for moment in (1, 3, 6):
        sim = furnished()

        def scale(number: int, _: str, sim: Simulator = sim, moment: int = moment) -> None:
            if number == moment:
                sim.handle("UpdateService", {"service": "web", "desiredCount": 5})

        went = perform(deploy(images={"app": "image:2"}, until="stable"), Ecs.sync(sim, before=scale))
        assert "SUCCESSFUL" == went.verdict, repr(went.error)
        assert [False, True] == sorted("desiredCount" in each for each in went.requests("UpdateService"))
        assert 5 == sim.services("web")[0].desired_count


def test_a_desired_count_that_is_given() -> None:
    """It is sent, together with the rest, in the one update."""
    went = both(deploy(images={"app": "image:2"}, desired_count=4, until="stable"))
    [request] = went.requests("UpdateService")
    assert (4, "SUCCESSFUL", 4) == (request["desiredCount"], went.verdict, went.result.service.running_count)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_only_the_count(count: int) -> None:
    """This starts no deployment: it ends when the desired count runs, without the deployment APIs."""
    went = both(deploy(desired_count=count))
    assert (None, count) == (went.error, went.result.service.running_count)
    assert not {"ListServiceDeployments", "DescribeServiceDeployments"} & set(went.operations)
    assert 1 == len(went.sim.deployments("web"))


def test_an_identical_deploy_is_none() -> None:
    """No new revision, no new deployment; it ends when the service is settled."""

    def twice(ecs: Ecs) -> Any:
        return then(deploy(images={"app": "image:2"})(ecs), lambda _: deploy(images={"app": "image:2"})(ecs))

    went = both(twice)
    assert went.error is None
    assert 1 == len(went.requests("RegisterTaskDefinition"))
    assert (2, "web:2") == (len(went.sim.deployments("web")), went.runs)


def test_an_identical_deploy_with_force_is_one() -> None:
    """Each makes a deployment."""
    went = both(lambda ecs: then(deploy(force=True)(ecs), lambda _: deploy(force=True)(ecs)))
    assert ("SUCCESSFUL", 3) == (went.verdict, len(went.sim.deployments("web")))


def test_tags_and_the_rest_of_the_definition_are_kept() -> None:
    """Only the image differs."""
    went = both(deploy(images={"app": "image:2"}))
    expected = latest(went.sim, "web")
    assert [{"key": "team", "value": "shop"}] == expected["tags"]
    [container] = expected["taskDefinition"]["containerDefinitions"]
    assert ("image:2", ENVIRONMENT) == (container["image"], container["environment"])
    assert "256" == expected["taskDefinition"]["cpu"]


def test_environment_is_merged() -> None:
    """What is not named stays; None takes one away."""
    went = both(deploy(environment={"app": {"COLOUR": None, "SIZE": "xl"}}))
    [container] = latest(went.sim, "web")["taskDefinition"]["containerDefinitions"]
    assert [("MODE", SECRET), ("SIZE", "xl")] == [(each["name"], each["value"]) for each in container["environment"]]


def test_a_strategy_keeps_the_rest_of_the_configuration() -> None:
    """The circuit breaker stays."""
    went = both(deploy(images={"app": "image:2"}, strategy="BLUE_GREEN", timeout=1200))
    [request] = went.requests("UpdateService")
    sent = request["deploymentConfiguration"]
    assert ("BLUE_GREEN", True) == (sent["strategy"], sent["deploymentCircuitBreaker"]["rollback"])
    assert ("SUCCESSFUL", "CLEAN_UP") == (went.verdict, went.result.stage_reached)


def test_a_deployment_configuration() -> None:
    """It is sent as it is."""
    breaker = DeploymentCircuitBreaker(enable=False, rollback=False)
    configuration = DeploymentConfiguration(deployment_circuit_breaker=breaker, maximum_percent=150)
    went = both(deploy(force=True, deployment_configuration=configuration))
    [request] = went.requests("UpdateService")
    assert 150 == request["deploymentConfiguration"]["maximumPercent"]
    assert "SUCCESSFUL" == went.verdict


def test_require_idle() -> None:
    """Nothing is registered or changed while something else is being deployed."""
    went = both(
        deploy(images={"app": "image:2"}, require_idle=True),
        prepare=lambda sim: update(sim, taskDefinition="next"),
    )
    assert "web" == went.raised(DeploymentInProgress).service
    assert ["DescribeServices"] == went.operations
    assert "SUCCESSFUL" == both(deploy(images={"app": "image:2"}, require_idle=True)).verdict


def test_while_something_else_is_being_deployed() -> None:
    """It takes its place, and only its own end counts."""
    went = both(deploy(task_definition="next"), prepare=lambda sim: update(sim, wait=5, taskDefinition="bad"))
    assert ("SUCCESSFUL", "next:1") == (went.verdict, went.runs)


def test_something_newer_takes_its_place() -> None:
    """DeploymentSuperseded names the newer one; followed, it ends when that one does."""

    def act(**options: Any) -> Any:
        def deploys(ecs: Ecs) -> Any:
            def other(handle: Any) -> Any:
                update(ecs.sim, taskDefinition="web", forceNewDeployment=True)
                return handle.wait(**options)

            return then(ecs.services.start_deployment("web", task_definition="next"), other)

        return deploys

    went = both(act())
    assert ("DeploymentSuperseded", went.sim.deployments("web")[-1].arn) == (went.verdict, went.error.by)  # type: ignore[union-attr]  # it is one
    went = both(act(on_superseded="follow"))
    assert ("SUCCESSFUL", "web:1") == (went.verdict, went.runs)


@pytest.mark.parametrize("controller", ["EXTERNAL", "CODE_DEPLOY"])
def test_other_controllers_are_refused(controller: str) -> None:
    """Before anything is registered or changed."""
    lb = {"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/a/1", "containerName": "app"}
    service: dict[str, Any] = {"deploymentController": {"type": controller}, "deploymentConfiguration": None}
    if controller == "EXTERNAL":
        service |= {"taskDefinition": None, "launchType": None, "networkConfiguration": None}
    else:
        service["loadBalancers"] = [{**lb, "containerPort": 80}]
    prepare = in_turn(
        lambda sim: register(sim, "web", portMappings=[{"containerPort": 80}]), lambda sim: create(sim, **service)
    )

    def act(verb: str) -> Any:
        return lambda ecs: getattr(ecs.services, verb)("web", images={"app": "image:2"})

    for verb in ("deploy", "start_deployment"):
        went = both(act(verb), prepare=prepare, service=None)
        assert ("UnsupportedController", ["DescribeServices"]) == (went.verdict, went.operations)


def test_daemon() -> None:
    """One task on each instance; a desired count is refused, and nothing is changed."""
    went = both(deploy(images={"app": "image:2"}), prepare=daemon, service=None)
    assert ("SUCCESSFUL", "agent:2", 3) == (went.verdict, went.runs, went.result.service.running_count)
    went = both(deploy(images={"app": "image:2"}, desired_count=2), prepare=daemon, service=None)
    assert "desired_count" in str(went.raised(RequestError))
    assert ["DescribeServices"] == went.operations


def test_a_service_that_just_exists() -> None:
    """One that reads do not show yet is looked for again."""
    went = both(
        deploy(force=True),
        prepare=lambda sim: create(sim, wait=0, deploymentConfiguration=BARE_BREAKER),
        service=None,
        lag=Lag(visible_after=3),
    )
    assert "SUCCESSFUL" == went.verdict


def test_names_of_services() -> None:
    """By ARN and by model as well; the cluster of an ARN is the service's."""
    sim = furnished()
    [service] = sim.handle("DescribeServices", {"services": ["web"]})["services"]
    went = both(lambda ecs: ecs.services.deploy(service["serviceArn"], force=True))
    assert "SUCCESSFUL" == went.verdict
    went = both(lambda ecs: then(ecs.services.describe("web"), lambda found: ecs.services.deploy(found[0], force=True)))
    assert "SUCCESSFUL" == went.verdict


def test_why_tasks_failed_is_found_among_many_that_were_replaced() -> None:
    """ECS lists a hundred stopped tasks at once, and those of earlier deployments may come first."""

    def replaced_many(sim: Simulator) -> None:
        for _ in range(2):
            sim.handle("UpdateService", {"service": "web", "forceNewDeployment": True})
            sim.clock.advance(100)

    went = both(deploy(task_definition="bad"), prepare=replaced_many, service={"desiredCount": 60})
    assert "manifest unknown" in went.raised(DeploymentRolledBack).reason
    assert 2 <= len(went.requests("ListTasks"))
