"""Waits for task sets, which external controllers deploy: how they are polled, and what their statuses mean.

Source of the statuses: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskSet.html
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TypeAlias

import attrs

from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._core.unchanged import polled
from ecskit._polling.batches import DescribedType
from ecskit._polling.conditions import NOT_VISIBLE_PACE, AllMet, Condition, Evaluation, Met, NotYet, wait_for
from ecskit._polling.identifiers import NAME, Identifiers, targets_of
from ecskit._polling.observations import ResourceState
from ecskit._polling.options import WaitOptions
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
    "IDENTIFIERS",
    "TaskSetResponse",
    "deleted_goal",
    "is_percent",
    "primary_goal",
    "steady_goal",
    "task_sets_deleted",
    "task_sets_primary",
    "task_sets_steady",
]

TaskSetResponse: TypeAlias = (
    CreateTaskSetResponse | UpdateTaskSetResponse | UpdateServicePrimaryTaskSetResponse | DeleteTaskSetResponse
)
TaskSets: TypeAlias = TaskSetResponse | TaskSet | str | Sequence[TaskSetResponse | TaskSet | str]
"""How callers pass task sets: a response, or one or more models, ids or ARNs."""


def task_sets_steady(
    task_sets: TaskSets,
    *,
    cluster: str | None = None,
    service: str | None = None,
    scale: float | None = None,
    wait_options: WaitOptions,
) -> Flow[list[TaskSet]]:
    """Wait until all task sets are in STEADY_STATE, in two polls in a row.

    Args:
        task_sets: The response of `create_task_set` or `update_task_set`, or one or more task sets: models, ids or
            ARNs.
        cluster: Name or ARN of their cluster; required if no ARN or model contains it.
        service: Name or ARN of their service; required if neither ARNs nor models contain it.
        scale: The scale in percent, 0 to 100, at which they must be steady, with the computed number of tasks running;
            by default any scale.
        wait_options: How long to wait and how often to poll.

    Returns:
        The task sets as last observed, in the order given.

    Raises:
        WaitFailed: A task set is DRAINING.
        NotVisible: A task set was not visible within `visibility_grace` seconds, or by the deadline.
        Vanished: A task set was visible, and then not found any more.

    Polling:
        Succeeds when all are: STEADY_STATE, in two polls; at that scale, if `scale` is given
        Fails when one is: DRAINING
        Continues while one is: STABILIZING
        Requests: DescribeTaskSets

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTaskSets.html
    """
    goal = steady_goal(wait_options, scale)
    targets = targets_of(goal.name, IDENTIFIERS, task_sets, cluster=cluster, service=service)
    if scale is not None:
        if not is_percent(scale):
            raise RequestError(goal.name, [("scale", f"expected percent, 0 to 100, got {scale!r}")])
        targets = attrs.evolve(targets, arguments={**targets.arguments, "scale": scale})
    return wait_for(goal, targets)


def task_sets_primary(
    task_sets: TaskSets, *, cluster: str | None = None, service: str | None = None, wait_options: WaitOptions
) -> Flow[list[TaskSet]]:
    """Wait until all task sets are PRIMARY, each in its service.

    Args:
        task_sets: The response of `update_service_primary_task_set`, or one or more task sets: models, ids or ARNs.
        cluster: Name or ARN of their cluster; required if no ARN or model contains it.
        service: Name or ARN of their service; required if neither ARNs nor models contain it.
        wait_options: How long to wait and how often to poll.

    Returns:
        The task sets as last observed, in the order given.

    Raises:
        WaitFailed: A task set is DRAINING.
        NotVisible: A task set was not visible within `visibility_grace` seconds, or by the deadline.
        Vanished: A task set was visible, and then not found any more.

    Polling:
        Succeeds when all are: PRIMARY
        Fails when one is: DRAINING
        Continues while one is: ACTIVE
        Requests: DescribeTaskSets

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTaskSets.html
    """
    goal = primary_goal(wait_options)
    return wait_for(goal, targets_of(goal.name, IDENTIFIERS, task_sets, cluster=cluster, service=service))


def task_sets_deleted(
    task_sets: TaskSets, *, cluster: str | None = None, service: str | None = None, wait_options: WaitOptions
) -> Flow[list[TaskSet]]:
    """Wait until all task sets are deleted: no longer found.

    Args:
        task_sets: The response of `delete_task_set`, or one or more task sets: models, ids or ARNs.
        cluster: Name or ARN of their cluster; required if no ARN or model contains it.
        service: Name or ARN of their service; required if neither ARNs nor models contain it.
        wait_options: How long to wait and how often to poll.

    Returns:
        The task sets as last observed, in the order given.

    Raises:
        NotVisible: A task set was never visible. It may have been deleted long ago.

    Polling:
        Succeeds when all are: no longer found
        Fails when one is: (never)
        Continues while one is: in any status
        Requests: DescribeTaskSets

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteTaskSet.html
    """
    goal = deleted_goal(wait_options)
    return wait_for(goal, targets_of(goal.name, IDENTIFIERS, task_sets, cluster=cluster, service=service))


def steady_goal(wait_options: WaitOptions, scale: float | None = None) -> AllMet[TaskSet]:
    """Return the goal that all task sets are steady, at a scale in percent if one is given."""
    resource_type = TASK_SETS if scale is None else attrs.evolve(TASK_SETS, state=_state_and_scale)
    condition = by_status(resource_type, met={"STEADY_STATE"}, unreachable={"DRAINING"}, reason=_counts)
    if scale is not None:
        condition = _at(scale, condition)
    return AllMet(
        name="task_sets_steady",
        resource_type=resource_type,
        condition=condition,
        wait_options=wait_options,
        required_polls=2,
    )


def primary_goal(wait_options: WaitOptions) -> AllMet[TaskSet]:
    """Return the goal that reads show all task sets as PRIMARY."""
    # The response shows PRIMARY before reads do. So every read counts here, however old its timestamps are.
    resource_type = attrs.evolve(TASK_SETS, rank=lambda _: (None, 0))
    condition = by_status(resource_type, met={"PRIMARY"}, unreachable={"DRAINING"})
    return AllMet(name="task_sets_primary", resource_type=resource_type, condition=condition, wait_options=wait_options)


def deleted_goal(wait_options: WaitOptions) -> AllMet[TaskSet]:
    """Return the goal that all task sets are deleted."""
    condition = by_status(TASK_SETS, reason=_counts)
    return AllMet(
        name="task_sets_deleted",
        resource_type=TASK_SETS,
        condition=condition,
        wait_options=wait_options,
        vanished=Met(),
    )


def is_percent(value: object) -> bool:
    """Whether a value is a number from 0 to 100."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 100


def _at(scale: float, condition: Condition[TaskSet]) -> Condition[TaskSet]:
    """Return the condition that a task set meets another condition, at a scale in percent."""

    def at_scale(resource: ResourceState[TaskSet]) -> Evaluation:
        evaluation, task_set = condition(resource), resource.last
        if task_set is None or not isinstance(evaluation, Met):
            return evaluation
        state, current = TASK_SETS.state(task_set), task_set.scale.value if task_set.scale else None
        if current is not None and current != scale:
            return NotYet(f"is {state} at {current:g}%, not at {scale:g}% yet", NOT_VISIBLE_PACE)
        # STEADY_STATE may be left over from before, while the desired count is new.
        desired = task_set.computed_desired_count
        if desired is not None and (task_set.running_count != desired or task_set.pending_count):
            return NotYet(f"is {state} ({_counts(task_set)})", NOT_VISIBLE_PACE)
        return evaluation

    return at_scale


def _describe(scope: str, ids: list[str]) -> Flow[Sequence[TaskSet]]:
    cluster, service = scope.split()
    request = DescribeTaskSetsRequest(cluster=cluster, service=service, task_sets=ids)
    return (yield from polled(request)).task_sets


def _state(task_set: TaskSet) -> str:
    return " ".join(filter(None, [task_set.status, task_set.stability_status]))


def _state_and_scale(task_set: TaskSet) -> str:
    value = task_set.scale.value if task_set.scale else None
    return _state(task_set) if value is None else f"{_state(task_set)} {value:g}%"


def _version(task_set: TaskSet) -> tuple[int | None, int]:
    """Return the later of both timestamps as the version: neither of them ever decreases."""
    times = [at.timestamp() for at in (task_set.updated_at, task_set.stability_status_at) if at is not None]
    return (round(max(times) * 1000), 0) if times else (None, 0)


def _counts(task_set: TaskSet) -> str | None:
    if task_set.computed_desired_count is None:
        return None
    running, pending = task_set.running_count or 0, task_set.pending_count or 0
    return f"{running} of {task_set.computed_desired_count} tasks running, {pending} pending"


IDENTIFIERS = Identifiers(
    noun="task set",
    model=TaskSet,
    name_of=attrgetter("task_set_arn"),
    arn_pattern=rf"task-set/(?P<cluster>{NAME})/(?P<service>{NAME})/(?P<id>(?:ecs-svc/)?{NAME})",
    name_pattern=rf"(?:ecs-svc/)?{NAME}",
    parents=("cluster", "service"),
    responses=dict.fromkeys(
        (CreateTaskSetResponse, UpdateTaskSetResponse, UpdateServicePrimaryTaskSetResponse, DeleteTaskSetResponse),
        attrgetter("task_set"),
    ),
)

TASK_SETS: DescribedType[TaskSet] = DescribedType(
    noun=IDENTIFIERS.noun,
    operation="DescribeTaskSets",
    batch_size=10,
    describe=_describe,
    id_of=lambda task_set: task_set.id,
    aliases=lambda task_set: [task_set.id.rsplit("/", 1)[-1]],
    state=_state,
    rank=_version,
)
