"""Evidence against a deployment: stopped tasks, failed placements, and what a circuit breaker tolerates.

Pure functions of tasks, events and configurations. Where a circuit breaker can end a deployment, its decision is
awaited.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from ecskit._core.reasons import find
from ecskit.models.services import (
    Deployment,
    DeploymentCircuitBreaker,
    DeploymentConfiguration,
    ServiceDeployment,
    ServiceEvent,
)
from ecskit.models.tasks import Task

__all__ = [
    "breaker_can_end",
    "count_by_reason",
    "counts_against",
    "is_in_transition",
    "is_unplaced",
    "placement_failure",
    "rebalanced",
    "replaces_tasks",
    "resets_on_healthy_task",
    "seconds_to_last_stop",
    "share_by_reason",
    "stop_began_at",
    "stop_reason",
    "threshold",
    "was_scaled_in",
]

_NO_FAULT = frozenset({"UserInitiated", "SpotInterruption", "TerminationNotice", "InfrastructureHealth"})
"""Stop codes of tasks that were stopped from outside.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""
_STARTED = re.compile(r"has started (\d+) tasks")
_TRANSITIONS = frozenset({"PROVISIONING", "PENDING", "ACTIVATING", "DEACTIVATING", "STOPPING", "DEPROVISIONING"})

UNPLACED_EVENTS, UNPLACED_FOR = 3, timedelta(minutes=10)
"""The number of failed placements, and their period, after which no capacity is expected. ECS repeats the event at
growing intervals."""
LEAST, MOST, PERCENT = 3, 200, 50
"""Failed tasks that a circuit breaker tolerates by default: half of the desired count within these bounds."""


def was_scaled_in(task: Task) -> bool:
    """Whether a task was stopped because the service no longer needs it, or because a user stopped it."""
    if task.stop_code == "UserInitiated":
        return True
    return task.stop_code == "ServiceSchedulerInitiated" and find(task.stopped_reason, "scaling") is not None


def counts_against(task: Task, rebalanced: Collection[str] = ()) -> bool:
    """Whether the end of a task counts against its deployment.

    It counts if the task failed to start, exited by itself, or failed its health checks. It does not count after
    scaling, a user's stop, Spot and termination notices, the loss of the host, and Availability Zone rebalancing.

    Args:
        task: A task that is stopping or has stopped.
        rebalanced: Ids of tasks that were stopped for Availability Zone rebalancing.
    """
    reason = task.stopped_reason or ""
    if task.stop_code in _NO_FAULT or find(reason, "interruption", "rebalancing"):
        return False
    if task.task_arn.rsplit("/", 1)[-1] in rebalanced:
        return False
    if task.stop_code == "ServiceSchedulerInitiated":
        return find(reason, "health") is not None
    # Without a code and a reason the details are not visible yet.
    return bool(task.stop_code or reason)


def rebalanced(events: Iterable[ServiceEvent]) -> frozenset[str]:
    """Return the ids of the tasks that events name as stopped for Availability Zone rebalancing.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing-event-messages-list.html
    """
    # Events about started tasks name the replacements.
    messages = [event.message or "" for event in events if "stopped" in (event.message or "")]
    return frozenset(id_ for each in messages if find(each, "rebalancing") for id_ in re.findall(r"[0-9a-f]{32}", each))


def stop_began_at(task: Task) -> datetime | None:
    """Return when a task began to stop; None if ECS does not show it."""
    return task.stopping_at or task.execution_stopped_at or task.stopped_at


def is_in_transition(task: Task) -> bool:
    """Whether a task is starting or stopping."""
    return task.last_status in _TRANSITIONS


def is_unplaced(event: ServiceEvent) -> bool:
    """Whether an event reports a task that could not be placed."""
    return find(event.message, "unplaced") is not None


def stop_reason(task: Task) -> str:
    """Return why a task stopped or did not start, as the shortest reason that ECS gives."""
    reason = task.stopped_reason or "ECS gave no reason"
    for container in task.containers:
        if container.reason:
            never_started = task.started_at is None
            return container.reason if never_started or container.reason in reason else f"{reason}: {container.reason}"
    # A task that ECS stops exits by a signal: its exit code is not the reason.
    if task.stop_code in (None, "EssentialContainerExited"):
        exits = [container for container in task.containers if container.exit_code is not None]
        for container in sorted(exits, key=lambda each: each.exit_code == 0):
            return f"container {container.name} exited with {container.exit_code}"
    return reason


def count_by_reason(tasks: Iterable[Task]) -> Sequence[str]:
    """Return why tasks stopped, one text for each reason: "3 tasks failed to start: CannotPullContainerError"."""
    counts: Counter[tuple[bool, str]] = Counter()
    for task in tasks:
        counts[task.stop_code == "TaskFailedToStart" or task.started_at is None, stop_reason(task)] += 1
    return [
        f"{count} task{'' if count == 1 else 's'} {'failed to start' if never_started else 'stopped'}: {why}"
        for (never_started, why), count in counts.most_common()
    ]


def share_by_reason(tasks: Sequence[Task]) -> str:
    """Return why tasks stopped, each reason with its share: "container app exited with 1 (4 of 4)"."""
    reasons = Counter(stop_reason(task) for task in tasks).most_common()
    return ", ".join(f"{why} ({count} of {len(tasks)})" for why, count in reasons)


def seconds_to_last_stop(since: datetime | None, stopped: Iterable[Task]) -> float | None:
    """Return the seconds until the last of some tasks began to stop; None if ECS shows no times."""
    ends = [began for began in map(stop_began_at, stopped) if began is not None]
    return math.ceil((max(ends) - since).total_seconds()) if since is not None and ends else None


def replaces_tasks(events: Iterable[ServiceEvent], desired: int) -> bool:
    """Whether events show more started tasks than desired: then some tasks have stopped."""
    started = [_STARTED.search(event.message or "") for event in events]
    return sum(int(found[1]) for found in started if found) > desired


def placement_failure(deployment: Deployment | None, events: Iterable[ServiceEvent], desired: int) -> str | None:
    """Return the latest event about a failed placement, if these events repeat and no task of the deployment starts.

    Args:
        deployment: The deployment, as the service shows it.
        events: The events of the service since the deployment began, oldest first.
        desired: The desired count.
    """
    if deployment is None or deployment.pending_count or (deployment.running_count or 0) >= desired:
        return None
    failures: list[ServiceEvent] = []
    for event in events:
        if is_unplaced(event):
            failures.append(event)
        elif "has started" in (event.message or ""):
            failures.clear()
    times = [event.created_at for event in failures if event.created_at is not None]
    if len(times) < UNPLACED_EVENTS or max(times) - min(times) < UNPLACED_FOR:
        return None
    return failures[-1].message


def resets_on_healthy_task(breaker: DeploymentCircuitBreaker | None) -> bool:
    """Whether a healthy task resets the number of failures to 0. This is the default."""
    return breaker is None or breaker.reset_on_healthy_task is not False


def threshold(breaker: DeploymentCircuitBreaker | None, desired: int) -> int:
    """Return the number of failed tasks at which a deployment fails, as its circuit breaker is configured.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ThresholdConfiguration.html
    """
    chosen = breaker.threshold_configuration if breaker else None
    if chosen is None:
        return min(MOST, max(LEAST, math.ceil(desired * PERCENT / 100)))
    if chosen.type == "COUNT":
        return max(1, chosen.value)
    share = math.ceil(desired * chosen.value / 100)
    return max(1, share) if chosen.type == "UNBOUNDED_PERCENT" else min(MOST, max(LEAST, share))


def breaker_can_end(
    configuration: DeploymentConfiguration | None, deployment: ServiceDeployment | None, *, is_first: bool
) -> bool:
    """Whether a circuit breaker can end a deployment.

    Circuit breakers work for rolling deployments only. One that rolls back needs an earlier deployment.

    Args:
        configuration: The configuration of the deployment.
        deployment: The service deployment; None while it is not found.
        is_first: Whether reads of the service show no earlier deployment. Ignored if there is a service deployment.
    """
    breaker = configuration.deployment_circuit_breaker if configuration else None
    if configuration is None or breaker is None or not breaker.enable:
        return False
    if configuration.strategy not in (None, "ROLLING"):
        return False
    if deployment is None:
        return not (breaker.rollback and is_first)
    state = deployment.deployment_circuit_breaker
    if state is not None and state.status == "DISABLED":
        return False
    return not (breaker.rollback and not deployment.source_service_revisions)
