"""Waits for express gateway services: how they are polled, and what their statuses mean.

Source of the statuses:
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ExpressGatewayServiceStatus.html
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TypeAlias

from ecskit._api.service_errors import ResourceNotFoundException
from ecskit._core.call import call
from ecskit._core.effects import Flow
from ecskit._polling.batches import DescribedType
from ecskit._polling.conditions import AllMet, Met, wait_for
from ecskit._polling.identifiers import NAME, Identifiers, targets_of
from ecskit._polling.options import WaitOptions
from ecskit._polling.statuses import by_status
from ecskit.models.express_gateway_services import (
    CreateExpressGatewayServiceResponse,
    DeleteExpressGatewayServiceResponse,
    DescribeExpressGatewayServiceRequest,
    ECSExpressGatewayService,
    UpdateExpressGatewayServiceResponse,
)

__all__ = ["express_gateway_services_active", "express_gateway_services_inactive"]

OneExpressGatewayService: TypeAlias = (
    CreateExpressGatewayServiceResponse
    | UpdateExpressGatewayServiceResponse
    | DeleteExpressGatewayServiceResponse
    | ECSExpressGatewayService
    | str
)
ExpressGatewayServices: TypeAlias = OneExpressGatewayService | Sequence[OneExpressGatewayService]
"""How callers pass express gateway services: a response, or one or more models or ARNs."""


def express_gateway_services_active(
    express_gateway_services: ExpressGatewayServices, *, wait_options: WaitOptions
) -> Flow[list[ECSExpressGatewayService]]:
    """Wait until all express gateway services are ACTIVE, whether or not they are deployed.

    Args:
        express_gateway_services: The response of `create_express_gateway_service`, or one or more express gateway
            services: models or ARNs.
        wait_options: How long to wait and how often to poll.

    Returns:
        The services as last observed, in the order given.

    Raises:
        WaitFailed: A service is being deleted.
        NotVisible: A service was not visible within `visibility_grace` seconds, or by the deadline.
        Vanished: A service was visible, and then not found any more.

    Polling:
        Succeeds when all are: ACTIVE
        Fails when one is: DRAINING, INACTIVE, in two polls
        Continues while one is: not visible yet
        Requests: DescribeExpressGatewayService

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeExpressGatewayService.html
    """
    condition = by_status(SERVICES, met={"ACTIVE"}, unreachable_if_repeated={"DRAINING", "INACTIVE"}, reason=_reason)
    goal = AllMet(
        name="express_gateway_services_active", resource_type=SERVICES, condition=condition, wait_options=wait_options
    )
    return wait_for(goal, targets_of(goal.name, IDENTIFIERS, express_gateway_services))


def express_gateway_services_inactive(
    express_gateway_services: ExpressGatewayServices, *, wait_options: WaitOptions
) -> Flow[list[ECSExpressGatewayService]]:
    """Wait until all express gateway services are deleted: INACTIVE, or no longer found.

    Args:
        express_gateway_services: The response of `delete_express_gateway_service`, or one or more express gateway
            services: models or ARNs.
        wait_options: How long to wait and how often to poll.

    Returns:
        The services as last observed, in the order given.

    Raises:
        NotVisible: A service was never visible. It may have been deleted long ago.

    Polling:
        Succeeds when all are: INACTIVE, or no longer found
        Fails when one is: (never)
        Continues while one is: ACTIVE, DRAINING
        Requests: DescribeExpressGatewayService

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteExpressGatewayService.html
    """
    condition = by_status(SERVICES, met={"INACTIVE"}, reason=_reason)
    goal = AllMet(
        name="express_gateway_services_inactive",
        resource_type=SERVICES,
        condition=condition,
        wait_options=wait_options,
        vanished=Met(),
    )
    return wait_for(goal, targets_of(goal.name, IDENTIFIERS, express_gateway_services))


def _describe(_: str, arns: list[str]) -> Flow[Sequence[ECSExpressGatewayService]]:
    [arn] = arns
    try:
        request = DescribeExpressGatewayServiceRequest(service_arn=arn)
        answer = yield from call(request, single_attempt=True)
    except ResourceNotFoundException:
        return []
    return [answer.service]


def _state(service: ECSExpressGatewayService) -> str:
    return (service.status.status_code if service.status else None) or "UNKNOWN"


def _reason(service: ECSExpressGatewayService) -> str | None:
    return service.status.status_reason if service.status else None


IDENTIFIERS = Identifiers(
    noun="express gateway service",
    model=ECSExpressGatewayService,
    name_of=attrgetter("service_arn"),
    arn_pattern=rf"service/(?:{NAME}/)?{NAME}",
    responses={
        CreateExpressGatewayServiceResponse: attrgetter("service"),
        UpdateExpressGatewayServiceResponse: attrgetter("service.service_arn"),
        DeleteExpressGatewayServiceResponse: attrgetter("service"),
    },
)

SERVICES: DescribedType[ECSExpressGatewayService] = DescribedType(
    noun=IDENTIFIERS.noun,
    operation="DescribeExpressGatewayService",
    batch_size=1,
    describe=_describe,
    id_of=lambda service: service.service_arn,
    state=_state,
)
