"""Follow the lines of a service, whose tasks come and go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from support.definitions import NETWORK

from ecskit.errors import LogsUnavailable, RequestError, ServicesMissing
from ecskit.testing import Simulator, TaskScript

from .support import furnished, lines, messages

TALK = TaskScript(logs=[(0, "hello"), *((10 * n, str(n)) for n in range(1, 60))])


def serving(count: int = 1, prepare: Callable[[Simulator], object] = lambda _: None) -> Callable[[], Simulator]:
    """Return a function that makes a simulator with a service whose tasks write lines."""

    def add_service(sim: Simulator) -> None:
        request = {"serviceName": "web", "taskDefinition": "job", "desiredCount": count, "launchType": "FARGATE"}
        sim.handle("CreateService", {**request, "networkConfiguration": NETWORK})
        sim.clock.advance(30)
        prepare(sim)

    return furnished(TALK, count=0, prepare=add_service)


def logs(**options: Any) -> Callable[[Any], Any]:
    """Return an act that reads the lines of the service."""
    return lambda ecs: ecs.services.logs("web", **options)


def test_lines_that_are_there() -> None:
    """All tasks that ECS lists are read."""
    went = lines(logs(), serving(2))
    assert sorted(messages(went)) == ["hello", "hello"]
    assert went.operations == [
        *("DescribeServices", "ListTasks", "ListTasks", "DescribeTasks", "DescribeTaskDefinition"),
        *("FilterLogEvents", "FilterLogEvents"),
    ]


def test_tasks_come_and_go() -> None:
    """A task that is stopped is read to its end, and the one that replaces it from its beginning."""

    def stop(sim: Simulator) -> None:
        sim.handle("StopTask", {"task": sim.tasks()[0].arn})

    went = lines(logs(follow=True, timeout=120), serving(prepare=stop))
    first, second = (task.arn for task in went.sim.tasks()[:2])
    assert messages(went)[0] == "hello"
    assert [line.message for line in went.items if line.task_arn == second][:3] == ["hello", "1", "2"]
    assert {line.task_arn for line in went.items} == {first, second}
    assert went.elapsed == 120


def test_many_tasks_are_read_together_after_a_round() -> None:
    """Each line is yielded once. Tasks that start later are first read alone."""

    def scale(sim: Simulator) -> None:
        sim.handle("UpdateService", {"service": "web", "desiredCount": 12})

    went = lines(logs(follow=True, timeout=150), serving(7, prepare=scale))
    seen = [(line.task_arn, line.message) for line in went.items]
    assert len(seen) == len(set(seen))
    arns = [task.arn for task in went.sim.tasks()]
    assert len(arns) == 12
    last = [request["logStreamNamePrefix"] for request in went.requests("FilterLogEvents")][-1]
    assert last == "run/app/"
    for arn in arns:
        texts = [message for task, message in seen if task == arn]
        assert texts == ["hello", *(str(n) for n in range(1, len(texts)))]
        assert len(texts) >= 9


def test_only_the_last_minutes() -> None:
    """`since` and `tail` are as for tasks."""
    make = serving(prepare=lambda sim: sim.clock.advance(300))
    # The task began to run at 20 s, and 330 s have passed.
    assert messages(lines(logs(since=timedelta(seconds=31)), make)) == ["28", "29", "30"]
    assert messages(lines(logs(tail=2), make)) == ["29", "30"]


def test_a_service_without_tasks_has_no_lines() -> None:
    """It is no error: tasks may come."""
    assert messages(lines(logs(), serving(0))) == []
    assert lines(logs(follow=True, timeout=20), serving(0)).elapsed == 20


def test_tasks_that_never_start(caplog: pytest.LogCaptureFixture) -> None:
    """They have no lines. Each reason is logged once, while ECS tries again and again."""
    for options in ({}, {"follow": True, "timeout": 60}):
        caplog.clear()
        went = lines(logs(**options), serving(prepare=never_starting))
        assert went.error is None
        warnings = [record.getMessage().partition(" never started")[2] for record in caplog.records]
        assert warnings == [", so it has no log lines: CannotPullContainerError: manifest unknown"] * 2


def never_starting(sim: Simulator) -> None:
    """Replace the task by others, which fail to start."""
    sim.script("job", TaskScript.fails_to_pull())
    sim.handle("UpdateService", {"service": "web", "forceNewDeployment": True})
    sim.clock.advance(90)


def test_what_goes_wrong() -> None:
    """Messages name the verb and what to change."""
    lines(lambda ecs: ecs.services.logs("nothing"), serving()).raised(ServicesMissing)
    error = lines(logs(containers=["side"]), serving()).raised(RequestError)
    assert str(error) == "services.logs: containers: 'side' is not a container of the tasks; they have app"
    lines(logs(tail=-1), serving()).raised(RequestError)
    lines(logs(), serving(prepare=without_group)).raised(LogsUnavailable)


def without_group(sim: Simulator) -> None:
    """Delete the log group."""
    from ecskit.testing import LogBehaviour

    sim.script_logs(LogBehaviour(missing_groups=["/ecs/job"]))
