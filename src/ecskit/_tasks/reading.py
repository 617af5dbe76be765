"""Looking at tasks: any number of them, by name or as a list."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias, get_args

import attrs

from ecskit._core.absent import ABSENT_LIST
from ecskit._core.call import call
from ecskit._core.effects import Emit, Emits, Flow, Sleep
from ecskit._core.errors import RequestError
from ecskit._core.pages import follow
from ecskit._polling.batches import Batches
from ecskit._tasks.errors import TasksMissing
from ecskit._waits.task_identifiers import Tasks, targets_of
from ecskit._waits.tasks import TASKS
from ecskit.models.literals import DesiredStatus, LaunchType, TaskField
from ecskit.models.tasks import DescribeTasksRequest, ListTasksRequest, Task

__all__ = ["TaskStatusFilter", "describe", "iter"]

log = logging.getLogger("ecskit")

TaskStatusFilter: TypeAlias = Literal["RUNNING", "STOPPED", "ANY"]
"""Which tasks a list is of: those that are to run, starting ones among them; those that are to stop or have; or all."""

_LOOKS = 3
"""How often a task is looked for that a list has shown: the two reads may not be equally fresh."""
_BETWEEN_LOOKS = 1.0


def describe(
    tasks: Tasks, *, cluster: str | None = None, tags: bool = False, allow_missing: bool = False
) -> Flow[list[Task]]:
    """Look at any number of tasks once.

    Args:
        tasks: What `tasks.run`, `run_task` or `start_task` returned, or one or more tasks, ids or ARNs.
        cluster: Name or ARN of their cluster; needed only where neither ARNs nor tasks tell it.
        tags: Whether to read their tags as well.
        allow_missing: Leave out what ECS does not show instead of raising.

    Returns:
        The tasks, in the order given.

    Raises:
        TasksMissing: ECS does not show some of them; the error has the others.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS does not let us look: no permission, no such cluster.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
    """
    targets = targets_of("tasks.describe", tasks, cluster)

    def flow() -> Flow[list[Task]]:
        look = yield from Batches(attrs.evolve(TASKS, describe=_reader(tags=tags)), targets.by_name).poll(
            list(targets.by_name)
        )
        for error in look.unanswered.values():
            raise error
        missing = [name for name in targets.by_name if name not in look.observed]
        found = [look.observed[name] for name in targets.by_name if name in look.observed]
        if missing and not allow_missing:
            raise TasksMissing(missing, found)
        return found

    return flow()


def iter(  # noqa: A001  # as a method, `ecs.tasks.iter` hides nothing
    *,
    cluster: str | None = None,
    family: str | None = None,
    service: str | None = None,
    started_by: str | None = None,
    container_instance: str | None = None,
    launch_type: LaunchType | None = None,
    desired_status: TaskStatusFilter = "RUNNING",
    tags: bool = False,
) -> Emits[Task]:
    """Yield the tasks of a cluster: the list, joined with what describes each, 100 at a time.

    Args:
        cluster: Name or ARN of the cluster; ECS uses `default` where it is absent.
        family: Only tasks of this family of task definitions.
        service: Only tasks of this service.
        started_by: Only tasks that were started with this text.
        container_instance: Only tasks on this container instance.
        launch_type: Only tasks of this launch type.
        desired_status: "RUNNING" for tasks that are to run, starting ones among them; "STOPPED" for those that have
            stopped within the last hour or are about to; "ANY" for both, each task once.
        tags: Whether to read their tags as well.

    Yields:
        Each task. One that ECS forgets between list and description is left out, and so can be one that is about to
        stop while lists lag.

    Raises:
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS does not let us look: no permission, no such cluster or service.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html
    """
    if desired_status not in get_args(TaskStatusFilter):
        problem = f"expected one of {', '.join(get_args(TaskStatusFilter))}, got {desired_status!r}"
        raise RequestError("tasks.iter", [("desired_status", problem)])
    first = ListTasksRequest(
        cluster=cluster,
        family=family,
        service_name=service,
        started_by=started_by,
        container_instance=container_instance,
        launch_type=launch_type,
    )
    # Running ones first: who stops between the two lists is in both of them. Only if the second list is less fresh than
    # the first can it be in none.
    wanted: list[DesiredStatus] = ["RUNNING", "STOPPED"] if desired_status == "ANY" else [desired_status]
    return _iterate([attrs.evolve(first, desired_status=status) for status in wanted], tags=tags)


def _iterate(lists: Sequence[ListTasksRequest], *, tags: bool) -> Emits[Task]:
    told: set[str] = set()
    read = _reader(tags=tags)

    def emit(cluster: str | None, page: Any) -> Emits[Task]:
        arns = [arn for arn in dict.fromkeys(page.task_arns) if arn not in told]
        for attempt in range(_LOOKS):
            if not arns:
                return
            if attempt:
                yield Sleep(_BETWEEN_LOOKS)
            for task in (yield from read(cluster, arns)):
                told.add(task.task_arn)
                yield Emit(task)
            arns = [arn for arn in arns if arn not in told]
        log.debug("ECS lists %s but does not describe them: they are left out", ", ".join(arns))

    for request in lists:
        yield from follow(request, functools.partial(emit, request.cluster))


def _reader(*, tags: bool) -> Callable[[str | None, list[str]], Flow[Sequence[Task]]]:
    include: Sequence[TaskField] = ["TAGS"] if tags else ABSENT_LIST

    def read(cluster: str | None, ids: list[str]) -> Flow[Sequence[Task]]:
        request = DescribeTasksRequest(cluster=cluster, tasks=ids, include=include)
        return (yield from call(request)).tasks

    return read
