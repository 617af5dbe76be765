"""`DeploymentProgress`: everything that polls have shown of one deployment, as a value.

`merge` returns the progress after a read. `verdicts` decides what the progress means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import attrs

from ecskit._core.documented import Documented
from ecskit._core.wording import escaped
from ecskit._deployments.evidence import count_by_reason, counts_against, is_unplaced, rebalanced, stop_began_at
from ecskit._deployments.facts import Facts
from ecskit._deployments.pauses import describe_hook, key_of_hook
from ecskit._deployments.reference import WAIT, StartedDeployment, goes_back, id_of_revision, primary_of
from ecskit._deployments.stability import ObservedStability, Stability
from ecskit._polling.errors import WaitStory
from ecskit._polling.observations import MISSING
from ecskit._waits.stability import has_task_sets, unsteady_task_sets
from ecskit.models.services import (
    Deployment,
    DeploymentConfiguration,
    DeploymentLifecycleHookDetail,
    Service,
    ServiceDeployment,
    ServiceDeploymentBrief,
    ServiceEvent,
)
from ecskit.models.tasks import Task

if TYPE_CHECKING:
    from ecskit._explain.diagnosis import Diagnosis

__all__ = ["ENDING", "OVER", "RANKS", "ROLLING_BACK", "STAGES", "DeploymentProgress"]

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
"""The order of the statuses of a service deployment. The last ones are final.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html
"""
OVER = RANKS["STOPPED"]
ROLLING_BACK = frozenset({"ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
ENDING = ROLLING_BACK | {"STOP_REQUESTED"}
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
"""Lifecycle stages, in order.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html
"""
_CLOSE = timedelta(seconds=1)
"""The largest difference between the times of a service and of its first deployment."""
_MISSING_READS, _MISSING_FOR = 2, 30.0
READS = 2
"""Reads in a row that must show a state that an outdated read can also show."""


@attrs.frozen(kw_only=True)
class DeploymentProgress(Documented):
    """Everything that polls have shown of a deployment."""

    started: StartedDeployment
    """The deployment, as it was started."""
    service: Service | None = None
    """The latest read of the service; None before the first one."""
    service_deployment: ServiceDeployment | None = None
    """The latest read of the service deployment; None until it is found, and if ECS refuses to show it."""
    stopped_tasks: Sequence[Task] = ()
    """Tasks of the deployment that did not start or stopped for another reason than scaling in. ECS shows stopped tasks
    for about an hour."""
    newer: Sequence[ServiceDeploymentBrief] = ()
    """Service deployments that began later, oldest first."""
    stage_reached: str | None = None
    """The latest lifecycle stage that the deployment reached. Stages of a rollback do not count."""
    refused: bool = False
    """Whether the service deployment cannot be read or found. Then the service alone shows the state."""
    restored_task_definition: str | None = None
    """The task definition that an UpdateService of this client restored; None if ECS rolled back, or nothing did."""
    restored_copy_of: str | None = None
    """The deregistered task definition of which `restored_task_definition` is a copy; None if it is no copy."""
    observed_stability: ObservedStability | None = None
    """What polls observed after the success; None before it, and unless `stable_for` or `until="stable"` is given."""
    facts: Facts = attrs.field(factory=Facts, repr=False)
    """What earlier polls have established."""

    def __str__(self) -> str:
        """Return the state of the deployment in one line."""
        stability = f", {self.stability}" if self.stability else ""
        return escaped(f"{self.name}: {self.status}, {self.counts}{stability}")

    @property
    def name(self) -> str:
        """The name in messages: id, cluster, service and task definition."""
        deployment = self.deployment
        task_definition = deployment.task_definition if deployment else None
        return attrs.evolve(self.started, task_definition=task_definition or self.started.task_definition).name

    @property
    def deployment(self) -> Deployment | None:
        """The deployment as the service shows it; None if the service does not show it."""
        if self.service is None:
            return None
        return next((each for each in self.service.deployments if each.id == self.started.deployment_id), None)

    @property
    def primary(self) -> Deployment | None:
        """The PRIMARY deployment that the service shows: this one, unless another one replaced it."""
        return primary_of(self.service) if self.service else None

    @property
    def status(self) -> str:
        """The status of the service deployment, or the rollout state that the service shows while that is not found."""
        if self.service_deployment is not None:
            return self.service_deployment.status
        if self.started.expected == "scaling":
            return self._status_of_counts
        deployment = self.deployment
        return (deployment.rollout_state or deployment.status) if deployment else MISSING

    @property
    def _status_of_counts(self) -> str:
        """The status of a change that began no deployment."""
        if self.service is None or self.service.status != "ACTIVE":
            return (self.service.status if self.service else None) or MISSING
        if has_task_sets(self.service):
            return "STABILIZING" if any(unsteady_task_sets(self.service)) else "STEADY_STATE"
        if self.primary is not None and self.primary.rollout_state is not None:
            return self.primary.rollout_state
        # Services behind Classic Load Balancers have no rollout states.
        return "COMPLETED" if self.facts.reads("settled") else "IN_PROGRESS"

    @property
    def stability(self) -> Stability | None:
        """Whether the tasks stay up after the deployment has succeeded.

        "watching" at first, then "stable" or "unstable"; "unknown" if ECS refuses to list or describe stopped tasks.
        None before the success, and unless `stable_for` or `until="stable"` is given.
        """
        return self.observed_stability.stability if self.observed_stability else None

    @property
    def changed(self) -> bool:
        """Whether the request changed anything; if not, the service is as before."""
        return self.started.changed

    @property
    def stage(self) -> str | None:
        """The current lifecycle stage; None for rolling deployments."""
        return self.service_deployment.lifecycle_stage if self.service_deployment else None

    @property
    def paused(self) -> Sequence[DeploymentLifecycleHookDetail]:
        """The hooks that pause the deployment until they are answered with CONTINUE or ROLLBACK, or expire."""
        if self.service_deployment is None or self.service_deployment.status not in ("PENDING", "IN_PROGRESS"):
            return ()
        hooks = self.service_deployment.lifecycle_hook_details
        answered = self.facts.answered
        return [hook for hook in hooks if hook.status == "AWAITING_ACTION" and key_of_hook(hook) not in answered]

    @property
    def paused_by(self) -> str | None:
        """The hooks that pause the deployment, their expiry, and what ECS does then, in words; None without a pause."""
        pauses = [describe_hook(hook) for hook in self.paused]
        return f"paused at {self.stage} by {' and '.join(pauses)}" if pauses else None

    @property
    def others(self) -> Sequence[Deployment]:
        """The other deployments that the service shows, without the INACTIVE ones."""
        shown = self.service.deployments if self.service else ()
        return [each for each in shown if each.id != self.started.deployment_id and each.status != "INACTIVE"]

    @property
    def succeeded(self) -> bool:
        """Whether the service deployment is SUCCESSFUL, or, while it is not found, the service shows the success."""
        if self.service_deployment is not None:
            return self.service_deployment.status == "SUCCESSFUL"
        if self.started.expected == "either":
            return False
        deployment = self.deployment
        is_primary = deployment is not None and deployment.status == "PRIMARY"
        if self.facts.completed:
            return is_primary or self.refused or self.is_gone
        # Services behind Classic Load Balancers have no rollout states.
        stateless = deployment is not None and deployment.rollout_state is None
        return is_primary and stateless and self.facts.reads("settled") >= READS

    @property
    def succeeded_at(self) -> datetime | None:
        """When the deployment succeeded, by the times of ECS; None if no read shows that."""
        if not self.succeeded:
            return None
        return self.service_deployment.finished_at if self.service_deployment else self.facts.completed_at

    @property
    def events(self) -> Sequence[ServiceEvent]:
        """The events of the service since the deployment began, oldest first."""
        began = self.started.created_at
        if self.service is None or began is None or self.started.expected == "scaling":
            return []
        since = [each for each in self.service.events if each.created_at is None or each.created_at >= began]
        return since[::-1]

    @property
    def successor(self) -> str | None:
        """ARN of the service deployment that replaced this one, or the id of that deployment; None if there is none."""
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
        """ARN of the task definition to which the service was rolled back; None without a rollback, or if unknown."""
        if self.restored_task_definition:
            return self.restored_task_definition
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
        """The reason that ECS gives for the status, and why tasks stopped; None if there is neither."""
        reasons = [self.status_reason, *count_by_reason(self.stopped_tasks)]
        return ": ".join(dict.fromkeys(each.rstrip(".") for each in reasons if each)) or None

    @property
    def status_reason(self) -> str | None:
        """The reason that ECS gives for the status; None if it gives none."""
        if self.service_deployment is not None:
            rollback = self.service_deployment.rollback
            reason = self.service_deployment.status_reason or (rollback.reason if rollback else None)
            if reason:
                return reason
        return self.facts.failed

    @property
    def diagnosis(self) -> Diagnosis:
        """Why its tasks stopped or are not placed, by what polls have shown: findings with causes and what to do."""
        from ecskit._deployments.explaining import diagnosis_of  # most programs end without this table

        return diagnosis_of(self)

    @property
    def configuration(self) -> DeploymentConfiguration | None:
        """The deployment configuration of the service deployment, or of the service while that is not found."""
        deployment, service = self.service_deployment, self.service
        return (deployment and deployment.deployment_configuration) or (
            service.deployment_configuration if service else None
        )

    @property
    def stopped_after_success(self) -> Sequence[Task]:
        """The tasks that count against the deployment and began to stop after its success, by the times of ECS.

        If the first poll of a wait already showed the success, tasks that had stopped before it are left out.
        """
        succeeded, moved = self.succeeded_at, rebalanced(self.events)
        before = self.observed_stability.before if self.observed_stability else frozenset[str]()
        ends = [(task, stop_began_at(task)) for task in self.stopped_tasks if task.task_arn not in before]
        later = [task for task, began in ends if succeeded is None or began is None or began > succeeded]
        return [task for task in later if counts_against(task, moved)]

    @property
    def failures(self) -> int:
        """How many tasks failed in a row: the number that ECS counts, or the number that polls observed.

        ECS counts tasks that did not start or failed their health checks since a task became healthy. It also counts
        tasks that could not be placed, for which capacity may still come: then only observed tasks count.
        """
        deployment, observed = self.deployment, self.facts.failures
        counted = (deployment.failed_tasks or 0) if deployment else 0
        return observed if counted <= observed or any(map(is_unplaced, self.events)) else counted

    @property
    def counts(self) -> str:
        """The number of running, pending and failed tasks, in words."""
        deployment = self.deployment
        if self.service is not None and has_task_sets(self.service):
            return "; ".join(unsteady_task_sets(self.service)) or "all task sets are steady"
        if deployment is None:
            return f"{self.name} is not visible yet"
        desired = self.desired
        counts = f"{deployment.running_count or 0} of {desired} tasks running"
        if deployment.pending_count:
            counts += f", {deployment.pending_count} pending"
        return counts + (f", {deployment.failed_tasks} failed" if deployment.failed_tasks else "")

    @property
    def desired(self) -> int:
        """The desired count of the service."""
        if self.service is not None and self.service.desired_count is not None:
            return self.service.desired_count
        return self.started.desired_count or 0

    @property
    def is_gone(self) -> bool:
        """Whether the service is deleted or being deleted."""
        facts = self.facts
        missing = facts.missing > _MISSING_READS and facts.missing_at - facts.missing_since >= _MISSING_FOR
        ended = self.service is not None and self.service.status in ("DRAINING", "INACTIVE")
        return missing or ended or self.is_replaced

    @property
    def is_replaced(self) -> bool:
        """Whether reads show another service of the same name, created after the deployment began."""
        created = self.service.created_at if self.service else None
        known, began = self.started.service_created_at, self.started.created_at
        if created is None or known is not None:
            return created is not None and known is not None and created > known
        return began is not None and created > began + _CLOSE

    @property
    def is_over(self) -> bool:
        """Whether the service deployment has a final status."""
        return self.service_deployment is not None and RANKS.get(self.service_deployment.status, -1) >= OVER

    @property
    def was_seen(self) -> bool:
        """Whether a read has shown the deployment."""
        return self.facts.seen or self.service_deployment is not None

    def story(self, why: str = "") -> WaitStory:
        """Return the progress as the story of a wait, with a reason; its `handle` continues the wait."""
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
        """Whether another deployment began later. Only times that ECS shows are compared."""
        if other.id == self.started.deployment_id or goes_back(other):
            return False
        began, previous = self.started.created_at, self.started.previous_id
        if other.id == previous:
            return False
        if other.created_at is None or began is None:
            return None not in (previous, self.started.deployment_id)  # neither the previous one nor this one
        return other.created_at >= began
