"""List the live tasks of a service at one moment: which are pending, running, healthy, unhealthy or misplaced."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ecskit._simulator.records.service_tasks import ServiceTask, TaskObservation
from ecskit._simulator.task_lifecycle import latest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ecskit._simulator.account import Account
    from ecskit._simulator.records.resources import Task
    from ecskit._simulator.records.service_tasks import TrackedTask
    from ecskit._simulator.records.services import Service


def live_tasks_of(account: Account, service: Service) -> list[ServiceTask]:
    """Return the live tasks of a service now, oldest first."""
    grace = service.settings.get("healthCheckGracePeriodSeconds", 0)
    draining = {each.arn for each in account.instances_of(service.cluster) if each.status != "ACTIVE"}
    # Usually the result depends on the observations alone, which rarely change: then it is cached.
    cacheable = not (grace or draining or account.protected)
    tasks: list[ServiceTask] = []
    for arn, tracked in service.live_tasks.items():
        record = account.tasks[arn]
        observation = observe(tracked, record, account.now)
        if cacheable and tracked.cached is not None and tracked.cached_for is observation:
            tasks.append(tracked.cached)
            continue
        misplaced = tracked.moves or record.instance_arn in draining
        task = _service_task(account, record, tracked.started_by, observation, grace=grace, misplaced=misplaced)
        tracked.cached, tracked.cached_for = (task, observation) if cacheable else (None, None)
        tasks.append(task)
    return tasks


def _service_task(
    account: Account, record: Task, started_by: str, observation: TaskObservation, *, grace: float, misplaced: bool
) -> ServiceTask:
    runs = observation.status == "RUNNING" and not observation.stopping
    return ServiceTask(
        arn=record.arn,
        started_by=started_by,
        ordinal=record.ordinal,
        instance=record.instance_arn,
        status=observation.status,
        stopping=observation.stopping,
        healthy=runs and observation.health == "HEALTHY",
        unhealthy=runs and observation.health == "UNHEALTHY" and account.now >= grace_end(record, grace),
        misplaced=misplaced,
        protected=account.protected.get(record.arn, account.now) > account.now,
    )


def observe(tracked: TrackedTask, task: Task, now: float) -> TaskObservation:
    """Return the observation of a task now; the latest one is reused until the next step of the task."""
    last = tracked.observation
    if last is not None and last.steps is task.steps and last.since <= now < last.until:
        return last
    tracked.observation = TaskObservation(
        steps=task.steps,
        since=now,
        until=min((step.at for step in task.steps if step.at > now), default=math.inf),
        status=latest(task.steps, now, "lastStatus"),
        stopping=latest(task.steps, now, "desiredStatus") == "STOPPED",
        health=latest(task.steps, now, "healthStatus") if has_health_check(task) else "HEALTHY",
    )
    return tracked.observation


def has_health_check(task: Task) -> bool:
    """Whether an essential container of the task has a health check."""
    return any(container.essential and container.has_health_check for container in task.plan.containers)


def grace_end(task: Task, grace: float) -> float:
    """Return the moment at which the grace period of a task ends: until then, failed health checks are ignored."""
    started: float | None = latest(task.steps, float("inf"), "startedAt")
    return (started if started is not None else task.created_at) + grace


def of_deployment(tasks: Iterable[ServiceTask], started_by: str) -> list[ServiceTask]:
    """Return the tasks that one deployment or task set launched."""
    return [task for task in tasks if task.started_by == started_by]


def running_and_pending(tasks: Iterable[ServiceTask]) -> tuple[int, int]:
    """Return the number of running tasks and of pending tasks."""
    listed = list(tasks)
    return sum(task.running for task in listed), sum(task.pending for task in listed)
