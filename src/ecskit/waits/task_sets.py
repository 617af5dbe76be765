"""The wait for task sets to be steady: those of services whose deployments somebody else controls.

Source of what the statuses mean: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskSet.html
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TypeAlias

from ecskit._core.call import call
from ecskit._core.effects import Flow
from ecskit._generated.operations import OPERATIONS
from ecskit.models.services import (
    CreateTaskSetResponse,
    DescribeTaskSetsRequest,
    TaskSet,
    UpdateServicePrimaryTaskSetResponse,
    UpdateTaskSetResponse,
)
from ecskit.waits.asking import NAME, Naming, asked_for
from ecskit.waits.goals import All, wait_for
from ecskit.waits.looking import Kind
from ecskit.waits.patience import Patience
from ecskit.waits.statuses import by_status

__all__ = ["task_sets_steady"]

TaskSetAnswer: TypeAlias = CreateTaskSetResponse | UpdateTaskSetResponse | UpdateServicePrimaryTaskSetResponse
TaskSets: TypeAlias = TaskSetAnswer | TaskSet | str | Sequence[TaskSetAnswer | TaskSet | str]
"""What is said about task sets: what operations answered, or one or more task sets, ids or ARNs."""


def task_sets_steady(
    task_sets: TaskSets, *, cluster: str | None = None, service: str | None = None, patience: Patience
) -> Flow[list[TaskSet]]:
    """Wait until all task sets are in STEADY_STATE, twice in a row.

    Args:
        task_sets: What `create_task_set` or `update_task_set` returned, or one or more task sets, ids or ARNs.
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
    aim = by_status(TASK_SETS, ready={"STEADY_STATE"}, never={"DRAINING"}, reason=_counts)
    goal = All(name="task_sets_steady", kind=TASK_SETS, aim=aim, patience=patience, reads=2)
    return wait_for(goal, asked_for(goal.name, NAMING, task_sets, cluster=cluster, service=service))


def _describe(scope: str, ids: list[str]) -> Flow[Sequence[TaskSet]]:
    cluster, service = scope.split()
    request = DescribeTaskSetsRequest(cluster=cluster, service=service, task_sets=ids)
    return (yield from call(OPERATIONS["DescribeTaskSets"], request, poll=True)).task_sets


def _state(task_set: TaskSet) -> str:
    return " ".join(filter(None, [task_set.status, task_set.stability_status]))


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
        (CreateTaskSetResponse, UpdateTaskSetResponse, UpdateServicePrimaryTaskSetResponse), attrgetter("task_set")
    ),
)

TASK_SETS: Kind[TaskSet] = Kind(
    noun=NAMING.noun,
    at_once=10,
    describe=_describe,
    id_of=lambda task_set: task_set.id,
    aliases=lambda task_set: [task_set.id.rsplit("/", 1)[-1]],
    state=_state,
)
