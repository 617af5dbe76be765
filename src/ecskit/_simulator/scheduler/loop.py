"""The service scheduler: what every service does from one moment to another, in the order in which it happens.

Decides when a service is looked at (whenever one of its tasks takes a step, or a time is up), so that the result does
not depend on when somebody asks. What is then done is put together from the neighbours.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ecskit._simulator.account import INACTIVE_KEPT_FOR
from ecskit._simulator.scheduler import rollouts, shown_counts, stages
from ecskit._simulator.scheduler.descriptions import record_descriptions
from ecskit._simulator.scheduler.desired_count import count_failure, count_unhealthy, keep_count
from ecskit._simulator.scheduler.launch_and_stop import daemon_instances, launch, show_stuck_event, stop
from ecskit._simulator.scheduler.live_tasks import (
    grace_end,
    is_checked,
    live_tasks_of,
    observe,
    of_deployment,
    running_and_pending,
)
from ecskit._simulator.scheduler.replacement import Bounds, TaskSplit, is_tight, missing, superfluous, to_start, to_stop
from ecskit._simulator.scheduler.task_sets import keep_task_sets
from ecskit._simulator.task_lifecycle import latest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ecskit._simulator.account import Account
    from ecskit._simulator.records.services import Deployment, Service
    from ecskit._simulator.scheduler.live_tasks import ServiceTask

# The first wait after a launch that failed; it doubles up to the last one.
BACKOFF_SECONDS = 5.0
LONGEST_BACKOFF = 27 * 60.0
# From the end of a task that ran to its replacement.
REPLACEMENT_SECONDS = 1.0
# How a task ends that is no failure of its deployment, even if it never ran (inferred; that a task which runs does not
# count as failed whatever ends it, but for its health checks, is documented).
_NO_FAILURES = frozenset({"UserInitiated", "SpotInterruption", "TerminationNotice", "InfrastructureHealth"})
# Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html
_STUCK = (
    "was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the"
    " minimumHealthyPercent or maximumPercent value and try again."
)
# A service that is deleted is INACTIVE when its last task is this far.
_ENDING = frozenset({"STOPPING", "DEPROVISIONING", "STOPPED"})


def run(account: Account, until: float) -> None:
    """Move all services to a moment."""
    instances = {each.arn: each.status for each in account.container_instances.values()}
    if instances != account.instances_known:
        account.instances_known = instances
        for service in account.services.values():
            service.due_at = account.now
    while True:
        due = [
            (moment, service.ordinal, service)
            for service in account.services.values()
            for moment in _next(account, service)
        ]
        if not due:
            break
        moment, _, service = min(due, key=lambda each: each[:2])
        if moment > until:
            break
        account.now = max(account.now, moment)
        run_service(account, service)
    for arn, service in list(account.services.items()):
        if service.gone_at is not None and service.gone_at + INACTIVE_KEPT_FOR <= until:
            del account.services[arn]


def _next(account: Account, service: Service) -> Iterator[float]:
    """Yield the next moment at which a service has to be looked at, if there is one."""
    moment = min(_moments(account, service), default=None)
    if service.due_at is not None:
        moment = service.due_at if moment is None else min(moment, service.due_at)
    if moment is not None:
        yield moment


def _moments(account: Account, service: Service) -> Iterator[float]:
    seen = service.last_run_at
    if service.status == "INACTIVE":
        return
    grace = service.settings.get("healthCheckGracePeriodSeconds", 0)
    times: list[float | None] = [service.not_before, service.retry_at]
    if service.stuck is not None:
        times.append(service.stuck.again_at)
    if service.rollout is not None:
        times.append(service.rollout.created_at + account.lag.current_deployment_after)
    for rollout in service.rollouts:
        if not rollout.is_over:
            times += [rollout.until, rollout.baked_at, *stages.moments(rollout)]
    for arn, tracked in service.live_tasks.items():
        task = account.tasks[arn]
        times.append(observe(tracked, task, seen).until)
        if grace and is_checked(task):
            times.append(grace_end(task, grace))
        times.append(account.protected.get(arn))
    times += shown_counts.moments(account, service)
    yield from (moment for moment in times if moment is not None and seen < moment < math.inf)


def run_service(account: Account, service: Service) -> None:
    """Let a service do what is due now, and keep what reads will see."""
    service.last_run_at = account.now
    service.due_at = None
    if service.retry_at is not None and service.retry_at <= account.now:
        service.retry_at = None
    if service.status != "INACTIVE":
        _note_ended_tasks(account, service)
        _note_healthy_tasks(account, service)
        if service.task_sets or service.controller != "ECS":
            keep_task_sets(account, service)
        else:
            while _run_deployments(account, service):
                pass
        _settle(account, service)
    record_descriptions(account, service)


def _note_ended_tasks(account: Account, service: Service) -> None:
    """Take note of tasks that stop, and let those go that are STOPPED."""
    failed = False
    for arn, tracked in list(service.live_tasks.items()):
        task = account.tasks[arn]
        observation = observe(tracked, task, account.now)
        if not tracked.end_noted and observation.stopping:
            tracked.end_noted = True
            ran = latest(task.steps, account.now, "startedAt") is not None
            if not ran and latest(task.steps, math.inf, "stopCode") not in _NO_FAILURES:
                count_failure(service, tracked.started_by)
                failed = True
            else:
                service.not_before = max(service.not_before, account.now + REPLACEMENT_SECONDS)
        if observation.status == "STOPPED":
            del service.live_tasks[arn]
    if failed:
        service.failed_starts += 1
        wait = min(LONGEST_BACKOFF, BACKOFF_SECONDS * 2.0 ** min(service.failed_starts - 1, 20))
        service.not_before = max(service.not_before, account.now + wait)


def _note_healthy_tasks(account: Account, service: Service) -> None:
    """Take note of tasks that are healthy for the first time: they end a row of failures."""
    members = live_tasks_of(account, service)
    ids = {member.started_by for member in members if member.running}
    for deployment in service.deployments:
        deployment.has_run = deployment.has_run or deployment.id in ids
    for member in members:
        tracked = service.live_tasks[member.arn]
        if not member.healthy or tracked.was_healthy:
            continue
        tracked.was_healthy = True
        service.failed_starts = 0
        rollout = service.rollout
        for deployment in service.deployments:
            if deployment.id == member.started_by:
                deployment.failed = 0
        if (
            rollout is not None
            and rollout.deployment.id == member.started_by
            and rollouts.resets_on_healthy_task(rollout.configuration)
        ):
            rollout.failures = 0


def _run_deployments(account: Account, service: Service) -> bool:
    """Launch and stop what is due, and return whether a deployment took a step, so that more may be due."""
    primary = service.primary
    if primary is None:
        return False
    bounds = _bounds(account, service, primary)
    if service.status == "DRAINING":
        stop(account, service, [member for member in live_tasks_of(account, service) if not member.stopping])
    elif primary.frozen:
        live = [member for member in live_tasks_of(account, service) if not member.stopping]
        stop(account, service, superfluous(live, bounds.upper if len(service.deployments) > 1 else bounds.desired))
    elif _is_staged(service):
        _run_both_revisions(account, service, bounds)
    elif service.rollout is None or service.rollout.status != "PENDING":
        _replace(account, service, primary, bounds)
    members = live_tasks_of(account, service)
    split = TaskSplit.of(members, primary.id)
    healthy = sum(member.healthy for member in split.staying)
    settled = healthy >= bounds.desired and len(split.staying) == bounds.desired
    cleaned = not split.leaving
    occupied = {member.started_by for member in members}
    service.deployments = [each for each in service.deployments if each is primary or each.id in occupied]
    stepped = [
        rollouts.advance(account, service, each, healthy=healthy, settled=settled, cleaned=cleaned)
        for each in service.rollouts
        if not each.is_over
    ]
    return any(stepped)


def _bounds(account: Account, service: Service, primary: Deployment) -> Bounds:
    configuration = service.settings["deploymentConfiguration"]
    desired = service.desired
    if service.is_daemon and service.status == "ACTIVE":
        desired = service.desired = len(daemon_instances(account, service, primary.revision.config))
    return Bounds.of(desired, configuration["minimumHealthyPercent"], configuration["maximumPercent"])


def _is_staged(service: Service) -> bool:
    """Whether two revisions run side by side, until the stage that removes the old one."""
    rollout = service.rollout
    if rollout is None or not rollout.stages or rollout.status not in ("PENDING", "IN_PROGRESS"):
        return False
    stage = stages.current(rollout)
    return stage is None or stage.name != "CLEAN_UP"


def _run_both_revisions(account: Account, service: Service, bounds: Bounds) -> None:
    """Keep the old revision as it is and bring the new one up beside it; what neither of them launched goes."""
    rollout = service.rollout
    if rollout is None:
        return
    new, source = rollout.deployment, rollout.source
    stage = stages.current(rollout)
    keep_count(
        account, service, new.id, new.revision.config, bounds.desired if stage is not None and stage.scaled else 0
    )
    if source is None:
        return
    keep_count(account, service, source.id, source.revision.config, bounds.desired)
    members = live_tasks_of(account, service)
    if sum(member.healthy for member in of_deployment(members, source.id)) >= bounds.desired:
        stop(
            account,
            service,
            [each for each in members if each.started_by not in (new.id, source.id) and not each.stopping],
        )


def _replace(account: Account, service: Service, primary: Deployment, bounds: Bounds) -> None:
    members = live_tasks_of(account, service)
    split = TaskSplit.of(members, primary.id)
    tight = is_tight(bounds, split)
    _launch(account, service, primary, members, to_start(bounds, split, members))
    split = TaskSplit.of(live_tasks_of(account, service), primary.id)
    unplaced = service.retry_at is not None and missing(bounds, split) > 0
    going = to_stop(bounds, split, primary.id, short=tight or unplaced)
    rollout = service.rollout
    if rollout is not None and rollout.cleans_up and rollout.deployment is primary:
        going += [
            each for each in split.leaving if each.started_by != primary.id and not each.protected and each not in going
        ]
    count_unhealthy(service, going)
    stop(account, service, going)
    if (
        bounds.lower >= bounds.desired >= bounds.upper
        and split.leaving
        and not going
        and all(member.healthy for member in members)
    ):
        show_stuck_event(account, service, _STUCK)


def _launch(
    account: Account, service: Service, deployment: Deployment, members: Sequence[ServiceTask], count: int
) -> None:
    if count == 0 or service.not_before > account.now or service.retry_at is not None:
        return
    started = launch(account, service, deployment.id, deployment.revision.config, among=members, count=count)
    if started < count and not service.is_daemon:
        count_failure(service, deployment.id)


def _settle(account: Account, service: Service) -> None:
    """Tell that a service is steady, and end one that has drained."""
    if service.status == "DRAINING":
        if all(member.status in _ENDING for member in live_tasks_of(account, service)):
            service.status, service.gone_at = "INACTIVE", account.now
            service.deployments, service.task_sets = [], []
            service.live_tasks.clear()
            for rollout in service.rollouts:
                if rollout.status == "STOP_REQUESTED":
                    rollout.set_status(account.now, "STOPPED")
        return
    members = live_tasks_of(account, service)
    running, pending = running_and_pending(members)
    steady = running == service.desired and len(members) == running and not pending
    if service.primary is not None:
        steady = steady and len(service.deployments) == 1 and service.primary.state == "COMPLETED"
    if steady and not service.is_steady:
        service.add_event(account.now, account.uuid(), "has reached a steady state.")
    service.is_steady = steady
    if steady:
        service.stuck = None
