"""What is known of one deployment, and what can be told of it.

How reads change it is decided in `folding`, what is to be thought of it in `verdicts`. Asks ECS nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from ecskit._deployments.after_success import AfterSuccess, Stability
from ecskit._deployments.evidence import is_unplaced
from ecskit._deployments.pauses import key_of, pause_of
from ecskit._deployments.reference import WAIT, StartedDeployment, goes_back, id_of_revision, primary_of
from ecskit._deployments.signs import Signs
from ecskit._deployments.stopped_tasks import told_of
from ecskit._polling.errors import WaitStory
from ecskit._polling.observations import MISSING
from ecskit._waits.stability import controller_of, unsteady_task_sets
from ecskit.models.services import (
    Deployment,
    DeploymentLifecycleHookDetail,
    Service,
    ServiceDeployment,
    ServiceDeploymentBrief,
    ServiceEvent,
)
from ecskit.models.tasks import Task

__all__ = ["DOOMED", "OVER", "RANKS", "ROLLING_BACK", "STAGES", "DeploymentProgress"]

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
_AT_ONCE = timedelta(seconds=1)
"""How far apart the times of a service and of its first deployment may be."""
_MISSING_READS, _MISSING_FOR = 2, 30.0
READS = 2
"""How many reads in a row have to show what could also be an old read."""


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
    after_success: AfterSuccess | None = None
    """What polls observed after the deployment had succeeded; None before, and where it was not asked for."""
    signs: Signs = attrs.field(factory=Signs, repr=False)
    """What earlier reads have shown."""

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
        if self.started.expected == "scaling":
            return self._status_of_counts
        deployment = self.deployment
        return (deployment.rollout_state or deployment.status) if deployment else MISSING

    @property
    def _status_of_counts(self) -> str:
        """The state of what runs, for a change that began no deployment."""
        if self.service is None or self.service.status != "ACTIVE":
            return (self.service.status if self.service else None) or MISSING
        if controller_of(self.service) == "EXTERNAL":
            return "STABILIZING" if any(unsteady_task_sets(self.service)) else "STEADY_STATE"
        if self.primary is not None and self.primary.rollout_state is not None:
            return self.primary.rollout_state
        # Services behind Classic Load Balancers have no rollout states.
        return "COMPLETED" if self.signs.reads("settled") else "IN_PROGRESS"

    @property
    def stability(self) -> Stability | None:
        """Whether its tasks stay up after it has succeeded.

        "watching" while that is observed, then "stable" or "unstable"; "unknown" where reading stopped tasks is
        refused; None before it has succeeded, and where neither `stable_for` nor `until="stable"` asks for it.
        """
        return self.after_success.stability if self.after_success else None

    @property
    def changed(self) -> bool:
        """Whether the change that was requested changed anything; if not, the service is what it was before."""
        return self.started.changed

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
        answered = self.signs.answered
        return [hook for hook in hooks if hook.status == "AWAITING_ACTION" and key_of(hook) not in answered]

    @property
    def paused_by(self) -> str | None:
        """The hooks that pause the deployment, until when, and what ECS does then, in words; None without a pause."""
        pauses = [pause_of(hook) for hook in self.paused]
        return f"paused at {self.stage} by {' and '.join(pauses)}" if pauses else None

    @property
    def others(self) -> Sequence[Deployment]:
        """The other deployments that the service shows and that are not INACTIVE."""
        shown = self.service.deployments if self.service else ()
        return [each for each in shown if each.id != self.started.deployment_id and each.status != "INACTIVE"]

    @property
    def succeeded(self) -> bool:
        """Whether a read has shown that it succeeded: one of the service deployment, or without one of the service."""
        if self.service_deployment is not None:
            return self.service_deployment.status == "SUCCESSFUL"
        if self.started.expected == "either":
            return False
        deployment = self.deployment
        is_primary = deployment is not None and deployment.status == "PRIMARY"
        if self.signs.completed:
            return is_primary or self.refused or self.is_gone
        # Services behind Classic Load Balancers have no rollout states.
        stateless = deployment is not None and deployment.rollout_state is None
        return is_primary and stateless and self.signs.reads("settled") >= READS

    @property
    def succeeded_at(self) -> datetime | None:
        """When the deployment succeeded, by the times of ECS; None if no read shows that."""
        if not self.succeeded:
            return None
        return self.service_deployment.finished_at if self.service_deployment else self.signs.completed_at

    @property
    def events(self) -> Sequence[ServiceEvent]:
        """What the service said since the deployment was begun, oldest first."""
        began = self.started.created_at
        if self.service is None or began is None or self.started.expected == "scaling":
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
        told = [self.status_reason, *told_of(self.stopped_tasks)]
        return ": ".join(dict.fromkeys(each.rstrip(".") for each in told if each)) or None

    @property
    def status_reason(self) -> str | None:
        """Why it is as it is, as ECS says it."""
        if self.service_deployment is not None:
            rollback = self.service_deployment.rollback
            told = self.service_deployment.status_reason or (rollback.reason if rollback else None)
            if told:
                return told
        return self.signs.failed

    @property
    def failures(self) -> int:
        """How many tasks in a row failed: as ECS counts them, or as they were observed.

        ECS counts the tasks that did not start or failed their health checks, since one became healthy. It also counts
        those that found no room, which is no failure while room may come: then only those that were observed count.
        """
        counted = (self.deployment.failed_tasks or 0) if self.deployment else 0
        return self.signs.failures if any(map(is_unplaced, self.events)) else max(self.signs.failures, counted)

    @property
    def counts(self) -> str:
        """How many of its tasks run, in words."""
        deployment = self.deployment
        if self.service is not None and controller_of(self.service) == "EXTERNAL":
            return "; ".join(unsteady_task_sets(self.service)) or "all task sets are steady"
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
        signs = self.signs
        missing = signs.missing > _MISSING_READS and signs.missing_at - signs.missing_since >= _MISSING_FOR
        ended = self.service is not None and self.service.status in ("DRAINING", "INACTIVE")
        return missing or ended or self.is_replaced

    @property
    def is_replaced(self) -> bool:
        """Whether what is shown is another service of the same name, created after the deployment was begun."""
        created = self.service.created_at if self.service else None
        known, began = self.started.service_created_at, self.started.created_at
        if created is None or known is not None:
            return created is not None and known is not None and created > known
        return began is not None and created > began + _AT_ONCE

    @property
    def is_over(self) -> bool:
        """Whether the service deployment has come to its end."""
        return self.service_deployment is not None and RANKS.get(self.service_deployment.status, -1) >= OVER

    @property
    def was_seen(self) -> bool:
        """Whether a read has shown the deployment."""
        return self.signs.seen or self.service_deployment is not None

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
