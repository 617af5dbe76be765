"""Protect tasks of services from scale-in and deployments, ten per call, at the pace that ECS allows."""

from __future__ import annotations

from collections.abc import Mapping

from ecskit._core.effects import Flow
from ecskit._core.errors import EcsError, FailuresError, MalformedResponseError, RequestError
from ecskit._core.retrying import Retrying
from ecskit._polling.batches import Target, names_only
from ecskit._polling.bulk import (
    BULK_LIMITS,
    AsyncOnProgress,
    Call,
    check_on_progress,
    may_pass,
    perform,
)
from ecskit._polling.options import is_count
from ecskit._tasks.errors import TasksNotProtected
from ecskit._waits.task_identifiers import Tasks, targets_of
from ecskit.models.tasks import ProtectedTask, UpdateTaskProtectionRequest

__all__ = ["protect"]

TASKS_PER_CALL = 10
"""How many tasks one UpdateTaskProtection takes."""
LONGEST_INTERVAL = 2880
"""The longest protection, in minutes."""


def protect(
    tasks: Tasks,
    *,
    cluster: str | None = None,
    protected: bool = True,
    expires_in_minutes: int | None = None,
    on_progress: AsyncOnProgress | None = None,
) -> Flow[list[ProtectedTask]]:
    """Protect any number of tasks of services from scale-in and deployments, or end their protection.

    Throttled calls and lost responses are repeated. The call can be repeated after a cancellation.

    Args:
        tasks: One or more tasks, ids or ARNs, or a response that holds tasks. All are tasks of services.
        cluster: Name or ARN of their cluster; optional if ARNs or tasks include it.
        protected: True to protect the tasks, False to end their protection.
        expires_in_minutes: Minutes until the protection ends, 1 to 2880; ECS uses 120 if absent.
        on_progress: Called after the end of each with the `BulkProgress` so far. With an async client it may be a
            coroutine function. An exception that it raises ends the call; its cause is a `BulkError` with the results.

    Returns:
        The tasks with their protection, as the responses show it, in the order given, each once.

    Raises:
        TasksNotProtected: Some tasks were not changed; `errors` has the reasons, `results` the others.
        RequestError: An argument is wrong; nothing was sent.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateTaskProtection.html
    """
    targets = targets_of("tasks.protect", tasks, cluster)
    check_on_progress("tasks.protect", on_progress)
    if expires_in_minutes is not None:
        if not is_count(expires_in_minutes) or expires_in_minutes > LONGEST_INTERVAL:
            problem = f"expected a whole number, 1 to {LONGEST_INTERVAL}, got {expires_in_minutes!r}"
            raise RequestError("tasks.protect", [("expires_in_minutes", problem)])
        if not protected:
            raise RequestError(
                "tasks.protect", [("expires_in_minutes", "applies only to protected=True; leave it out")]
            )
    return _protect(targets.by_name, on_progress, protected=protected, minutes=expires_in_minutes)


def _protect(
    by_name: Mapping[str, Target], on_progress: AsyncOnProgress | None, *, protected: bool, minutes: int | None
) -> Flow[list[ProtectedTask]]:
    clusters: dict[str, list[str]] = {}
    for name, target in by_name.items():
        clusters.setdefault(names_only(target.scope), []).append(name)
    calls: list[Call[ProtectedTask]] = []
    for names in clusters.values():
        for start in range(0, len(names), TASKS_PER_CALL):
            some = names[start : start + TASKS_PER_CALL]
            request = UpdateTaskProtectionRequest(
                cluster=by_name[some[0]].scope,
                tasks=[by_name[name].id for name in some],
                protection_enabled=protected,
                expires_in_minutes=minutes,
            )
            calls.append(Call(some, _protect_some({name: by_name[name].id for name in some}, request)))
    return perform("tasks.protect", calls, list(by_name), TasksNotProtected, on_progress)


def _protect_some(
    ids: Mapping[str, str], request: UpdateTaskProtectionRequest
) -> Flow[Mapping[str, ProtectedTask | EcsError]]:
    response = yield from Retrying(request, single_attempt=True).send(BULK_LIMITS, may_pass=may_pass)
    ends: dict[str, ProtectedTask | EcsError] = {
        _id(failure.arn): FailuresError("UpdateTaskProtection", [failure]) for failure in response.failures
    }
    ends |= {_id(task.task_arn): task for task in response.protected_tasks}
    left_out = MalformedResponseError("UpdateTaskProtection", "the response does not name the task")
    return {name: ends.get(id_, left_out) for name, id_ in ids.items()}


def _id(arn: str | None) -> str:
    return (arn or "").rpartition("/")[2]
