"""How what is read of a deployment changes what is known of it.

Reads come from several operations, may lag, and may contradict each other. Decides which of them are old, what each
one adds, and what has to be shown twice before it counts. Asks ECS nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from ecskit._deployments.evidence import counts_against, rebalanced, resets_on_healthy_task, was_scaled_in
from ecskit._deployments.progress import OVER, RANKS, STAGES, DeploymentProgress
from ecskit._deployments.reference import id_of_revision, is_named, primary_of
from ecskit._waits.stability import controller_of, unsteady_task_sets
from ecskit.models.services import Service, ServiceDeployment
from ecskit.models.tasks import Task

__all__ = ["after_deployment", "after_service", "moved", "with_stopped"]

STALE_AT_MOST = 60.0
"""Seconds for which reads are taken to be stale that show less than is known already."""
_ENDS: Mapping[str, int] = {"ACTIVE": 0, "DRAINING": 1, "INACTIVE": 2}
"""The statuses of a service, in the order in which they come."""
_ENOUGH_TASKS = 10_000
"""How many stopped tasks are kept: twice the largest desired count, so more than any threshold."""


def after_deployment(progress: DeploymentProgress, seen: ServiceDeployment, now: float) -> DeploymentProgress:
    """Return what is known after a read of the service deployment."""
    known, started = progress.service_deployment, progress.started
    if known is not None and _is_older(seen, known):
        return progress  # a replica that lags
    target = seen.target_service_revision
    started = attrs.evolve(
        started,
        deployment_id=started.deployment_id or id_of_revision(target.arn if target else None),
        service_deployment_arn=seen.service_deployment_arn,
        created_at=started.created_at or seen.created_at,
        service=seen.service_arn or started.service,
        cluster=seen.cluster_arn or started.cluster,
    )
    stage = _later(progress.stage_reached, seen)
    return _noted(attrs.evolve(progress, service_deployment=seen, started=started, stage_reached=stage), now)


def _is_older(seen: ServiceDeployment, known: ServiceDeployment) -> bool:
    """Whether a read shows a service deployment as it was before."""
    rank, known_rank = RANKS.get(seen.status, OVER), RANKS.get(known.status, 0)
    if rank != known_rank or seen.updated_at is None or known.updated_at is None:
        return rank < known_rank
    return seen.updated_at < known.updated_at


def after_service(progress: DeploymentProgress, seen: Service | None, now: float) -> DeploymentProgress:
    """Return what is known after a read of the service; None is that ECS did not show it."""
    signs = progress.signs
    if seen is None:
        since = signs.missing_since if signs.missing else now
        return _with(progress, missing=signs.missing + 1, missing_since=since, missing_at=now)
    stale_since = (signs.stale_since or now) if _is_stale(progress, seen) else None
    progress = _with(progress, stale_since=stale_since, missing=0)
    if stale_since is not None and now - stale_since < STALE_AT_MOST:
        return progress
    return _noted(_with_signs(_with_newer_primary(attrs.evolve(progress, service=seen)), seen), now)


def with_stopped(progress: DeploymentProgress, tasks: Sequence[Task], *, counting: bool) -> DeploymentProgress:
    """Return what is known after a read of stopped tasks of the service.

    Args:
        progress: What was known.
        tasks: The tasks that the read showed, of any deployment.
        counting: Whether the new ones are failures in a row: not if a task became healthy since the last read.
    """
    new = _counted(progress, tasks)
    known = {task.task_arn: task for task in progress.stopped_tasks}
    known |= {task.task_arn: task for task in _own(progress, tasks)}
    failures = progress.signs.failures + (len(new) if counting else 0)
    return _with(attrs.evolve(progress, stopped_tasks=list(known.values())[-_ENOUGH_TASKS:]), failures=failures)


def _counted(progress: DeploymentProgress, tasks: Sequence[Task]) -> list[Task]:
    """Return those of some stopped tasks that count against the deployment, and did not before."""
    moved = rebalanced(progress.events)
    before = {task.task_arn for task in progress.stopped_tasks if counts_against(task, moved)}
    return [each for each in _own(progress, tasks) if each.task_arn not in before and counts_against(each, moved)]


def _own(progress: DeploymentProgress, tasks: Sequence[Task]) -> list[Task]:
    id_ = progress.started.deployment_id
    return [task for task in tasks if id_ and task.started_by == id_ and not was_scaled_in(task)]


def _with(progress: DeploymentProgress, **signs: Any) -> DeploymentProgress:
    return attrs.evolve(progress, signs=attrs.evolve(progress.signs, **signs))


def _with_signs(progress: DeploymentProgress, seen: Service) -> DeploymentProgress:
    """Return the same with what the service shows of the deployment."""
    signs, deployment, primary = progress.signs, progress.deployment, progress.primary
    state = deployment.rollout_state if deployment else None
    why = (deployment.rollout_state_reason or "it FAILED") if deployment and state == "FAILED" else None
    failed = why or signs.failed or _told(progress, "deployment failed")
    completed = signs.completed or state == "COMPLETED" or _told(progress, "deployment completed") is not None
    was_seen = signs.seen or deployment is not None
    if state == "COMPLETED" and deployment is not None and signs.completed_at is None:
        progress = _with(progress, completed_at=deployment.updated_at)
    rollout = progress.service_deployment
    shown = {
        "settled": _is_settled(progress, seen),
        "away": primary is not None and was_seen and primary.id != progress.started.deployment_id,
        "failed": state == "FAILED",
        "stopped": rollout is not None and rollout.status == "STOPPED",
    }
    in_a_row = {what: signs.reads(what) + 1 if is_so else 0 for what, is_so in shown.items()}
    progress = _with(progress, seen=was_seen, failed=failed, completed=completed, in_a_row=in_a_row)
    return _with_reset(progress) if deployment is not None else progress


def _with_reset(progress: DeploymentProgress) -> DeploymentProgress:
    """Return the same with no failures in a row, if a read shows that a task became healthy.

    Either ECS counts fewer failed tasks than before, or more tasks run than ever before. Tasks that crash and are
    replaced are neither.
    """
    signs, deployment = progress.signs, progress.deployment
    assert deployment is not None  # a read has shown it
    running, failed = deployment.running_count or 0, deployment.failed_tasks or 0
    healthy = running > signs.most_running or failed < signs.failed_tasks
    progress = _with(progress, most_running=max(running, signs.most_running), failed_tasks=failed)
    if healthy and resets_on_healthy_task(progress):
        return _with(progress, failures=0, resets=signs.resets + 1)
    return progress


def _is_stale(progress: DeploymentProgress, seen: Service) -> bool:
    """Whether a read of the service is older than what is known."""
    known = progress.service
    if known is None:
        began = progress.started.created_at
        return began is not None and seen.status != "ACTIVE" and (seen.created_at or began) < began
    if seen.created_at and known.created_at and seen.created_at < known.created_at:
        return True  # the predecessor of the same name
    if _ENDS.get(seen.status or "", 0) > _ENDS.get(known.status or "", 0):
        return False  # no service comes back
    stamp = max(_stamps(seen), default=None)
    return stamp is not None and stamp < max(_stamps(known), default=stamp)


def _stamps(service: Service) -> Iterator[datetime]:
    for deployment in service.deployments:
        yield from filter(None, (deployment.created_at, deployment.updated_at))
    yield from filter(None, (event.created_at for event in service.events))


def _with_newer_primary(progress: DeploymentProgress) -> DeploymentProgress:
    """Return the same about the deployment that was expected, and that the first answer did not show yet."""
    started, primary = progress.started, progress.primary
    waits_for_it = started.expected == "either" or started.key == started.unnamed
    if not waits_for_it or primary is None or primary.id == started.previous_id or progress.is_replaced:
        return progress
    if not is_named(started.task_definition, primary.task_definition):
        return progress  # another process's
    found = attrs.evolve(
        started,
        deployment_id=primary.id,
        task_definition=primary.task_definition,
        created_at=primary.created_at,
        expected="deployment",
    )
    return _with(attrs.evolve(progress, started=found), completed=False, failed=None, in_a_row={})


def _is_settled(progress: DeploymentProgress, service: Service) -> bool:
    """Whether the service is as it is to be: this deployment, alone, with as many tasks as were asked for."""
    started, is_daemon = progress.started, service.scheduling_strategy == "DAEMON"
    targets = started.desired_count in (None, service.desired_count) or is_daemon
    if service.status != "ACTIVE" or not (targets or started.expected == "deployment"):
        return False
    if controller_of(service) == "EXTERNAL":
        return not any(unsteady_task_sets(service))
    primary = primary_of(service)
    return (
        primary is not None
        and primary.id == started.deployment_id
        and all(each is primary or each.status == "INACTIVE" for each in service.deployments)
        and primary.rollout_state in ("COMPLETED", None)
        and (service.running_count or 0) == (service.desired_count or 0)
        and not service.pending_count
    )


def _told(progress: DeploymentProgress, what: str) -> str | None:
    """Return what an event says of this very deployment, if it says so."""
    said = re.compile(rf"\(deployment {re.escape(progress.started.deployment_id or '?')}\) {what}")
    return next((event.message for event in progress.events if said.search(event.message or "")), None)


def _noted(progress: DeploymentProgress, now: float) -> DeploymentProgress:
    """Return the same with the time, if something has moved or tasks are starting."""
    state, deployment = _state(progress), progress.deployment
    starting = deployment is not None and bool(deployment.pending_count)
    return _with(progress, moved_at=now, state=state) if starting or state != progress.signs.state else progress


def moved(progress: DeploymentProgress, now: float) -> DeploymentProgress:
    """Return the same after a read that showed tasks of the service starting or stopping."""
    return _with(progress, moved_at=now)


def _state(progress: DeploymentProgress) -> object:
    """Return what changes while a deployment gets somewhere; failing tasks, and trying again, is not that."""
    deployments = progress.service.deployments if progress.service else ()
    rollout = progress.service_deployment
    target = rollout.target_service_revision if rollout else None
    return (
        progress.status,
        progress.stage,
        [(each.id, each.running_count) for each in deployments],
        progress.desired,
        target.requested_production_traffic_weight if target else None,
        [(hook.hook_id, hook.status) for hook in progress.paused],
    )


def _later(reached: str | None, seen: ServiceDeployment) -> str | None:
    """Return the later one of two stages; LINEAR and CANARY deployments come back to earlier ones."""
    stage = seen.lifecycle_stage
    if stage not in STAGES or seen.status not in ("PENDING", "IN_PROGRESS", "SUCCESSFUL"):
        return reached
    return stage if reached is None or STAGES.index(stage) > STAGES.index(reached) else reached
