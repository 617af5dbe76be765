"""Scale task sets, and make a task set the primary one; wait until reads show it."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import attrs

from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._core.retrying import Retrying
from ecskit._polling.batches import Targets
from ecskit._polling.conditions import wait_for
from ecskit._polling.options import WaitOptions
from ecskit._task_sets.targets import OneTaskSet, one_task_set
from ecskit._waits.task_sets import is_percent, primary_goal, steady_goal
from ecskit.models.services import Scale, TaskSet, UpdateServicePrimaryTaskSetRequest, UpdateTaskSetRequest

__all__ = ["UntilScaled", "make_primary", "scale"]

UntilScaled: TypeAlias = Literal["steady", "requested"]
"""When to return: after the task set is steady, or when ECS has accepted the request."""


def make_primary(
    task_set: OneTaskSet, *, service: str | None = None, cluster: str | None = None, wait_options: WaitOptions
) -> Flow[TaskSet]:
    """Make a task set the primary task set of its service, and wait until reads show it.

    ECS only records which task set is primary. Your load balancer decides which task set serves production traffic.

    Args:
        task_set: The task set, its id or its ARN, or a response that holds it.
        service: Name or ARN of its service; required with an id.
        cluster: Name or ARN of the cluster; optional if `task_set` or `service` includes it.
        wait_options: How long to wait and how often to poll.

    Returns:
        The last observation of the task set.

    Raises:
        TaskSetNotFoundException: The task set does not exist.
        WaitFailed: The task set is DRAINING.
        WaitTimeout: The wait timed out, or made `max_polls` polls.
        ServiceError: ECS refuses a call: no permission, no such service. If polls are refused, `story.handle` resumes
            the wait.
        TransportError: The exchange with ECS failed; the change may have taken effect.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateServicePrimaryTaskSet.html
    """
    targets = one_task_set("task_sets.make_primary", task_set, cluster=cluster, service=service)
    wait_options.check("task_sets.make_primary")
    return _make_primary(targets, wait_options)


def _make_primary(targets: Targets[TaskSet], wait_options: WaitOptions) -> Flow[TaskSet]:
    [(name, target)] = targets.by_name.items()
    cluster, service = target.scope.split()
    request = UpdateServicePrimaryTaskSetRequest(cluster=cluster, service=service, primary_task_set=target.id)
    updated = (yield from Retrying(request).send()).task_set
    [last] = yield from wait_for(primary_goal(wait_options), attrs.evolve(targets, observed={name: updated}))
    return last


def scale(
    task_set: OneTaskSet,
    *,
    percent: float,
    service: str | None = None,
    cluster: str | None = None,
    until: UntilScaled = "steady",
    wait_options: WaitOptions,
) -> Flow[TaskSet]:
    """Change the scale of a task set, and wait until it is steady at the new scale.

    STEADY_STATE counts only with the new scale and the task count that follows from it.

    Args:
        task_set: The task set, its id or its ARN, or a response that holds it.
        percent: The scale: percent of the desired count of the service, 0 to 100. ECS rounds the task count up.
        service: Name or ARN of its service; required with an id.
        cluster: Name or ARN of the cluster; optional if `task_set` or `service` includes it.
        until: "steady" waits for STEADY_STATE at the new scale; "requested" returns when ECS has accepted the request.
        wait_options: How long to wait and how often to poll.

    Returns:
        The last observation of the task set.

    Raises:
        TaskSetNotFoundException: The task set does not exist.
        WaitFailed: The task set is DRAINING.
        Vanished: ECS stopped showing the task set.
        WaitTimeout: The wait timed out, or made `max_polls` polls.
        ServiceError: ECS refuses a call: no permission, no such service. If polls are refused, `story.handle` resumes
            the wait.
        TransportError: The exchange with ECS failed; the change may have taken effect.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateTaskSet.html
    """
    targets = one_task_set("task_sets.scale", task_set, cluster=cluster, service=service)
    wait_options.check("task_sets.scale")
    problems: list[tuple[str, str]] = []
    if not is_percent(percent):
        problems.append(("percent", f"expected percent, 0 to 100, got {percent!r}"))
    if until not in get_args(UntilScaled):
        problems.append(("until", f"expected one of {', '.join(get_args(UntilScaled))}, got {until!r}"))
    if problems:
        raise RequestError("task_sets.scale", problems)
    return _scale(targets, float(percent), until, wait_options)


def _scale(targets: Targets[TaskSet], percent: float, until: UntilScaled, wait_options: WaitOptions) -> Flow[TaskSet]:
    [(name, target)] = targets.by_name.items()
    cluster, service = target.scope.split()
    request = UpdateTaskSetRequest(
        cluster=cluster, service=service, task_set=target.id, scale=Scale(value=percent, unit="PERCENT")
    )
    updated = (yield from Retrying(request).send()).task_set
    if until == "requested":
        return updated
    arguments = {**targets.arguments, "scale": percent}
    [last] = yield from wait_for(
        steady_goal(wait_options, percent), attrs.evolve(targets, observed={name: updated}, arguments=arguments)
    )
    return last
