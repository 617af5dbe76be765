"""`services.history`: what was deployed when, how it ended, what runs; and `rollback(to=)` what it yields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.both_clients import Ecs, then

from ecskit._deployments.rollback_target import Target, target_of
from ecskit.errors import (
    AccessDeniedException,
    DeploymentFailed,
    NothingToRollBack,
    RequestError,
    ServicesMissing,
    UnsupportedController,
)
from ecskit.models import (
    Deployment,
    Service,
    ServiceDeployment,
    ServiceDeploymentBrief,
    ServiceRevision,
    TaskDefinition,
)
from ecskit.services import DeployedRevision
from ecskit.testing import Fault, SimulatedError, Simulator

from .support import BREAKER, both, create, in_turn, register, update

ACCOUNT = "arn:aws:ecs:us-east-1:123456789012"


def deployed(*families: str) -> Callable[[Simulator], None]:
    """Return what deploys those one after the other, each to its end."""

    def prepare(sim: Simulator) -> None:
        for family in families:
            update(sim, wait=400, taskDefinition=family)

    return prepare


def history(ecs: Ecs) -> Any:
    return ecs.services.history("web")


def test_what_was_deployed() -> None:
    """Newest first, a line for each: when, what, how it ended, why, and what runs of it."""
    went = both(history, prepare=in_turn(deployed("next", "bad"), lambda sim: update(sim, 12, taskDefinition="web")))
    revisions: list[DeployedRevision] = went.items
    digest = revisions[0].images["app"].partition("@sha256:")[2][:12]
    assert len(digest) == 12
    why = "ECS deployment circuit breaker: tasks failed to start."
    assert [str(each) for each in revisions] == [
        f"2025-06-15 15:21:40 UTC  web:1 (app image:1@sha256:{digest})  IN_PROGRESS, current, 0 running tasks",
        f"2025-06-15 15:15:00 UTC  bad:1 (app image:1@sha256:{digest})  ROLLBACK_SUCCESSFUL after 52 s: {why}",
        f"2025-06-15 15:08:20 UTC  next:1 (app image:1@sha256:{digest})  SUCCESSFUL after 20 s, 2 running tasks",
        f"2025-06-15 15:06:40 UTC  web:1 (app image:1@sha256:{digest})  SUCCESSFUL after 20 s",
    ]
    assert [each.is_current for each in revisions] == [True, False, False, False]
    assert [each.status for each in revisions][1:] == ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL", "SUCCESSFUL"]
    assert [each.task_definition for each in revisions][2] == f"{ACCOUNT}:task-definition/next:1"
    assert went.operations == ["DescribeServices", "ListServiceDeployments", "DescribeServiceRevisions"]


def test_many_pages() -> None:
    """Twenty revisions are read by a request, when they are needed."""
    went = both(history, prepare=deployed(*["next", "web"] * 10))
    assert len(went.items) == 21
    assert went.operations.count("DescribeServiceRevisions") == 2
    sim = Simulator()
    register(sim, "web")
    register(sim, "next")
    create(sim)
    deployed(*["next", "web"] * 10)(sim)
    before = len(sim.calls)
    with Ecs.sync(sim).services.history("web") as revisions:
        assert next(revisions).is_current
    assert [call.operation for call in sim.calls[before:]].count("DescribeServiceRevisions") == 1


def test_what_ecs_no_longer_shows() -> None:
    """A deployment of long ago is not listed, but what it deployed still runs."""
    went = both(history, prepare=lambda sim: sim.clock.advance(91 * 24 * 3600))
    [revision] = went.items
    assert (revision.service_deployment, revision.status, revision.is_current) == (None, None, True)
    assert revision.service_revision.task_definition == f"{ACCOUNT}:task-definition/web:1"
    assert str(revision).endswith("  deployed before what ECS still shows, current, 2 running tasks")
    assert "web:1" in str(revision)


def test_a_revision_that_ecs_no_longer_shows() -> None:
    """Its deployment is shown all the same."""

    def forget(sim: Simulator) -> None:
        deployed("next")(sim)
        [service] = sim._account.services.values()
        service.revisions.pop(service.rollouts[0].deployment.revision.arn)

    went = both(history, prepare=forget)
    assert (went.items[1].task_definition, dict(went.items[1].images)) == (None, {})
    assert "a task definition that ECS no longer shows  SUCCESSFUL after 20 s" in str(went.items[1])


def deployed_revision(
    deployment: dict[str, Any] | None, brief: dict[str, Any] | None, image: dict[str, Any] | None
) -> DeployedRevision:
    """Return what the history has of a revision, if ECS shows some of it."""
    arn = f"{ACCOUNT}:service-revision/default/web/1"
    listed = {"serviceDeploymentArn": "d", "clusterArn": "c", "serviceArn": "s", "targetServiceRevisionArn": arn}
    shown = {"serviceRevisionArn": arn, "taskDefinition": "definition/web:1", "containerImages": [image]}
    return DeployedRevision(
        deployment=(
            Deployment.from_dict({"id": "ecs-svc/1", "taskDefinition": "d/web:2", **deployment}) if deployment else None
        ),
        service_deployment=ServiceDeploymentBrief.from_dict({**listed, **brief}) if brief else None,
        service_revision=ServiceRevision.from_dict(shown) if image else None,
    )


DIGEST = "sha256:" + "0123456789ab" * 6
ROWS: list[tuple[Any, Any, Any, str]] = [
    (
        None,
        None,
        None,
        "at an unknown time  a task definition that ECS no longer shows  deployed before what ECS still shows",
    ),
    (
        {"status": "ACTIVE", "createdAt": 60},
        None,
        None,
        "1970-01-01 00:01:00 UTC  web:2  deployed before what ECS still shows, 0 running tasks",
    ),
    (
        None,
        {"createdAt": 120, "status": "PENDING"},
        None,
        "1970-01-01 00:02:00 UTC  a task definition that ECS no longer shows  PENDING",
    ),
    (
        {"status": "PRIMARY", "createdAt": 60, "runningCount": 1},
        {"createdAt": 120, "startedAt": 121, "finishedAt": 130, "status": "SUCCESSFUL", "statusReason": "good"},
        {"containerName": "app", "image": f"a@{DIGEST}", "imageDigest": "sha256:other"},
        "1970-01-01 00:02:00 UTC  web:1 (app a@sha256:0123456789ab)  SUCCESSFUL after 9 s, current, 1 running task",
    ),
    (
        None,
        {"createdAt": 120, "finishedAt": 130, "status": "STOPPED", "statusReason": "by\x1b[1m me"},
        {"containerName": "app", "image": "a:1"},
        "1970-01-01 00:02:00 UTC  web:1 (app a:1)  STOPPED after 10 s: by\\x1b[1m me",
    ),
]


@pytest.mark.parametrize(("deployment", "brief", "image", "text"), ROWS)
def test_what_is_shown(deployment: Any, brief: Any, image: Any, text: str) -> None:
    """Of a revision that ECS shows in part, all that is there; it may be passed to `rollback` while it has a name."""
    revision = deployed_revision(deployment, brief, image)
    assert str(revision) == text
    assert (revision.service_revision_arn is None) == (brief is None)
    assert dict(revision.images) == ({"app": image["image"]} if image else {})


def test_errors() -> None:
    """No such service, no permission, and a service whose deployments ECS does not control."""
    both(lambda ecs: ecs.services.history("nope")).raised(ServicesMissing)
    denied = lambda sim: sim.fail("DescribeServiceRevisions", Fault.access_denied(), times=None)  # noqa: E731
    both(history, prepare=denied).raised(AccessDeniedException)
    external = {"deploymentController": {"type": "EXTERNAL"}}
    without = {
        "taskDefinition": None,
        "launchType": None,
        "networkConfiguration": None,
        "deploymentConfiguration": None,
    }
    for act in (history, lambda ecs: ecs.services.rollback("web", to="web:1")):
        both(act, service={**external, **without}).raised(UnsupportedController)
    throttled = lambda sim: sim.fail("ListServiceDeployments", Fault.throttled(), times=2)  # noqa: E731
    assert len(both(history, prepare=throttled).items) == 1


# Back to one of them.


def back_to(choose: Callable[[list[DeployedRevision]], Any]) -> Callable[[Ecs], Any]:
    """Return the act that rolls back to what a function chooses from the history."""

    def act(ecs: Ecs) -> Any:
        if ecs.colour == "sync":
            return ecs.services.rollback("web", to=choose(list(ecs.services.history("web"))))

        async def run() -> Any:
            revisions = [each async for each in ecs.services.history("web")]
            return await ecs.services.rollback("web", to=choose(revisions))

        return run()

    return act


NAMES: dict[str, Callable[[DeployedRevision], Any]] = {
    "a revision of the history": lambda revision: revision,
    "a service revision": lambda revision: revision.service_revision,
    "its ARN": lambda revision: revision.service_revision_arn,
    "a short service deployment": lambda revision: revision.service_deployment,
    "the ARN of a service deployment": lambda revision: (
        revision.service_deployment and revision.service_deployment.service_deployment_arn
    ),
    "a task definition": lambda revision: revision.task_definition,
    "FAMILY:REVISION": lambda revision: (revision.task_definition or "").rsplit("/", 1)[-1],
}


@pytest.mark.parametrize("name", NAMES)
def test_back_to(name: str) -> None:
    """One update, one deployment; not only the latest one is possible. Throttled reads are repeated."""
    throttled = lambda sim: sim.fail("DescribeServiceDeployments", Fault.throttled(), times=1)  # noqa: E731
    prepare = in_turn(deployed("next", "bad", "next"), throttled)
    went = both(back_to(lambda revisions: NAMES[name](revisions[-1])), prepare=prepare)
    assert ("SUCCESSFUL", "web:1") == (went.verdict, went.runs), repr(went.error)
    [request] = went.requests("UpdateService")
    assert request["taskDefinition"] == f"{ACCOUNT}:task-definition/web:1"[-len(request["taskDefinition"]) :]
    assert not went.requests("RegisterTaskDefinition")


REVISION = f"{ACCOUNT}:service-revision/default/web/1"
DEPLOYMENT = f"{ACCOUNT}:service-deployment/default/web/1"
NUMBERED = f"{ACCOUNT}:task-definition/web:1"
IDS: Any = {"service_deployment_arn": DEPLOYMENT, "cluster_arn": "c", "service_arn": "s", "status": "PENDING"}
TARGETS: list[tuple[Any, Target]] = [
    (deployed_revision({"status": "ACTIVE", "taskDefinition": NUMBERED}, None, None), Target(task_definition=NUMBERED)),
    (deployed_revision(None, {"status": "PENDING"}, None), Target(revision=REVISION)),
    (TaskDefinition(task_definition_arn=NUMBERED, family="web", revision=1), Target(task_definition=NUMBERED)),
    (ServiceDeployment(**IDS), Target(deployment=DEPLOYMENT)),
    (ServiceDeploymentBrief(**IDS), Target(deployment=DEPLOYMENT)),
]


@pytest.mark.parametrize(("to", "target"), TARGETS)
def test_models_that_name_a_target(to: Any, target: Target) -> None:
    """They are taken with what ECS shows of them."""
    assert target_of("services.rollback", to) == target


def test_a_service_whose_arn_has_no_cluster() -> None:
    """ARNs were short once. A revision of a service of that name is read, and not refused."""
    ids = {"serviceName": "web", "serviceArn": f"{ACCOUNT}:service/web", "clusterArn": f"{ACCOUNT}:cluster/default"}
    flow = Target(revision=REVISION).update_of(Service.from_dict({**ids, "status": "ACTIVE"}))
    assert next(flow) is not None
    flow.close()


def test_everything_of_a_revision() -> None:
    """Its network is restored too, and what it did not have is removed. A task definition changes nothing else."""
    other = {"awsvpcConfiguration": {"subnets": ["subnet-2"]}}
    registries = [{"registryArn": "arn:aws:servicediscovery:us-east-1:123456789012:service/srv-1"}]

    def prepare(sim: Simulator) -> None:
        members = {"networkConfiguration": other, "serviceRegistries": registries}
        update(sim, wait=200, taskDefinition="next", **members)

    went = both(back_to(lambda revisions: revisions[-1]), prepare=prepare)
    [request] = went.requests("UpdateService")
    assert request["networkConfiguration"]["awsvpcConfiguration"]["subnets"] == ["subnet-1"]
    assert request["serviceRegistries"] == []
    [service] = Simulator.handle(went.sim, "DescribeServices", {"services": ["web"]})["services"]
    assert not service.get("serviceRegistries")
    went = both(back_to(lambda revisions: revisions[-1].task_definition), prepare=prepare)
    [request] = went.requests("UpdateService")
    assert request.keys() == {"service", "cluster", "taskDefinition"}


CANNOT_BE_REMOVED: dict[str, tuple[dict[str, Any], str, Any]] = {
    "Service Connect": (
        {"serviceConnectConfiguration": {"enabled": True, "namespace": "local"}},
        "serviceConnectConfiguration",
        {"enabled": False},
    ),
    "providers in place of a launch type": (
        {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}], "forceNewDeployment": True},
        "capacityProviderStrategy",
        [{"capacityProvider": "FARGATE", "weight": 1, "base": 0}],
    ),
}


@pytest.mark.parametrize("name", CANNOT_BE_REMOVED)
def test_what_an_update_cannot_remove(name: str) -> None:
    """It is turned off, or replaced; the second rollback sends nothing."""
    members, member, stated = CANNOT_BE_REMOVED[name]

    def prepare(sim: Simulator) -> None:
        providers = {"capacityProviders": ["FARGATE", "FARGATE_SPOT"], "defaultCapacityProviderStrategy": []}
        sim.handle("PutClusterCapacityProviders", {"cluster": "default", **providers})
        update(sim, wait=400, **members)

    twice = back_to(lambda revisions: revisions[-1])
    went = both(lambda ecs: then(twice(ecs), lambda _: twice(ecs)), prepare=prepare)
    went.returned()
    [request] = went.requests("UpdateService")
    assert request[member] == stated
    assert request.get("forceNewDeployment", False) is (member == "capacityProviderStrategy")


def test_it_is_there_already() -> None:
    """Nothing is changed, however often it is asked for; a deployment to it that is under way is awaited."""
    went = both(back_to(lambda revisions: revisions[0]), prepare=deployed("next"))
    assert ("next:1", []) == (went.runs, went.requests("UpdateService"))
    went = both(
        lambda ecs: ecs.services.rollback("web", to="next:1"), prepare=lambda sim: update(sim, taskDefinition="next")
    )
    assert ("SUCCESSFUL", "next:1", []) == (went.verdict, went.runs, went.requests("UpdateService"))

    def twice(ecs: Ecs) -> Any:
        return then(ecs.services.rollback("web", to="web:1"), lambda _: ecs.services.rollback("web", to="web:1"))

    went = both(twice, prepare=deployed("next"))
    assert ("web:1", 1) == (went.runs, len(went.requests("UpdateService")))


def test_a_deployment_under_way_is_replaced() -> None:
    """It is neither stopped nor awaited."""
    went = both(
        lambda ecs: ecs.services.rollback("web", to="web:1"),
        prepare=in_turn(deployed("next"), lambda sim: update(sim, wait=10, taskDefinition="bad")),
    )
    assert ("SUCCESSFUL", "web:1") == (went.verdict, went.runs)
    assert (1, 0) == (len(went.requests("UpdateService")), len(went.requests("StopServiceDeployment")))


def test_a_deregistered_one_is_registered_again() -> None:
    """A copy is deployed; the original is named."""

    def prepare(sim: Simulator) -> None:
        deployed("next")(sim)
        sim.handle("DeregisterTaskDefinition", {"taskDefinition": "web:1"})

    went = both(back_to(lambda revisions: revisions[-1]), prepare=prepare)
    assert ("SUCCESSFUL", "web:2") == (went.verdict, went.runs)
    assert went.returned().started.copy_of == f"{ACCOUNT}:task-definition/web:1"


def test_a_deregistered_one_that_was_registered_again_runs() -> None:
    """The second rollback registers and deploys nothing, and names the original, too."""

    def prepare(sim: Simulator) -> None:
        deployed("next")(sim)
        sim.handle("DeregisterTaskDefinition", {"taskDefinition": "web:1"})

    twice = back_to(lambda revisions: revisions[-1])
    went = both(lambda ecs: then(twice(ecs), lambda _: twice(ecs)), prepare=prepare)
    assert ("COMPLETED", "web:2") == (went.verdict, went.runs)
    assert went.returned().started.copy_of == f"{ACCOUNT}:task-definition/web:1"
    sent = [each["taskDefinition"].rpartition("/")[2] for each in went.requests("UpdateService")]
    assert sent == ["web:1", "web:2", "web:1"]  # ECS refuses the first and the last
    assert len(went.requests("RegisterTaskDefinition")) == 1


def test_a_family_that_the_service_has_not_run() -> None:
    """It is refused after the history was read. Families of the history are taken, however long ago they were."""
    went = both(lambda ecs: ecs.services.rollback("web", to="bad:1"), prepare=deployed("next"))
    assert str(went.raised(RequestError)) == (
        "services.rollback: to: bad:1 is of the family bad, which the service web has not run; it has run next, web. To"
        " change the family, call `ecs.services.deploy(task_definition=...)`"
    )
    assert went.operations == ["DescribeServices", "ListServiceDeployments", "DescribeServiceRevisions"]


@pytest.mark.parametrize("lost", [Fault.reset(after_effect=True), Fault.reset(), Fault.throttled()])
def test_a_lost_answer(lost: Fault) -> None:
    """There is one deployment, whatever became of the response."""
    prepare = in_turn(deployed("next"), lambda sim: sim.fail("UpdateService", lost))
    went = both(lambda ecs: ecs.services.rollback("web", to="web:1"), prepare=prepare)
    assert ("SUCCESSFUL", "web:1") == (went.verdict, went.runs)
    assert len(went.sim.deployments("web")) == 3


def test_it_fails() -> None:
    """The error is that of a deployment; with a circuit breaker ECS rolls it back."""
    went = both(
        lambda ecs: ecs.services.rollback("web", to="bad:1"),
        prepare=deployed("bad"),
        service={"deploymentConfiguration": BREAKER},
    )
    assert isinstance(went.error, DeploymentFailed)
    assert "web:1" == went.runs


GONE = {
    f"{ACCOUNT}:service-revision/default/web/1": "ECS no longer shows the service revision 1",
    f"{ACCOUNT}:service-deployment/default/web/abc": "ECS no longer shows the service deployment abc",
    "web:99": "the task definition web:99 was deleted, or never existed; deploy another one with `ecs.services.deploy`",
}


@pytest.mark.parametrize("to", GONE)
def test_what_is_gone(to: str) -> None:
    """Nothing is changed."""
    went = both(lambda ecs: ecs.services.rollback("web", to=to))
    assert str(went.raised(NothingToRollBack)) == f"service web was not rolled back: {GONE[to]}"
    assert len(went.sim.deployments("web")) == 1


def test_bad_input() -> None:
    """The message says what is taken; what belongs to another service is refused before anything is changed."""

    def wrong(to: Any, sent: int = 0) -> str:
        went = both(lambda ecs: ecs.services.rollback("web", to=to))
        assert len(went.calls) == sent
        return str(went.raised(RequestError))

    expected = (
        "services.rollback: to: expected a revision of `services.history`, a service deployment, or a task definition"
        " with its revision, such as 'web:3', got "
    )
    assert wrong("web") == f"{expected}'web'"
    assert wrong("web:0") == f"{expected}'web:0'"
    assert wrong(3) == f"{expected}int"
    assert wrong(f"{ACCOUNT}:service/default/web") == f"{expected}'{ACCOUNT}:service/default/web'"
    assert wrong(f"{ACCOUNT}:service-revision/default/shop/1", sent=1) == (
        "services.rollback: to: it is of the service default/shop, not of default/web"
    )


@pytest.mark.parametrize("operation", ["ListServiceDeployments", "DescribeServiceRevisions", "UpdateService"])
def test_refused(operation: str) -> None:
    """The error of ECS is raised, and the service stays as it is."""
    refusal = SimulatedError("AccessDeniedException", "no")

    def prepare(sim: Simulator) -> None:
        deployed("next")(sim)
        sim.fail(operation, refusal, times=None)

    def act(ecs: Ecs) -> Any:
        return ecs.services.rollback("web", to=ecs.sim.deployments("web")[0].revision_arn)

    went = both(act, prepare=prepare)
    went.raised(AccessDeniedException)
    assert len(went.sim.deployments("web")) == 2
