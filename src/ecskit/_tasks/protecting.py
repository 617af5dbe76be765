"""Protecting tasks of services from being stopped by scaling and deployments."""

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

AT_ONCE = 10
"""Tasks that one UpdateTaskProtection takes."""
LONGEST = 2880
"""Minutes that a protection lasts at the most."""


def protect(
    tasks: Tasks, *, cluster: str | None = None, protected: bool = True, expires_in_minutes: int | None = None
) -> Flow[list[ProtectedTask]]:
    """Protect any number of tasks from being stopped when their service scales in or is deployed, or end that.

    Args:
        tasks: What `tasks.run`, `run_task` or `start_task` returned, or one or more tasks, ids or ARNs; each of a
            service.
        cluster: Name or ARN of their cluster; needed only where neither ARNs nor tasks tell it.
        protected: Whether they are to be protected from now on.
        expires_in_minutes: Minutes after which the protection ends by itself, 1 to 2880; ECS uses 120 where it is
            absent.

    Returns:
        The tasks with their protection, as ECS shows it.

    Raises:
        FailuresError: Some were not changed; `response` has those that were.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refuses one of the calls, each of which is for ten tasks; the others were made.
        TransportError: The same for a call that does not reach ECS.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateTaskProtection.html
    """
    targets = targets_of("tasks.protect", tasks, cluster)
    if expires_in_minutes is not None:
        if not is_count(expires_in_minutes) or expires_in_minutes > LONGEST:
            problem = f"expected a whole number, 1 to {LONGEST}, got {expires_in_minutes!r}"
            raise RequestError("tasks.protect", [("expires_in_minutes", problem)])
        if not protected:
            raise RequestError(
                "tasks.protect", [("expires_in_minutes", "means nothing when protection ends; leave it out")]
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
                tasks=ids[start : start + AT_ONCE],
                protection_enabled=protected,
                expires_in_minutes=minutes,
            ),
        )
        for cluster, ids in clusters.items()
        for start in range(0, len(ids), AT_ONCE)
    ]
    replies: Reply[list[Reply[UpdateTaskProtectionResponse]]] = yield Parallel(flows)
    answers = [reply.value for reply in replies.get() if reply.value is not None]
    changed = [task for answer in answers for task in answer.protected_tasks]
    failures: list[Failure] = [failure for answer in answers for failure in answer.failures]
    for reply in replies.get():
        reply.get()
    if failures:
        response = UpdateTaskProtectionResponse(protected_tasks=changed, failures=failures)
        raise FailuresError("UpdateTaskProtection", failures, response)
    return changed
