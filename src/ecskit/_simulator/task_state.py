"""The state of a task now, for tests that need more than reads show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.task_lifecycle import latest

if TYPE_CHECKING:
    from ecskit._simulator.records.resources import Task


@attrs.frozen(kw_only=True)
class TaskState:
    """The state of one task now. Reads can lag behind it.

    Args:
        arn: Its ARN.
        family: The family of its task definition.
        cluster_arn: The ARN of its cluster.
        last_status: Its status, for example RUNNING.
        desired_status: RUNNING, or STOPPED from the decision to stop on.
        purged: Whether ECS no longer shows it: DescribeTasks reports it as MISSING.
    """

    arn: str
    family: str
    cluster_arn: str
    last_status: str
    desired_status: str
    purged: bool = False


def state_of(task: Task, now: float) -> TaskState:
    """Return the state of a task at a moment."""
    return TaskState(
        arn=task.arn,
        family=task.family,
        cluster_arn=task.cluster_arn,
        last_status=latest(task.steps, now, "lastStatus"),
        desired_status=latest(task.steps, now, "desiredStatus"),
    )
