"""The requests of waits for tasks: how tasks are identified, and how many are in a request."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from support.poll_words import ERRORS

from ecskit.errors import FailuresError, RequestError, ServerError
from ecskit.models import Failure, RunTaskResponse, StartTaskResponse, Task

from .support import Answer, Ask, arn, run_both, task, tasks_running, tasks_stopped, timeline

CLUSTER_ARN = "arn:aws:ecs:eu-west-1:123456789012:cluster/prod"


def model(status: str, id_: str = "a", version: int | None = None, **members: Any) -> Task:
    """Return a task as a response holds it."""
    return Task(task_arn=arn(id_), last_status=status, desired_status="RUNNING", version=version, **members)


def ended(id_: str = "a") -> Task:
    from datetime import datetime, timezone

    return model("STOPPED", id_, stop_code="UserInitiated", stopped_at=datetime(2026, 1, 1, tzinfo=timezone.utc))


# Which tasks.


@pytest.mark.parametrize(
    ("tasks", "cluster", "targets"),
    [
        ("a", "prod", "prod"),
        (["a"], "prod", "prod"),
        (("a",), CLUSTER_ARN, CLUSTER_ARN),
        (arn("a"), None, "prod"),
        ([arn("a")], "prod", "prod"),
        (arn("a"), CLUSTER_ARN, CLUSTER_ARN),
        ("arn:aws:ecs:eu-west-1:123456789012:task/a", "prod", "prod"),
        ("arn:aws-cn:ecs:cn-north-1:123456789012:task/prod/a", None, "prod"),
        (model("PENDING"), None, "prod"),
        ([model("PENDING", cluster_arn=CLUSTER_ARN)], None, CLUSTER_ARN),
        (model("PENDING", cluster_arn=CLUSTER_ARN), "prod", "prod"),
    ],
)
def test_tasks_and_their_cluster_are_identified_in_many_ways(tasks: Any, cluster: str | None, targets: str) -> None:
    """Tasks are passed by id, by ARN of either format, or as models; the cluster by name, by ARN, or with the task."""
    run = run_both(timeline("R"), lambda: tasks_running(tasks, cluster=cluster))
    assert run.verdict == "RUNNING"
    assert [(ask.cluster, ask.ids) for ask in run.calls] == [(targets, ("a",))]


@pytest.mark.parametrize(
    ("tasks", "cluster", "path", "problem"),
    [
        ("a", None, "tasks", "pass cluster="),
        ("a", "", "cluster", "it is empty; pass the name or ARN of a cluster"),
        ("a", ["prod"], "cluster", "expected a name or ARN, got list"),
        ("arn:aws:ecs:eu-west-1:123456789012:task/a", None, "tasks", "pass cluster="),
        (["a", arn("b")], None, "tasks[0]", "pass cluster="),
        ([arn("a"), arn("b", "test")], "prod", "tasks[1]", "is in cluster test, not in prod"),
        (arn("a"), CLUSTER_ARN.replace("prod", "test"), "tasks", "is in cluster prod, not in test"),
        (model("PENDING", cluster_arn=CLUSTER_ARN), "test", "tasks", "is in cluster prod, not in test"),
        ("", "prod", "tasks", "is not the id or ARN"),
        ("prod/a", "prod", "tasks", "is not the id or ARN"),
        ("/a", "prod", "tasks", "is not the id or ARN"),
        ("a/", "prod", "tasks", "is not the id or ARN"),
        (["a", "arn:aws:ecs"], "prod", "tasks[1]", "is not the ARN of a task"),
        ("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1", "prod", "tasks", "is not the ARN of a task"),
        ("arn:aws:ecs:eu-west-1:123456789012:service/prod/web", None, "tasks", "is not the ARN of a task"),
        ("arn:aws:s3:eu-west-1:123456789012:task/prod/a", None, "tasks", "is not the ARN of a task"),
        ("arn:aws:ecs:eu-west-1:123456789012:task/", "prod", "tasks", "is not the id or ARN"),
        ("arn:aws:ecs:eu-west-1:123456789012:task/prod/", "prod", "tasks", "is not the id or ARN"),
        ("arn:aws:ecs:eu-west-1:123456789012:task//a", "prod", "tasks", "is not the id or ARN"),
        ("arn:aws:ecs:eu-west-1:123456789012:task/prod/a/b", None, "tasks", "is not the id or ARN"),
        ({"a"}, "prod", "tasks", "got set"),
        (None, "prod", "tasks", "got NoneType"),
        (b"ab", "prod", "tasks[0]", "got int"),
        ([None], "prod", "tasks[0]", "got NoneType"),
        ([["a"]], "prod", "tasks[0]", "got list"),
    ],
)
@pytest.mark.parametrize("wait", [tasks_running, tasks_stopped])
def test_bad_tasks_are_rejected_before_anything_is_sent(
    wait: Any, tasks: Any, cluster: str | None, path: str, problem: str
) -> None:
    """The error names the path of the bad task."""
    run = run_both([], lambda: wait(tasks, cluster=cluster))
    assert isinstance(run.error, RequestError)
    assert run.calls == []
    assert run.error.subject == wait.__name__
    assert path in dict(run.error.problems)
    assert problem in dict(run.error.problems)[path]


def test_all_bad_tasks_are_in_one_error() -> None:
    """One error holds all problems."""
    with pytest.raises(RequestError) as caught:
        tasks_running(["", "a", "x/y"], cluster=None)
    assert [path for path, _ in caught.value.problems] == ["tasks[0]", "tasks[1]", "tasks[2]"]


def test_a_task_that_is_given_twice_counts_once() -> None:
    """A task that is given twice, even by another name, is polled once, and reported by its first name."""
    run = run_both(timeline("P R"), lambda: tasks_running(["a", arn("a"), arn("b")], cluster="prod", max_polls=1))
    assert [ask.ids for ask in run.calls] == [("a", "b")]
    story = run.story
    assert list(story.last) == ["a", arn("b")]
    run = run_both(timeline("P R"), lambda: tasks_running([arn("a"), "a", arn("a")], cluster="prod"))
    assert run.verdict == "RUNNING"


@pytest.mark.parametrize(
    "tasks",
    [[arn("a"), arn("b").replace("eu-west-1", "us-east-1")], [arn("a"), arn("b").replace("123456789012", "9" * 12)]],
)
def test_tasks_of_two_accounts_or_regions_contradict_each_other(tasks: Any) -> None:
    """A client uses one region and account; ARNs of others are rejected."""
    with pytest.raises(RequestError, match=r"tasks\[1\]: .* is not in arn:aws:ecs:eu-west-1:123456789012"):
        tasks_running(tasks)
    with pytest.raises(RequestError, match="is not in"):
        tasks_running(tasks[1], cluster=CLUSTER_ARN)


def test_results_are_in_the_order_given() -> None:
    """The order is that of the arguments, not of the response."""
    names = ["c", arn("a"), "d", arn("b")]
    run = run_both(timeline("S/S/S/S"), lambda: tasks_stopped(names, cluster="prod"))
    assert run.result is not None
    assert [task.task_arn for task in run.result] == [arn(id_) for id_ in "cadb"]


# Responses as input.


def test_a_response_counts_as_the_first_poll() -> None:
    """A model is polled first after the interval of its status."""
    response = RunTaskResponse(tasks=[model("PROVISIONING")])
    run = run_both(timeline("R"), lambda: tasks_running(response))
    assert (run.verdict, len(run.calls)) == ("RUNNING", 1)
    assert 6.75 <= run.times[0] <= 8.25


@pytest.mark.parametrize("response", [RunTaskResponse(tasks=[ended()]), StartTaskResponse(tasks=[ended()]), ended()])
def test_a_response_with_stopped_tasks_needs_no_poll(response: Any) -> None:
    """Stopped tasks never change, so that no poll has to confirm them."""
    run = run_both([], lambda: tasks_stopped(response))
    assert (run.verdict, run.calls) == ("STOPPED", [])


def test_a_response_with_a_stopped_task_fails_without_a_poll() -> None:
    """A response with a stopped task fails the wait without a request."""
    run = run_both([], lambda: tasks_running(RunTaskResponse(tasks=[ended()])))
    assert (run.verdict, run.calls) == ("TaskStoppedEarly", [])
    assert "after 0 s: task a is STOPPED (UserInitiated); 0 polls" in str(run.error)


def test_a_response_that_is_newer_than_the_first_poll_counts() -> None:
    """A replica may not show the task yet, or show an older state."""
    response = RunTaskResponse(tasks=[model("PENDING", version=3)])
    run = run_both(timeline("- V2 R4"), lambda: tasks_running(response))
    assert (run.verdict, len(run.calls)) == ("RUNNING", 3)


@pytest.mark.parametrize("state", ["PROVISIONING", "PENDING", "ACTIVATING"])
def test_a_task_from_a_response_that_no_read_shows_is_not_visible(state: str) -> None:
    """The response of RunTask is not a read, so that the task has the whole grace to become visible."""
    run = run_both(timeline("-"), lambda: tasks_stopped(RunTaskResponse(tasks=[model(state)])))
    assert (run.verdict, run.elapsed) == ("TaskNotVisible", 60)
    late = run_both(lambda ask: [task("STOPPED")] if ask.now >= 50 else [], lambda: tasks_stopped(model(state)))
    assert late.verdict == "STOPPED"


@pytest.mark.parametrize("state", ["RUNNING", "DEACTIVATING", "STOPPING"])
def test_a_task_that_ran_and_is_missing_is_purged(state: str) -> None:
    """Only reads show RUNNING, so that the task was visible."""
    run = run_both(timeline("-"), lambda: tasks_stopped(model(state)))
    assert run.verdict == "TaskPurged"
    assert 30 <= run.elapsed < 60


@pytest.mark.parametrize("kind", [RunTaskResponse, StartTaskResponse])
def test_failures_of_a_response_raise(kind: Any) -> None:
    """The error holds the response, so that the caller can handle the tasks that did start."""
    response = kind(tasks=[model("PENDING")], failures=[Failure(reason="RESOURCE:MEMORY")])
    run = run_both([], lambda: tasks_running(response))
    assert isinstance(run.error, FailuresError)
    assert run.error.operation == kind.__name__.removesuffix("Response")
    assert run.error.response is response
    assert run.calls == []


def test_failures_of_a_response_are_accepted_on_request() -> None:
    """With `allow_partial`, the wait is for the tasks that started."""
    response = RunTaskResponse(tasks=[model("PENDING")], failures=[Failure(reason="AGENT")])
    run = run_both(timeline("R"), lambda: tasks_running(response, allow_partial=True))
    assert run.verdict == "RUNNING"


def test_a_response_with_failures_only_is_rejected() -> None:
    """`allow_partial` needs at least one task: nothing that was started is no success."""
    response = RunTaskResponse(failures=[Failure(reason="AGENT")])
    for allow_partial in (False, True):
        with pytest.raises(FailuresError, match="AGENT"):
            tasks_running(response, allow_partial=allow_partial)


def test_models_and_ids_can_be_mixed() -> None:
    """The observation of a model counts for its task only."""
    run = run_both(timeline("P/- S/S"), lambda: tasks_stopped([ended(), "b"], cluster="prod"))
    assert run.verdict == "STOPPED/STOPPED"
    assert all(ask.ids == ("b",) for ask in run.calls)


# How many.


def everything(status: str) -> Any:
    """Return a script that shows all tasks in a state."""
    return lambda ask: [task(status, id_=id_) for id_ in ask.ids]


@pytest.mark.parametrize(
    ("count", "batches"), [(1, [1]), (100, [100]), (101, [1, 100]), (250, [50, 100, 100]), (1000, [100] * 10)]
)
def test_hundreds_of_tasks_take_a_request_per_hundred(count: int, batches: list[int]) -> None:
    """Each task is in one request of a poll."""
    ids = [f"t{i}" for i in range(count)]
    run = run_both(everything("RUNNING"), lambda: tasks_running(ids, cluster="prod"))
    assert sorted(len(ask.ids) for ask in run.calls) == batches
    assert Counter(id_ for ask in run.calls for id_ in ask.ids) == Counter(ids)
    assert run.times == [0]
    assert run.result is not None
    assert [task.task_arn for task in run.result] == [arn(id_) for id_ in ids]


def test_tasks_of_several_clusters_take_a_request_per_cluster() -> None:
    """The same id in two clusters is two targets."""
    names = [arn("a", "one"), arn("a", "two"), arn("b", "one")]

    def script(ask: Ask) -> Answer:
        return [{**task("RUNNING", id_=id_), "taskArn": arn(id_, ask.cluster)} for id_ in ask.ids]

    run = run_both(script, lambda: tasks_running(names))
    assert [(ask.cluster, ask.ids) for ask in run.calls] == [("one", ("a", "b")), ("two", ("a",))]
    assert run.result is not None
    assert [task.task_arn for task in run.result] == names


def test_a_batch_that_fails_does_not_affect_other_batches() -> None:
    """Tasks of a failed request are neither observed nor missing; the others are observed."""
    ids = [f"t{i}" for i in range(150)]

    def script(ask: Ask) -> Answer:
        if "t120" in ask.ids and ask.now < 100:
            return ERRORS["500"]("DescribeTasks")
        return [task("STOPPED", id_=id_) for id_ in ask.ids]

    run = run_both(script, lambda: tasks_stopped(ids, cluster="prod"))
    assert run.verdict == "/".join(["STOPPED"] * 150)
    assert [len(ask.ids) for ask in run.calls][2:] == [50] * (len(run.calls) - 2)


def test_a_batch_that_always_fails_times_out_with_its_tasks() -> None:
    """The timeout names only the tasks whose requests failed."""
    names = [arn("a", "good"), arn("b", "bad")]

    def script(ask: Ask) -> Answer:
        if ask.cluster == "bad":
            return ERRORS["500"]("DescribeTasks")
        return [{**task("RUNNING", id_=id_), "taskArn": arn(id_, ask.cluster)} for id_ in ask.ids]

    run = run_both(script, lambda: tasks_running(names, timeout=90))
    assert run.verdict == "WaitTimeout"
    story = run.story
    assert list(story.reasons) == [names[1]]
    assert all(isinstance(error, ServerError) for error in story.errors)


def test_one_batch_that_is_denied_ends_the_wait() -> None:
    """The error is raised after all requests of the poll have ended."""
    names = [arn("a", "good"), arn("b", "gone")]

    def script(ask: Ask) -> Answer:
        return (
            ERRORS["cluster"]("DescribeTasks") if ask.cluster == "gone" else [{**task("RUNNING"), "taskArn": names[0]}]
        )

    run = run_both(script, lambda: tasks_running(names))
    assert (run.verdict, len(run.calls)) == ("ClusterNotFoundException", 2)


def test_stopped_tasks_are_not_polled_again() -> None:
    """Tasks that have stopped are not polled again."""
    looks = timeline("S/R/P S/S/R S/S/G S/S/S")
    run = run_both(looks, lambda: tasks_stopped([arn(id_) for id_ in "abc"]))
    assert [ask.ids for ask in run.calls] == [("a", "b", "c"), ("b", "c"), ("c",), ("c",)]


def test_running_tasks_are_polled_until_all_run() -> None:
    """Tasks that are RUNNING may stop, so that they are polled until all are RUNNING."""
    run = run_both(timeline("R/P R/R"), lambda: tasks_running([arn("a"), arn("b")]))
    assert [ask.ids for ask in run.calls] == [("a", "b"), ("a", "b")]


def test_hundreds_of_tasks_that_stop_one_by_one_take_few_requests() -> None:
    """150 tasks over ten minutes need two requests a poll, and fewer when tasks have stopped."""
    ids = [f"t{i}" for i in range(150)]

    def script(ask: Ask) -> Answer:
        return [task("STOPPED" if ask.now > 4 * int(id_[1:]) else "RUNNING", id_=id_) for id_ in ask.ids]

    run = run_both(script, lambda: tasks_stopped(ids, cluster="prod", timeout=None))
    assert run.result is not None
    assert len(run.calls) <= 2 * len(run.times)
    assert len(run.times) <= 600 / 1.8
    asked_after_end = [id_ for ask in run.calls for id_ in ask.ids if ask.now > 4 * int(id_[1:]) + 16.5]
    assert asked_after_end == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeout", "5"),
        ("timeout", True),
        ("max_polls", "3"),
        ("max_polls", 1.5),
        ("visibility_grace", None),
        ("on_poll", 3),
        ("poll", lambda _: 1.0),
    ],
)
def test_arguments_of_the_wrong_type_are_named(name: str, value: Any) -> None:
    """The error is a RequestError that names the parameter."""
    with pytest.raises(RequestError, match=f"tasks_running: {name}: expected"):
        tasks_running(arn("a"), **{name: value})
