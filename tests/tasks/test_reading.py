"""Describe and list tasks: any number, in order, missing ones reported, each once while tasks start and stop."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from support.both_clients import Act, Ecs, Went, aperform, perform
from support.simulated_ecs import answer

from ecskit._core.effects import RawResponse, Send
from ecskit.errors import (
    AccessDeniedException,
    BulkError,
    ClusterNotFoundException,
    RequestError,
    TasksMissing,
    ThrottledError,
)
from ecskit.models import RunTaskResponse
from ecskit.testing import Fault, Lag, Simulator, TaskScript

from .ended import app, ended
from .support import CLUSTER, both, furnished, id_of

EC2_DEFINITION = {
    "family": "ec2",
    "requiresCompatibilities": ["EC2"],
    "containerDefinitions": [{"name": "app", "image": "image:1", "cpu": 64, "memory": 64}],
}
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}


def launch(sim: Simulator, count: int = 1, family: str = "job", **members: Any) -> list[str]:
    """Run tasks, ten a call, and return their ARNs."""
    arns: list[str] = []
    for start in range(0, count, 10):
        request = {"taskDefinition": family, "launchType": "FARGATE", "networkConfiguration": NETWORK, **members}
        tasks = sim.handle("RunTask", {**request, "count": min(10, count - start)})["tasks"]
        arns += [task["taskArn"] for task in tasks]
    return arns


def launched(count: int = 1, **members: Any) -> Callable[[Simulator], object]:
    return lambda sim: launch(sim, count, **members)


def arns_of(went: Went) -> list[str]:
    return [task.task_arn for task in went.items]


# describe


@pytest.mark.parametrize(("count", "calls"), [(1, [1]), (100, [100]), (101, [1, 100]), (250, [50, 100, 100])])
def test_any_number_in_the_order_given(count: int, calls: list[int]) -> None:
    """100 share a call."""
    went = both(lambda ecs: ecs.tasks.describe(ecs.arns[::-1]), prepare=launched(count))
    assert [task.arn for task in went.sim.tasks()][::-1] == [task.task_arn for task in went.returned()]
    assert calls == sorted(len(each["tasks"]) for each in went.requests("DescribeTasks"))


def test_ids_and_arns() -> None:
    """Ids and ARNs name the same tasks; ids require the cluster."""
    went = both(
        lambda ecs: ecs.tasks.describe([ecs.arns[1], id_of(ecs.arns[0])], cluster="default"), prepare=launched(3)
    )
    arns = [task.arn for task in went.sim.tasks()]
    assert [arns[1], arns[0]] == [task.task_arn for task in went.returned()]
    assert 1 == len(went.requests("DescribeTasks"))


def test_one_task_by_both_names() -> None:
    """The same task: once."""
    went = both(lambda ecs: ecs.tasks.describe([ecs.arns[0], id_of(ecs.arns[0])], cluster=CLUSTER), prepare=launched())
    assert [went.sim.tasks()[0].arn] == [task.task_arn for task in went.returned()]
    assert [1] == [len(each["tasks"]) for each in went.requests("DescribeTasks")]


def test_one_task_twice_by_one_name() -> None:
    """The same name is the same task: once."""
    went = both(lambda ecs: ecs.tasks.describe([ecs.arns[0]] * 3), prepare=launched())
    assert 1 == len(went.returned())
    assert [1] == [len(each["tasks"]) for each in went.requests("DescribeTasks")]


def test_a_task_a_response_and_a_result() -> None:
    """Whatever names tasks; what is returned is as it is now."""

    def act(ecs: Any) -> Any:
        old = ended(app(None), task_arn=ecs.arns[0], last_status="PROVISIONING")
        return ecs.tasks.describe(RunTaskResponse(tasks=[old]))

    def prepare(sim: Simulator) -> None:
        launch(sim)
        sim.clock.advance(30)

    assert ["RUNNING"] == [task.last_status for task in both(act, prepare=prepare).returned()]


def test_several_clusters() -> None:
    """A call for each."""

    def prepare(sim: Simulator) -> None:
        sim.handle("CreateCluster", {"clusterName": "prod"})
        launch(sim, 2)
        launch(sim, 2, cluster="prod")

    went = both(lambda ecs: ecs.tasks.describe(ecs.arns[::-1]), prepare=prepare)
    assert [task.arn for task in went.sim.tasks()][::-1] == [task.task_arn for task in went.returned()]
    assert ["default", "prod"] == sorted(id_of(each["cluster"]) for each in went.requests("DescribeTasks"))


@pytest.mark.parametrize("count", [3, 150])
def test_what_is_missing_is_told(count: int) -> None:
    """By the names given; the error has the others, and `allow_missing` leaves them out."""

    def targets(ecs: Any) -> list[str]:
        return ["f" * 32, *ecs.arns, "e" * 32]

    went = both(lambda ecs: ecs.tasks.describe(targets(ecs), cluster="default"), prepare=launched(count))
    error: TasksMissing = went.raised(TasksMissing)
    assert ("f" * 32, "e" * 32) == error.missing
    assert [task.arn for task in went.sim.tasks()] == [task.task_arn for task in error.found]
    allowed = both(
        lambda ecs: ecs.tasks.describe(targets(ecs), cluster="default", allow_missing=True), prepare=launched(count)
    )
    assert [task.arn for task in went.sim.tasks()] == [task.task_arn for task in allowed.returned()]


def test_all_are_missing() -> None:
    """An error without tasks, or an empty list."""
    refused = both(lambda ecs: ecs.tasks.describe("a" * 32, cluster="default"))
    assert ((), ("a" * 32,)) == (refused.raised(TasksMissing).found, refused.raised(TasksMissing).missing)
    assert [] == both(lambda ecs: ecs.tasks.describe("a" * 32, cluster="default", allow_missing=True)).returned()


@pytest.mark.parametrize("tags", [False, True])
def test_tags(*, tags: bool) -> None:
    """They are read on request."""
    prepare = launched(tags=[{"key": "k", "value": "v"}])
    for went in (
        both(lambda ecs: ecs.tasks.describe(ecs.arns, tags=tags), prepare=prepare),
        both(lambda ecs: ecs.tasks.iter(tags=tags), prepare=prepare),
    ):
        assert int(tags) == len(went.returned()[0].tags)


@pytest.mark.parametrize(
    ("fault", "kind"), [(Fault.throttled(), ThrottledError), (Fault.access_denied(), AccessDeniedException)]
)
@pytest.mark.parametrize("count", [1, 150])
def test_looking_is_refused(fault: Fault, kind: type[Exception], count: int) -> None:
    """The SDK has tried. The error has what other calls have returned."""

    def prepare(sim: Simulator) -> None:
        launch(sim, count)
        sim.fail("DescribeTasks", fault)

    for allowed in (False, True):
        act: Act = partial(lambda ecs, allowed: ecs.tasks.describe(ecs.arns, allow_missing=allowed), allowed=allowed)
        went = both(act, prepare=prepare)
        if count == 1:
            assert isinstance(went.error, kind)
            continue
        error = went.raised(BulkError)
        assert isinstance(error.__cause__, kind)
        assert {task.arn for task in went.sim.tasks()} == {*error.errors, *error.results}
        assert (100, 50) == (len(error.errors), len(error.results))


BAD_INPUT: list[tuple[Any, str | None, str]] = [
    ("", "c", "'' is not the id or ARN of a task"),
    ("a", None, "the cluster of 'a' is unknown; pass cluster="),
    ("a/b", "c", "'a/b' is not the id or ARN of a task"),
    (["a", "arn:aws:ecs:us-east-1:1:cluster/x"], "c", r"tasks\[1\]: .* is not the ARN of a task"),
    ("arn:aws:ecs:us-east-1:1:task/prod/a", "dev", "is in cluster prod, not in dev"),
    (7, "c", "expected tasks, ids, ARNs or a response, got int"),
    ([None], "c", r"tasks\[0\]: expected a task, id or ARN, got NoneType"),
]


@pytest.mark.parametrize("verb", ["describe", "stop", "protect", "as_stopped"])
@pytest.mark.parametrize(("tasks", "cluster", "message"), BAD_INPUT)
def test_bad_input(tasks: Any, cluster: str | None, message: str, verb: str) -> None:
    """Every method that takes tasks raises an error that names the parameter, before anything is sent."""
    went = both(lambda ecs: getattr(ecs.tasks, verb)(tasks, cluster=cluster))
    with pytest.raises(RequestError, match=message):
        went.returned()
    assert [] == went.operations


# iter


def living(sim: Simulator) -> None:
    """Run 5 tasks and let 3 others stop."""
    sim.script("two", TaskScript.runs_for(1))
    launch(sim, 3, family="two")
    sim.clock.advance(60)
    launch(sim, 5)


@pytest.mark.parametrize(("wanted", "count"), [("RUNNING", 5), ("STOPPED", 3), ("ANY", 8)])
def test_by_desired_status(wanted: str, count: int) -> None:
    """Those that are to run, those that are not, and both."""
    went = both(lambda ecs: ecs.tasks.iter(desired_status=wanted), prepare=living)
    assert count == len(went.returned()) == len(set(arns_of(went)))
    assert (1 + (wanted == "ANY")) == len(went.requests("ListTasks"))


def test_pages() -> None:
    """250 tasks are three lists of 100, each described in one call, each task once."""
    went = both(lambda ecs: ecs.tasks.iter(), prepare=launched(250))
    assert 250 == len(set(arns_of(went))) == len(went.items)
    assert (3, [100, 100, 50]) == (
        len(went.requests("ListTasks")),
        [len(each["tasks"]) for each in went.requests("DescribeTasks")],
    )


def test_pages_are_read_when_they_are_needed() -> None:
    """The first task costs two calls."""
    sim = furnished()
    launch(sim, 250)
    before = len(sim.calls)
    iterator = Ecs.sync(sim).tasks.iter()
    next(iterator)
    iterator.close()
    assert ["ListTasks", "DescribeTasks"] == [call.operation for call in sim.calls[before:]]


def test_none() -> None:
    """Nothing to describe."""
    went = both(lambda ecs: ecs.tasks.iter(desired_status="ANY"))
    assert ([], ["ListTasks", "ListTasks"]) == (went.returned(), went.operations)


def populated() -> Simulator:
    """Return a simulator with tasks of two families, on Fargate and on an instance, of a service and of callers."""
    sim = furnished()
    sim.script("two", TaskScript.runs_for(1))
    sim.handle("RegisterTaskDefinition", EC2_DEFINITION)
    resources = [{"name": name, "type": "INTEGER", "integerValue": 4096} for name in ("CPU", "MEMORY")]
    for _ in range(2):
        sim.handle("RegisterContainerInstance", {"totalResources": resources})
    sim.handle("CreateService", {"serviceName": "web", "taskDefinition": "ec2", "desiredCount": 4, "launchType": "EC2"})
    launch(sim, 3)
    launch(sim, 2, startedBy="me")
    launch(sim, 2, family="two", startedBy="me")
    for _ in range(2):
        sim.handle("RunTask", {"taskDefinition": "ec2", "launchType": "EC2", "startedBy": "me"})
    sim.clock.advance(60)
    sim.handle("UpdateService", {"service": "web", "desiredCount": 3})
    sim.handle("StopTask", {"task": sim.tasks("job")[0].arn})
    sim.clock.advance(60)
    return sim


def test_every_combination_of_filters() -> None:
    """ECS refuses most of them: one is sent, the first in this order, and the others are applied to what it lists."""
    sim = populated()
    instances = sim.handle("ListContainerInstances", {})["containerInstanceArns"]
    bodies = sim.handle("DescribeTasks", {"tasks": [task.arn for task in sim.tasks()]})["tasks"]
    values: dict[str, tuple[str, str, Callable[[dict[str, Any]], bool]]] = {
        "service": ("serviceName", "web", lambda task: task["group"] == "service:web"),
        "started_by": ("startedBy", "me", lambda task: task.get("startedBy") == "me"),
        "container_instance": (
            "containerInstance",
            id_of(instances[0]),
            lambda task: task.get("containerInstanceArn") == instances[0],
        ),
        "family": ("family", "ec2", lambda task: task["taskDefinitionArn"].endswith("/ec2:1")),
        "launch_type": ("launchType", "EC2", lambda task: task["launchType"] == "EC2"),
    }
    counts: dict[str, set[int]] = {}
    for size in range(len(values) + 1):
        for names in itertools.combinations(values, size):
            for status in ("RUNNING", "STOPPED", "ANY"):
                options = {name: values[name][1] for name in names}
                expected = {
                    task["taskArn"]
                    for task in bodies
                    if status in ("ANY", task["desiredStatus"]) and all(values[name][2](task) for name in names)
                }
                act = iterating(**options, desired_status=status)
                sync, aio = perform(act, Ecs.sync(sim)), asyncio.run(aperform(act, Ecs.aio(sim)))
                for went in (sync, aio):
                    assert expected == {task.task_arn for task in went.returned()}, (names, status)
                    for request in went.requests("ListTasks"):
                        sendable = [
                            name for name in names if name != "started_by" or request["desiredStatus"] == "RUNNING"
                        ]
                        first = {values[name][0]: values[name][1] for name in sendable[:1]}
                        assert {"desiredStatus": request["desiredStatus"], **first} == request
                counts.setdefault(status, set()).add(len(expected))
    assert all(len(each) > 3 for each in counts.values()), counts  # the filters make a difference


def iterating(**options: Any) -> Callable[[Ecs], Any]:
    return lambda ecs: ecs.tasks.iter(**options)


def test_filters_by_arn() -> None:
    """A container instance is named by its id or its ARN, whether ECS filters or not."""
    sim = populated()
    [one, _] = sim.handle("ListContainerInstances", {})["containerInstanceArns"]
    for options in ({}, {"started_by": "me"}, {"service": "web"}):
        both_names = [
            [task.task_arn for task in Ecs.sync(sim).tasks.iter(container_instance=name, **options)]
            for name in (one, id_of(one))
        ]
        assert both_names[0] == both_names[1] != []


@pytest.mark.parametrize("name", ["service", "started_by", "container_instance", "family", "launch_type"])
@pytest.mark.parametrize("value", ["", 7, ["web"]])
def test_wrong_filters(name: str, value: Any) -> None:
    """An empty text is a mistake, such as of a variable that is not set: it is neither none nor all."""
    went = both(iterating(**{name: value}))
    assert f"tasks.iter: {name}: expected a str, not empty, got {value!r}; leave it out for all tasks" == went.message
    assert [] == went.operations


@pytest.mark.parametrize("others", [{}, {"service": "web"}])
@pytest.mark.parametrize(("name", "value"), [("launch_type", "fargate"), ("family", "web:1"), ("family", "a/web")])
def test_filters_that_fit_no_task(name: str, value: str, others: dict[str, str]) -> None:
    """They are refused, whether ECS would get them or not: an empty result would look like none of the tasks."""
    went = both(iterating(**{name: value}, **others))
    assert str(went.raised(RequestError)).startswith(f"tasks.iter: {name}: expected ")
    assert [] == went.operations


def test_a_task_that_stops_between_the_lists_is_there_once() -> None:
    """It is in both lists."""
    sim = furnished()
    arns = launch(sim, 3)
    seen: list[str] = []
    for task in Ecs.sync(sim).tasks.iter(desired_status="ANY"):
        seen.append(task.task_arn)
        if len(seen) == 1:
            sim.handle("StopTask", {"task": arns[1]})
    assert arns == sorted(seen, key=arns.index)


def test_a_task_that_stops_between_the_lists_is_not_left_out() -> None:
    """It was in the first one."""
    sim = furnished()
    arns = launch(sim, 3)

    def stop(number: int, operation: str) -> None:
        if operation == "ListTasks" and number > 0:
            sim.handle("StopTask", {"task": arns[1]})

    listed = [task.task_arn for task in Ecs.sync(sim, before=stop).tasks.iter(desired_status="ANY")]
    assert sorted(arns) == sorted(listed)


def test_a_task_that_is_listed_and_not_described_yet() -> None:
    """It is described again after a second; one that stays missing is left out."""

    def hooks() -> dict[str, Any]:
        polls: list[int] = []

        def respond(sim: Simulator, send: Send) -> RawResponse:
            answered = answer(sim, send)
            if send.operation == "DescribeTasks":
                polls.append(1)
                body = json.loads(answered.body)
                hidden = {task.arn for task in sim.tasks()[: 3 - len(polls)]} | {sim.tasks()[-1].arn}
                body["tasks"] = [task for task in body["tasks"] if task["taskArn"] not in hidden]
                return RawResponse(json.dumps(body).encode(), {})
            return answered

        return {"answer": respond}

    went = both(lambda ecs: ecs.tasks.iter(), prepare=launched(5), hooks=hooks)
    assert {task.arn for task in went.sim.tasks()[:-1]} == set(arns_of(went))
    assert [5, 3, 2] == [len(each["tasks"]) for each in went.requests("DescribeTasks")]
    assert 2 == went.elapsed


@pytest.mark.parametrize("seed", range(8))
def test_reads_that_lag(seed: int) -> None:
    """No task is there twice, and none that has been there all along is left out."""

    def prepare(sim: Simulator) -> None:
        sim.script("two", TaskScript.runs_for(1))
        launch(sim, 120)
        launch(sim, 20, family="two")
        sim.clock.advance(100)
        for arn in [task.arn for task in sim.tasks("job")][:10]:
            sim.handle("StopTask", {"task": arn})

    went = both(
        lambda ecs: ecs.tasks.iter(desired_status="ANY"),
        prepare=prepare,
        seed=seed,
        lag=Lag(visible_after=2, stale_by=8),
    )
    listed = arns_of(went)
    assert len(listed) == len(set(listed))
    settled = {task.arn for task in went.sim.tasks("job")[10:]} | {task.arn for task in went.sim.tasks("two")}
    assert settled <= set(listed)


def test_listing_is_refused() -> None:
    """As by ECS."""
    went = both(lambda ecs: ecs.tasks.iter(cluster="nowhere"))
    assert isinstance(went.error, ClusterNotFoundException)
    went = both(lambda ecs: ecs.tasks.iter(), prepare=lambda sim: sim.fail("ListTasks", Fault.access_denied()))
    assert isinstance(went.error, AccessDeniedException)


def test_bad_status() -> None:
    """The error is raised before anything is sent."""
    went = both(lambda ecs: ecs.tasks.iter(desired_status="PENDING"))
    with pytest.raises(RequestError, match="desired_status: expected one of RUNNING, STOPPED, ANY, got 'PENDING'"):
        went.returned()
    assert [] == went.operations
