"""The method `services.resume_autoscaling`, for services whose scaling out a killed program has left suspended."""

from __future__ import annotations

from ecskit._autoscaling.pausing import resume
from ecskit._core.effects import Flow
from ecskit._deployments.read import check_service
from ecskit._polling.identifiers import targets_of
from ecskit._services.reading import describe
from ecskit._waits.services import SERVICE_IDENTIFIERS
from ecskit.models.services import Service

__all__ = ["resume_autoscaling"]


def resume_autoscaling(service: str | Service, *, cluster: str | None = None) -> Flow[bool]:
    """Resume scaling out of a service after a deployment with `pause_autoscaling` that was killed.

    Such a deployment keeps how scaling stood before in a tag of the scalable target. It is restored from there, and the
    tag is removed. What is suspended without this tag stays suspended.

    Args:
        service: Name, ARN or model of the service.
        cluster: Name or ARN of the cluster; `default` if neither this nor an ARN names one.

    Returns:
        True if scaling out was resumed. False if no such deployment has left it suspended.

    Raises:
        ServicesMissing: Nothing was resumed, and ECS does not show the service.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: Application Auto Scaling or ECS refuses a request, for example without permission.
        TransportError: Application Auto Scaling or ECS could not be reached.
        ConfigurationError: The client wraps another one, so it cannot make one for Application Auto Scaling.

    Source: https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-suspend-resume-scaling.html
    """
    check_service("services.resume_autoscaling", service, cluster)
    targets = targets_of("services.resume_autoscaling", SERVICE_IDENTIFIERS, service, cluster=cluster)
    [target] = targets.by_name.values()

    def flow() -> Flow[bool]:
        if (yield from resume(f"service/{_last(target.scope or cluster or 'default')}/{_last(target.id)}")):
            return True
        yield from describe(service, cluster=cluster)  # a wrong name has no scalable target, either
        return False

    return flow()


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1]
