"""Waits for services: how they are polled, and when they are stable or deleted.

Source of the statuses: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import TypeAlias

import attrs

from ecskit._core.effects import Flow
from ecskit._core.unchanged import polled
from ecskit._polling.batches import DescribedType
from ecskit._polling.conditions import NOT_VISIBLE_PACE, AllMet, Evaluation, Met, NotYet, wait_for
from ecskit._polling.identifiers import NAME, Identifiers, targets_of
from ecskit._polling.observations import ResourceState
from ecskit._polling.options import WaitOptions
from ecskit._polling.statuses import by_status
from ecskit._waits.errors import ServiceGone, UnsupportedController
from ecskit._waits.stability import controller_of, is_predecessor, remember, stability, state_of
from ecskit.models.services import (
    CreateServiceResponse,
    DeleteServiceResponse,
    DescribeServicesRequest,
    Service,
    UpdateServiceResponse,
)

__all__ = ["services_inactive", "services_stable"]

ServiceResponse: TypeAlias = CreateServiceResponse | UpdateServiceResponse | DeleteServiceResponse
Services: TypeAlias = ServiceResponse | Service | str | Sequence[ServiceResponse | Service | str]
"""How callers pass services: a response, or one or more models, names or ARNs."""

BATCH_SIZE = 10
"""The maximum number of services in one DescribeServices request."""


def services_stable(
    services: Services, *, cluster: str | None = None, wait_options: WaitOptions
) -> Flow[list[Service]]:
    """Wait until all services are stable: the newest deployment is complete and alone, and all tasks are running.

    Two polls in a row have to show it. The wait remembers the newest deployment that it, or the caller, has observed.
    It follows a newer one, and fails if the service returns to an older one.

    A service with an external deployment controller is stable if it has a PRIMARY task set, and all task sets that are
    not DRAINING are in STEADY_STATE with all tasks running.

    Args:
        services: The response of `create_service` or `update_service`, or one or more services: models, names or ARNs.
            Pass the response: a name does not identify the deployment, and a read may show the service as it was
            before.
        cluster: Name or ARN of their cluster; by default the one in ARNs and models, else the cluster `default`.
        wait_options: How long to wait and how often to poll.

    Returns:
        The services as last observed, in the order given.

    Raises:
        WaitFailed: The deployment of a service failed, or the service was rolled back.
        ServiceGone: A service is being deleted, or was visible and then not found any more.
        NotVisible: A service was not visible within `visibility_grace` seconds, or by the deadline.
        UnsupportedController: CodeDeploy controls the deployments of a service.

    Polling:
        Succeeds when all are: ACTIVE, with the newest deployment COMPLETED and alone, the desired count running and no
            task pending, in two polls
        Fails when one is: FAILED, in two polls; back at an older deployment; DRAINING or INACTIVE, in two polls
        Continues while one is: IN_PROGRESS, or has older deployments
        Requests: DescribeServices

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html
    """
    name = "services_stable"
    targets = targets_of(name, SERVICE_IDENTIFIERS, services, cluster=cluster)
    resource_type = attrs.evolve(SERVICES, check=_check_supported)
    goal = AllMet(
        name=name,
        resource_type=resource_type,
        condition=stability,
        wait_options=wait_options,
        vanished_error=ServiceGone,
    )
    flow = wait_for(goal, targets)
    _require_supported(targets.observed.values())
    return flow


def services_inactive(
    services: Services, *, cluster: str | None = None, wait_options: WaitOptions
) -> Flow[list[Service]]:
    """Wait until all services are deleted: INACTIVE, or no longer found.

    The wait does not delete them; it continues while a service is ACTIVE.

    Args:
        services: The response of `delete_service`, or one or more services: models, names or ARNs.
        cluster: Name or ARN of their cluster; by default the one in ARNs and models, else the cluster `default`.
        wait_options: How long to wait and how often to poll.

    Returns:
        The services as last observed, in the order given.

    Raises:
        NotVisible: A service was never visible. It may have been deleted long ago.

    Polling:
        Succeeds when all are: INACTIVE, or no longer found
        Fails when one is: (never)
        Continues while one is: ACTIVE, DRAINING
        Requests: DescribeServices

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteService.html
    """
    name = "services_inactive"
    goal = AllMet(name=name, resource_type=SERVICES, condition=_deleted, wait_options=wait_options, vanished=Met())
    return wait_for(goal, targets_of(name, SERVICE_IDENTIFIERS, services, cluster=cluster))


def _describe(cluster: str, names: list[str]) -> Flow[Sequence[Service]]:
    request = DescribeServicesRequest(cluster=cluster or None, services=names)
    return (yield from polled(request)).services


def _check_supported(found: Sequence[Service]) -> Flow[None]:
    _require_supported(found)
    yield from ()


def _require_supported(services: Iterable[Service]) -> None:
    for service in services:
        if controller_of(service) not in ("ECS", "EXTERNAL"):
            raise UnsupportedController(service.service_arn, controller_of(service))


def _deleted(resource: ResourceState[Service]) -> Evaluation:
    assert resource.last is not None  # conditions are evaluated for observed targets
    if is_predecessor(resource.last, resource.memory):
        return NotYet("is shown as an older service of the same name", NOT_VISIBLE_PACE)
    return _inactive(resource)


def _load(service: Service) -> str | None:
    if not (service.running_count or service.pending_count):
        return None
    return f"{service.running_count or 0} running, {service.pending_count or 0} pending tasks"


SERVICE_IDENTIFIERS = Identifiers(
    noun="service",
    model=Service,
    name_of=attrgetter("service_arn"),
    arn_pattern=rf"service/(?:(?P<cluster>{NAME})/)?(?P<id>{NAME})",
    name_pattern=NAME,
    parents=("cluster",),
    parents_optional=True,
    responses=dict.fromkeys(
        (CreateServiceResponse, UpdateServiceResponse, DeleteServiceResponse), attrgetter("service")
    ),
)

SERVICES: DescribedType[Service] = DescribedType(
    noun=SERVICE_IDENTIFIERS.noun,
    operation="DescribeServices",
    batch_size=BATCH_SIZE,
    describe=_describe,
    id_of=lambda service: service.service_name,
    aliases=lambda service: [service.service_arn],
    state=state_of,
    remember=remember,
)
_inactive = by_status(attrs.evolve(SERVICES, state=attrgetter("status")), met={"INACTIVE"}, reason=_load)
