"""What is known of one deployment, and how what is read changes it.

Reads come from several operations, may lag, may contradict each other, and may be refused. This module folds them into
one `DeploymentProgress`; what is to be thought of it is decided in `verdicts`. Asks ECS nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from ecskit._core.sightings import MISSING
from ecskit._core.wait_errors import WaitStory
from ecskit.models.services import (
    Deployment,
    DeploymentLifecycleHookDetail,
    Service,
    ServiceDeployment,
    ServiceDeploymentBrief,
    ServiceEvent,
)
from ecskit.models.tasks import Task
from ecskit.services.started import WAIT, StartedDeployment, goes_back, id_of_revision, primary_of
from ecskit.waits.stability import controller_of, lacking_sets

__all__ = ["STAGES", "DeploymentProgress", "died_of"]

RANKS: Mapping[str, int] = {
    "PENDING": 0,
    "IN_PROGRESS": 1,
    "STOP_REQUESTED": 2,
    "ROLLBACK_REQUESTED": 3,
    "ROLLBACK_IN_PROGRESS": 4,
    "SUCCESSFUL": 5,
    "STOPPED": 5,
    "ROLLBACK_SUCCESSFUL": 5,
    "ROLLBACK_FAILED": 5,
}
"""How late in the life of a service deployment its statuses come; nothing comes after the last ones.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html
"""
OVER = RANKS["STOPPED"]
ROLLING_BACK = frozenset({"ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
DOOMED = ROLLING_BACK | {"STOP_REQUESTED"}
STAGES = (
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
    "CLEAN_UP",
)
"""Lifecycle stages, in their order.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html
"""
STALE_AT_MOST = 60.0
"""Seconds for which reads are taken to be stale that show less than is known already."""
_AT_ONCE = timedelta(seconds=1)
"""How far apart the times of a service and of its first deployment may be."""
_MISSING_READS, _MISSING_FOR = 2, 30.0
_ENDS: Mapping[str, int] = {"ACTIVE": 0, "DRAINING": 1, "INACTIVE": 2}
_SHOWN = (0.0, 0.0, 0)
"""Of reads in a row that did not show the service: when the first one was, and the latest, and how many there are."""
_ENOUGH_TASKS = 200


@attrs.frozen(kw_only=True)
class DeploymentProgress:
    """What is known of a deployment."""

    started: StartedDeployment
    """The deployment, as it was started."""
    service: Service | None = None
    """The service, as it was last seen."""
    service_deployment: ServiceDeployment | None = None
    """The service deployment, as it was last seen; None while it is not found, or if reading it is refused."""
    stopped_tasks: Sequence[Task] = ()
    """Tasks of the deployment that stopped by themselves or did not start, those that ECS still shows."""
    newer: Sequence[ServiceDeploymentBrief] = ()
    """Service deployments that were begun later, oldest first."""
    stage_reached: str | None = None
    """The last lifecycle stage that it came to; what happens during a rollback does not count."""
    refused: bool = False
    """Whether the service deployment cannot be read or found: then it is judged by what the service shows."""
    went_back_to: str | None = None
    """The task definition that the service was brought back to, if it was not ECS that did so."""

    # What the fold keeps to itself.
    _since: float = attrs.field(default=float("-inf"), repr=False)
    _seen: bool = attrs.field(default=False, repr=False)
    _failed: str | None = attrs.field(default=None, repr=False)
    _completed: bool = attrs.field(default=False, repr=False)
    _missing: tuple[float, float, int] = attrs.field(default=_SHOWN, repr=False)
    _stale_since: float | None = attrs.field(default=None, repr=False)
    _in_a_row: Mapping[str, int] = attrs.field(factory=dict, repr=False)
    _moved: tuple[float, object] = attrs.field(default=(float("-inf"), None), repr=False)

    @property
    def name(self) -> str:
        """What the deployment is called in messages: its id, cluster and service, and its task definition."""
        deployment = self.deployment
        task_definition = deployment.task_definition if deployment else None
        return attrs.evolve(self.started, task_definition=task_definition or self.started.task_definition).name

    @property
    def deployment(self) -> Deployment | None:
        """The deployment as the service shows it; None if it does not."""
        if self.service is None:
            return None
        return next((each for each in self.service.deployments if each.id == self.started.deployment_id), None)

    @property
    def primary(self) -> Deployment | None:
        """The deployment that is to stay, as the service shows it: this one, unless something else came."""
        return primary_of(self.service) if self.service else None

    @property
    def status(self) -> str:
        """The status of the service deployment, or else the rollout state that the service shows."""
        if self.service_deployment is not None:
            return self.service_deployment.status
        if self.started.expected == "counts":
            return self.service.status if self.service else MISSING
        return self._rollout or MISSING

    @property
    def stage(self) -> str | None:
        """The lifecycle stage that it is in; None for rolling deployments."""
        return self.service_deployment.lifecycle_stage if self.service_deployment else None

    @property
    def paused(self) -> Sequence[DeploymentLifecycleHookDetail]:
        """The hooks that wait for somebody to let the deployment continue, or roll it back."""
        if self.service_deployment is None or self.service_deployment.status not in ("PENDING", "IN_PROGRESS"):
            return ()
        hooks = self.service_deployment.lifecycle_hook_details
        return [hook for hook in hooks if hook.status == "AWAITING_ACTION"]

    @property
    def events(self) -> Sequence[ServiceEvent]:
        """What the service said since the deployment was begun, oldest first."""
        began = self.started.created_at
        if self.service is None or began is None or self.started.expected == "counts":
            return []
        told = [each for each in self.service.events if each.created_at is None or each.created_at >= began]
        return told[::-1]

    @property
    def successor(self) -> str | None:
        """ARN of the service deployment that took its place, or else the id of that deployment."""
        if self.newer:
            return self.newer[0].service_deployment_arn
        reason = self.service_deployment.status_reason if self.service_deployment else None
        named = re.search(r"arn:\S+:service-deployment/[^\s,;]*[^\s.,;]", reason or "")
        if named:
            return named[0]
        primary = self.primary
        return primary.id if primary is not None and self.is_newer(primary) else None

    @property
    def rolled_back_to(self) -> str | None:
        """ARN of the task definition that the service went back to; None if it did not, or if that is not known."""
        if self.went_back_to:
            return self.went_back_to
        rollback = self.service_deployment.rollback if self.service_deployment else None
        to = id_of_revision(rollback.service_revision_arn) if rollback else None
        shown = {each.id: each.task_definition for each in (self.service.deployments if self.service else ())}
        if to in shown:
            return shown[to]
        if to is not None and to == self.started.previous_id:
            return self.started.previous_task_definition
        primary = self.primary
        if primary is not None and primary.id != self.started.deployment_id and not self.is_newer(primary):
            return primary.task_definition
        return None

    @property
    def reason(self) -> str | None:
        """Why it is as it is, as ECS says it, and what its tasks died of."""
        told = [self.status_reason, *self.tasks_told]
        return ": ".join(dict.fromkeys(each.rstrip(".") for each in told if each)) or None

    @property
    def status_reason(self) -> str | None:
        """Why it is as it is, as ECS says it."""
        if self.service_deployment is not None:
            rollback = self.service_deployment.rollback
            told = self.service_deployment.status_reason or (rollback.reason if rollback else None)
            if told:
                return told
        return self._failed

    @property
    def tasks_told(self) -> Sequence[str]:
        """What the stopped tasks died of, each reason once: "3 tasks failed to start: CannotPullContainerError"."""
        told: Counter[tuple[bool, str]] = Counter()
        for task in self.stopped_tasks:
            told[task.stop_code == "TaskFailedToStart" or task.started_at is None, died_of(task)] += 1
        return [
            f"{count} task{'' if count == 1 else 's'} {'failed to start' if never else 'stopped'}: {why}"
            for (never, why), count in told.most_common()
        ]

    @property
    def counts(self) -> str:
        """How many of its tasks run, in words."""
        deployment = self.deployment
        if self.service is not None and controller_of(self.service) == "EXTERNAL":
            return "; ".join(lacking_sets(self.service)) or "all task sets are steady"
        if deployment is None:
            return f"{self.name} is not visible yet"
        desired = self.desired
        told = f"{deployment.running_count or 0} of {desired} tasks running"
        if deployment.pending_count:
            told += f", {deployment.pending_count} pending"
        return told + (f", {deployment.failed_tasks} failed" if deployment.failed_tasks else "")

    @property
    def desired(self) -> int:
        """How many tasks there are to be in the end."""
        if self.service is not None and self.service.desired_count is not None:
            return self.service.desired_count
        return self.started.desired_count or 0

    @property
    def is_gone(self) -> bool:
        """Whether the service is deleted, or about to be."""
        first, latest, reads = self._missing
        missing = reads > _MISSING_READS and latest - first >= _MISSING_FOR
        ended = self.service is not None and self.service.status in ("DRAINING", "INACTIVE")
        return missing or ended or self.is_replaced

    @property
    def is_replaced(self) -> bool:
        """Whether what is shown is another service of the same name, created after the deployment was begun."""
        created = self.service.created_at if self.service else None
        began = self.started.created_at
        return created is not None and began is not None and created > began + _AT_ONCE

    @property
    def is_over(self) -> bool:
        """Whether the service deployment has come to its end."""
        return self.service_deployment is not None and RANKS.get(self.service_deployment.status, -1) >= OVER

    @property
    def was_seen(self) -> bool:
        """Whether a read has shown the deployment."""
        return self._seen or self.service_deployment is not None

    @property
    def failed(self) -> str | None:
        """Why the service showed the deployment as failed; None if it did not."""
        return self._failed

    @property
    def completed(self) -> bool:
        """Whether the service showed the deployment as completed."""
        return self._completed

    @property
    def since(self) -> float:
        """When it began to be followed in the stead of another one, in monotonic seconds."""
        return self._since

    def reads(self, what: str) -> int:
        """Return how many reads in a row showed something: `settled`, `away`, `failed`, `stopped`."""
        return self._in_a_row.get(what, 0)

    @property
    def moved_at(self) -> float:
        """When something about it changed last, in monotonic seconds."""
        return self._moved[0]

    def story(self, why: str = "") -> WaitStory:
        """Return what is known as a wait tells it, with what is to blame; `story.handle` goes on with it."""
        key = self.started.key
        return WaitStory(
            wait=WAIT,
            noun="deployment",
            last={key: self},
            reasons={key: why} if why else {},
            elapsed=0.0,
            polls=0,
            states={},
            stale=0,
            errors=(),
            arguments=self.started.arguments,
        )

    def is_newer(self, other: Deployment) -> bool:
        """Whether another deployment was begun later: only times of ECS are compared, where there are any."""
        if other.id == self.started.deployment_id or goes_back(other):
            return False
        began, previous = self.started.created_at, self.started.previous_id
        if other.id == previous:
            return False
        if other.created_at is None or began is None:
            return None not in (previous, self.started.deployment_id)  # it is neither what was there, nor this one
        return other.created_at >= began

    @property
    def _rollout(self) -> str | None:
        deployment = self.deployment
        if deployment is None:
            return None
        return deployment.rollout_state or deployment.status

    def after_deployment(self, seen: ServiceDeployment, now: float) -> DeploymentProgress:
        """Return what is known after a read of the service deployment."""
        known = self.service_deployment
        if known is not None and RANKS.get(seen.status, OVER) < RANKS.get(known.status, 0):
            return self  # a replica that lags
        target = seen.target_service_revision
        progress = attrs.evolve(
            self,
            service_deployment=seen,
            started=attrs.evolve(
                self.started,
                deployment_id=self.started.deployment_id or id_of_revision(target.arn if target else None),
                service_deployment_arn=seen.service_deployment_arn,
                created_at=self.started.created_at or seen.created_at,
                service=seen.service_arn or self.started.service,
                cluster=seen.cluster_arn or self.started.cluster,
            ),
            stage_reached=_later(self.stage_reached, seen),
        )
        return progress._noted(now)

    def after_service(self, seen: Service | None, now: float) -> DeploymentProgress:
        """Return what is known after a read of the service; None is that ECS did not show it."""
        if seen is None:
            first, _, reads = self._missing
            return attrs.evolve(self, missing=(first if reads else now, now, reads + 1))
        stale_since = (now if self._stale_since is None else self._stale_since) if self._is_stale(seen) else None
        if stale_since is not None and now - stale_since < STALE_AT_MOST:
            return attrs.evolve(self, stale_since=stale_since, missing=_SHOWN)
        progress = attrs.evolve(self, service=seen, stale_since=stale_since, missing=_SHOWN)
        progress = progress._with_newer_primary()
        deployment, primary = progress.deployment, progress.primary
        failed = deployment is not None and deployment.rollout_state == "FAILED"
        progress = attrs.evolve(
            progress,
            seen=progress._seen or deployment is not None,
            failed=(deployment.rollout_state_reason or "it FAILED" if failed and deployment else None)
            or progress._failed
            or progress._told(r"deployment failed"),
            completed=progress._completed
            or (deployment is not None and deployment.rollout_state == "COMPLETED")
            or progress._told(r"deployment completed") is not None,
        )
        away = primary is not None and progress._seen and primary.id != self.started.deployment_id
        stopped = self.service_deployment is not None and self.service_deployment.status == "STOPPED"
        shown = {"settled": progress._is_settled(seen), "away": away, "failed": failed, "stopped": stopped}
        return progress._counted(shown)._noted(now)

    def with_stopped(self, tasks: Sequence[Task]) -> DeploymentProgress:
        """Return what is known after a look at stopped tasks of the service."""
        known = {task.task_arn: task for task in self.stopped_tasks}
        known |= {task.task_arn: task for task in tasks if self._is_own(task) and not _was_told_to(task)}
        return attrs.evolve(self, stopped_tasks=list(known.values())[-_ENOUGH_TASKS:])

    def _is_own(self, task: Task) -> bool:
        return task.started_by is not None and task.started_by == self.started.deployment_id

    def _is_stale(self, seen: Service) -> bool:
        """Whether a read of the service is older than what is known."""
        known = self.service
        if known is None:
            began = self.started.created_at
            return began is not None and seen.status != "ACTIVE" and (seen.created_at or began) < began
        if seen.created_at and known.created_at and seen.created_at < known.created_at:
            return True  # the predecessor of the same name
        if _ENDS.get(seen.status or "", 0) > _ENDS.get(known.status or "", 0):
            return False  # no service comes back
        stamp = max(_stamps(seen), default=None)
        return stamp is not None and stamp < max(_stamps(known), default=stamp)

    def _with_newer_primary(self) -> DeploymentProgress:
        """Return the same about the deployment that was expected, and that the first answer did not show yet."""
        started, primary = self.started, self.primary
        waits_for_it = started.expected == "either" or started.key == started.unnamed
        if not waits_for_it or primary is None or primary.id == started.previous_id:
            return self
        if started.task_definition is not None and primary.task_definition != started.task_definition:
            return self  # somebody else's
        found = attrs.evolve(
            started,
            deployment_id=primary.id,
            task_definition=primary.task_definition,
            created_at=primary.created_at,
            expected="deployment",
        )
        return attrs.evolve(self, started=found, completed=False, failed=None, in_a_row={})

    def _is_settled(self, service: Service) -> bool:
        """Whether the service is as it is to be: this deployment, alone, with as many tasks as were asked for."""
        is_daemon = service.scheduling_strategy == "DAEMON"
        asked = self.started.desired_count in (None, service.desired_count) or is_daemon
        if service.status != "ACTIVE" or not (asked or self.started.expected == "deployment"):
            return False
        if controller_of(service) == "EXTERNAL":
            return not any(lacking_sets(service))
        primary = primary_of(service)
        return (
            primary is not None
            and primary.id == self.started.deployment_id
            and len(service.deployments) == 1
            and primary.rollout_state in ("COMPLETED", None)
            and service.running_count == service.desired_count
            and not service.pending_count
        )

    def _told(self, what: str) -> str | None:
        """Return what an event says of this very deployment, if it says so."""
        id_ = re.escape(self.started.deployment_id or "?")
        for event in self.events:
            if re.search(rf"\(deployment {id_}\) {what}", event.message or ""):
                return event.message
        return None

    def _counted(self, shown: Mapping[str, bool]) -> DeploymentProgress:
        counts = {what: self._in_a_row.get(what, 0) + 1 if is_so else 0 for what, is_so in shown.items()}
        return attrs.evolve(self, in_a_row={**self._in_a_row, **counts})

    def _noted(self, now: float) -> DeploymentProgress:
        """Return the same with the time, if something has moved."""
        state = self._state
        return self if state == self._moved[1] else attrs.evolve(self, moved=(now, state))

    @property
    def _state(self) -> object:
        """What changes while a deployment gets somewhere; failing tasks, and trying again, is not that."""
        deployments = self.service.deployments if self.service else ()
        target = self.service_deployment.target_service_revision if self.service_deployment else None
        return (
            self.status,
            self.stage,
            [(each.id, each.running_count) for each in deployments],
            self.desired,
            target.requested_production_traffic_weight if target else None,
            [(hook.hook_id, hook.status) for hook in self.paused],
        )


def _stamps(service: Service) -> Iterator[datetime]:
    for deployment in service.deployments:
        yield from filter(None, (deployment.created_at, deployment.updated_at))
    yield from filter(None, (event.created_at for event in service.events))


def _later(reached: str | None, seen: ServiceDeployment) -> str | None:
    """Return the later one of two stages; LINEAR and CANARY deployments come back to earlier ones."""
    stage = seen.lifecycle_stage
    if stage not in STAGES or seen.status not in ("PENDING", "IN_PROGRESS", "SUCCESSFUL"):
        return reached
    return stage if reached is None or STAGES.index(stage) > STAGES.index(reached) else reached


_TOLD_TO = re.compile(r"scaling activity|task set", re.IGNORECASE)


def _was_told_to(task: Task) -> bool:
    """Whether a task stopped because the service needs it no more, not because something was wrong with it."""
    if task.stop_code == "UserInitiated":
        return True
    return task.stop_code == "ServiceSchedulerInitiated" and bool(_TOLD_TO.search(task.stopped_reason or ""))


def died_of(task: Task) -> str:
    """Return why a task stopped, or did not start, in as few words as ECS has for it."""
    told = task.stopped_reason or "ECS gave no reason"
    for container in task.containers:
        if container.reason:
            return (
                container.reason
                if container.reason in told or task.started_at is None
                else f"{told}: {container.reason}"
            )
        if container.exit_code:
            return f"container {container.name} exited with {container.exit_code}"
    return told
