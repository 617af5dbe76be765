"""The method `services.delete`: scale a service down, delete it, and wait until its tasks have stopped."""

from __future__ import annotations

import logging
from typing import Literal, TypeAlias, get_args

from ecskit._api.service_errors import ServiceNotActiveException, ServiceNotFoundException
from ecskit._core.effects import Flow
from ecskit._core.errors import EcsError, RequestError
from ecskit._core.retrying import Retrying
from ecskit._deployments.read import check_service, read_service
from ecskit._polling.options import WaitOptions
from ecskit._waits.services import services_inactive
from ecskit.models.services import DeleteServiceRequest, Service, UpdateServiceRequest

__all__ = ["UntilDeleted", "delete"]

log = logging.getLogger("ecskit")

UntilDeleted: TypeAlias = Literal["inactive", "requested"]
"""When `services.delete` returns."""


def delete(
    service: str | Service,
    *,
    cluster: str | None = None,
    force: bool = False,
    until: UntilDeleted = "inactive",
    wait_options: WaitOptions,
) -> Flow[Service]:
    """Delete a service: scale it down to 0, delete it, and wait until its tasks have stopped.

    If the service is being deleted already, only waits.

    Args:
        service: Name, ARN or model of the service.
        cluster: Name or ARN of the cluster; ECS uses `default` if absent.
        force: Whether ECS deletes it without scaling it down first, and together with its task sets.
        until: "inactive" waits until the service is INACTIVE; "requested" returns when ECS has accepted the request.
        wait_options: How long to wait and how often to poll.

    Returns:
        The service, as the last response showed it.

    Raises:
        WaitTimeout: Its tasks did not stop in time. The service stays DRAINING until they do.
        ServicesMissing: ECS does not show the service.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refuses: no permission, or task sets that must be deleted first. If the service was already
            scaled down, a warning logs its earlier desired count.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteService.html
    """
    verb = "services.delete"
    check_service(verb, service, cluster)
    wait_options.check(verb)
    if not isinstance(force, bool):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        raise RequestError(verb, [("force", f"expected True or False, got {type(force).__name__}")])
    if until not in get_args(UntilDeleted):
        raise RequestError(verb, [("until", f"expected one of {', '.join(get_args(UntilDeleted))}, got {until!r}")])

    def flow() -> Flow[Service]:
        shown = yield from read_service(verb, service, cluster)
        if shown.status == "ACTIVE":
            shown = yield from _deleted(shown, force=force)
        if until == "requested" or shown.status == "INACTIVE":
            return shown
        [last] = yield from services_inactive(shown, wait_options=wait_options)
        return last

    return flow()


def _deleted(service: Service, *, force: bool) -> Flow[Service]:
    arn, cluster = service.service_arn, service.cluster_arn
    scales_down = not force and service.desired_count and service.scheduling_strategy != "DAEMON"
    if scales_down:
        yield from Retrying(UpdateServiceRequest(service=arn, cluster=cluster, desired_count=0)).send()
    request = Retrying(
        DeleteServiceRequest(service=arn, cluster=cluster, force=True if force else None), single_attempt=True
    )
    try:
        return (yield from request.send()).service
    except (ServiceNotFoundException, ServiceNotActiveException):
        if not request.may_have_taken_effect:
            raise
        return service  # a call whose response was lost has deleted it
    except EcsError:
        if scales_down:
            text = "service %s was scaled down from %s tasks to 0, but not deleted"
            log.warning(text, service.service_name, service.desired_count)
        raise
