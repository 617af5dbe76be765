"""Which tasks are meant: ids, ARNs and responses in, the cluster and id of each out. Asks ECS nothing.

Source of the formats: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

from typing_extensions import Self

from ecskit._core.errors import RequestError
from ecskit._polling.batches import Target, Targets
from ecskit.models.tasks import Task

__all__ = ["Tasks", "TasksResponse", "targets_of"]


@runtime_checkable
class TasksResponse(Protocol):
    """What operations and verbs return that run, start or describe tasks."""

    @property
    def tasks(self) -> Sequence[Task]:
        """The tasks."""
        ...

    def raise_for_failures(self) -> Self:
        """Return this if it holds all that was asked for."""
        ...


Tasks: TypeAlias = TasksResponse | Task | str | Sequence[Task | str]
"""What is said about tasks: what started or described some, or one or more tasks, ids or ARNs."""


def targets_of(wait: str, tasks: Tasks, cluster: str | None, *, allow_partial: bool = True) -> Targets[Task]:
    """Return where to look for each task, and those that were seen already.

    Raises:
        RequestError: No task is given, one is not an id or ARN, or its cluster is not known or contradicts `cluster`.
        FailuresError: The response holds failures, and `allow_partial` is False.
    """
    observed: dict[str, Task] = {}
    if isinstance(tasks, TasksResponse):
        tasks = tasks.tasks if allow_partial else tasks.raise_for_failures().tasks
    by_name: dict[str, Target] = {}
    taken: set[tuple[str, str]] = set()
    problems: list[tuple[str, str]] = []
    home = _home(cluster)
    for path, task in _each(tasks, problems):
        name = task.task_arn if isinstance(task, Task) else task
        home = home or _home(name)
        if _home(name) not in (None, home):
            problems.append((path, f"{name!r} is not in {home}, where the cluster or another task is"))
            continue
        try:
            target = _place(name, cluster, task.cluster_arn if isinstance(task, Task) else None)
        except ValueError as error:
            problems.append((path, str(error)))
            continue
        if (_cluster_name(target.scope), target.id) in taken:
            continue  # by another name, or once more
        taken.add((_cluster_name(target.scope), target.id))
        by_name[name] = target
        if isinstance(task, Task):
            observed[name] = task
    if not by_name and not problems:
        problems.append(("tasks", "expected at least one"))
    if problems:
        raise RequestError(wait, problems)
    return Targets(by_name=by_name, observed=observed, arguments={} if cluster is None else {"cluster": cluster})


_NAME = re.compile(r"[\w.-]+")
"""What an id looks like."""


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


def _place(name: str, cluster: str | None, cluster_arn: str | None) -> Target:
    """Return where a task is; raise ValueError with the reason if that cannot be told."""
    resource = name
    if name.startswith("arn:"):
        fields = name.split(":", 5)
        if len(fields) < 6 or fields[2] != "ecs" or not fields[5].startswith("task/"):
            raise ValueError(f"{name!r} is not the ARN of a task")
        resource = fields[5].removeprefix("task/")
    # The longer format has the cluster in it: task/CLUSTER/ID.
    named, slash, id_ = resource.rpartition("/")
    if not _NAME.fullmatch(id_) or "/" in named or (slash and not (named and name.startswith("arn:"))):
        raise ValueError(f"{name!r} is not the id or ARN of a task")
    told = cluster_arn or named
    if not (cluster or told):
        raise ValueError(f"the cluster of {name!r} is unknown; pass cluster=")
    if cluster and told and _cluster_name(cluster) != _cluster_name(told):
        raise ValueError(f"{name!r} is in cluster {_cluster_name(told)}, not in {_cluster_name(cluster)}")
    return Target(cluster or told, id_)


def _home(name: str | None) -> str | None:
    """Return partition, region and account of an ARN; None of a name or id."""
    return name.rsplit(":", 1)[0] if name is not None and name.startswith("arn:") else None


def _cluster_name(cluster: str) -> str:
    return cluster.rsplit("/", 1)[-1]
