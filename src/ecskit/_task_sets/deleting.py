"""Deleting task sets, and waiting until they are gone."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import attrs

from ecskit._api.service_errors import TaskSetNotFoundException
from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._core.retrying import Insisting
from ecskit._polling.batches import Asked
from ecskit._polling.conditions import wait_for
from ecskit._polling.options import Patience
from ecskit._task_sets.naming import OneTaskSet, one_task_set
from ecskit._waits.task_sets import deleted
from ecskit.models.services import DeleteTaskSetRequest, TaskSet

__all__ = ["UntilDeleted", "delete"]

UntilDeleted: TypeAlias = Literal["deleted", "told"]
"""How far a deletion is waited for."""


def delete(
    task_set: OneTaskSet,
    *,
    service: str | None = None,
    cluster: str | None = None,
    force: bool = False,
    until: UntilDeleted = "deleted",
    patience: Patience,
) -> Flow[TaskSet | None]:
    """Delete a task set, and wait until its tasks are gone and it with them.

    A deletion whose answer is lost is asked for again; that the task set is gone by then is what was wanted.

    Args:
        task_set: What an operation or a verb returned, or a task set, its id or its ARN.
        service: Name or ARN of its service; needed only with an id.
        cluster: Name or ARN of the cluster; needed only where nothing else tells it.
        force: Delete it although its scale is not 0, or although it is the primary one.
        until: "deleted" waits until it is DRAINING no more but gone; "told" returns when ECS knows that it is to go.
        patience: How long to wait and how often to look.

    Returns:
        The task set as it was last seen; None if nobody has seen it: it was named by id or ARN, the answer was lost,
        and it is gone.

    Raises:
        TaskSetNotFoundException: There is no such task set.
        ServiceError: ECS refuses: no permission, no such service, a scale above 0; or it does not let us look, and then
            `story.handle` is what `resume` goes on from.
        TransportError: ECS could not be reached; it may have done it all the same.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteTaskSet.html
    """
    asked = one_task_set("task_sets.delete", task_set, cluster=cluster, service=service)
    patience.check("task_sets.delete")
    problems: list[tuple[str, str]] = []
    if until not in get_args(UntilDeleted):
        problems.append(("until", f"expected one of {', '.join(get_args(UntilDeleted))}, got {until!r}"))
    if not isinstance(force, bool):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        problems.append(("force", f"expected a bool, got {type(force).__name__}"))
    if problems:
        raise RequestError("task_sets.delete", problems)
    return _delete(asked, patience, force=force, until=until)


def _delete(asked: Asked[TaskSet], patience: Patience, *, force: bool, until: UntilDeleted) -> Flow[TaskSet | None]:
    [(name, place)] = asked.places.items()
    cluster, service = place.scope.split()
    request = DeleteTaskSetRequest(cluster=cluster, service=service, task_set=place.id, force=force or None)
    asking = Insisting(request, alone=True)
    try:
        told = (yield from asking.send()).task_set
    except TaskSetNotFoundException:
        if not asking.open:
            raise
        return asked.seen.get(name)  # it was this that deleted it
    if until == "told":
        return told
    [last] = yield from wait_for(deleted(patience), attrs.evolve(asked, seen={name: told}))
    return last
