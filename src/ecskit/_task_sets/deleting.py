"""Delete task sets, and wait until they are gone."""

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
from ecskit._task_sets.targets import OneTaskSet, one_task_set
from ecskit._waits.task_sets import deleted_goal
from ecskit.models.services import DeleteTaskSetRequest, TaskSet

__all__ = ["UntilDeleted", "delete"]

UntilDeleted: TypeAlias = Literal["deleted", "requested"]
"""When to return: after the task set is gone, or when ECS has accepted the request."""


def delete(
    task_set: OneTaskSet,
    *,
    service: str | None = None,
    cluster: str | None = None,
    force: bool = False,
    until: UntilDeleted = "deleted",
    wait_options: WaitOptions,
) -> Flow[TaskSet | None]:
    """Delete a task set, and wait until it and its tasks are gone.

    A request without a response is repeated. If ECS then finds no task set, the deletion succeeded.

    Args:
        task_set: The task set, its id or its ARN, or a response that holds it.
        service: Name or ARN of its service; required with an id.
        cluster: Name or ARN of the cluster; optional if `task_set` or `service` includes it.
        force: Delete the task set although its scale is above 0, or it is the primary one.
        until: "deleted" waits until ECS no longer shows the task set; "requested" returns when ECS has accepted the
            request.
        wait_options: How long to wait and how often to poll.

    Returns:
        The last observation of the task set. None if there is none: an id or ARN was passed, the response was lost, and
        the task set is gone.

    Raises:
        TaskSetNotFoundException: The task set does not exist.
        WaitTimeout: The wait timed out, or made `max_polls` polls.
        ServiceError: ECS refuses a call: no permission, no such service, a scale above 0. If polls are refused,
            `story.handle` resumes the wait.
        TransportError: The exchange with ECS failed; the task set may have been deleted.

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
    retrying = Retrying(request, single_attempt=True)
    try:
        deleted = (yield from retrying.send()).task_set
    except TaskSetNotFoundException:
        if not retrying.may_have_taken_effect:
            raise
        return targets.observed.get(name)  # the lost attempt has deleted it
    if until == "requested":
        return deleted
    [last] = yield from wait_for(deleted_goal(wait_options), attrs.evolve(targets, observed={name: deleted}))
    return last
