"""Scaling task sets, and making one the primary one, until reads show it."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import attrs

from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._core.retrying import Insisting
from ecskit._polling.batches import Asked
from ecskit._polling.conditions import wait_for
from ecskit._polling.options import Patience
from ecskit._task_sets.naming import OneTaskSet, one_task_set
from ecskit._waits.task_sets import is_percent, primary, steady
from ecskit.models.services import Scale, TaskSet, UpdateServicePrimaryTaskSetRequest, UpdateTaskSetRequest

__all__ = ["UntilScaled", "make_primary", "scale"]

UntilScaled: TypeAlias = Literal["steady", "told"]
"""How far scaling is waited for."""


def make_primary(
    task_set: OneTaskSet, *, service: str | None = None, cluster: str | None = None, patience: Patience
) -> Flow[TaskSet]:
    """Make a task set the primary one of its service, and wait until reads show it so.

    Which task set serves production traffic is a matter of your load balancer; ECS only takes note.

    Args:
        task_set: What an operation or a verb returned, or a task set, its id or its ARN.
        service: Name or ARN of its service; needed only with an id.
        cluster: Name or ARN of the cluster; needed only where nothing else tells it.
        patience: How long to wait and how often to look.

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
    asked = one_task_set("task_sets.make_primary", task_set, cluster=cluster, service=service)
    patience.check("task_sets.make_primary")
    return _make_primary(asked, patience)


def _make_primary(asked: Asked[TaskSet], patience: Patience) -> Flow[TaskSet]:
    [(name, place)] = asked.places.items()
    cluster, service = place.scope.split()
    request = UpdateServicePrimaryTaskSetRequest(cluster=cluster, service=service, primary_task_set=place.id)
    told = (yield from Insisting(request).send()).task_set
    [last] = yield from wait_for(primary(patience), attrs.evolve(asked, seen={name: told}))
    return last


def scale(
    task_set: OneTaskSet,
    *,
    percent: float,
    service: str | None = None,
    cluster: str | None = None,
    until: UntilScaled = "steady",
    patience: Patience,
) -> Flow[TaskSet]:
    """Give a task set another share of the tasks of its service, and wait until it is steady at that.

    That it was steady before does not count: neither with the scale of before nor with the tasks of before.

    Args:
        task_set: What an operation or a verb returned, or a task set, its id or its ARN.
        percent: How many of the service's desired tasks it is to have, 0 to 100 percent; ECS rounds up.
        service: Name or ARN of its service; needed only with an id.
        cluster: Name or ARN of the cluster; needed only where nothing else tells it.
        until: "steady" waits until it is in STEADY_STATE at that scale; "told" returns when ECS knows what it is to be.
        patience: How long to wait and how often to look.

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
    asked = one_task_set("task_sets.scale", task_set, cluster=cluster, service=service)
    patience.check("task_sets.scale")
    problems: list[tuple[str, str]] = []
    if not is_percent(percent):
        problems.append(("percent", f"expected percent, 0 to 100, got {percent!r}"))
    if until not in get_args(UntilScaled):
        problems.append(("until", f"expected one of {', '.join(get_args(UntilScaled))}, got {until!r}"))
    if problems:
        raise RequestError("task_sets.scale", problems)
    return _scale(asked, float(percent), until, patience)


def _scale(asked: Asked[TaskSet], percent: float, until: UntilScaled, patience: Patience) -> Flow[TaskSet]:
    [(name, place)] = asked.places.items()
    cluster, service = place.scope.split()
    request = UpdateTaskSetRequest(
        cluster=cluster, service=service, task_set=place.id, scale=Scale(value=percent, unit="PERCENT")
    )
    told = (yield from Insisting(request).send()).task_set
    if until == "told":
        return told
    arguments = {**asked.arguments, "scale": percent}
    [last] = yield from wait_for(steady(patience, percent), attrs.evolve(asked, seen={name: told}, arguments=arguments))
    return last
