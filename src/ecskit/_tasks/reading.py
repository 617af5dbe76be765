"""Describe tasks: any number of named ones, or those of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import attrgetter
from typing import Literal, TypeAlias, get_args

import attrs

from ecskit._core.absent import ABSENT_LIST
from ecskit._core.call import call
from ecskit._core.effects import Emits, Flow
from ecskit._core.errors import RequestError
from ecskit._polling.bulk import AsyncOnProgress
from ecskit._polling.reading import describe_listed, describe_named
from ecskit._tasks.errors import TasksMissing
from ecskit._tasks.filters import checked_filters, fits, list_request
from ecskit._waits.task_identifiers import Tasks, targets_of
from ecskit._waits.tasks import TASKS
from ecskit.models.literals import DesiredStatus, LaunchType, TaskField
from ecskit.models.tasks import DescribeTasksRequest, Task

__all__ = ["TaskStatusFilter", "describe", "iter"]

TaskStatusFilter: TypeAlias = Literal["RUNNING", "STOPPED", "ANY"]
"""Which tasks to list, by desired status. RUNNING includes tasks that are starting; STOPPED those that are stopping."""


def describe(
    tasks: Tasks,
    *,
    cluster: str | None = None,
    tags: bool = False,
    allow_missing: bool = False,
    on_progress: AsyncOnProgress | None = None,
) -> Flow[list[Task]]:
    """Describe any number of tasks, 100 per call.

    Args:
        tasks: What `tasks.run`, `run_task` or `start_task` returned, or one or more tasks, ids or ARNs.
        cluster: Name or ARN of their cluster; optional if ARNs or tasks include it.
        tags: Whether to read their tags as well.
        allow_missing: Leave out the tasks that ECS does not show, instead of raising.
        on_progress: Called after the end of each with the `BulkProgress` so far. With an async client it may be a
            coroutine function. An exception that it raises ends the call; its cause is a `BulkError` with the results.

    Returns:
        The tasks, in the order given, each once.

    Raises:
        TasksMissing: ECS does not show some of the tasks; `found` has the others.
        BulkError: Some calls failed; `errors` has the reasons, `results` the others. If all fail, the error of the
            first is raised.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refuses the call: no permission, no such cluster.
        TransportError: The exchange with ECS failed.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
    """
    targets = targets_of("tasks.describe", tasks, cluster, allow_none=True)
    described = attrs.evolve(TASKS, describe=_reader(tags=tags))
    return describe_named(
        "tasks.describe", described, targets, TasksMissing, allow_missing=allow_missing, on_progress=on_progress
    )


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
    """List the tasks of a cluster, and yield each of them described, 100 per call.

    All filters can be combined. ECS takes one of them, the first in this order: service, started_by (for running tasks
    only), container_instance, family, launch_type. The others are applied to the described tasks.

    Args:
        cluster: Name or ARN of the cluster; ECS uses `default` if absent.
        family: Only tasks of this family of task definitions.
        service: Only tasks of this service.
        started_by: Only tasks that were started with this text.
        container_instance: Only tasks on this container instance.
        launch_type: Only tasks of this launch type.
        desired_status: "RUNNING" for tasks that run or start; "STOPPED" for tasks that are stopping, or stopped within
            the last hour; "ANY" for both, each task once.
        tags: Whether to read their tags as well.

    Yields:
        Each task. A task that ECS lists but no longer describes is left out. While lists lag behind, a task that is
        stopping may be left out as well.

    Raises:
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refuses a call: no permission, no such cluster or service.
        TransportError: The exchange with ECS failed.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html
    """
    if desired_status not in get_args(TaskStatusFilter):
        problem = f"expected one of {', '.join(get_args(TaskStatusFilter))}, got {desired_status!r}"
        raise RequestError("tasks.iter", [("desired_status", problem)])
    given = checked_filters(
        "tasks.iter",
        cluster,
        service=service,
        started_by=started_by,
        container_instance=container_instance,
        family=family,
        launch_type=launch_type,
    )
    # RUNNING first: a task that stops between the two lists is in both. It is in neither only if the second list is
    # older than the first.
    statuses: list[DesiredStatus] = ["RUNNING", "STOPPED"] if desired_status == "ANY" else [desired_status]
    read = _reader(tags=tags)

    def calls(arns: list[str]) -> Iterator[Flow[Sequence[Task]]]:
        yield read(cluster, arns)

    lists = [list_request(cluster, given, status) for status in statuses]
    wanted = partial(fits, {name: value for name, value in given.items() if name != "service"})
    return describe_listed(lists, calls, attrgetter("task_arn"), wanted)


def _reader(*, tags: bool) -> Callable[[str | None, list[str]], Flow[Sequence[Task]]]:
    include: Sequence[TaskField] = ["TAGS"] if tags else ABSENT_LIST

    def read(cluster: str | None, ids: list[str]) -> Flow[Sequence[Task]]:
        request = DescribeTasksRequest(cluster=cluster, tasks=ids, include=include)
        return (yield from call(request)).tasks

    return read
