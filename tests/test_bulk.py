"""What all methods that act on any number of things have in common, on the simulator, sync and async."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from support.both_clients import Act, Aside, Went, both
from support.definitions import NETWORK, register

from ecskit.bulk import BulkProgress
from ecskit.errors import AccessDeniedException, BulkError, ClustersMissing, MissingError, RequestError
from ecskit.testing import Fault, Simulator
from ecskit.waits import WaitHandle

ACCOUNT = "arn:aws:ecs:us-east-1:123456789012"


def last(arn: str) -> str:
    return arn.rpartition("/")[2]


@attrs.frozen
class Verb:
    """A method that acts on any number of things."""

    name: str
    prepare: Callable[[Simulator], list[str]]
    """Makes the things, more than one request takes, and returns their ARNs."""
    operation: str
    per_call: int
    arn: Callable[[Any], str] = str
    """Returns the ARN of the thing that a result is of."""
    options: dict[str, Any] = attrs.field(factory=dict)
    other_name: Callable[[str], str] | None = last
    """Returns another name of a thing."""

    def call(self, ecs: Any, things: list[str], **options: Any) -> Any:
        """Call the method."""
        domain, method = self.name.split(".")
        return getattr(getattr(ecs, domain), method)(things, **self.options, **options)


def tasks(count: int) -> Callable[[Simulator], list[str]]:
    def prepare(sim: Simulator) -> list[str]:
        register(sim, "job")
        request = {"taskDefinition": "job", "launchType": "FARGATE", "networkConfiguration": NETWORK}
        return [sim.handle("RunTask", Aside(request))["tasks"][0]["taskArn"] for _ in range(count)]

    return prepare


def tasks_of_service(sim: Simulator) -> list[str]:
    register(sim, "job")
    request = Aside(serviceName="web", taskDefinition="job", desiredCount=12)
    sim.handle("CreateService", Aside(launchType="FARGATE", networkConfiguration=NETWORK, **request))
    sim.clock.advance(120)
    return [task.arn for task in sim.tasks()]


def services(sim: Simulator) -> list[str]:
    register(sim, "job")
    request = Aside(taskDefinition="job", desiredCount=0, launchType="FARGATE", networkConfiguration=NETWORK)
    made = [sim.handle("CreateService", Aside(serviceName=f"web{n}", **request)) for n in range(12)]
    return [each["service"]["serviceArn"] for each in made]


def clusters(sim: Simulator) -> list[str]:
    names = [f"c{number}" for number in range(102)]
    return [sim.handle("CreateCluster", Aside(clusterName=name))["cluster"]["clusterArn"] for name in names]


def instances(sim: Simulator) -> list[str]:
    made = [sim.handle("RegisterContainerInstance", Aside()) for _ in range(102)]
    return [each["containerInstance"]["containerInstanceArn"] for each in made]


def some_instances(sim: Simulator) -> list[str]:
    return [
        sim.handle("RegisterContainerInstance", Aside())["containerInstance"]["containerInstanceArn"] for _ in range(12)
    ]


def revisions(sim: Simulator) -> list[str]:
    return [register(sim, "job") for _ in range(12)]


def inactive(sim: Simulator) -> list[str]:
    arns = revisions(sim)
    for arn in arns:
        sim.handle("DeregisterTaskDefinition", Aside(taskDefinition=arn))
    return arns


IN_DEFAULT = {"cluster": "default"}
VERBS = {
    verb.name: verb
    for verb in (
        Verb("tasks.describe", tasks(102), "DescribeTasks", 100, lambda task: task.task_arn, IN_DEFAULT),
        Verb("services.describe", services, "DescribeServices", 10, lambda service: service.service_arn, IN_DEFAULT),
        Verb("clusters.describe", clusters, "DescribeClusters", 100, lambda cluster: cluster.cluster_arn),
        Verb(
            "container_instances.describe",
            instances,
            "DescribeContainerInstances",
            100,
            lambda instance: instance.container_instance_arn,
            IN_DEFAULT,
        ),
        Verb("tasks.stop", tasks(12), "StopTask", 1, lambda task: task.task_arn, {**IN_DEFAULT, "until": "requested"}),
        Verb("tasks.protect", tasks_of_service, "UpdateTaskProtection", 10, lambda task: task.task_arn, IN_DEFAULT),
        Verb(
            "container_instances.drain",
            some_instances,
            "UpdateContainerInstancesState",
            10,
            lambda instance: instance.container_instance_arn,
            {**IN_DEFAULT, "until": "requested"},
        ),
        Verb(
            "container_instances.activate",
            some_instances,
            "UpdateContainerInstancesState",
            10,
            lambda instance: instance.container_instance_arn,
            IN_DEFAULT,
        ),
        Verb(
            "container_instances.update_agent",
            some_instances,
            "UpdateContainerAgent",
            1,
            lambda update: getattr(update, "container_instance", update).container_instance_arn,
            {**IN_DEFAULT, "until": "requested"},
        ),
        Verb("tags.add", services, "TagResource", 1, options={"tags": {"team": "data"}}, other_name=None),
        Verb("tags.remove", services, "UntagResource", 1, options={"keys": ["team"]}, other_name=None),
        Verb(
            "task_definitions.deregister",
            revisions,
            "DeregisterTaskDefinition",
            1,
            lambda definition: definition.task_definition_arn,
        ),
        Verb(
            "task_definitions.delete",
            inactive,
            "DeleteTaskDefinitions",
            10,
            lambda definition: definition.task_definition_arn,
        ),
    )
}


def act(verb: Verb, **options: Any) -> tuple[list[str], Went]:
    """Call a method with its things in the reverse order, the first two twice. Return the things, and how it went."""
    made: list[str] = []

    def make() -> Simulator:
        sim = Simulator()
        made[:] = verb.prepare(sim)[::-1]
        for fault in faults:
            sim.fail(verb.operation, fault, times=1)
        return sim

    faults: list[Fault] = options.pop("faults", [])
    other = verb.other_name or str
    call: Act = lambda ecs: verb.call(ecs, [*made, made[0], other(made[1])], **options)  # noqa: E731
    went = both(call, make, compared=lambda went: (type(went.error), went.operations))  # threads send in any order
    return made, went


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_each_thing_once_in_order_with_progress(verb: Verb) -> None:
    """A thing that is given twice, also by another name, is one thing."""
    seen: list[BulkProgress] = []
    things, went = act(verb, on_progress=seen.append)
    assert things == [verb.arn(result) for result in went.returned()]
    assert -(-len(things) // verb.per_call) == len(went.requests(verb.operation))
    seen = seen[: len(seen) // 2]  # those of the sync client
    extra = len(seen) - len(things)  # the ARN of a cluster may be that of another account
    assert extra == (verb.name == "clusters.describe")
    assert [(number, len(seen), 0) for number in range(1, len(seen) + 1)] == [
        (each.done, each.total, each.failed) for each in seen
    ]
    assert {*things} <= {each.name for each in seen}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_some_fail(verb: Verb) -> None:
    """The error has the reasons, and what was done for the others; it can be pickled."""
    seen: list[BulkProgress] = []
    things, went = act(verb, on_progress=seen.append, faults=[Fault.access_denied()])
    assert isinstance(went.error, BulkError)
    error: BulkError = pickle.loads(pickle.dumps(went.error))
    assert {*things} <= {*error.errors, *error.results}
    assert [] == [*error.unfinished, *(error.errors.keys() & error.results.keys())]
    assert {AccessDeniedException} == {type(each) for each in error.errors.values()}
    assert {} == {name: one for name, one in error.results.items() if last(name) != last(verb.arn(one))}
    assert [thing for thing in things if thing in error.results] == [name for name in error.results if name in things]
    total = len(error.errors) + len(error.results)
    nouns = verb.name.split(".")[0].replace("tags", "resources").replace("_", " ")
    assert str(error).startswith(f"{verb.operation} failed for {len(error.errors)} of {total} {nouns}: ")
    assert 1 == str(error).count("not authorized")
    assert {*error.errors} == {each.name for each in seen if each.error}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_an_exception_of_on_progress_has_what_was_done(verb: Verb) -> None:
    """Calls under way are awaited, no other begins, and the error that is its cause has all that took effect."""
    reason = KeyError("a reason of its own")

    def refuse(progress: BulkProgress) -> None:
        if progress.done == 2:
            raise ZeroDivisionError from reason

    things, went = act(verb, on_progress=refuse)
    cause = went.raised(ZeroDivisionError).__cause__
    assert isinstance(cause, BulkError)
    assert cause.__cause__ is reason
    assert {*things} <= {*cause.results, *cause.unfinished}
    assert {} == cause.errors
    calls = len(went.requests(verb.operation))
    assert 2 <= len(cause.results) <= calls * verb.per_call
    assert calls == -(-len(cause.results) // verb.per_call)
    if verb.per_call == 1:
        assert len(cause.results) < len(things)
        total = len(cause.results) + len(cause.unfinished)
        assert f"{verb.operation} ended after {len(cause.results)} of {total} " in str(cause)


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_what_cannot_be_called(verb: Verb) -> None:
    """It is refused before anything is sent."""
    _, went = act(verb, on_progress="print")
    assert f"{verb.name}: on_progress: expected a function, got str" == str(went.raised(RequestError))
    assert [] == went.calls


def test_what_describe_does_not_find() -> None:
    """Each is reported with an error of its own, also if it may be missing; the error is a BulkError, too."""
    seen: list[BulkProgress] = []

    def missing(**options: Any) -> Went:
        return both(
            lambda ecs: ecs.clusters.describe(["a", "default", "b"], on_progress=seen.append, **options), Simulator
        )

    error = missing().raised(ClustersMissing)
    assert issubclass(MissingError, BulkError)
    assert {"a": "ECS does not show 1 of 1 clusters: a", "b": "ECS does not show 1 of 1 clusters: b"} == {
        name: str(each) for name, each in error.errors.items()
    }
    assert ["default"] == [*error.results] == [each.cluster_name for each in error.found]
    assert {("a", True), ("b", True), ("default", False)} == {(each.name, bool(each.error)) for each in seen}
    one = BulkProgress(total=3, succeeded=1, failed=0, name="default")
    assert str(one) == "1 of 3; default"
    last_one = BulkProgress(total=3, succeeded=1, failed=2, name="a", error=error.errors["a"])
    assert str(last_one) == "3 of 3, 2 failed; a: ECS does not show 1 of 1 clusters: a"
    assert ["default"] == [each.cluster_name for each in missing(allow_missing=True).returned()]


def test_resuming_many() -> None:
    """An exception of `on_progress` has the waits that ended before it."""
    handles = [WaitHandle("task_definitions_deleted", [f"gone:{number}"], {}, {}) for number in range(3)]

    def refuse(progress: BulkProgress) -> None:
        raise ZeroDivisionError(progress.done)

    went = both(lambda ecs: ecs.wait.resume_all(handles, visibility_grace=0, on_progress=refuse), Simulator)
    cause = went.raised(ZeroDivisionError).__cause__
    assert isinstance(cause, BulkError)
    assert {"handles[0]", "handles[1]", "handles[2]"} == {*cause.results, *cause.errors, *cause.unfinished}
    assert 1 <= len(cause.results) + len(cause.errors)
