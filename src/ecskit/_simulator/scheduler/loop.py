"""The loop of the service scheduler: run each service at each moment at which something is due.

A service is due whenever one of its tasks takes a step or a time ends. So the result does not depend on when requests
arrive.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from ecskit._simulator.account import INACTIVE_KEPT_FOR
from ecskit._simulator.scheduler import rollouts, shown_counts, stages
from ecskit._simulator.scheduler.descriptions import record_descriptions
from ecskit._simulator.scheduler.desired_count import count_failure, count_unhealthy, keep_count
from ecskit._simulator.scheduler.launch_and_stop import daemon_instances, launch, show_stuck_event, stop
from ecskit._simulator.scheduler.live_tasks import (
    grace_end,
    has_health_check,
    live_tasks_of,
    observe,
    of_deployment,
    running_and_pending,
)
from ecskit._simulator.scheduler.replacement import Bounds, TaskSplit, is_tight, missing, surplus, to_start, to_stop
from ecskit._simulator.scheduler.task_sets import run_task_sets
from ecskit._simulator.task_lifecycle import latest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ecskit._simulator.account import Account
    from ecskit._simulator.records.service_tasks import ServiceTask
    from ecskit._simulator.records.services import Deployment, Service

# The delay after the first failed start; it doubles with each further one, up to the longest.
BACKOFF_SECONDS = 5.0
LONGEST_BACKOFF = 27 * 60.0
# From the end of a task that ran to its replacement.
REPLACEMENT_SECONDS = 1.0
# Stop codes that do not count as a failure of the deployment, even if the task never ran (inferred). It is documented
# that a task which has run does not count as failed, unless its health checks end it.
_NO_FAILURES = frozenset({"UserInitiated", "SpotInterruption", "TerminationNotice", "InfrastructureHealth"})
# Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html
_STUCK = (
    "was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the"
    " minimumHealthyPercent or maximumPercent value and try again."
)
# A deleted service is INACTIVE once all its tasks have one of these statuses.
_ENDING = frozenset({"STOPPING", "DEPROVISIONING", "STOPPED"})


def run(account: Account, until: float) -> None:
    """Run all services up to a moment."""
    instances = {each.arn: each.status for each in account.container_instances.values()}
    if instances != account.scheduled_instances:
        account.scheduled_instances = instances
        for service in account.services.values():
            service.due_at = account.now
    while True:
        due = [
            (moment, service.ordinal, service)
            for service in account.services.values()
            for moment in _next_moment(account, service)
        ]
        if not due:
            break
        moment, _, service = min(due, key=lambda each: each[:2])
        if moment > until:
            break
        account.now = max(account.now, moment)
        run_service(account, service)
    gone = [
        arn
        for arn, service in account.services.items()
        if service.gone_at is not None and service.gone_at + INACTIVE_KEPT_FOR <= until
    ]
    if gone:
        account.collect_events()
    for arn in gone:
        del account.services[arn]


def next_moment(account: Account) -> float | None:
    """Return the next moment at which a service is due, or None."""
    moments = (moment for service in account.services.values() for moment in _next_moment(account, service))
    return min(moments, default=None)


def _next_moment(account: Account, service: Service) -> Iterator[float]:
    """Yield the next moment at which a service is due, if there is one."""
    moment = min(_due_moments(account, service), default=None)
    if service.due_at is not None:
        moment = service.due_at if moment is None else min(moment, service.due_at)
    if moment is not None:
        yield moment


def _due_moments(account: Account, service: Service) -> Iterator[float]:
    last = service.last_run_at
    if service.status == "INACTIVE":
        return
    grace = service.settings.get("healthCheckGracePeriodSeconds", 0)
    times: list[float | None] = [service.not_before, service.retry_at]
    if service.stuck_event is not None:
        times.append(service.stuck_event.again_at)
    if service.rollout is not None:
        times.append(service.rollout.created_at + account.lag.current_deployment_after)
    for rollout in service.rollouts:
        if not rollout.is_over:
            times += [rollout.until, rollout.baked_at, *stages.due_moments(rollout)]
    times += [task_set.computed_at for task_set in service.task_sets]
    for arn, tracked in service.live_tasks.items():
        task = account.tasks[arn]
        times.append(observe(tracked, task, last).until)
        if grace and has_health_check(task):
            times.append(grace_end(task, grace))
        times.append(account.protected.get(arn))
    times += shown_counts.due_moments(account, service)
    yield from (moment for moment in times if moment is not None and last < moment < math.inf)


def run_service(account: Account, service: Service) -> None:
    """Do what is due for a service now, and record what reads will show."""
    service.last_run_at = account.now
    service.due_at = None
    if service.retry_at is not None and service.retry_at <= account.now:
        service.retry_at = None
    if service.status != "INACTIVE":
        _handle_stopped_tasks(account, service)
        _handle_healthy_tasks(account, service)
        if service.task_sets or service.controller != "ECS":
            run_task_sets(account, service)
        else:
            while _run_deployments(account, service):
                pass
        _end_or_steady(account, service)
    record_descriptions(account, service)


def _handle_stopped_tasks(account: Account, service: Service) -> None:
    """Count the tasks that stop, delay the next launch after them, and remove those that are STOPPED."""
    failed = False
    for arn, tracked in list(service.live_tasks.items()):
        task = account.tasks[arn]
        observation = observe(tracked, task, account.now)
        if not tracked.stop_handled and observation.stopping:
            tracked.stop_handled = True
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
        delay = min(LONGEST_BACKOFF, BACKOFF_SECONDS * 2.0 ** min(service.failed_starts - 1, 20))
        service.not_before = max(service.not_before, account.now + delay)


def _handle_healthy_tasks(account: Account, service: Service) -> None:
    """Reset the counts of failures when a task is healthy for the first time, and show that it is a target."""
    tasks = live_tasks_of(account, service)
    targets: Counter[str] = Counter()
    running = {task.started_by for task in tasks if task.running}
    for deployment in service.deployments:
        deployment.has_run = deployment.has_run or deployment.id in running
    for task in tasks:
        tracked = service.live_tasks[task.arn]
        if not task.healthy or tracked.was_healthy:
            continue
        tracked.was_healthy = True
        targets[task.started_by] += 1
        service.failed_starts = 0
        rollout = service.rollout
        for deployment in service.deployments:
            if deployment.id == task.started_by:
                deployment.failed = 0
        if rollout is None or rollout.deployment.id != task.started_by:
            continue
        if rollouts.resets_on_healthy_task(rollout.configuration):
            rollout.failures = 0
    for started_by, count in targets.items():
        for arn in _target_groups(service, started_by):
            message = f"registered {count} targets in (target-group {arn})"
            service.add_event(account.now, account.uuid(), message, part=started_by)


def _target_groups(service: Service, started_by: str) -> list[str]:
    """Return the ARNs of the target groups of a deployment or a task set."""
    configs = [each.revision.config for each in service.deployments if each.id == started_by]
    configs += [each.config for each in service.task_sets if each.id == started_by]
    balancers = [balancer for config in configs for balancer in config.get("loadBalancers", [])]
    return [balancer["targetGroupArn"] for balancer in balancers if "targetGroupArn" in balancer]


def _run_deployments(account: Account, service: Service) -> bool:
    """Launch and stop what is due, and return whether a deployment changed its status, so that more may be due."""
    primary = service.primary
    if primary is None:
        return False
    bounds = _bounds(account, service, primary)
    if service.status == "DRAINING":
        stop(account, service, [task for task in live_tasks_of(account, service) if not task.stopping])
    elif primary.frozen:
        live = [task for task in live_tasks_of(account, service) if not task.stopping]
        stop(account, service, surplus(live, bounds.upper if len(service.deployments) > 1 else bounds.desired))
    elif _runs_both_revisions(service):
        _keep_both_revisions(account, service, bounds)
    elif service.rollout is None or service.rollout.status != "PENDING":
        _replace(account, service, primary, bounds)
    tasks = live_tasks_of(account, service)
    split = TaskSplit.of(tasks, primary.id)
    healthy = sum(task.healthy for task in split.staying)
    settled = healthy >= bounds.desired and len(split.staying) == bounds.desired
    cleaned = not split.leaving
    present = {task.started_by for task in tasks}
    service.deployments = [each for each in service.deployments if each is primary or each.id in present]
    advanced = [
        rollouts.advance(account, service, each, healthy=healthy, settled=settled, cleaned=cleaned)
        for each in service.rollouts
        if not each.is_over
    ]
    return any(advanced)


def _bounds(account: Account, service: Service, primary: Deployment) -> Bounds:
    configuration = service.settings["deploymentConfiguration"]
    desired = service.desired
    if service.is_daemon and service.status == "ACTIVE":
        desired = service.desired = len(daemon_instances(account, service, primary.revision.config))
    return Bounds.of(desired, configuration["minimumHealthyPercent"], configuration["maximumPercent"])


def _runs_both_revisions(service: Service) -> bool:
    """Whether two revisions run side by side: in a BLUE_GREEN, LINEAR or CANARY deployment until CLEAN_UP."""
    rollout = service.rollout
    if rollout is None or not rollout.stages or rollout.status not in ("PENDING", "IN_PROGRESS"):
        return False
    stage = stages.current(rollout)
    return stage is None or stage.name != "CLEAN_UP"


def _keep_both_revisions(account: Account, service: Service, bounds: Bounds) -> None:
    """Keep the old revision at its count, start the new one beside it, and stop the tasks of all others."""
    rollout = service.rollout
    if rollout is None:
        return
    new, source = rollout.deployment, rollout.source
    stage = stages.current(rollout)
    count = bounds.desired if stage is not None and stage.scaled else 0
    keep_count(account, service, new.id, new.revision.config, count)
    if source is None:
        return
    keep_count(account, service, source.id, source.revision.config, bounds.desired)
    tasks = live_tasks_of(account, service)
    if sum(task.healthy for task in of_deployment(tasks, source.id)) >= bounds.desired:
        others = [task for task in tasks if task.started_by not in (new.id, source.id) and not task.stopping]
        stop(account, service, others)


def _replace(account: Account, service: Service, primary: Deployment, bounds: Bounds) -> None:
    """Let the PRIMARY deployment replace the others, within the percentages."""
    tasks = live_tasks_of(account, service)
    split = TaskSplit.of(tasks, primary.id)
    tight = is_tight(bounds, split)
    _launch(account, service, primary, tasks, to_start(bounds, split, tasks))
    split = TaskSplit.of(live_tasks_of(account, service), primary.id)
    unplaced = service.retry_at is not None and missing(bounds, split) > 0
    going = to_stop(bounds, split, primary.id, short=tight or unplaced)
    rollout = service.rollout
    if rollout is not None and rollout.cleans_up and rollout.deployment is primary:
        going += [
            task for task in split.leaving if task.started_by != primary.id and not task.protected and task not in going
        ]
    count_unhealthy(service, going)
    stop(account, service, going)
    if (
        bounds.lower >= bounds.desired >= bounds.upper
        and split.leaving
        and not going
        and all(task.healthy for task in tasks)
    ):
        show_stuck_event(account, service, _STUCK)


def _launch(
    account: Account, service: Service, deployment: Deployment, tasks: Sequence[ServiceTask], count: int
) -> None:
    if count == 0 or service.not_before > account.now or service.retry_at is not None:
        return
    started = launch(account, service, deployment.id, deployment.revision.config, among=tasks, count=count)
    # A task that finds no room after the deployment is complete is no failure of it (recorded 2021).
    if started < count and not service.is_daemon and deployment.state == "IN_PROGRESS":
        count_failure(service, deployment.id)


def _end_or_steady(account: Account, service: Service) -> None:
    """End a service that has drained; show the event when a service becomes steady."""
    if service.status == "DRAINING":
        if all(task.status in _ENDING for task in live_tasks_of(account, service)):
            service.status, service.gone_at = "INACTIVE", account.now
            service.deployments, service.task_sets = [], []
            service.live_tasks.clear()
            for rollout in service.rollouts:
                if rollout.status == "STOP_REQUESTED":
                    rollout.set_status(account.now, "STOPPED")
        return
    tasks = live_tasks_of(account, service)
    running, pending = running_and_pending(tasks)
    steady = running == service.desired and len(tasks) == running and not pending
    if service.primary is not None:
        steady = steady and len(service.deployments) == 1 and service.primary.state == "COMPLETED"
    if steady and not service.is_steady:
        service.add_event(account.now, account.uuid(), "has reached a steady state.")
    service.is_steady = steady
    if steady:
        service.stuck_event = None
