"""Methods of `client.wait` that wait for deployments of services."""

from __future__ import annotations

from typing import TypeAlias

from ecskit._core.effects import Flow
from ecskit._deployments.arguments import FollowOptions
from ecskit._deployments.follow import Tracker
from ecskit._deployments.progress import DeploymentProgress
from ecskit._deployments.reference import DeploymentLike, started_from
from ecskit._polling.options import WaitOptions
from ecskit.models.services import ServiceDeployment, ServiceDeploymentBrief

__all__ = ["deployment", "service_deployment"]

OneServiceDeployment: TypeAlias = ServiceDeployment | ServiceDeploymentBrief | str
"""What names a service deployment: a model, or its ARN."""


def deployment(
    deployment: DeploymentLike, *, follow_options: FollowOptions, wait_options: WaitOptions
) -> Flow[DeploymentProgress]:
    """Wait until exactly this deployment of a service has succeeded.

    Polls read its service deployment. If ECS refuses to show service deployments, a warning is logged, and the state is
    taken from the service. Reads that are older than an earlier read are discarded.

    Args:
        deployment: What `update_service` or `create_service` returned; a `Service`, for its PRIMARY deployment; a
            service deployment or its ARN; the `story.handle` of an error; or the text that `to_json` of a handle
            returned.
        follow_options: How far, and how, to follow it.
        wait_options: How long to wait and how often to poll.

    Returns:
        The last progress of the deployment: service, service deployment, counts, events.

    Raises:
        UnsupportedController: ECS does not control the deployments of the service; nothing was sent.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html
    """
    return Tracker.of(started_from("wait.deployment", deployment), follow_options, wait_options).wait()


def service_deployment(
    service_deployment: OneServiceDeployment, *, follow_options: FollowOptions, wait_options: WaitOptions
) -> Flow[DeploymentProgress]:
    """Wait until a service deployment has succeeded, or has reached a lifecycle stage or a pause.

    Args:
        service_deployment: A service deployment, or its ARN.
        follow_options: How far, and how, to follow it.
        wait_options: How long to wait and how often to poll.

    Returns:
        The last progress of the deployment: service, service deployment, counts, events.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html
    """
    started = started_from("wait.service_deployment", service_deployment)
    return Tracker.of(started, follow_options, wait_options, verb="wait.service_deployment").wait()
