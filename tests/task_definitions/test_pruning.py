"""`task_definitions.prune`: what is kept and why, what is deregistered, and what a person sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support import both_clients
from support.both_clients import Act, Ecs, Went, Wire, comparable
from support.definitions import NETWORK, register

from ecskit.errors import (
    AccessDeniedException,
    MissingError,
    RequestError,
    TaskDefinitionsNotDeregistered,
)
from ecskit.testing import Fault, Simulator

READS = [
    "ListTaskDefinitions",
    "ListClusters",
    "ListServices",
    "DescribeServices",
    "ListTasks",
    "DescribeTasks",
    "ListServiceDeployments",
    "DescribeServiceRevisions",
]


def both(act: Act, make: Callable[[], Simulator]) -> Went:
    """Perform an act with both clients, and check that they did the same."""
    return both_clients.both(act, make, compared=lambda went: comparable(went, result=str))


def service(sim: Simulator, name: str, revision: str, wait: float = 200, **members: Any) -> None:
    """Create a service of a revision, and give it time to be deployed."""
    request: Wire = {
        "serviceName": name,
        "taskDefinition": revision,
        "desiredCount": 1,
        "launchType": "FARGATE",
        "networkConfiguration": NETWORK,
    }
    sim.handle("CreateService", {**request, **members})
    sim.clock.advance(wait)


def shop() -> Simulator:
    """Return an account with 12 revisions of web, of which services, a rollback and a task use some."""
    sim = Simulator()
    for _ in range(12):
        register(sim, "web")
        register(sim, "webhook")
        sim.clock.advance(2)
    sim.handle("CreateCluster", {"clusterName": "prod"})
    service(sim, "shop", "web:4", cluster="prod")
    for revision in ("web:5", "webhook:3"):
        sim.handle("UpdateService", {"cluster": "prod", "service": "shop", "taskDefinition": revision})
        sim.clock.advance(200)
    service(sim, "blog", "web:7", deploymentController={"type": "CODE_DEPLOY"})
    sim.handle("RunTask", {"taskDefinition": "web:2", "launchType": "FARGATE", "networkConfiguration": NETWORK})
    sim.clock.advance(60)
    return sim


SHOWN = """\
web: 6 revisions {done}: web:1, web:3, web:4, web:6, web:8, web:9
  kept web:12: among the newest 3
  kept web:11: among the newest 3
  kept web:10: among the newest 3
  kept web:7: service blog in default, running tasks in default
  kept web:5: rollback of service shop in prod
  kept web:2: running tasks in default
  not read: schedules and rules of EventBridge; state machines of Step Functions; \
templates, pipelines and programs that name a revision; rollbacks by CodeDeploy: service blog in default"""


def active(sim: Simulator, family: str) -> list[int]:
    """Return the numbers of the active revisions of a family."""
    arns = sim.handle("ListTaskDefinitions", {"familyPrefix": family})["taskDefinitionArns"]
    return sorted(int(arn.rpartition(":")[2]) for arn in arns)


def test_a_dry_run_shows_what_would_go() -> None:
    """It is the default. It reads, and changes nothing."""
    went = both(lambda ecs: ecs.task_definitions.prune("web", keep=3), shop)
    assert str(went.returned()) == SHOWN.format(done="would be deregistered (dry run)")
    assert set(went.operations) == set(READS)
    assert active(went.sim, "web") == [*range(1, 13)]


def test_what_is_unused_is_deregistered() -> None:
    """Oldest first. Nothing is deleted, and no other family is touched. Once more changes nothing."""
    went = both(lambda ecs: ecs.task_definitions.prune("web", keep=3, dry_run=False), shop)
    assert str(went.returned()) == SHOWN.format(done="deregistered")
    assert set(went.operations) == {*READS, "DeregisterTaskDefinition"}
    numbers = [call["taskDefinition"].rpartition(":")[2] for call in went.requests("DeregisterTaskDefinition")]
    assert numbers == ["1", "3", "4", "6", "8", "9"]
    assert active(went.sim, "web") == [2, 5, 7, 10, 11, 12]
    assert active(went.sim, "webhook") == [*range(1, 13)]
    again = both_clients.perform(
        lambda ecs: ecs.task_definitions.prune("web", keep=3, dry_run=False), Ecs.sync(went.sim)
    )
    assert str(again.returned()).startswith("web: 0 revisions deregistered\n  kept web:12")
    assert set(again.operations) == set(READS)


def test_a_deployment_under_way() -> None:
    """What it deploys, what it replaces, and what was deployed before a failed one are kept; so is a task set."""

    def make() -> Simulator:
        sim = Simulator()
        for _ in range(9):
            register(sim, "web")
            sim.clock.advance(2)
        service(sim, "shop", "web:2")
        sim.handle("UpdateService", {"service": "shop", "taskDefinition": "web:4"})
        external = {"serviceName": "sets", "deploymentController": {"type": "EXTERNAL"}, "desiredCount": 0}
        sim.handle("CreateService", external)
        task_set = {"service": "sets", "cluster": "default", "launchType": "FARGATE", "networkConfiguration": NETWORK}
        sim.handle("CreateTaskSet", {"taskDefinition": "web:6", **task_set})
        sim.clock.advance(10)
        return sim

    kept = both(lambda ecs: ecs.task_definitions.prune("web", keep=1), make).returned().kept
    shown = {arn.rpartition(":")[2]: reasons for arn, reasons in kept.items()}
    assert shown["6"][0] == "service sets in default"
    assert (shown["4"][0], shown["2"][0]) == 2 * ("service shop in default",)
    assert [*shown] == ["9", "6", "4", "2"]


@pytest.mark.parametrize("operation", READS)
def test_what_cannot_be_read(operation: str) -> None:
    """Without a permission nothing is changed; a throttled read is repeated."""

    def made(fault: Fault, times: int | None) -> Callable[[], Simulator]:
        def make() -> Simulator:
            sim = shop()
            sim.fail(operation, fault, times=times)
            return sim

        return make

    def act(ecs: Any) -> Any:
        return ecs.task_definitions.prune("web", keep=3, dry_run=False)

    denied = both(act, made(Fault.access_denied(), None))
    assert operation in str(denied.raised(AccessDeniedException))
    assert not denied.requests("DeregisterTaskDefinition")
    throttled = both_clients.perform(act, Ecs.sync(made(Fault.throttled(), 2)()))
    assert str(throttled.returned()) == SHOWN.format(done="deregistered")


def test_what_is_listed_but_not_described() -> None:
    """Its use is unknown, so nothing is changed; a read that lags behind is repeated."""

    class Lagging(Simulator):
        reads = 99

        def _answer(self, operation: str, request: Wire) -> Wire:
            answer = super()._answer(operation, request)
            if operation == "DescribeServices" and self.reads > 0:
                self.reads -= 1
                answer = {**answer, "services": []}
            return answer

    def make(reads: int) -> Callable[[], Simulator]:
        def made() -> Simulator:
            sim = Lagging()
            for _ in range(3):
                register(sim, "web")
            service(sim, "shop", "web:1")
            sim.reads = reads
            return sim

        return made

    went = both(lambda ecs: ecs.task_definitions.prune("web", keep=1, dry_run=False), make(99))
    arn = "arn:aws:ecs:us-east-1:123456789012:service/default/shop"
    assert str(went.raised(MissingError)) == f"ECS does not show 1 of 1 resources in cluster 'default': {arn}"
    assert not went.requests("DeregisterTaskDefinition")
    went = both(lambda ecs: ecs.task_definitions.prune("web", keep=1, dry_run=False), make(2))
    assert [arn.rpartition(":")[2] for arn in went.returned().unused] == ["2"]


def test_some_are_not_deregistered() -> None:
    """The error has those that were, and progress is reported."""
    seen: list[str] = []

    def make() -> Simulator:
        sim = shop()
        sim.fail("DeregisterTaskDefinition", Fault.access_denied())
        return sim

    act = lambda ecs: ecs.task_definitions.prune(  # noqa: E731
        "web", keep=3, dry_run=False, on_progress=lambda progress: seen.append(progress.name)
    )
    error = both(act, make).raised(TaskDefinitionsNotDeregistered)
    assert (len(error.errors), len(error.results)) == (1, 5)
    assert len(seen) == 12


def test_bad_input() -> None:
    """The message names the parameter; a family that is misspelt is an error."""

    def wrong(*given: Any, **options: Any) -> tuple[str, list[str]]:
        went = both(lambda ecs: ecs.task_definitions.prune(*given, **options), shop)
        return str(went.raised(RequestError)), went.operations

    verb = "task_definitions.prune"
    assert wrong("web:3") == (f"{verb}: family: expected the name of a family, such as 'web', got 'web:3'", [])
    assert wrong("web", keep=0) == (f"{verb}: keep: expected a whole number, 1 or more, got 0", [])
    assert wrong("web", dry_run="no") == (f"{verb}: dry_run: expected True or False, got 'no'", [])
    assert wrong("web", on_progress=1) == (f"{verb}: on_progress: expected a function, got int", [])
    assert wrong("wbe") == (f"{verb}: family: ECS lists no active revision of 'wbe'", ["ListTaskDefinitions"])
