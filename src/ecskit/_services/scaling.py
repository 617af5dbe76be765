"""The methods `services.scale` and `services.refresh`: changes that deploy no other revision."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._deployments.arguments import Change, FollowOptions, RollbackOptions
from ecskit._deployments.deploy import deploy
from ecskit._deployments.follow import Tracker
from ecskit._deployments.progress import DeploymentProgress
from ecskit._deployments.read import check_service, read_service
from ecskit._deployments.update import Update
from ecskit._polling.options import WaitOptions, is_count
from ecskit.models.services import Service

__all__ = ["UntilScaled", "refresh", "scale"]

UntilScaled: TypeAlias = Literal["settled", "requested"]
"""When `services.scale` returns."""


def scale(
    service: str | Service,
    *,
    desired_count: int,
    cluster: str | None = None,
    until: UntilScaled = "settled",
    wait_options: WaitOptions,
) -> Flow[Service]:
    """Change the desired count of a service, and wait until that many tasks run.

    Args:
        service: Name, ARN or model of the service.
        desired_count: The new desired count, 0 or more.
        cluster: Name or ARN of the cluster; ECS uses `default` if absent.
        until: "settled" waits until the desired count runs and any deployment in progress has succeeded; with the
            controller EXTERNAL or CODE_DEPLOY, until all task sets are steady. "requested" returns when ECS has
            accepted the change.
        wait_options: How long to wait and how often to poll.

    Returns:
        The service, as the last response showed it.

    Raises:
        RequestError: An argument is wrong, or the service is a DAEMON, which has no desired count; nothing was changed.
        DeploymentFailed: A deployment in progress failed. Its subclasses are listed at `services.deploy`.
        DeploymentSuperseded: A newer deployment replaced the one in progress.
        ServiceGone: The service was deleted.
        UnsupportedController: The service has a deployment controller that is unknown to ecskit.
        ServicesMissing: ECS does not show the service.
        ServiceError: ECS refuses: no permission, too many tasks. If the service was changed, `story` has a handle.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
    """
    verb = "services.scale"
    check_service(verb, service, cluster)
    wait_options.check(verb)
    count: object = desired_count
    if not (count == 0 or is_count(count)) or isinstance(count, bool):
        raise RequestError(verb, [("desired_count", f"expected a whole number, 0 or more, got {desired_count!r}")])
    if until not in get_args(UntilScaled):
        raise RequestError(verb, [("until", f"expected one of {', '.join(get_args(UntilScaled))}, got {until!r}")])

    def flow() -> Flow[Service]:
        before = yield from read_service(verb, service, cluster)
        update = yield from Update.of(Change(cluster=cluster, desired_count=desired_count), before, verb)
        started = yield from update.make()
        # A deployment in progress can succeed before the new desired count runs.
        tracker = Tracker.of(started, FollowOptions(until="stable"), wait_options, verb=verb)
        if until == "settled":
            yield from tracker.wait()
        return tracker.progress.service or update.after or before

    return flow()


def refresh(
    service: str | Service,
    *,
    cluster: str | None = None,
    follow_options: FollowOptions,
    rollback_options: RollbackOptions,
    wait_options: WaitOptions,
) -> Flow[DeploymentProgress]:
    """Replace all tasks of a service without changing it, and wait until the deployment has succeeded.

    The new tasks pull their images again, read their secrets again, and use the current `LATEST` platform version.

    Args:
        service: Name, ARN or model of the service.
        cluster: Name or ARN of the cluster; ECS uses `default` if absent.
        follow_options: How far, and how, to follow the deployment.
        rollback_options: What to do when it does not succeed.
        wait_options: How long to wait, from the change of the service, and how often to poll.

    Returns:
        The last progress of the deployment: service, service deployment, counts, events.

    Raises:
        UnsupportedController: ECS does not control the deployments of the service.
        ServicesMissing: ECS does not show the service.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refuses a request. If the service was changed, `story` has a handle.
        TransportError: ECS could not be reached. If the service may have been changed, `story` has a handle.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
    """
    change = Change(cluster=cluster, force=True)
    try:
        return deploy(
            service,
            change=change,
            follow_options=follow_options,
            rollback_options=rollback_options,
            wait_options=wait_options,
        )
    except RequestError as error:
        raise RequestError("services.refresh", error.problems) from None
