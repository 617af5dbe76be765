"""The method `services.rollback`: roll a service back, whether it is being deployed or not."""

from __future__ import annotations

from ecskit._core.effects import Flow
from ecskit._deployments.arguments import FollowOptions
from ecskit._deployments.errors import NothingToRollBack
from ecskit._deployments.follow import Tracker
from ecskit._deployments.progress import DeploymentProgress
from ecskit._deployments.read import check_service, read_service
from ecskit._deployments.reference import StartedDeployment, check_controller, primary_of, primary_started
from ecskit._deployments.restoring import restore
from ecskit._deployments.revisions import deployment_rolling_back, roll_back
from ecskit._deployments.rollback_target import RollbackTarget, Target, target_of
from ecskit._deployments.update import Update
from ecskit._polling.options import WaitOptions
from ecskit.models.services import Service

__all__ = ["rollback"]


def rollback(
    service: str | Service,
    *,
    cluster: str | None = None,
    to: RollbackTarget | None = None,
    wait_options: WaitOptions,
) -> Flow[DeploymentProgress]:
    """Roll a service back, and wait until the rollback is done.

    Without `to`, ECS rolls back a deployment that is in progress. Otherwise an UpdateService restores the latest
    service revision that was deployed successfully and differs from the current one. If its task definition was
    deregistered, a copy of it is registered and deployed; `started.copy_of` of the result names the original.

    Args:
        service: Name, ARN or model of the service.
        cluster: Name or ARN of the cluster; ECS uses `default` if absent.
        to: What to go back to: a revision that `services.history` yielded, a service revision or a service deployment
            (model or ARN), or a task definition (model, ARN or FAMILY:REVISION). A revision is restored with its
            network, load balancers and capacity providers; of a task definition, nothing else is changed. A deployment
            that is in progress is replaced. If the service runs it already, or is being deployed to it, nothing is
            changed, and that deployment is awaited.
        wait_options: How long to wait and how often to poll.

    Returns:
        The last progress of the deployment that was rolled back, or of the one that restored the earlier revision.

    Raises:
        NothingToRollBack: ECS lists no other revision that was deployed successfully, in about three months; it no
            longer shows what `to` names; or the task definition was deleted.
        DeploymentRollbackFailed: The rollback failed.
        DeploymentFailed: The deployment of the earlier revision failed. Its subclasses are listed at `services.deploy`.
        WaitFailed: The deployment succeeded before it could be rolled back.
        UnsupportedController: ECS does not control the deployments of the service.
        ServicesMissing: ECS does not show the service.
        RequestError: An argument is wrong, or `to` is of another service, or of a family of task definitions that the
            service has not run, as far as its history shows; nothing was changed.
        ServiceError: ECS refuses a request, for example without permission. Reading the history needs permission too.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopServiceDeployment.html
    """
    check_service("services.rollback", service, cluster)
    wait_options.check("services.rollback")
    target = None if to is None else target_of("services.rollback", to)

    def flow() -> Flow[DeploymentProgress]:
        before = yield from read_service("services.rollback", service, cluster)
        check_controller(before)
        if target is not None:
            return (yield from _roll_back_to(target, before, wait_options))
        primary = primary_of(before)
        if primary is None:
            raise NothingToRollBack(before.service_name, "ECS shows no deployment of it")
        started = StartedDeployment(
            service=before.service_arn,
            cluster=before.cluster_arn,
            deployment_id=primary.id,
            task_definition=primary.task_definition,
            created_at=primary.created_at,
        )
        if primary.rollout_state == "IN_PROGRESS":
            started = (yield from deployment_rolling_back(before)) or started
        return (yield from roll_back(started, wait_options))

    return flow()


def _roll_back_to(target: Target, before: Service, wait_options: WaitOptions) -> Flow[DeploymentProgress]:
    """Restore a target unless the service runs it, and wait for the deployment."""
    request = yield from target.update_of(before)
    if request is None:
        started = primary_started(before)
    else:
        started = yield from restore(Update(before=before, request=request))
    return (yield from Tracker.of(started, FollowOptions(), wait_options).wait())
