"""Who is there: the tasks of a service at one moment, as the scheduler sees them.

Decides which task is pending, running, healthy, ill or misplaced. What follows from it is decided in `replacing`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.records.services import Glance
from ecskit._simulator.task_life import latest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ecskit._simulator.records.resources import Task
    from ecskit._simulator.records.services import Hand, Service
    from ecskit._simulator.world import World

_STARTING = frozenset({"PROVISIONING", "PENDING", "ACTIVATING"})


@attrs.frozen(kw_only=True)
class Member:
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
    unit: str
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


def muster(world: World, service: Service) -> list[Member]:
    """Return the live tasks of a service now, oldest first."""
    grace = service.settings.get("healthCheckGracePeriodSeconds", 0)
    draining = {each.arn for each in world.instances_of(service.cluster) if each.status != "ACTIVE"}
    # Most of the time nothing but the tasks themselves decides, and they take few steps.
    plain = not (grace or draining or world.protected)
    members: list[Member] = []
    for arn, hand in service.crew.items():
        task = world.tasks[arn]
        glance = glance_at(hand, task, world.now)
        if plain and hand.member is not None and hand.judged is glance:
            members.append(hand.member)
            continue
        member = _member(
            world, task, hand.unit, glance, grace=grace, misplaced=hand.moves or task.instance_arn in draining
        )
        hand.member, hand.judged = (member, glance) if plain else (None, None)
        members.append(member)
    return members


def _member(world: World, task: Task, unit: str, glance: Glance, *, grace: float, misplaced: bool) -> Member:
    runs = glance.status == "RUNNING" and not glance.stopping
    return Member(
        arn=task.arn,
        unit=unit,
        ordinal=task.ordinal,
        instance=task.instance_arn,
        status=glance.status,
        stopping=glance.stopping,
        healthy=runs and glance.health == "HEALTHY",
        ill=runs and glance.health == "UNHEALTHY" and world.now >= graceful_until(task, grace),
        misplaced=misplaced,
        protected=world.protected.get(task.arn, world.now) > world.now,
    )


def glance_at(hand: Hand, task: Task, now: float) -> Glance:
    """Return what is seen of a task; what was seen before holds until the task takes its next step."""
    seen = hand.glance
    if seen is not None and seen.steps is task.steps and seen.since <= now < seen.until:
        return seen
    hand.glance = Glance(
        steps=task.steps,
        since=now,
        until=min((step.at for step in task.steps if step.at > now), default=math.inf),
        status=latest(task.steps, now, "lastStatus"),
        stopping=latest(task.steps, now, "desiredStatus") == "STOPPED",
        health=latest(task.steps, now, "healthStatus") if is_checked(task) else "HEALTHY",
    )
    return hand.glance


def is_checked(task: Task) -> bool:
    """Whether the health of a task is known: an essential container has a health check."""
    return any(container.essential and container.has_health_check for container in task.plan.containers)


def graceful_until(task: Task, grace: float) -> float:
    """Return the moment up to which bad health is overlooked."""
    started: float | None = latest(task.steps, float("inf"), "startedAt")
    return (started if started is not None else task.created_at) + grace


def of_unit(members: Iterable[Member], unit: str) -> list[Member]:
    """Return the members that a deployment or a task set launched."""
    return [member for member in members if member.unit == unit]


def counts(members: Iterable[Member]) -> tuple[int, int]:
    """Return how many members run and how many are pending."""
    listed = list(members)
    return sum(member.running for member in listed), sum(member.pending for member in listed)
