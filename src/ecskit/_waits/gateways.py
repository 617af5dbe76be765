"""Waits for gateways and their routes: how they are polled, and what their statuses mean.

Source of the statuses: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Gateway.html
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TypeAlias

from ecskit._api.service_errors import GatewayNotFoundException, ResourceNotFoundException
from ecskit._core.call import call
from ecskit._core.effects import Flow
from ecskit._polling.batches import DescribedType
from ecskit._polling.conditions import AllMet, Met, wait_for
from ecskit._polling.identifiers import NAME, Identifiers, read_as, targets_of
from ecskit._polling.options import WaitOptions
from ecskit._polling.statuses import by_status
from ecskit.models.gateways import (
    CreateGatewayResponse,
    DeleteGatewayResponse,
    DescribeGatewayRequest,
    DescribeGatewayRouteRequest,
    Gateway,
    GatewayRoute,
    GatewayRouteSummary,
    GatewaySummary,
    UpdateGatewayResponse,
)

__all__ = [
    "gateway_routes_active",
    "gateway_routes_deleted",
    "gateways_active",
    "gateways_deleted",
    "gateways_updated",
]

OneGateway: TypeAlias = (
    CreateGatewayResponse | UpdateGatewayResponse | DeleteGatewayResponse | GatewaySummary | Gateway | str
)
Gateways: TypeAlias = OneGateway | Sequence[OneGateway]
"""How callers pass gateways: a response, or one or more models, summaries, names or ARNs."""
OneGatewayRoute: TypeAlias = GatewayRouteSummary | GatewayRoute | str
GatewayRoutes: TypeAlias = OneGatewayRoute | Sequence[OneGatewayRoute]
"""How callers pass gateway routes: one or more models, summaries or ARNs."""


def gateways_active(gateways: Gateways, *, wait_options: WaitOptions) -> Flow[list[Gateway]]:
    """Wait until all gateways are ready for use: ACTIVE or UPDATE_COMPLETE.

    Args:
        gateways: The response of `create_gateway`, or one or more gateways: models, summaries, names or ARNs.
        wait_options: How long to wait and how often to poll.

    Returns:
        The gateways as last observed, in the order given.

    Raises:
        WaitFailed: The update of a gateway failed, or the gateway was deleted.
        NotVisible: A gateway was not visible within `visibility_grace` seconds, or by the deadline.
        Vanished: A gateway was visible, and then not found any more.

    Polling:
        Succeeds when all are: ACTIVE or UPDATE_COMPLETE
        Fails when one is: DELETED; UPDATE_FAILED, in two polls
        Continues while one is: UPDATE_IN_PROGRESS
        Requests: DescribeGateway

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeGateway.html
    """
    ready = {"ACTIVE", "UPDATE_COMPLETE"}
    condition = by_status(
        GATEWAYS, met=ready, unreachable={"DELETED"}, unreachable_if_repeated={"UPDATE_FAILED"}, reason=_reason
    )
    goal = AllMet(name="gateways_active", resource_type=GATEWAYS, condition=condition, wait_options=wait_options)
    return wait_for(goal, targets_of(goal.name, GATEWAY_IDENTIFIERS, gateways))


def gateways_updated(gateways: Gateways, *, wait_options: WaitOptions) -> Flow[list[Gateway]]:
    """Wait until the update of all gateways is complete: UPDATE_COMPLETE, in two polls in a row.

    Args:
        gateways: The response of `update_gateway`, or one or more gateways: models, summaries, names or ARNs.
        wait_options: How long to wait and how often to poll.

    Returns:
        The gateways as last observed, in the order given.

    Raises:
        WaitFailed: The update of a gateway failed, or the gateway was deleted.
        NotVisible: A gateway was not visible within `visibility_grace` seconds, or by the deadline.
        Vanished: A gateway was visible, and then not found any more.

    Polling:
        Succeeds when all are: UPDATE_COMPLETE, in two polls
        Fails when one is: DELETED; UPDATE_FAILED, in two polls
        Continues while one is: ACTIVE, UPDATE_IN_PROGRESS
        Requests: DescribeGateway

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateGateway.html
    """
    ready = {"UPDATE_COMPLETE"}
    condition = by_status(
        GATEWAYS, met=ready, unreachable={"DELETED"}, unreachable_if_repeated={"UPDATE_FAILED"}, reason=_reason
    )
    goal = AllMet(
        name="gateways_updated",
        resource_type=GATEWAYS,
        condition=condition,
        wait_options=wait_options,
        required_polls=2,
    )
    return wait_for(goal, targets_of(goal.name, GATEWAY_IDENTIFIERS, gateways))


def gateways_deleted(gateways: Gateways, *, wait_options: WaitOptions) -> Flow[list[Gateway]]:
    """Wait until all gateways are deleted: DELETED, or no longer found.

    Args:
        gateways: The response of `delete_gateway`, or one or more gateways: models, summaries, names or ARNs.
        wait_options: How long to wait and how often to poll.

    Returns:
        The gateways as last observed, in the order given.

    Raises:
        NotVisible: A gateway was never visible. It may have been deleted long ago.

    Polling:
        Succeeds when all are: DELETED, or no longer found
        Fails when one is: (never)
        Continues while one is: in any other status
        Requests: DescribeGateway

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteGateway.html
    """
    condition = by_status(GATEWAYS, met={"DELETED"}, reason=_reason)
    goal = AllMet(
        name="gateways_deleted", resource_type=GATEWAYS, condition=condition, wait_options=wait_options, vanished=Met()
    )
    return wait_for(goal, targets_of(goal.name, GATEWAY_IDENTIFIERS, gateways))


def gateway_routes_active(gateway_routes: GatewayRoutes, *, wait_options: WaitOptions) -> Flow[list[GatewayRoute]]:
    """Wait until all gateway routes are created or updated: ACTIVE, in two polls in a row.

    Args:
        gateway_routes: One or more gateway routes: models, summaries from `list_gateway_routes`, or ARNs.
        wait_options: How long to wait and how often to poll.

    Returns:
        The gateway routes as last observed, in the order given.

    Raises:
        WaitFailed: The creation or update of a route failed, or the route is being deleted.
        NotVisible: A route was not visible within `visibility_grace` seconds, or by the deadline.
        Vanished: A route was visible, and then not found any more.

    Polling:
        Succeeds when all are: ACTIVE, in two polls
        Fails when one is: CREATE_FAILED; UPDATE_FAILED, DELETE_IN_PROGRESS, DELETE_FAILED, in two polls
        Continues while one is: CREATE_IN_PROGRESS, UPDATE_IN_PROGRESS
        Requests: DescribeGatewayRoute

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeGatewayRoute.html
    """
    over = {"UPDATE_FAILED", "DELETE_IN_PROGRESS", "DELETE_FAILED"}
    condition = by_status(ROUTES, met={"ACTIVE"}, unreachable={"CREATE_FAILED"}, unreachable_if_repeated=over)
    goal = AllMet(
        name="gateway_routes_active",
        resource_type=ROUTES,
        condition=condition,
        wait_options=wait_options,
        required_polls=2,
    )
    return wait_for(goal, targets_of(goal.name, ROUTE_IDENTIFIERS, gateway_routes))


def gateway_routes_deleted(gateway_routes: GatewayRoutes, *, wait_options: WaitOptions) -> Flow[list[GatewayRoute]]:
    """Wait until all gateway routes are deleted: no longer found.

    Args:
        gateway_routes: One or more gateway routes: models, summaries from `list_gateway_routes`, or ARNs.
        wait_options: How long to wait and how often to poll.

    Returns:
        The gateway routes as last observed, in the order given.

    Raises:
        WaitFailed: The deletion of a route failed.
        NotVisible: A route was never visible. It may have been deleted long ago.

    Polling:
        Succeeds when all are: no longer found
        Fails when one is: DELETE_FAILED, in two polls
        Continues while one is: DELETE_IN_PROGRESS
        Requests: DescribeGatewayRoute

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_GatewayRoute.html
    """
    condition = by_status(ROUTES, met={"DELETED"}, unreachable_if_repeated={"DELETE_FAILED"})
    goal = AllMet(
        name="gateway_routes_deleted",
        resource_type=ROUTES,
        condition=condition,
        wait_options=wait_options,
        vanished=Met(),
    )
    return wait_for(goal, targets_of(goal.name, ROUTE_IDENTIFIERS, gateway_routes))


def _describe_gateway(_: str, names: list[str]) -> Flow[Sequence[Gateway]]:
    [name] = names
    try:
        answer = yield from call(DescribeGatewayRequest(gateway=name), single_attempt=True)
    except GatewayNotFoundException:
        return []
    return [answer.gateway]


def _describe_route(_: str, arns: list[str]) -> Flow[Sequence[GatewayRoute]]:
    [arn] = arns
    try:
        request = DescribeGatewayRouteRequest(gateway_route_arn=arn)
        answer = yield from call(request, single_attempt=True)
    except ResourceNotFoundException:
        return []
    return [answer.gateway_route]


def _reason(gateway: Gateway) -> str:
    errors = [error.message for failure in gateway.failures for error in failure.errors]
    return ", ".join(filter(None, [gateway.status_reason, *dict.fromkeys(errors)]))


GATEWAY_IDENTIFIERS = Identifiers(
    noun="gateway",
    model=Gateway,
    name_of=attrgetter("gateway_arn"),
    arn_pattern=f"gateway/{NAME}",
    name_pattern=NAME,
    responses={
        CreateGatewayResponse: attrgetter("gateway_arn"),
        UpdateGatewayResponse: attrgetter("gateway_arn"),
        GatewaySummary: attrgetter("gateway_arn"),
        DeleteGatewayResponse: read_as(Gateway),  # the first poll does not find it any more
    },
)
ROUTE_IDENTIFIERS = Identifiers(
    noun="gateway route",
    model=GatewayRoute,
    name_of=attrgetter("gateway_route_arn"),
    arn_pattern=rf"gateway-route/(?:{NAME}/)*{NAME}",
    responses={GatewayRouteSummary: attrgetter("gateway_route_arn")},
)

GATEWAYS: DescribedType[Gateway] = DescribedType(
    noun=GATEWAY_IDENTIFIERS.noun,
    operation="DescribeGateway",
    batch_size=1,
    describe=_describe_gateway,
    id_of=lambda gateway: gateway.name,
    aliases=lambda gateway: [gateway.gateway_arn],
    state=lambda gateway: gateway.status,
)
ROUTES: DescribedType[GatewayRoute] = DescribedType(
    noun=ROUTE_IDENTIFIERS.noun,
    operation="DescribeGatewayRoute",
    batch_size=1,
    describe=_describe_route,
    id_of=lambda route: route.gateway_route_arn,
    state=lambda route: route.status,
)
