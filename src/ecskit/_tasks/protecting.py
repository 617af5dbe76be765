"""Protect tasks of services from scale-in and deployments."""

from __future__ import annotations

from collections.abc import Mapping

from ecskit._core.call import call
from ecskit._core.effects import Flow, Parallel, Reply
from ecskit._core.errors import FailuresError, RequestError
from ecskit._polling.batches import Target
from ecskit._polling.options import is_count
from ecskit._waits.task_identifiers import Tasks, targets_of
from ecskit.models.common import Failure
from ecskit.models.tasks import ProtectedTask, UpdateTaskProtectionRequest, UpdateTaskProtectionResponse

__all__ = ["protect"]

TASKS_PER_CALL = 10
"""How many tasks one UpdateTaskProtection takes."""
LONGEST_INTERVAL = 2880
"""The longest protection, in minutes."""


def protect(
    tasks: Tasks, *, cluster: str | None = None, protected: bool = True, expires_in_minutes: int | None = None
) -> Flow[list[ProtectedTask]]:
    """Protect any number of tasks of services from scale-in and deployments, or end their protection.

    Args:
        tasks: One or more tasks, ids or ARNs, or a response that holds tasks. All are tasks of services.
        cluster: Name or ARN of their cluster; optional if ARNs or tasks include it.
        protected: True to protect the tasks, False to end their protection.
        expires_in_minutes: Minutes until the protection ends, 1 to 2880; ECS uses 120 if absent.

    Returns:
        The tasks with their protection, as the responses show it.

    Raises:
        FailuresError: Some tasks were not changed; `response` has the others.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refused a call, which is for up to ten tasks; the other calls were made.
        TransportError: The exchange with ECS failed for a call; the other calls were made.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateTaskProtection.html
    """
    targets = targets_of("tasks.protect", tasks, cluster)
    if expires_in_minutes is not None:
        if not is_count(expires_in_minutes) or expires_in_minutes > LONGEST_INTERVAL:
            problem = f"expected a whole number, 1 to {LONGEST_INTERVAL}, got {expires_in_minutes!r}"
            raise RequestError("tasks.protect", [("expires_in_minutes", problem)])
        if not protected:
            raise RequestError(
                "tasks.protect", [("expires_in_minutes", "applies only to protected=True; leave it out")]
            )
    return _protect(targets.by_name, protected=protected, minutes=expires_in_minutes)


def _protect(by_name: Mapping[str, Target], *, protected: bool, minutes: int | None) -> Flow[list[ProtectedTask]]:
    clusters: dict[str, list[str]] = {}
    for target in by_name.values():
        clusters.setdefault(target.scope, []).append(target.id)
    flows = [
        call(
            UpdateTaskProtectionRequest(
                cluster=cluster,
                tasks=ids[start : start + TASKS_PER_CALL],
                protection_enabled=protected,
                expires_in_minutes=minutes,
            ),
        )
        for cluster, ids in clusters.items()
        for start in range(0, len(ids), TASKS_PER_CALL)
    ]
    replies: Reply[list[Reply[UpdateTaskProtectionResponse]]] = yield Parallel(flows)
    responses = [reply.value for reply in replies.get() if reply.value is not None]
    changed = [task for response in responses for task in response.protected_tasks]
    failures: list[Failure] = [failure for response in responses for failure in response.failures]
    for reply in replies.get():
        reply.get()
    if failures:
        response = UpdateTaskProtectionResponse(protected_tasks=changed, failures=failures)
        raise FailuresError("UpdateTaskProtection", failures, response)
    return changed
