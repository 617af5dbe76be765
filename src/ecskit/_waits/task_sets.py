"""Waits over task sets, which are of services that others deploy: until they are steady, primary, gone.

Source of what the statuses mean: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskSet.html
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TypeAlias

import attrs

from ecskit._core.call import call
from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._polling.batches import Kind
from ecskit._polling.conditions import UNSEEN_PACE, Aim, All, Lacks, Opinion, Ready, wait_for
from ecskit._polling.identifiers import NAME, Naming, asked_for
from ecskit._polling.observations import Known
from ecskit._polling.options import Patience
from ecskit._polling.statuses import by_status
from ecskit.models.services import (
    CreateTaskSetResponse,
    DeleteTaskSetResponse,
    DescribeTaskSetsRequest,
    TaskSet,
    UpdateServicePrimaryTaskSetResponse,
    UpdateTaskSetResponse,
)

__all__ = [
    "NAMING",
    "TaskSetAnswer",
    "deleted",
    "is_percent",
    "primary",
    "steady",
    "task_sets_deleted",
    "task_sets_primary",
    "task_sets_steady",
]

TaskSetAnswer: TypeAlias = (
    CreateTaskSetResponse | UpdateTaskSetResponse | UpdateServicePrimaryTaskSetResponse | DeleteTaskSetResponse
)
TaskSets: TypeAlias = TaskSetAnswer | TaskSet | str | Sequence[TaskSetAnswer | TaskSet | str]
"""What is said about task sets: what operations answered, or one or more task sets, ids or ARNs."""


def task_sets_steady(
    task_sets: TaskSets,
    *,
    cluster: str | None = None,
    service: str | None = None,
    scale: float | None = None,
    patience: Patience,
) -> Flow[list[TaskSet]]:
    """Wait until all task sets are in STEADY_STATE, twice in a row.

    Args:
        task_sets: What `create_task_set` or `update_task_set` returned, or one or more task sets, ids or ARNs.
        cluster: Name or ARN of their cluster; needed only where nothing else tells it.
        service: Name or ARN of their service; needed only where neither ARNs nor task sets tell it.
        scale: The scale that they have to be steady at, 0 to 100 percent, with as many tasks running as that computes
            to; by default whatever they have.
        patience: How long to wait and how often to look.

    Returns:
        The task sets as they were last seen, in the order given.

    Raises:
        WaitFailed: A task set is DRAINING.
        NotVisible: A task set was never seen.
        Vanished: A task set was seen and then no more.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTaskSets.html
    """
    goal = steady(patience, scale)
    asked = asked_for(goal.name, NAMING, task_sets, cluster=cluster, service=service)
    if scale is not None:
        if not is_percent(scale):
            raise RequestError(goal.name, [("scale", f"expected percent, 0 to 100, got {scale!r}")])
        asked = attrs.evolve(asked, arguments={**asked.arguments, "scale": scale})
    return wait_for(goal, asked)


def task_sets_primary(
    task_sets: TaskSets, *, cluster: str | None = None, service: str | None = None, patience: Patience
) -> Flow[list[TaskSet]]:
    """Wait until all task sets are shown as PRIMARY, each in its service.

    Args:
        task_sets: What `update_service_primary_task_set` returned, or one or more task sets, ids or ARNs.
        cluster: Name or ARN of their cluster; needed only where nothing else tells it.
        service: Name or ARN of their service; needed only where neither ARNs nor task sets tell it.
        patience: How long to wait and how often to look.

    Returns:
        The task sets as they were last seen, in the order given.

    Raises:
        WaitFailed: A task set is DRAINING.
        NotVisible: A task set was never seen.
        Vanished: A task set was seen and then no more.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTaskSets.html
    """
    goal = primary(patience)
    return wait_for(goal, asked_for(goal.name, NAMING, task_sets, cluster=cluster, service=service))


def task_sets_deleted(
    task_sets: TaskSets, *, cluster: str | None = None, service: str | None = None, patience: Patience
) -> Flow[list[TaskSet]]:
    """Wait until all task sets are deleted: seen and then forgotten by ECS.

    Args:
        task_sets: What `delete_task_set` returned, or one or more task sets, ids or ARNs.
        cluster: Name or ARN of their cluster; needed only where nothing else tells it.
        service: Name or ARN of their service; needed only where neither ARNs nor task sets tell it.
        patience: How long to wait and how often to look.

    Returns:
        The task sets as they were last seen, in the order given.

    Raises:
        NotVisible: A task set was never seen; it may have been deleted long ago.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteTaskSet.html
    """
    goal = deleted(patience)
    return wait_for(goal, asked_for(goal.name, NAMING, task_sets, cluster=cluster, service=service))


def steady(patience: Patience, scale: float | None = None) -> All[TaskSet]:
    """Return the goal that all task sets are steady, at a certain scale if one is given."""
    kind = TASK_SETS if scale is None else attrs.evolve(TASK_SETS, state=_state_and_scale)
    aim = by_status(kind, ready={"STEADY_STATE"}, never={"DRAINING"}, reason=_counts)
    if scale is not None:
        aim = _at(scale, aim)
    return All(name="task_sets_steady", kind=kind, aim=aim, patience=patience, reads=2)


def primary(patience: Patience) -> All[TaskSet]:
    """Return the goal that all task sets are shown as PRIMARY."""
    # What the answer shows is not what reads show: here the last look counts, however old what it shows is.
    kind = attrs.evolve(TASK_SETS, rank=lambda _: (None, 0))
    aim = by_status(kind, ready={"PRIMARY"}, never={"DRAINING"})
    return All(name="task_sets_primary", kind=kind, aim=aim, patience=patience)


def deleted(patience: Patience) -> All[TaskSet]:
    """Return the goal that all task sets are gone."""
    aim = by_status(TASK_SETS, reason=_counts)
    return All(name="task_sets_deleted", kind=TASK_SETS, aim=aim, patience=patience, vanished=Ready())


def is_percent(value: object) -> bool:
    """Whether a value is a number from 0 to 100."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 100


def _at(scale: float, aim: Aim[TaskSet]) -> Aim[TaskSet]:
    """Return the aim that a task set is what another aim says, and that at a certain scale."""

    def aim_at(known: Known[TaskSet]) -> Opinion:
        said, task_set = aim(known), known.last
        if task_set is None or not isinstance(said, Ready):
            return said
        told, shown = TASK_SETS.state(task_set), task_set.scale.value if task_set.scale else None
        if shown is not None and shown != scale:
            return Lacks(f"is {told} at {shown:g}%, not at {scale:g}% yet", UNSEEN_PACE)
        # The status may be of before, and the count that is wanted of now.
        wanted = task_set.computed_desired_count
        if wanted is not None and (task_set.running_count != wanted or task_set.pending_count):
            return Lacks(f"is {told} ({_counts(task_set)})", UNSEEN_PACE)
        return said

    return aim_at


def _describe(scope: str, ids: list[str]) -> Flow[Sequence[TaskSet]]:
    cluster, service = scope.split()
    request = DescribeTaskSetsRequest(cluster=cluster, service=service, task_sets=ids)
    return (yield from call(request, single_attempt=True)).task_sets


def _state(task_set: TaskSet) -> str:
    return " ".join(filter(None, [task_set.status, task_set.stability_status]))


def _state_and_scale(task_set: TaskSet) -> str:
    value = task_set.scale.value if task_set.scale else None
    return _state(task_set) if value is None else f"{_state(task_set)} {value:g}%"


def _version(task_set: TaskSet) -> tuple[int | None, int]:
    """Return how late an observation is: neither when it was updated nor when its stability was told goes back."""
    times = [at.timestamp() for at in (task_set.updated_at, task_set.stability_status_at) if at is not None]
    return (round(max(times) * 1000), 0) if times else (None, 0)


def _counts(task_set: TaskSet) -> str | None:
    if task_set.computed_desired_count is None:
        return None
    running, pending = task_set.running_count or 0, task_set.pending_count or 0
    return f"{running} of {task_set.computed_desired_count} tasks running, {pending} pending"


NAMING = Naming(
    noun="task set",
    model=TaskSet,
    name=attrgetter("task_set_arn"),
    arn=rf"task-set/(?P<cluster>{NAME})/(?P<service>{NAME})/(?P<id>(?:ecs-svc/)?{NAME})",
    bare=rf"(?:ecs-svc/)?{NAME}",
    within=("cluster", "service"),
    answers=dict.fromkeys(
        (CreateTaskSetResponse, UpdateTaskSetResponse, UpdateServicePrimaryTaskSetResponse, DeleteTaskSetResponse),
        attrgetter("task_set"),
    ),
)

TASK_SETS: Kind[TaskSet] = Kind(
    noun=NAMING.noun,
    at_once=10,
    describe=_describe,
    id_of=lambda task_set: task_set.id,
    aliases=lambda task_set: [task_set.id.rsplit("/", 1)[-1]],
    state=_state,
    rank=_version,
)
