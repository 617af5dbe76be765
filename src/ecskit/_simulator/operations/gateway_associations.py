"""Associations between gateways and clusters: associate, list, disassociate; and the begin and end of routes.

A DISASSOCIATING association exists until the gateway has no routes in the cluster. `gateway_routes` has the statuses of
a route.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.errors import SimulatedError, refused
from ecskit._simulator.operations.gateway_routes import (
    RESOURCE_TYPE as ROUTE,
    begin_route,
    end_route,
    gateway_arn,
    present_gateway,
    routes_of,
)
from ecskit._simulator.pagination import paginate
from ecskit._simulator.records.timed_resources import Change, TimedResource
from ecskit._simulator.resource_access import add_resource, all_current, all_visible, find_current

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.wire import Wire

RESOURCE_TYPE = "gateway-association"
MOST_PER_CLUSTER = 5


def associations_of(account: Account, gateway: str) -> list[TimedResource]:
    """Return the associations of a gateway that have not ended."""
    return [each for each in all_current(account, RESOURCE_TYPE) if each.body["gatewayArn"] == gateway]


def _associate(account: Account, request: Wire) -> Wire:
    gateway = present_gateway(account, request["gateway"])
    cluster = account.active_cluster(request["cluster"])
    key = f"{gateway.arn} {cluster.arn}"
    association = find_current(account, RESOURCE_TYPE, key)
    active = Change(account.now, {"status": "ACTIVE"})
    if association is None:
        others = [each for each in all_current(account, RESOURCE_TYPE) if each.body["clusterArn"] == cluster.arn]
        if len(others) >= MOST_PER_CLUSTER:
            raise refused(f"A cluster can be associated with at most {MOST_PER_CLUSTER} gateways.")
        body = {"gatewayArn": gateway.arn, "clusterArn": cluster.arn}
        association = TimedResource(arn=key, name=gateway.name, created_at=account.now, body=body, changes=(active,))
        add_resource(account, RESOURCE_TYPE, association)
    else:
        association.reschedule(account.now, active)
        association.gone_at = None
    return association.show(account.now)


def _disassociate(account: Account, request: Wire) -> Wire:
    gateway = present_gateway(account, request["gateway"])
    cluster = account.cluster(request["cluster"])
    association = find_current(account, RESOURCE_TYPE, f"{gateway.arn} {cluster.arn}")
    if association is None:
        raise SimulatedError("ResourceNotFoundException", "The gateway is not associated with the cluster.")
    association.reschedule(account.now, Change(account.now, {"status": "DISASSOCIATING"}))
    answer = association.show(account.now)
    _end_without_routes(account, association)
    return answer


def open_route(account: Account, gateway: str, service: str, port: str) -> str:
    """Connect a service to a gateway, and return the ARN of the route.

    Args:
        account: The account.
        gateway: The name or the ARN of the gateway.
        service: The service, as `CLUSTER/SERVICE`.
        port: The name of the container port.

    Raises:
        SimulatedError: `GatewayNotFoundException`.
    """
    found = present_gateway(account, gateway)
    route = begin_route(account, found, account.arns.ecs("service", service), port)
    _settle(account, found.arn)
    return route.arn


def close_route(account: Account, arn: str) -> None:
    """Disconnect the service of a route from the gateway.

    Raises:
        SimulatedError: `ResourceNotFoundException`.
    """
    route = find_current(account, ROUTE, arn)
    if route is None or route.owner is None:
        raise SimulatedError("ResourceNotFoundException", "The specified gateway route was not found.")
    end_route(account, route)
    _settle(account, route.owner)


def _settle(account: Account, gateway: str) -> None:
    """Set the end of each DISASSOCIATING association to the end of the last route in its cluster."""
    for association in associations_of(account, gateway):
        if association.show(account.now)["status"] == "DISASSOCIATING":
            _end_without_routes(account, association)


def _end_without_routes(account: Account, association: TimedResource) -> None:
    routes = routes_of(account, association.body["gatewayArn"], cluster=association.body["clusterArn"])
    ends = [route.gone_at for route in routes]
    known = [end for end in ends if end is not None]
    association.gone_at = max([account.now, *known]) if len(known) == len(ends) else None


def _list(account: Account, request: Wire) -> Wire:
    at = account.read_moment()
    wanted = {}
    if "gateway" in request:
        wanted["gatewayArn"] = gateway_arn(account, request["gateway"])
    if "cluster" in request:
        wanted["clusterArn"] = account.arns.ecs("cluster", account.arns.name("cluster", request["cluster"]))
    statuses = request.get("status", [])
    rows = [
        (each.arn, each.show(at))
        for each in all_visible(account, RESOURCE_TYPE, at)
        if wanted.items() <= each.body.items() and (not statuses or each.show(at)["status"] in statuses)
    ]
    page, more = paginate("ListGatewayClusterAssociations", request, rows)
    return {"gatewayClusterAssociations": page, **more}


OPERATIONS = {
    "AssociateGatewayWithCluster": _associate,
    "DisassociateGatewayFromCluster": _disassociate,
    "ListGatewayClusterAssociations": _list,
}
