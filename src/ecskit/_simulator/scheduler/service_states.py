"""The state of services and their deployments now, for tests that need more than reads show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.scheduler.live_tasks import live_tasks_of, running_and_pending
from ecskit._simulator.scheduler.stages import current

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.records.services import Service


@attrs.frozen(kw_only=True)
class ServiceState:
    """The state of one service now. Reads can lag behind it.

    Args:
        arn: Its ARN.
        name: Its name.
        cluster_arn: The ARN of its cluster.
        status: ACTIVE, DRAINING or INACTIVE.
        task_definition: The task definition of its newest revision; None for task sets.
        desired_count: Its desired count.
        running_count: The number of running tasks.
        pending_count: The number of tasks that are starting.
        primary: The id of the PRIMARY deployment, `ecs-svc/N`; None for task sets.
        rollout_state: The rollout state of that deployment.
        steady: Whether it is in a steady state.
    """

    arn: str
    name: str
    cluster_arn: str
    status: str
    task_definition: str | None
    desired_count: int
    running_count: int
    pending_count: int
    primary: str | None
    rollout_state: str | None
    steady: bool


@attrs.frozen(kw_only=True)
class DeploymentState:
    """The state of one service deployment now. Reads can lag behind it.

    Args:
        arn: The ARN of the service deployment.
        service_arn: The ARN of its service.
        deployment_id: The id of its entry of `deployments`: `ecs-svc/N`.
        revision_arn: The ARN of the revision that it deploys.
        task_definition: The task definition of that revision.
        status: Its status, for example ROLLBACK_SUCCESSFUL.
        reason: The reason for the status, if any.
        stage: Its lifecycle stage, or the last one that it reached; None for ROLLING.
        created_at: When it was created, in seconds since the epoch.
        finished_at: When it ended; None until then.
    """

    arn: str
    service_arn: str
    deployment_id: str
    revision_arn: str
    task_definition: str
    status: str
    reason: str | None
    stage: str | None
    created_at: float
    finished_at: float | None


def service_state(account: Account, service: Service) -> ServiceState:
    """Return the state of a service now."""
    running, pending = running_and_pending(live_tasks_of(account, service))
    primary = service.primary
    return ServiceState(
        arn=service.arn,
        name=service.name,
        cluster_arn=service.cluster.arn,
        status=service.status,
        task_definition=service.config.get("taskDefinition"),
        desired_count=service.desired,
        running_count=running,
        pending_count=pending,
        primary=None if primary is None else primary.id,
        rollout_state=None if primary is None else primary.state,
        steady=service.is_steady,
    )


def deployment_states(service: Service) -> list[DeploymentState]:
    """Return the states of the deployments of a service now, oldest first."""
    found: list[DeploymentState] = []
    for rollout in service.rollouts:
        stage = current(rollout)
        found.append(
            DeploymentState(
                arn=rollout.arn,
                service_arn=service.arn,
                deployment_id=rollout.deployment.id,
                revision_arn=rollout.deployment.revision.arn,
                task_definition=rollout.deployment.revision.config["taskDefinition"],
                status=rollout.status,
                reason=rollout.reason,
                stage=None if stage is None else stage.name,
                created_at=rollout.created_at,
                finished_at=rollout.finished_at,
            )
        )
    return found
