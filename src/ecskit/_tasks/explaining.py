"""The method `tasks.explain`: read a task and its task definition, and explain why it failed."""

from __future__ import annotations

from ecskit._core.effects import Flow
from ecskit._core.errors import EcsError, RequestError, described
from ecskit._core.retrying import Retrying
from ecskit._explain.diagnosis import Diagnosis
from ecskit._tasks.reading import describe
from ecskit._waits.revisions import Revisions
from ecskit._waits.task_identifiers import targets_of
from ecskit.models.task_definitions import DescribeTaskDefinitionRequest, TaskDefinition
from ecskit.models.tasks import Task

__all__ = ["explain"]


def explain(task: Task | str, *, cluster: str | None = None) -> Flow[Diagnosis]:
    """Explain why a task stopped, did not start, or is unhealthy, by what ECS shows.

    The texts, codes and exit codes of the task are compared with a table of findings. A text that is not in the table
    is shown as it is. Nothing outside ECS is read.

    Args:
        task: The task, its id or its ARN. ECS shows a stopped task for about an hour; a stopped `Task` that ECS no
            longer shows is explained as given.
        cluster: Name or ARN of its cluster; optional if the task or its ARN includes it.

    Returns:
        The diagnosis: the findings by weight, with evidence, causes and what to do. `print` shows it as text. If the
        task definition cannot be read, a note says why, and all containers count as essential.

    Raises:
        TasksMissing: ECS does not show the task.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refuses to describe the task: no permission, no such cluster.
        TransportError: The exchange with ECS failed.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-errors.html
    """
    _check(task)
    targets_of("tasks.explain", task, cluster)
    given = task if isinstance(task, Task) and task.last_status in ("STOPPED", "DELETED") else None
    found = yield from describe(task, cluster=cluster, allow_missing=given is not None)
    shown = found[0] if found else given
    assert shown is not None  # a missing one raises
    notes: list[str] = []
    definition = yield from _definition_of(shown.task_definition_arn, notes)
    return Diagnosis.of_task(shown, definition=definition, notes=notes)


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
