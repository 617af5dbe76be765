"""Turns the tasks that callers pass, as ids, ARNs, models and responses, into `Targets`.

Source of the formats: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

from typing_extensions import Self

from ecskit._core.errors import RequestError
from ecskit._polling.batches import Target, Targets
from ecskit._polling.identifiers import check_cluster
from ecskit.models.tasks import Task

__all__ = ["Tasks", "TasksResponse", "targets_of"]


@runtime_checkable
class TasksResponse(Protocol):
    """What operations and methods return that run, start or describe tasks."""

    @property
    def tasks(self) -> Sequence[Task]:
        """The tasks."""
        ...

    def raise_for_failures(self) -> Self:
        """Return this; raise FailuresError if it contains failures."""
        ...


Tasks: TypeAlias = TasksResponse | Task | str | Sequence[Task | str]
"""How callers pass tasks: a response or result that holds tasks, or one or more models, ids or ARNs."""


def targets_of(
    wait: str, tasks: Tasks, cluster: str | None, *, allow_partial: bool = True, allow_none: bool = False
) -> Targets[Task]:
    """Return the targets that a caller passed. Tasks that are given twice are polled once; an empty list has none.

    Args:
        wait: The name of the wait or method, for messages.
        tasks: The tasks.
        cluster: The cluster, as the caller passed it.
        allow_partial: Whether to accept a response that contains failures.
        allow_none: Whether to accept one that contains failures only: then there is nothing to do.

    Raises:
        RequestError: A task is malformed, or its cluster is missing or contradictory.
        FailuresError: The response contains failures, and no tasks or `allow_partial` is False.
    """
    check_cluster(wait, cluster)
    observed: dict[str, Task] = {}
    if isinstance(tasks, TasksResponse):
        accepted = allow_none or (allow_partial and tasks.tasks)
        tasks = tasks.tasks if accepted else tasks.raise_for_failures().tasks
    by_name: dict[str, Target] = {}
    taken: set[tuple[str, str]] = set()
    problems: list[tuple[str, str]] = []
    account = _account(cluster)
    for path, task in _each(tasks, problems):
        name = task.task_arn if isinstance(task, Task) else task
        account = account or _account(name)
        if _account(name) not in (None, account):
            problems.append((path, f"{name!r} is not in {account}, where the cluster or another task is"))
            continue
        try:
            target = _target(name, cluster, task.cluster_arn if isinstance(task, Task) else None)
        except ValueError as error:
            problems.append((path, str(error)))
            continue
        if (_cluster_name(target.scope), target.id) in taken:
            continue  # the same task again, maybe by another name
        taken.add((_cluster_name(target.scope), target.id))
        by_name[name] = target
        if isinstance(task, Task):
            observed[name] = task
    if problems:
        raise RequestError(wait, problems)
    return Targets(by_name=by_name, observed=observed, arguments={} if cluster is None else {"cluster": cluster})


_NAME = re.compile(r"[\w.-]+")
"""The pattern of the id of a task."""


def _each(
    tasks: Task | str | Sequence[Task | str], problems: list[tuple[str, str]]
) -> Iterator[tuple[str, Task | str]]:
    if isinstance(tasks, (Task, str)):
        yield "tasks", tasks
        return
    if not isinstance(tasks, Sequence):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        problems.append(("tasks", f"expected tasks, ids, ARNs or a response, got {type(tasks).__name__}"))
        return
    for i, task in enumerate(tasks):
        if isinstance(task, (Task, str)):  # pyright: ignore[reportUnnecessaryIsInstance]  # the same
            yield f"tasks[{i}]", task
        else:
            problems.append((f"tasks[{i}]", f"expected a task, id or ARN, got {type(task).__name__}"))


def _target(name: str, cluster: str | None, cluster_arn: str | None) -> Target:
    """Return the target of a task; raise ValueError with the reason if the name is malformed or the cluster unknown."""
    resource = name
    if name.startswith("arn:"):
        fields = name.split(":", 5)
        if len(fields) < 6 or fields[2] != "ecs" or not fields[5].startswith("task/"):
            raise ValueError(f"{name!r} is not the ARN of a task")
        resource = fields[5].removeprefix("task/")
    # ARNs of the longer format contain the cluster: task/CLUSTER/ID.
    named, slash, id_ = resource.rpartition("/")
    if not _NAME.fullmatch(id_) or "/" in named or (slash and not (named and name.startswith("arn:"))):
        raise ValueError(f"{name!r} is not the id or ARN of a task")
    known = cluster_arn or named
    if not (cluster or known):
        raise ValueError(f"the cluster of {name!r} is unknown; pass cluster=")
    if cluster and known and _cluster_name(cluster) != _cluster_name(known):
        raise ValueError(f"{name!r} is in cluster {_cluster_name(known)}, not in {_cluster_name(cluster)}")
    return Target(cluster or known, id_)


def _account(name: str | None) -> str | None:
    """Return partition, region and account of an ARN; None of a name or id."""
    return name.rsplit(":", 1)[0] if name is not None and name.startswith("arn:") else None


def _cluster_name(cluster: str) -> str:
    return cluster.rsplit("/", 1)[-1]
