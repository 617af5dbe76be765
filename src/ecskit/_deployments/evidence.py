"""Evidence against a deployment: thresholds, circuit breakers, failed placements, and stops after the success.

Where a circuit breaker can end a deployment, its decision is awaited.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import timedelta

from ecskit._deployments.failures import counts_against, is_unplaced, rebalanced, stop_began_at
from ecskit._deployments.progress import DeploymentProgress
from ecskit.models.services import DeploymentCircuitBreaker, DeploymentConfiguration, ServiceEvent
from ecskit.models.tasks import Task

__all__ = [
    "breaker_can_end",
    "placement_failure",
    "replaces_tasks",
    "resets_on_healthy_task",
    "seconds_to_last_stop",
    "stopped_after_success",
    "threshold",
]

_STARTED = re.compile(r"has started (\d+) tasks")

UNPLACED_EVENTS, UNPLACED_FOR = 3, timedelta(minutes=10)
"""How many placement failures, over how long, mean that no capacity comes. ECS repeats the event ever more rarely."""
LEAST, MOST, PERCENT = 3, 200, 50
"""Failed tasks that a circuit breaker tolerates by default: half of the desired count within these bounds."""


def _configuration(progress: DeploymentProgress) -> DeploymentConfiguration | None:
    deployment, service = progress.service_deployment, progress.service
    return (deployment and deployment.deployment_configuration) or (
        service.deployment_configuration if service else None
    )


def _breaker(progress: DeploymentProgress) -> DeploymentCircuitBreaker | None:
    configuration = _configuration(progress)
    return configuration.deployment_circuit_breaker if configuration else None


def resets_on_healthy_task(progress: DeploymentProgress) -> bool:
    """Whether a healthy task resets the number of failures to 0. This is the default."""
    breaker = _breaker(progress)
    return breaker is None or breaker.reset_on_healthy_task is not False


def threshold(progress: DeploymentProgress) -> int:
    """Return the number of failed tasks at which a deployment fails, as its circuit breaker is configured.

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


def breaker_can_end(progress: DeploymentProgress) -> bool:
    """Whether a circuit breaker can end the deployment.

    Circuit breakers work for rolling deployments only. One that rolls back needs an earlier deployment.
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
    state = deployment.deployment_circuit_breaker
    if state is not None and state.status == "DISABLED":
        return False
    return not (breaker.rollback and not deployment.source_service_revisions)


def replaces_tasks(progress: DeploymentProgress) -> bool:
    """Whether events show more started tasks than desired: then some tasks have stopped."""
    started = [_STARTED.search(event.message or "") for event in progress.events]
    return sum(int(found[1]) for found in started if found) > progress.desired


def placement_failure(progress: DeploymentProgress) -> str | None:
    """Return the latest event about a failed placement, if these events repeat and no task of the deployment starts."""
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


def stopped_after_success(progress: DeploymentProgress) -> list[Task]:
    """Return the tasks that count against the deployment and began to stop after its success, by the times of ECS.

    If the first poll of a wait already showed the success, tasks that had stopped by then are left out.
    """
    succeeded, moved = progress.succeeded_at, rebalanced(progress.events)
    before = progress.observed_stability.before if progress.observed_stability else frozenset[str]()
    ends = [(task, stop_began_at(task)) for task in progress.stopped_tasks if task.task_arn not in before]
    later = [task for task, began in ends if succeeded is None or began is None or began > succeeded]
    return [task for task in later if counts_against(task, moved)]


def seconds_to_last_stop(progress: DeploymentProgress, stopped: Sequence[Task]) -> float | None:
    """Return the seconds from the success until the last of these tasks began to stop; None if ECS shows no times."""
    ends = [began for began in map(stop_began_at, stopped) if began is not None]
    if progress.succeeded_at is None or not ends:
        return None
    return math.ceil((max(ends) - progress.succeeded_at).total_seconds())
