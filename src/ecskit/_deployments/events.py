"""What happens to a deployment, as a stream: the differences between what is known after one look and the next.

Decides what is worth telling, and tells each thing once. Asks ECS nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TypeAlias, TypeVar

import attrs

from ecskit._deployments.stability import Stability
from ecskit._deployments.pauses import key_of, pause_of
from ecskit._deployments.progress import DeploymentProgress
from ecskit._deployments.reference import StartedDeployment
from ecskit._deployments.failures import died_of
from ecskit.models.services import Deployment, DeploymentLifecycleHookDetail, ServiceEvent
from ecskit.models.tasks import Task

__all__ = [
    "CountsChanged",
    "DeploymentEvent",
    "DeploymentFollowed",
    "DeploymentPausedAt",
    "RollbackStarted",
    "ServiceSaid",
    "StabilityChanged",
    "StageReached",
    "StatusChanged",
    "TaskStopped",
    "changes",
    "name_of",
]


T = TypeVar("T")


@attrs.frozen(kw_only=True)
class _Event:
    progress: DeploymentProgress = attrs.field(repr=False, eq=False)
    """Everything that is known of the deployment by then."""


@attrs.frozen(kw_only=True)
class StatusChanged(_Event):
    """The deployment has another status."""

    status: str
    """The status of the service deployment, or else the rollout state that the service shows."""
    reason: str | None
    """Why, as ECS says it."""

    def __str__(self) -> str:
        told = f"{self.progress.name} is {self.status}"
        return f"{told}: {self.reason}" if self.reason else told


@attrs.frozen(kw_only=True)
class StageReached(_Event):
    """The deployment is in another lifecycle stage."""

    stage: str
    traffic: float | None
    """The share of production traffic that the new revision is to have, in percent."""

    def __str__(self) -> str:
        traffic = "" if self.traffic is None else f", {self.traffic:g}% of production traffic"
        return f"stage {self.stage}{traffic}"


@attrs.frozen(kw_only=True)
class DeploymentPausedAt(_Event):
    """A hook pauses the deployment until it is answered, or expires."""

    stage: str | None
    hook: DeploymentLifecycleHookDetail
    """The hook, which `continue_deployment` takes."""

    @property
    def expires_at(self) -> datetime | None:
        """When ECS ends the pause; None if no read shows that."""
        return self.hook.expires_at

    @property
    def timeout_action(self) -> str | None:
        """What ECS does then: "ROLLBACK" or "CONTINUE"; None if no read shows that."""
        return self.hook.timeout_action

    def __str__(self) -> str:
        return f"paused at {self.stage} by {pause_of(self.hook)}: continue it, or roll it back"


@attrs.frozen(kw_only=True)
class CountsChanged(_Event):
    """The deployments of the service have other numbers of tasks."""

    deployments: tuple[Deployment, ...]
    """The deployments that the service shows, the newest first."""

    def __str__(self) -> str:
        own = self.progress.started.deployment_id
        return "; ".join(_counted(each, own, self.progress.desired) for each in self.deployments)


@attrs.frozen(kw_only=True)
class ServiceSaid(_Event):
    """The service says something."""

    event: ServiceEvent

    def __str__(self) -> str:
        return self.event.message or ""


@attrs.frozen(kw_only=True)
class TaskStopped(_Event):
    """A task of the deployment stopped by itself, or did not start."""

    task: Task

    def __str__(self) -> str:
        what = "stopped" if self.task.started_at else "failed to start"
        return f"task {self.task.task_arn.rsplit('/', 1)[-1]} {what}: {died_of(self.task)}"


@attrs.frozen(kw_only=True)
class StabilityChanged(_Event):
    """The deployment has succeeded, and something changed about whether its tasks stay up."""

    stability: Stability
    """"watching" while that is observed; then "stable", "unstable", or "unknown"."""
    stops: int
    """Tasks that stopped since the success, and count against the deployment."""
    unhealthy: int
    """Tasks that are unhealthy."""

    def __str__(self) -> str:
        observed = self.progress.after_success
        stretch = f" for {observed.aim.stable_for:g} s" if observed else ""
        stopped = f", {self.stops} stopped since it succeeded" if self.stops else ""
        unhealthy = f", {self.unhealthy} unhealthy" if self.unhealthy else ""
        return {
            "watching": f"observing whether its tasks stay up{stretch}{stopped}{unhealthy}",
            "stable": f"its tasks stayed up{stretch}",
            "unstable": f"its tasks do not stay up{stopped}{unhealthy}",
            "unknown": "whether its tasks stay up is unknown: reading tasks is refused",
        }[self.stability]


@attrs.frozen(kw_only=True)
class RollbackStarted(_Event):
    """The deployment is rolled back as `on_failure` or `on_timeout` says; later events are of the rollback."""

    reason: str

    def __str__(self) -> str:
        to = self.progress.started.previous_task_definition
        back = f" to {to.rsplit('/', 1)[-1]}" if to else ""
        return f"rolling back {self.progress.name}{back}: {self.reason}"


@attrs.frozen(kw_only=True)
class DeploymentFollowed(_Event):
    """Another deployment has taken the place of this one, and is followed from now on."""

    superseded: StartedDeployment

    def __str__(self) -> str:
        return f"{self.superseded.name} was superseded; following {self.progress.name}"


DeploymentEvent: TypeAlias = (
    StatusChanged
    | StageReached
    | DeploymentPausedAt
    | CountsChanged
    | ServiceSaid
    | TaskStopped
    | DeploymentFollowed
    | RollbackStarted
    | StabilityChanged
)
"""Something that happened to a deployment. `str()` of it is a line for people."""


def changes(before: DeploymentProgress, after: DeploymentProgress) -> Iterator[DeploymentEvent]:
    """Yield what is new, in the order in which it is worth reading."""
    awaited = before.started.expected == "either"  # then its id is that of what was there before it
    if not awaited and before.started.deployment_id not in (None, after.started.deployment_id):
        yield DeploymentFollowed(progress=after, superseded=before.started)
    for event in _new(before.events, after.events, name_of):
        yield ServiceSaid(progress=after, event=event)
    for task in _new(before.stopped_tasks, after.stopped_tasks, lambda task: task.task_arn):
        yield TaskStopped(progress=after, task=task)
    if after.was_seen and (before.status, before.was_seen) != (after.status, True):
        yield StatusChanged(progress=after, status=after.status, reason=after.status_reason)
    observed, found = after.after_success, _found(after)
    if observed is not None and found != _found(before):
        stability = observed.stability
        yield StabilityChanged(progress=after, stability=stability, stops=observed.stops, unhealthy=observed.unhealthy)
    stage, traffic = _stage(after)
    if stage is not None and (stage, traffic) != _stage(before):
        yield StageReached(progress=after, stage=stage, traffic=traffic)
    if after.service is not None and _counts(after) != _counts(before):
        yield CountsChanged(progress=after, deployments=tuple(after.service.deployments))
    for hook in _new(before.paused, after.paused, key_of):
        yield DeploymentPausedAt(progress=after, stage=after.stage, hook=hook)


def name_of(event: ServiceEvent) -> object:
    """Return by what an event is known again."""
    return event.id or (event.created_at, event.message)


def _new(before: Sequence[T], after: Sequence[T], id_of: Callable[[T], object]) -> list[T]:
    known = {id_of(each) for each in before}
    return [each for each in after if id_of(each) not in known]


def _stage(progress: DeploymentProgress) -> tuple[str | None, float | None]:
    deployment = progress.service_deployment
    target = deployment.target_service_revision if deployment else None
    return progress.stage, target.requested_production_traffic_weight if target else None


def _found(progress: DeploymentProgress) -> object:
    observed = progress.after_success
    return observed and (observed.stability, observed.stops, observed.unhealthy)


def _counts(progress: DeploymentProgress) -> list[tuple[object, ...]]:
    deployments = progress.service.deployments if progress.service else ()
    return [
        (each.id, each.status, each.desired_count, each.running_count, each.pending_count, each.failed_tasks)
        for each in deployments
    ]


def _counted(deployment: Deployment, own: str | None, desired: int) -> str:
    name = (deployment.task_definition or deployment.id).rsplit("/", 1)[-1]
    of = f" of {desired}" if deployment.id == own else ""
    told = f"{name}: {deployment.running_count or 0}{of} running"
    if deployment.pending_count:
        told += f", {deployment.pending_count} pending"
    return told + (f", {deployment.failed_tasks} failed" if deployment.failed_tasks else "")
