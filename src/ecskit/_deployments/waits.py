"""The waits for deployments of services, as methods of `client.wait`."""

from __future__ import annotations

from typing import TypeAlias

from ecskit._core.effects import Flow
from ecskit._deployments.follow import FollowOptions, Tracker
from ecskit._deployments.progress import DeploymentProgress
from ecskit._deployments.reference import DeploymentLike, started_from
from ecskit._polling.options import WaitOptions
from ecskit.models.services import ServiceDeployment, ServiceDeploymentBrief

__all__ = ["deployment", "service_deployment"]

OneServiceDeployment: TypeAlias = ServiceDeployment | ServiceDeploymentBrief | str
"""What is said about a service deployment: a model, or its ARN."""


def deployment(
    deployment: DeploymentLike, *, follow_options: FollowOptions, wait_options: WaitOptions
) -> Flow[DeploymentProgress]:
    """Wait until this very deployment of a service has succeeded.

    It is looked up among the service deployments. Where reading these is refused, a warning is logged, and the
    deployment is judged by what its service shows. Reads of the service that are older than what is known are left out.

    Args:
        deployment: What `update_service` or `create_service` returned; a service, whose PRIMARY deployment is meant
            then; a service deployment or its ARN; the `story.handle` of an error; or the text of a handle.
        follow_options: How far, and how, to follow it.
        wait_options: How long to wait and how often to look.

    Returns:
        What is known of the deployment in the end: service, service deployment, counts.

    Raises:
        UnsupportedController: It is not ECS that controls the deployments of the service; nothing was sent.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html
    """
    return Tracker.of(started_from("wait.deployment", deployment), follow_options, wait_options).flow()


def service_deployment(
    service_deployment: OneServiceDeployment, *, follow_options: FollowOptions, wait_options: WaitOptions
) -> Flow[DeploymentProgress]:
    """Wait until a service deployment has succeeded, or has come to a stage or a pause.

    Args:
        service_deployment: A service deployment, or its ARN.
        follow_options: How far, and how, to follow it.
        wait_options: How long to wait and how often to look.

    Returns:
        What is known of the deployment in the end: service, service deployment, counts.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html
    """
    started = started_from("wait.service_deployment", service_deployment)
    return Tracker.of(started, follow_options, wait_options, verb="wait.service_deployment").flow()
