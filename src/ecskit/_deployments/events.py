"""Events of a deployment: the differences between its progress after one poll and after the next.

Each change is one event, and is yielded once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TypeAlias, TypeVar

import attrs

from ecskit._core.documented import Documented
from ecskit._core.errors import EcsError
from ecskit._core.wording import escaped
from ecskit._deployments.evidence import stop_reason
from ecskit._deployments.pauses import describe_hook, key_of_hook
from ecskit._deployments.progress import DeploymentProgress
from ecskit._deployments.reference import StartedDeployment
from ecskit._deployments.stability import Stability
from ecskit.models.services import Deployment, DeploymentLifecycleHookDetail, ServiceEvent
from ecskit.models.tasks import Task

__all__ = [
    "CountsChanged",
    "DeploymentEnded",
    "DeploymentEvent",
    "DeploymentFollowed",
    "PauseStarted",
    "RevisionRegistered",
    "RollbackStarted",
    "ServiceEventLogged",
    "StabilityChanged",
    "StageReached",
    "StatusChanged",
    "TaskStopped",
    "changes",
    "key_of_event",
]


T = TypeVar("T")


@attrs.frozen(kw_only=True)
class _Event(Documented):
    progress: DeploymentProgress = attrs.field(repr=False, eq=False)
    """The progress of the deployment after the poll that showed the event."""
    elapsed: float = attrs.field(default=0.0, repr=False, eq=False)
    """Seconds from the beginning of the stream to that poll, on the clock of the client: virtual on a simulator."""
    label: str = attrs.field(default="", repr=False, eq=False)
    """What names the deployment among those of `services.watch`; empty if there is only one."""
    labels: tuple[str, ...] = attrs.field(default=(), repr=False, eq=False)
    """The labels of all deployments of `services.watch`; empty if there is only one."""


@attrs.frozen(kw_only=True)
class StatusChanged(_Event):
    """The status of the deployment changed."""

    status: str
    """The status of the service deployment, or the rollout state that the service shows while that is not found."""
    reason: str | None
    """The reason that ECS gives; None if it gives none."""

    def __str__(self) -> str:
        status = f"{self.progress.name} is {self.status}"
        return escaped(f"{status}: {self.reason}" if self.reason else status)


@attrs.frozen(kw_only=True)
class StageReached(_Event):
    """The deployment reached a lifecycle stage, or its share of traffic changed."""

    stage: str
    """The lifecycle stage, such as `TEST_TRAFFIC_SHIFT`."""
    traffic: float | None
    """The requested share of production traffic of the new revision, in percent; None if ECS shows none."""

    def __str__(self) -> str:
        traffic = "" if self.traffic is None else f", {self.traffic:g}% of production traffic"
        return f"stage {self.stage}{traffic}"


@attrs.frozen(kw_only=True)
class PauseStarted(_Event):
    """A hook paused the deployment. It waits for an answer, or until the hook expires."""

    stage: str | None
    """The lifecycle stage in which the hook is; None if ECS shows none."""
    hook: DeploymentLifecycleHookDetail
    """The hook, which `continue_deployment` takes."""

    @property
    def expires_at(self) -> datetime | None:
        """When the hook expires; None if no read shows that."""
        return self.hook.expires_at

    @property
    def timeout_action(self) -> str | None:
        """What ECS does when the pause ends without an answer: "ROLLBACK" or "CONTINUE"; None if no read shows that."""
        return self.hook.timeout_action

    def __str__(self) -> str:
        return f"paused at {self.stage} by {describe_hook(self.hook)}: continue it, or roll it back"


@attrs.frozen(kw_only=True)
class CountsChanged(_Event):
    """The number of tasks of a deployment of the service changed."""

    deployments: tuple[Deployment, ...]
    """The deployments that the service shows, newest first."""

    def __str__(self) -> str:
        own = self.progress.started.deployment_id
        return "; ".join(_counted(each, own, self.progress.desired) for each in self.deployments)


@attrs.frozen(kw_only=True)
class ServiceEventLogged(_Event):
    """ECS added an event to the service."""

    event: ServiceEvent
    """The event, as ECS shows it."""

    def __str__(self) -> str:
        return escaped(self.event.message or "")


@attrs.frozen(kw_only=True)
class TaskStopped(_Event):
    """A task of the deployment did not start, or stopped for another reason than scaling in."""

    task: Task
    """The task, with the reasons why it stopped."""

    def __str__(self) -> str:
        what = "stopped" if self.task.started_at else "failed to start"
        return escaped(f"task {self.task.task_arn.rsplit('/', 1)[-1]} {what}: {stop_reason(self.task)}")


@attrs.frozen(kw_only=True)
class StabilityChanged(_Event):
    """After the success, the stability of the deployment or the counts of stopped or unhealthy tasks changed."""

    stability: Stability
    """"watching" at first; then "stable", "unstable", or "unknown"."""
    stops: int
    """Tasks that stopped since the success and count against the deployment."""
    unhealthy: int
    """Tasks that are unhealthy."""

    def __str__(self) -> str:
        observed = self.progress.observed_stability
        stretch = f" for {observed.goal.stable_for:g} s" if observed else ""
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
    """A rollback started because of `on_failure` or `on_timeout`. Later events belong to the rollback."""

    reason: str
    """Why the deployment is rolled back."""

    def __str__(self) -> str:
        to = self.progress.started.previous_task_definition
        back = f" to {_last(to)}" if to else ""
        return f"rolling back {self.progress.name}{back}: {self.reason}"


@attrs.frozen(kw_only=True)
class RevisionRegistered(_Event):
    """The task definition that the rollback restores was deregistered. A copy of it was registered for that."""

    started: StartedDeployment
    """The deployment that restores it: `task_definition` is the copy, and `copy_of` the deregistered one."""

    def __str__(self) -> str:
        copy, original = (_last(arn or "") for arn in (self.started.task_definition, self.started.copy_of))
        return f"{original} was deregistered; {copy} is a copy of it and is deployed instead"


@attrs.frozen(kw_only=True)
class DeploymentFollowed(_Event):
    """Another deployment replaced this one and is followed from now on."""

    superseded: StartedDeployment
    """The deployment that was replaced."""

    def __str__(self) -> str:
        return f"{self.superseded.name} was superseded; following {self.progress.name}"


@attrs.frozen(kw_only=True)
class DeploymentEnded(_Event):
    """The last event of a deployment that is watched with others, which go on. Only `services.watch` yields it."""

    error: EcsError | None
    """What `wait` would raise; None after a success."""

    def __str__(self) -> str:
        return escaped(f"{self.progress.name} ended: {self.error or self.progress.status}")


DeploymentEvent: TypeAlias = (
    StatusChanged
    | StageReached
    | PauseStarted
    | CountsChanged
    | ServiceEventLogged
    | TaskStopped
    | DeploymentFollowed
    | DeploymentEnded
    | RollbackStarted
    | RevisionRegistered
    | StabilityChanged
)
"""An event of a deployment. `str()` returns it as one line of text."""


def changes(before: DeploymentProgress, after: DeploymentProgress) -> Iterator[DeploymentEvent]:
    """Yield the events between two states of a deployment: causes first, counts and pauses last."""
    awaited = before.started.expected == "either"  # then its id is that of the earlier deployment
    if not awaited and before.started.deployment_id not in (None, after.started.deployment_id):
        yield DeploymentFollowed(progress=after, superseded=before.started)
    for event in _new(before.events, after.events, key_of_event):
        yield ServiceEventLogged(progress=after, event=event)
    for task in _new(before.stopped_tasks, after.stopped_tasks, lambda task: task.task_arn):
        yield TaskStopped(progress=after, task=task)
    if after.was_seen and (before.status, before.was_seen) != (after.status, True):
        yield StatusChanged(progress=after, status=after.status, reason=after.status_reason)
    observed = after.observed_stability
    if observed is not None and _stability(after) != _stability(before):
        stability = observed.stability
        yield StabilityChanged(progress=after, stability=stability, stops=observed.stops, unhealthy=observed.unhealthy)
    stage, traffic = _stage(after)
    if stage is not None and (stage, traffic) != _stage(before):
        yield StageReached(progress=after, stage=stage, traffic=traffic)
    if after.service is not None and _counts(after) != _counts(before):
        yield CountsChanged(progress=after, deployments=tuple(after.service.deployments))
    for hook in _new(before.paused, after.paused, key_of_hook):
        yield PauseStarted(progress=after, stage=after.stage, hook=hook)


def key_of_event(event: ServiceEvent) -> object:
    """Return the key by which an event of a service is recognized."""
    return event.id or (event.created_at, event.message)


def _new(before: Sequence[T], after: Sequence[T], id_of: Callable[[T], object]) -> list[T]:
    earlier = {id_of(each) for each in before}
    return [each for each in after if id_of(each) not in earlier]


def _last(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def _stage(progress: DeploymentProgress) -> tuple[str | None, float | None]:
    deployment = progress.service_deployment
    target = deployment.target_service_revision if deployment else None
    return progress.stage, target.requested_production_traffic_weight if target else None


def _stability(progress: DeploymentProgress) -> object:
    observed = progress.observed_stability
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
    counts = f"{name}: {deployment.running_count or 0}{of} running"
    if deployment.pending_count:
        counts += f", {deployment.pending_count} pending"
    return counts + (f", {deployment.failed_tasks} failed" if deployment.failed_tasks else "")
