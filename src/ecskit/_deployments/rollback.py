"""Rolling services back, whether they are being deployed or not: the verb."""

from __future__ import annotations

from ecskit._core.effects import Flow
from ecskit._deployments.change import check_service, read_service
from ecskit._deployments.errors import NothingToRollBack
from ecskit._deployments.history import roll_back, turning
from ecskit._deployments.progress import DeploymentProgress
from ecskit._deployments.reference import StartedDeployment, check_controller, primary_of
from ecskit._polling.options import WaitOptions
from ecskit.models.services import Service

__all__ = ["rollback"]


def rollback(
    service: str | Service, *, cluster: str | None = None, wait_options: WaitOptions
) -> Flow[DeploymentProgress]:
    """Roll a service back, and wait until it is.

    A deployment that is under way is rolled back by ECS. If there is none, the service gets the revision again that was
    deployed successfully before the one that it has, whatever their task definitions are called.

    Args:
        service: Name, ARN or model of the service.
        cluster: Name or ARN of the cluster; ECS uses `default` where it is absent.
        wait_options: How long to wait and how often to look.

    Returns:
        What is known in the end of the deployment that was rolled back, or of the one that brought the earlier revision
        back.

    Raises:
        NothingToRollBack: In the history of about three months no other revision was deployed successfully.
        DeploymentRollbackFailed: The rollback failed.
        DeploymentFailed: The deployment of the earlier revision failed; see `services.deploy` for its kin.
        WaitFailed: The deployment was successful before it could be rolled back.
        UnsupportedController: It is not ECS that controls the deployments of the service.
        ServicesMissing: There is no such service.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refuses: no permission, for example. Reading the history is part of this.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopServiceDeployment.html
    """
    check_service("services.rollback", service, cluster)
    wait_options.check("services.rollback")

    def flow() -> Flow[DeploymentProgress]:
        before = yield from read_service("services.rollback", service, cluster)
        check_controller(before)
        primary = primary_of(before)
        if primary is None:
            raise NothingToRollBack(before.service_name, "it shows no deployment")
        started = StartedDeployment(
            service=before.service_arn,
            cluster=before.cluster_arn,
            deployment_id=primary.id,
            task_definition=primary.task_definition,
            created_at=primary.created_at,
        )
        if primary.rollout_state == "IN_PROGRESS":
            started = (yield from turning(before)) or started
        return (yield from roll_back(started, wait_options))

    return flow()
