"""Deleting services: scaled down, told, and waited for until nothing of them runs."""

from __future__ import annotations

import logging
from typing import Literal, TypeAlias, get_args

from ecskit._api.service_errors import ServiceNotActiveException, ServiceNotFoundException
from ecskit._core.effects import Flow
from ecskit._core.errors import EcsError, RequestError
from ecskit._core.retrying import Retrying
from ecskit._deployments.change import check_service, read_service
from ecskit._polling.options import WaitOptions
from ecskit._waits.services import services_inactive
from ecskit.models.services import DeleteServiceRequest, Service, UpdateServiceRequest

__all__ = ["UntilDeleted", "delete"]

log = logging.getLogger("ecskit")

UntilDeleted: TypeAlias = Literal["inactive", "requested"]
"""How far deleting is waited for."""


def delete(
    service: str | Service,
    *,
    cluster: str | None = None,
    force: bool = False,
    until: UntilDeleted = "inactive",
    wait_options: WaitOptions,
) -> Flow[Service]:
    """Delete a service: scale it down to nothing, delete it, and wait until its tasks are gone.

    One that is being deleted already is waited for.

    Args:
        service: Name, ARN or model of the service.
        cluster: Name or ARN of the cluster; ECS uses `default` where it is absent.
        force: Whether ECS is to delete it without scaling it down first, and with the task sets that it has.
        until: "inactive" waits until it is INACTIVE; "requested" returns when ECS knows that it is to be.
        wait_options: How long to wait and how often to look.

    Returns:
        The service as it was last seen.

    Raises:
        WaitTimeout: Its tasks are not gone in time; the service stays DRAINING until they are.
        ServicesMissing: There is no such service.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refuses: no permission, or task sets that have to be deleted first. If the service was scaled
            down by then, a warning tells from how many tasks.
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
        known = yield from read_service(verb, service, cluster)
        if known.status == "ACTIVE":
            known = yield from _deleted(known, force=force)
        if until == "requested" or known.status == "INACTIVE":
            return known
        [last] = yield from services_inactive(known, wait_options=wait_options)
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
        return service  # it was deleted by a call whose answer was lost
    except EcsError:
        if scales_down:
            told = "service %s was scaled down from %s tasks to none, and is not deleted"
            log.warning(told, service.service_name, service.desired_count)
        raise
