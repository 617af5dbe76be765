"""The method `tasks.explain`: read a task and its task definition, and explain why it failed."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from ecskit._core.effects import Flow, Sleep
from ecskit._core.errors import EcsError, RequestError, described
from ecskit._core.retrying import Retrying
from ecskit._explain.diagnosis import Diagnosis
from ecskit._logs.arguments import LogOptions, check_log_tail
from ecskit._logs.lines import LogLine
from ecskit._logs.tail import LogTail
from ecskit._tasks.reading import describe
from ecskit._waits.revisions import Revisions
from ecskit._waits.task_identifiers import targets_of
from ecskit.models.task_definitions import DescribeTaskDefinitionRequest, TaskDefinition
from ecskit.models.tasks import Task

__all__ = ["explain"]

_LOG_SECONDS = 20.0
"""Seconds after which a request for log lines is not repeated."""


def explain(task: Task | str, *, cluster: str | None = None, log_tail: int | None = None) -> Flow[Diagnosis]:
    """Explain why a task stopped, did not start, or is unhealthy, by what ECS shows.

    The texts, codes and exit codes of the task are compared with a table of findings. A text that is not in the table
    is shown as it is. Nothing outside ECS is read, but the last log lines if `log_tail` is given.

    Args:
        task: The task, its id or its ARN. ECS shows a stopped task for about an hour; a stopped `Task` that ECS no
            longer shows is explained as given.
        cluster: Name or ARN of its cluster; optional if the task or its ARN includes it.
        log_tail: How many of the last log lines of each container to read from CloudWatch Logs. They are compared with
            the table, and `log_lines` has them, which `print` shows, too. They may hold secrets. None for none.

    Returns:
        The diagnosis: the findings by weight, with evidence, causes and what to do. `print` shows it as text. If the
        task definition cannot be read, a note says why, and all containers count as essential. If log lines cannot be
        read, a note says why.

    Raises:
        TasksMissing: ECS does not show the task.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refuses to describe the task: no permission, no such cluster.
        TransportError: The exchange with ECS failed.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-errors.html
    """
    _check(task)
    check_log_tail("tasks.explain", log_tail)
    targets_of("tasks.explain", task, cluster)
    given = task if isinstance(task, Task) and task.last_status in ("STOPPED", "DELETED") else None
    found = yield from describe(task, cluster=cluster, allow_missing=given is not None)
    shown = found[0] if found else given
    assert shown is not None  # a missing one raises
    notes: list[str] = []
    definition = yield from _definition_of(shown.task_definition_arn, notes)
    if log_tail and definition is None:
        notes.append("log lines were not read: the task definition shows where they are")
    lines = (yield from _lines(shown, definition, log_tail, notes)) if log_tail and definition else ()
    found_by = [line.message for line in lines]
    diagnosis = Diagnosis.of_task(shown, definition=definition, log_lines=found_by, notes=notes)
    return attrs.evolve(diagnosis, log_lines=[str(line) for line in lines])


def _check(task: object) -> None:
    if not isinstance(task, (Task, str)):
        problem = f"expected one task, its id or its ARN, got {type(task).__name__}; call explain for each task"
        raise RequestError("tasks.explain", [("task", problem)])


def _definition_of(arn: str | None, notes: list[str]) -> Flow[TaskDefinition | None]:
    """Return a task definition; if it cannot be read, add a note and return None."""
    if arn is None:
        return None
    request = Retrying(DescribeTaskDefinitionRequest(task_definition=arn))
    try:
        return (yield from Revisions.contents_of(arn, request.send))
    except EcsError as error:
        notes.append(f"the task definition was not read, so all containers count as essential: {described(error)}")
        return None


def _lines(task: Task, definition: TaskDefinition, count: int, notes: list[str]) -> Flow[Sequence[LogLine]]:
    """Return the last lines of each container, by time; if they cannot be read, add a note."""
    lines: list[LogLine] = []

    def known(_: str) -> Flow[TaskDefinition]:
        yield from ()
        return definition

    def keep(line: LogLine) -> Flow[None]:
        yield from ()
        lines.append(line)

    tail = LogTail("tasks.explain", LogOptions(tail=count), known, emit=keep, logs_never_started=False)
    tail.end_by((yield Sleep(0)).now + _LOG_SECONDS)
    try:
        yield from tail.add([task])
        tail.check()
        yield from tail.read()
    except EcsError as error:
        notes.append(f"log lines were not read: {described(error)}")
    return lines
