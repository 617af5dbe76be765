"""Deleting task sets, and waiting until they are gone."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import attrs

from ecskit._api.service_errors import TaskSetNotFoundException
from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._core.retrying import Retrying
from ecskit._polling.batches import Targets
from ecskit._polling.conditions import wait_for
from ecskit._polling.options import WaitOptions
from ecskit._task_sets.naming import OneTaskSet, one_task_set
from ecskit._waits.task_sets import deleted_goal
from ecskit.models.services import DeleteTaskSetRequest, TaskSet

__all__ = ["UntilDeleted", "delete"]

UntilDeleted: TypeAlias = Literal["deleted", "requested"]
"""How far a deletion is waited for."""


def delete(
    task_set: OneTaskSet,
    *,
    service: str | None = None,
    cluster: str | None = None,
    force: bool = False,
    until: UntilDeleted = "deleted",
    wait_options: WaitOptions,
) -> Flow[TaskSet | None]:
    """Delete a task set, and wait until its tasks are gone and it with them.

    A deletion whose answer is lost is asked for again; that the task set is gone by then is what was wanted.

    Args:
        task_set: What an operation or a verb returned, or a task set, its id or its ARN.
        service: Name or ARN of its service; needed only with an id.
        cluster: Name or ARN of the cluster; needed only where nothing else tells it.
        force: Delete it although its scale is not 0, or although it is the primary one.
        until: "deleted" waits until it is DRAINING no more but gone; "requested" returns when ECS has accepted it.
        wait_options: How long to wait and how often to look.

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
    targets = one_task_set("task_sets.delete", task_set, cluster=cluster, service=service)
    wait_options.check("task_sets.delete")
    problems: list[tuple[str, str]] = []
    if until not in get_args(UntilDeleted):
        problems.append(("until", f"expected one of {', '.join(get_args(UntilDeleted))}, got {until!r}"))
    if not isinstance(force, bool):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        problems.append(("force", f"expected a bool, got {type(force).__name__}"))
    if problems:
        raise RequestError("task_sets.delete", problems)
    return _delete(targets, wait_options, force=force, until=until)


def _delete(
    targets: Targets[TaskSet], wait_options: WaitOptions, *, force: bool, until: UntilDeleted
) -> Flow[TaskSet | None]:
    [(name, target)] = targets.by_name.items()
    cluster, service = target.scope.split()
    request = DeleteTaskSetRequest(cluster=cluster, service=service, task_set=target.id, force=force or None)
    asking = Retrying(request, single_attempt=True)
    try:
        told = (yield from asking.send()).task_set
    except TaskSetNotFoundException:
        if not asking.may_have_taken_effect:
            raise
        return targets.observed.get(name)  # it was this that deleted it
    if until == "requested":
        return told
    [last] = yield from wait_for(deleted_goal(wait_options), attrs.evolve(targets, observed={name: told}))
    return last
