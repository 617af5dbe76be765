"""Who is there: the tasks of a service at one moment, as the scheduler sees them.

Decides which task is pending, running, healthy, ill or misplaced. What follows from it is decided in `replacing`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.records.services import TaskObservation
from ecskit._simulator.task_lifecycle import latest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ecskit._simulator.account import Account
    from ecskit._simulator.records.resources import Task
    from ecskit._simulator.records.services import Service, TrackedTask

_STARTING = frozenset({"PROVISIONING", "PENDING", "ACTIVATING"})


@attrs.frozen(kw_only=True)
class ServiceTask:
    """One live task of a service.

    Args:
        arn: Its ARN.
        unit: The deployment or the task set that launched it.
        ordinal: Its place in the order of launches.
        instance: The container instance that it is on, if it is on one.
        status: Its `lastStatus`.
        stopping: Whether it was told to stop, or stops by itself.
        healthy: Whether it runs, and its health checks, if it has some, say that it is well.
        ill: Whether its health checks say that it is not, and the grace period is over.
        misplaced: Whether its container instance is DRAINING, or it moves to another Availability Zone.
        protected: Whether it is protected from scaling in.
    """

    arn: str
    started_by: str
    ordinal: int
    instance: str | None
    status: str
    stopping: bool
    healthy: bool
    ill: bool
    misplaced: bool
    protected: bool

    @property
    def running(self) -> bool:
        """Whether it counts as running."""
        return self.status == "RUNNING"

    @property
    def pending(self) -> bool:
        """Whether it counts as pending."""
        return self.status in _STARTING and not self.stopping

    @property
    def occupies(self) -> bool:
        """Whether it counts against maximumPercent."""
        return self.status in _STARTING or self.running

    @property
    def fit(self) -> bool:
        """Whether it may stay where it is."""
        return not (self.stopping or self.ill or self.misplaced)


def live_tasks_of(account: Account, service: Service) -> list[ServiceTask]:
    """Return the live tasks of a service now, oldest first."""
    grace = service.settings.get("healthCheckGracePeriodSeconds", 0)
    draining = {each.arn for each in account.instances_of(service.cluster) if each.status != "ACTIVE"}
    # Most of the time nothing but the tasks themselves decides, and they take few steps.
    plain = not (grace or draining or account.protected)
    members: list[ServiceTask] = []
    for arn, tracked in service.live_tasks.items():
        task = account.tasks[arn]
        observation = observe(tracked, task, account.now)
        if plain and tracked.member is not None and tracked.cached_for is observation:
            members.append(tracked.member)
            continue
        member = _member(
            account,
            task,
            tracked.started_by,
            observation,
            grace=grace,
            misplaced=tracked.moves or task.instance_arn in draining,
        )
        tracked.member, tracked.cached_for = (member, observation) if plain else (None, None)
        members.append(member)
    return members


def _member(
    account: Account, task: Task, started_by: str, observation: TaskObservation, *, grace: float, misplaced: bool
) -> ServiceTask:
    runs = observation.status == "RUNNING" and not observation.stopping
    return ServiceTask(
        arn=task.arn,
        started_by=started_by,
        ordinal=task.ordinal,
        instance=task.instance_arn,
        status=observation.status,
        stopping=observation.stopping,
        healthy=runs and observation.health == "HEALTHY",
        ill=runs and observation.health == "UNHEALTHY" and account.now >= grace_end(task, grace),
        misplaced=misplaced,
        protected=account.protected.get(task.arn, account.now) > account.now,
    )


def observe(tracked: TrackedTask, task: Task, now: float) -> TaskObservation:
    """Return what is seen of a task; what was seen before holds until the task takes its next step."""
    seen = tracked.observation
    if seen is not None and seen.steps is task.steps and seen.since <= now < seen.until:
        return seen
    tracked.observation = TaskObservation(
        steps=task.steps,
        since=now,
        until=min((step.at for step in task.steps if step.at > now), default=math.inf),
        status=latest(task.steps, now, "lastStatus"),
        stopping=latest(task.steps, now, "desiredStatus") == "STOPPED",
        health=latest(task.steps, now, "healthStatus") if is_checked(task) else "HEALTHY",
    )
    return tracked.observation


def is_checked(task: Task) -> bool:
    """Whether the health of a task is known: an essential container has a health check."""
    return any(container.essential and container.has_health_check for container in task.plan.containers)


def grace_end(task: Task, grace: float) -> float:
    """Return the moment up to which bad health is overlooked."""
    started: float | None = latest(task.steps, float("inf"), "startedAt")
    return (started if started is not None else task.created_at) + grace


def of_deployment(members: Iterable[ServiceTask], started_by: str) -> list[ServiceTask]:
    """Return the members that a deployment or a task set launched."""
    return [member for member in members if member.started_by == started_by]


def running_and_pending(members: Iterable[ServiceTask]) -> tuple[int, int]:
    """Return how many members run and how many are pending."""
    listed = list(members)
    return sum(member.running for member in listed), sum(member.pending for member in listed)
