"""Merge reads into the progress of a deployment.

Reads come from several operations. They can be outdated, and can contradict each other. These pure functions discard
outdated reads, add what each read shows, and count the reads in a row for states that need more than one read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from ecskit._deployments.evidence import (
    counts_against,
    rebalanced,
    resets_on_healthy_task,
    threshold,
    was_scaled_in,
)
from ecskit._deployments.facts import Facts
from ecskit._deployments.pauses import key_of_hook
from ecskit._deployments.progress import OVER, RANKS, STAGES, DeploymentProgress
from ecskit._deployments.reference import StartedDeployment, id_of_revision, is_named, primary_of
from ecskit._deployments.stability import ObservedStability, StabilityGoal
from ecskit._waits.stability import has_task_sets, unsteady_task_sets
from ecskit.models.services import DeploymentCircuitBreaker, DeploymentLifecycleHookDetail, Service, ServiceDeployment
from ecskit.models.tasks import Task

__all__ = [
    "of_successor",
    "successor_of",
    "with_answered_hook",
    "with_facts",
    "with_movement",
    "with_pause",
    "with_service",
    "with_service_deployment",
    "with_stability",
    "with_stopped_tasks",
]

STALE_AT_MOST = 60.0
"""Seconds for which reads that are older than an earlier read are discarded."""
_ENDS: Mapping[str, int] = {"ACTIVE": 0, "DRAINING": 1, "INACTIVE": 2}
"""The order of the statuses of a service."""
_TASKS_KEPT = 10_000
"""Stopped tasks that a progress keeps: twice the largest desired count, so more than any threshold."""


def with_service_deployment(progress: DeploymentProgress, seen: ServiceDeployment, now: float) -> DeploymentProgress:
    """Return the progress after a read of the service deployment."""
    earlier, started = progress.service_deployment, progress.started
    if earlier is not None and _is_older(seen, earlier):
        return progress  # a replica that lags behind
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
    return _with_change(attrs.evolve(progress, service_deployment=seen, started=started, stage_reached=stage), now)


def _is_older(seen: ServiceDeployment, earlier: ServiceDeployment) -> bool:
    """Whether a read is older than an earlier one."""
    rank, earlier_rank = RANKS.get(seen.status, OVER), RANKS.get(earlier.status, 0)
    if rank != earlier_rank or seen.updated_at is None or earlier.updated_at is None:
        return rank < earlier_rank
    return seen.updated_at < earlier.updated_at


def with_service(progress: DeploymentProgress, seen: Service | None, now: float) -> DeploymentProgress:
    """Return the progress after a read of the service; None is a read that did not show it."""
    facts = progress.facts
    if seen is None:
        since = facts.missing_since if facts.missing else now
        return with_facts(progress, missing=facts.missing + 1, missing_since=since, missing_at=now)
    stale_since = (facts.stale_since or now) if _is_stale(progress, seen) else None
    progress = with_facts(progress, stale_since=stale_since, missing=0)
    if stale_since is not None and now - stale_since < STALE_AT_MOST:
        return progress
    return _with_change(_with_shown(_with_newer_primary(attrs.evolve(progress, service=seen)), seen), now)


def with_stopped_tasks(progress: DeploymentProgress, tasks: Sequence[Task], *, counting: bool) -> DeploymentProgress:
    """Return the progress after a read of stopped tasks of the service.

    Args:
        progress: The progress before.
        tasks: The tasks that the read showed, of any deployment of the service.
        counting: Whether new failures are added to the failures in a row: not if this poll reset them.
    """
    new = _counted(progress, tasks)
    stopped = {task.task_arn: task for task in progress.stopped_tasks}
    stopped |= {task.task_arn: task for task in _own(progress, tasks)}
    failures = progress.facts.failures + (len(new) if counting else 0)
    return with_facts(attrs.evolve(progress, stopped_tasks=list(stopped.values())[-_TASKS_KEPT:]), failures=failures)


def _counted(progress: DeploymentProgress, tasks: Sequence[Task]) -> list[Task]:
    """Return the tasks that count against the deployment and did not count before."""
    moved = rebalanced(progress.events)
    before = {task.task_arn for task in progress.stopped_tasks if counts_against(task, moved)}
    return [each for each in _own(progress, tasks) if each.task_arn not in before and counts_against(each, moved)]


def _own(progress: DeploymentProgress, tasks: Sequence[Task]) -> list[Task]:
    id_ = progress.started.deployment_id
    return [task for task in tasks if id_ and task.started_by == id_ and not was_scaled_in(task)]


def _breaker(progress: DeploymentProgress) -> DeploymentCircuitBreaker | None:
    return progress.configuration.deployment_circuit_breaker if progress.configuration else None


def with_facts(progress: DeploymentProgress, **facts: Any) -> DeploymentProgress:
    """Return the progress with these facts: the same progress if it has them already, as after most reads."""
    earlier = progress.facts
    if all(getattr(earlier, name) == fact for name, fact in facts.items()):
        return progress
    return attrs.evolve(progress, facts=attrs.evolve(earlier, **facts))


def _with_shown(progress: DeploymentProgress, seen: Service) -> DeploymentProgress:
    """Return the progress with what a read of the service shows of the deployment."""
    facts, deployment, primary = progress.facts, progress.deployment, progress.primary
    state = deployment.rollout_state if deployment else None
    why = (deployment.rollout_state_reason or "it FAILED") if deployment and state == "FAILED" else None
    failed = why or facts.failed or _event(progress, "deployment failed")
    completed = facts.completed or state == "COMPLETED" or _event(progress, "deployment completed") is not None
    was_seen = facts.seen or deployment is not None
    if state == "COMPLETED" and deployment is not None and facts.completed_at is None:
        progress = with_facts(progress, completed_at=deployment.updated_at)
    rollout = progress.service_deployment
    shown = {
        "settled": _is_settled(progress, seen),
        "away": primary is not None and was_seen and primary.id != progress.started.deployment_id,
        "failed": state == "FAILED",
        "stopped": rollout is not None and rollout.status == "STOPPED",
    }
    in_a_row = {what: facts.reads(what) + 1 if is_so else 0 for what, is_so in shown.items()}
    progress = with_facts(progress, seen=was_seen, failed=failed, completed=completed, in_a_row=in_a_row)
    return _with_reset(progress) if deployment is not None else progress


def _with_reset(progress: DeploymentProgress) -> DeploymentProgress:
    """Return the progress with its failures in a row reset to 0, if a read shows that a task became healthy.

    Then ECS counts fewer failed tasks than before, or more tasks run than in any earlier read. Tasks that crash and are
    replaced cause neither.
    """
    facts, deployment = progress.facts, progress.deployment
    assert deployment is not None  # the read has shown it
    running, failed = deployment.running_count or 0, deployment.failed_tasks or 0
    healthy = running > facts.most_running or failed < facts.failed_tasks
    progress = with_facts(progress, most_running=max(running, facts.most_running), failed_tasks=failed)
    if healthy and resets_on_healthy_task(_breaker(progress)):
        return with_facts(progress, failures=0, resets=facts.resets + 1)
    return progress


def _is_stale(progress: DeploymentProgress, seen: Service) -> bool:
    """Whether a read of the service is older than an earlier one."""
    earlier = progress.service
    if earlier is None:
        began = progress.started.created_at
        return began is not None and seen.status != "ACTIVE" and (seen.created_at or began) < began
    if seen.created_at and earlier.created_at and seen.created_at < earlier.created_at:
        return True  # the predecessor of the same name
    if _ENDS.get(seen.status or "", 0) > _ENDS.get(earlier.status or "", 0):
        return False  # a service never returns to an earlier status
    stamp = max(_stamps(seen), default=None)
    return stamp is not None and stamp < max(_stamps(earlier), default=stamp)


def _stamps(service: Service) -> Iterator[datetime]:
    for deployment in service.deployments:
        yield from filter(None, (deployment.created_at, deployment.updated_at))
    yield from filter(None, (event.created_at for event in service.events))


def _with_newer_primary(progress: DeploymentProgress) -> DeploymentProgress:
    """Return the progress of the expected deployment, once a read shows one that the response did not show."""
    started, primary = progress.started, progress.primary
    waits_for_it = started.expected == "either" or started.key == started.unnamed
    if not waits_for_it or primary is None or primary.id == started.previous_id or progress.is_replaced:
        return progress
    if not is_named(started.task_definition, primary.task_definition):
        return progress  # another process started it
    found = attrs.evolve(
        started,
        deployment_id=primary.id,
        task_definition=primary.task_definition,
        created_at=primary.created_at,
        expected="deployment",
    )
    return with_facts(attrs.evolve(progress, started=found), completed=False, failed=None, in_a_row={})


def _is_settled(progress: DeploymentProgress, service: Service) -> bool:
    """Whether the service runs this deployment alone, with the desired count."""
    started, is_daemon = progress.started, service.scheduling_strategy == "DAEMON"
    is_scaled = started.desired_count in (None, service.desired_count) or is_daemon
    if service.status != "ACTIVE" or not (is_scaled or started.expected == "deployment"):
        return False
    if has_task_sets(service):
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


def _event(progress: DeploymentProgress, what: str) -> str | None:
    """Return the message of the first event that names this deployment and reports `what`."""
    pattern = re.compile(rf"\(deployment {re.escape(progress.started.deployment_id or '?')}\) {what}")
    return next((event.message for event in progress.events if pattern.search(event.message or "")), None)


def _with_change(progress: DeploymentProgress, now: float) -> DeploymentProgress:
    """Return the progress with the time of its latest change, if its state changed or tasks are starting."""
    state, deployment = _state(progress), progress.deployment
    starting = deployment is not None and bool(deployment.pending_count)
    return with_facts(progress, moved_at=now, state=state) if starting or state != progress.facts.state else progress


def with_movement(progress: DeploymentProgress, now: float) -> DeploymentProgress:
    """Return the progress after a read that showed tasks of the service starting or stopping."""
    return with_facts(progress, moved_at=now)


def _state(progress: DeploymentProgress) -> object:
    """Return the part of the state that changes while a deployment advances: not the number of failed tasks."""
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
    """Return the later one of two stages. LINEAR and CANARY deployments return to earlier stages."""
    stage = seen.lifecycle_stage
    if stage not in STAGES or seen.status not in ("PENDING", "IN_PROGRESS", "SUCCESSFUL"):
        return reached
    return stage if reached is None or STAGES.index(stage) > STAGES.index(reached) else reached


def with_pause(progress: DeploymentProgress, now: float) -> DeploymentProgress:
    """Return the progress with the start or the end of a pause.

    A pause lasts from the poll that first showed it to the first poll that does not. One pause may follow another
    without a poll between.
    """
    facts, hooks = progress.facts, frozenset(map(key_of_hook, progress.paused))
    if hooks == facts.paused_by:
        return progress
    if hooks & facts.paused_by:
        return with_facts(progress, paused_by=hooks)
    ended = facts.paused_for + (0.0 if facts.paused_since is None else now - facts.paused_since)
    return with_facts(progress, paused_by=hooks, paused_since=now if hooks else None, paused_for=ended)


def with_answered_hook(progress: DeploymentProgress, hook: DeploymentLifecycleHookDetail) -> DeploymentProgress:
    """Return the progress with a hook that was answered: reads can still show it as waiting."""
    return with_facts(progress, answered=progress.facts.answered | {key_of_hook(hook)})


def with_stability(
    progress: DeploymentProgress,
    goal: StabilityGoal,
    *,
    max_failed_tasks: int | None,
    unhealthy: int,
    tasks_refused: bool,
    now: float,
) -> DeploymentProgress:
    """Return the progress after a poll that read the service, its stopped tasks and the health of the others.

    Args:
        progress: The progress of a deployment that has succeeded.
        goal: What counts as stable.
        max_failed_tasks: How many stopped tasks make it unstable; None for the threshold of its circuit breaker.
        unhealthy: How many tasks are unhealthy.
        tasks_refused: Whether ECS refuses to list or describe tasks.
        now: The monotonic time.
    """
    deployment, earlier = progress.deployment, progress.observed_stability
    running = (deployment.running_count or 0) if deployment else 0
    if earlier is None:
        late = not progress.facts.seen_unfinished
        before = frozenset(task.task_arn for task in progress.stopped_tasks) if late else frozenset[str]()
        earlier = ObservedStability(goal=goal, began=now, desired=progress.desired, observed=now, before=before)
        progress = attrs.evolve(progress, observed_stability=earlier)
    stops = len(progress.stopped_after_success)
    lacking = deployment is not None and running < min(earlier.desired, progress.desired)
    is_quiet = stops == earlier.stops and not unhealthy and not lacking
    quiet_since = (now if earlier.quiet_since is None else earlier.quiet_since) if is_quiet else None
    observed = attrs.evolve(
        earlier,
        observed=now,
        quiet_since=quiet_since,
        stops=stops,
        unhealthy=unhealthy,
        was_unhealthy=earlier.was_unhealthy or unhealthy > 0,
        most=max_failed_tasks or threshold(_breaker(progress), progress.desired),
        tasks_refused=tasks_refused,
    )
    return attrs.evolve(progress, observed_stability=observed)


def successor_of(progress: DeploymentProgress) -> StartedDeployment | None:
    """Return the deployment that replaced this one, as far as reads show it; None if they show none."""
    by, started = progress.successor, progress.started
    if by is None:
        return None
    brief = next((each for each in progress.newer if each.service_deployment_arn == by), None)
    id_ = id_of_revision(brief.target_service_revision_arn) if brief else None
    if id_ is None and not by.startswith("arn:"):
        id_ = by
    shown = progress.service.deployments if progress.service else ()
    entry = next((each for each in shown if each.id == id_), None)
    return StartedDeployment(
        service=started.service,
        cluster=started.cluster,
        deployment_id=id_,
        service_deployment_arn=by if by.startswith("arn:") else None,
        task_definition=entry.task_definition if entry else None,
        created_at=(entry.created_at if entry else None) or (brief.created_at if brief else None),
        service_created_at=started.service_created_at,
        desired_count=progress.service.desired_count if progress.service else None,
        previous_id=started.deployment_id,
        previous_task_definition=started.task_definition,
    )


def of_successor(
    progress: DeploymentProgress, successor: StartedDeployment, *, refused: bool, now: float
) -> DeploymentProgress:
    """Return the progress of the deployment that replaced this one, with what reads of the service show of it.

    Args:
        progress: The progress of the deployment that was replaced.
        successor: The deployment that replaced it.
        refused: Whether ECS refuses to show service deployments.
        now: The monotonic time.
    """
    facts = Facts(
        began=now,
        seen_unfinished=True,
        paused_for=progress.facts.paused_for,
        passed_to_callback=progress.facts.passed_to_callback,
    )
    fresh = DeploymentProgress(started=successor, refused=refused, facts=facts)
    return with_service(fresh, progress.service, now)
