"""The live tasks of a service: what the scheduler stores about each of them, and its view of each at one moment."""

from __future__ import annotations

import attrs

from ecskit._simulator.task_lifecycle import Step

_STARTING = frozenset({"PROVISIONING", "PENDING", "ACTIVATING"})


@attrs.frozen(kw_only=True)
class ServiceTask:
    """One live task of a service at one moment.

    Args:
        arn: Its ARN.
        started_by: The id of the deployment or the task set that launched it.
        ordinal: Its position in the order of launches.
        instance: The ARN of its container instance; None on Fargate.
        status: Its `lastStatus`.
        stopping: Whether it is stopping.
        healthy: Whether it is RUNNING and its health checks, if any, report HEALTHY.
        unhealthy: Whether its health checks report UNHEALTHY after the grace period.
        misplaced: Whether its container instance is DRAINING, or it moves to another Availability Zone.
        protected: Whether it is protected from scale-in.
    """

    arn: str
    started_by: str
    ordinal: int
    instance: str | None
    status: str
    stopping: bool
    healthy: bool
    unhealthy: bool
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
        """Whether it can stay where it is."""
        return not (self.stopping or self.unhealthy or self.misplaced)


@attrs.frozen(kw_only=True)
class TaskObservation:
    """The state of a task that holds from `since` to `until`, unless its steps are replaced."""

    steps: tuple[Step, ...]
    since: float
    until: float
    status: str
    stopping: bool
    health: str


@attrs.define(kw_only=True)
class TrackedTask:
    """What a service stores about one of its live tasks.

    Args:
        started_by: The id of the deployment or the task set that launched it.
        was_healthy: Whether it has been healthy.
        stop_handled: Whether the scheduler has processed its stop.
        moves: Whether a task in another Availability Zone will replace it.
        observation: Its latest observation.
        cached: The `ServiceTask` that was computed last, if it depends on an observation alone.
        cached_for: The observation that `cached` was computed from.
    """

    started_by: str
    was_healthy: bool = False
    stop_handled: bool = False
    moves: bool = False
    observation: TaskObservation | None = None
    cached: ServiceTask | None = None
    cached_for: TaskObservation | None = None
