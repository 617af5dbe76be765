"""What counts against a deployment: stopped tasks, placements that fail, and how many of them are too many.

Pure functions of what was observed. Where a circuit breaker can end the deployment, `is_watched` is true, and its
verdict is awaited.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ecskit.models.services import DeploymentCircuitBreaker, DeploymentConfiguration, ServiceEvent
from ecskit.models.tasks import Task

if TYPE_CHECKING:
    from ecskit._deployments.progress import DeploymentProgress

__all__ = [
    "began_to_stop",
    "counts_against",
    "is_in_transition",
    "is_unplaced",
    "is_watched",
    "placement_failure",
    "rebalanced",
    "replaces_tasks",
    "resets_on_healthy_task",
    "threshold",
    "was_scaled_in",
]

_SCALED_IN = re.compile(r"scaling activity|task set", re.IGNORECASE)
_HEALTH = re.compile(r"health", re.IGNORECASE)
_REBALANCED = re.compile(r"\bAZ rebalanc|Availability Zone rebalanc", re.IGNORECASE)
"""Documented for service events; the `stoppedReason` of such a task is not documented."""
_HOST_LOST = re.compile(r"host ec2 .*(terminated|stopped)", re.IGNORECASE)
_NO_FAULT = frozenset({"UserInitiated", "SpotInterruption", "TerminationNotice", "InfrastructureHealth"})
"""Stop codes of tasks that were ended from outside.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""
_UNPLACED = re.compile(r"unable to place a task", re.IGNORECASE)
_STARTED = re.compile(r"has started (\d+) tasks")
_TRANSITIONS = frozenset({"PROVISIONING", "PENDING", "ACTIVATING", "DEACTIVATING", "STOPPING", "DEPROVISIONING"})

UNPLACED_EVENTS, UNPLACED_FOR = 3, timedelta(minutes=10)
"""How many placement failures, over how long, mean that no capacity comes: ECS repeats the event ever more rarely."""
LEAST, MOST, PERCENT = 3, 200, 50
"""Failed tasks that a circuit breaker tolerates unless configured: half of the desired count within these bounds."""


def was_scaled_in(task: Task) -> bool:
    """Whether a task was stopped because the service does not need it any more, or because a user stopped it."""
    if task.stop_code == "UserInitiated":
        return True
    return task.stop_code == "ServiceSchedulerInitiated" and bool(_SCALED_IN.search(task.stopped_reason or ""))


def counts_against(task: Task, rebalanced: Collection[str] = ()) -> bool:
    """Whether the end of a task counts against its deployment.

    It does if the task failed to start, exited by itself, or failed its health checks. It does not after scaling, a
    user's stop, Spot and termination notices, the loss of the host, and Availability Zone rebalancing.

    Args:
        task: A task that stops or has stopped.
        rebalanced: Ids of tasks that were stopped for Availability Zone rebalancing.
    """
    reason = task.stopped_reason or ""
    if task.stop_code in _NO_FAULT or _HOST_LOST.search(reason) or _REBALANCED.search(reason):
        return False
    if task.task_arn.rsplit("/", 1)[-1] in rebalanced:
        return False
    if task.stop_code == "ServiceSchedulerInitiated":
        return bool(_HEALTH.search(reason))
    # Without a code and a reason the details are not visible yet.
    return bool(task.stop_code or reason)


def rebalanced(events: Iterable[ServiceEvent]) -> frozenset[str]:
    """Return the ids of the tasks that events name as stopped for Availability Zone rebalancing.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing-event-messages-list.html
    """
    # The replacements are named as well, in events about tasks that were started.
    messages = [event.message or "" for event in events if "stopped" in (event.message or "")]
    return frozenset(id_ for each in messages if _REBALANCED.search(each) for id_ in re.findall(r"[0-9a-f]{32}", each))


def began_to_stop(task: Task) -> datetime | None:
    """Return when the end of a task began, as far as ECS shows it."""
    return task.stopping_at or task.execution_stopped_at or task.stopped_at


def is_in_transition(task: Task) -> bool:
    """Whether a task starts or stops: its service moves."""
    return task.last_status in _TRANSITIONS


def _configuration(progress: DeploymentProgress) -> DeploymentConfiguration | None:
    deployment, service = progress.service_deployment, progress.service
    return (deployment and deployment.deployment_configuration) or (
        service.deployment_configuration if service else None
    )


def _breaker(progress: DeploymentProgress) -> DeploymentCircuitBreaker | None:
    configuration = _configuration(progress)
    return configuration.deployment_circuit_breaker if configuration else None


def resets_on_healthy_task(progress: DeploymentProgress) -> bool:
    """Whether a healthy task sets the number of failures back to 0, which is the default."""
    breaker = _breaker(progress)
    return breaker is None or breaker.reset_on_healthy_task is not False


def threshold(progress: DeploymentProgress) -> int:
    """Return how many failed tasks are too many: what the circuit breaker is configured to tolerate.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ThresholdConfiguration.html
    """
    breaker = _breaker(progress)
    chosen = breaker.threshold_configuration if breaker else None
    if chosen is None:
        return min(MOST, max(LEAST, math.ceil(progress.desired * PERCENT / 100)))
    if chosen.type == "COUNT":
        return max(1, chosen.value)
    share = math.ceil(progress.desired * chosen.value / 100)
    return max(1, share) if chosen.type == "UNBOUNDED_PERCENT" else min(MOST, max(LEAST, share))


def is_watched(progress: DeploymentProgress) -> bool:
    """Whether a circuit breaker can end the deployment.

    It works for rolling deployments only. One that rolls back needs an earlier deployment to go back to.
    """
    deployment, configuration = progress.service_deployment, _configuration(progress)
    breaker = _breaker(progress)
    if configuration is None or breaker is None or not breaker.enable:
        return False
    if configuration.strategy not in (None, "ROLLING"):
        return False
    if deployment is None:
        first = progress.started.previous_id is None and not progress.others
        return not (breaker.rollback and first)
    watcher = deployment.deployment_circuit_breaker
    if watcher is not None and watcher.status == "DISABLED":
        return False
    return not (breaker.rollback and not deployment.source_service_revisions)


def replaces_tasks(progress: DeploymentProgress) -> bool:
    """Whether events show that more tasks were started than are desired: some have stopped, if only for a moment."""
    started = [_STARTED.search(event.message or "") for event in progress.events]
    return sum(int(found[1]) for found in started if found) > progress.desired


def is_unplaced(event: ServiceEvent) -> bool:
    """Whether an event is about a task that found no room."""
    return bool(_UNPLACED.search(event.message or ""))


def placement_failure(progress: DeploymentProgress) -> str | None:
    """Return the latest event about a failed placement, if such events repeat and nothing of the deployment starts."""
    deployment = progress.deployment
    if deployment is None or deployment.pending_count or (deployment.running_count or 0) >= progress.desired:
        return None
    failures: list[ServiceEvent] = []
    for event in progress.events:  # oldest first
        if is_unplaced(event):
            failures.append(event)
        elif "has started" in (event.message or ""):
            failures.clear()
    times = [event.created_at for event in failures if event.created_at is not None]
    if len(times) < UNPLACED_EVENTS or max(times) - min(times) < UNPLACED_FOR:
        return None
    return failures[-1].message
