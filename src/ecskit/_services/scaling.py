"""Scaling services, and starting their tasks anew: changes that bring no other revision."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._deployments.change import Change, check_service, read_service
from ecskit._deployments.deploy import deploy
from ecskit._deployments.follow import FollowOptions, Tracker
from ecskit._deployments.progress import DeploymentProgress
from ecskit._deployments.undo import RollbackOptions
from ecskit._deployments.update import Update
from ecskit._polling.options import WaitOptions, is_count
from ecskit.models.services import Service

__all__ = ["UntilScaled", "refresh", "scale"]

UntilScaled: TypeAlias = Literal["settled", "requested"]
"""How far a change of the desired count is waited for."""


def scale(
    service: str | Service,
    *,
    desired_count: int,
    cluster: str | None = None,
    until: UntilScaled = "settled",
    wait_options: WaitOptions,
) -> Flow[Service]:
    """Change how many tasks a service is to have, and wait until it has them.

    Args:
        service: Name, ARN or model of the service.
        desired_count: How many tasks there are to be, 0 or more.
        cluster: Name or ARN of the cluster; ECS uses `default` where it is absent.
        until: "settled" waits until as many tasks run, and a deployment in progress is done; "requested" returns when
            ECS knows how many there are to be.
        wait_options: How long to wait and how often to look.

    Returns:
        The service as it was last seen.

    Raises:
        RequestError: An argument is wrong, or the service is a DAEMON, which has no desired count; nothing was changed.
        DeploymentFailed: A deployment that was under way failed; see `services.deploy` for its kin.
        DeploymentSuperseded: Something newer was deployed meanwhile.
        ServiceGone: The service was deleted.
        UnsupportedController: It is not ECS that controls the deployments of the service.
        ServicesMissing: There is no such service.
        ServiceError: ECS refuses: no permission, too many tasks. If the service was changed, the error holds a handle.
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
        # A deployment that is under way may succeed before there are as many tasks as were asked for.
        tracker = Tracker.of(started, FollowOptions(until="stable"), wait_options, verb=verb)
        if until == "settled":
            yield from tracker.flow()
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
    """Start the tasks of a service anew, as it is, and wait until that is deployed.

    Images are pulled again, secrets are read again, and `LATEST` platforms are looked up again.

    Args:
        service: Name, ARN or model of the service.
        cluster: Name or ARN of the cluster; ECS uses `default` where it is absent.
        follow_options: How far, and how, to follow the deployment.
        rollback_options: What to do when it does not succeed.
        wait_options: How long to wait, once the service is changed, and how often to look.

    Returns:
        What is known of the deployment in the end: service, service deployment, counts.

    Raises:
        UnsupportedController: It is not ECS that controls the deployments of the service.
        ServicesMissing: There is no such service.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refuses. If the service was changed, the error holds a handle.
        TransportError: ECS could not be reached. If the service may have been changed, the error holds a handle.

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
