"""Scaling task sets, and making one the primary one, until reads show it."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import attrs

from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._core.retrying import Retrying
from ecskit._polling.batches import Targets
from ecskit._polling.conditions import wait_for
from ecskit._polling.options import WaitOptions
from ecskit._task_sets.naming import OneTaskSet, one_task_set
from ecskit._waits.task_sets import is_percent, primary_goal, steady_goal
from ecskit.models.services import Scale, TaskSet, UpdateServicePrimaryTaskSetRequest, UpdateTaskSetRequest

__all__ = ["UntilScaled", "make_primary", "scale"]

UntilScaled: TypeAlias = Literal["steady", "requested"]
"""How far scaling is waited for."""


def make_primary(
    task_set: OneTaskSet, *, service: str | None = None, cluster: str | None = None, wait_options: WaitOptions
) -> Flow[TaskSet]:
    """Make a task set the primary one of its service, and wait until reads show it so.

    Which task set serves production traffic is a matter of your load balancer; ECS only takes note.

    Args:
        task_set: What an operation or a verb returned, or a task set, its id or its ARN.
        service: Name or ARN of its service; needed only with an id.
        cluster: Name or ARN of the cluster; needed only where nothing else tells it.
        wait_options: How long to wait and how often to look.

    Returns:
        The task set as it was last seen.

    Raises:
        TaskSetNotFoundException: There is no such task set.
        WaitFailed: The task set is DRAINING.
        ServiceError: ECS refuses: no permission, no such service; or it does not let us look, and then `story.handle`
            is what `resume` goes on from.
        TransportError: ECS could not be reached; it may have done it all the same.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateServicePrimaryTaskSet.html
    """
    targets = one_task_set("task_sets.make_primary", task_set, cluster=cluster, service=service)
    wait_options.check("task_sets.make_primary")
    return _make_primary(targets, wait_options)


def _make_primary(targets: Targets[TaskSet], wait_options: WaitOptions) -> Flow[TaskSet]:
    [(name, target)] = targets.by_name.items()
    cluster, service = target.scope.split()
    request = UpdateServicePrimaryTaskSetRequest(cluster=cluster, service=service, primary_task_set=target.id)
    told = (yield from Retrying(request).send()).task_set
    [last] = yield from wait_for(primary_goal(wait_options), attrs.evolve(targets, observed={name: told}))
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
    """Give a task set another share of the tasks of its service, and wait until it is steady at that.

    That it was steady before does not count: neither with the scale of before nor with the tasks of before.

    Args:
        task_set: What an operation or a verb returned, or a task set, its id or its ARN.
        percent: How many of the service's desired tasks it is to have, 0 to 100 percent; ECS rounds up.
        service: Name or ARN of its service; needed only with an id.
        cluster: Name or ARN of the cluster; needed only where nothing else tells it.
        until: "steady" waits until it is in STEADY_STATE at that scale; "requested" returns when ECS has accepted it.
        wait_options: How long to wait and how often to look.

    Returns:
        The task set as it was last seen.

    Raises:
        TaskSetNotFoundException: There is no such task set.
        WaitFailed: The task set is DRAINING.
        Vanished: The task set was seen and then no more.
        ServiceError: ECS refuses: no permission, no such service; or it does not let us look, and then `story.handle`
            is what `resume` goes on from.
        TransportError: ECS could not be reached; it may have done it all the same.

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
    told = (yield from Retrying(request).send()).task_set
    if until == "requested":
        return told
    arguments = {**targets.arguments, "scale": percent}
    [last] = yield from wait_for(
        steady_goal(wait_options, percent), attrs.evolve(targets, observed={name: told}, arguments=arguments)
    )
    return last
