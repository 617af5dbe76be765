"""Associations between gateways and clusters: make, list, end; and services that begin and cease to use a gateway.

Decides how long an association lasts: one that is being ended stays until the gateway has no routes in the cluster.
The course of a route itself is decided in `gateway_routes`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.errors import SimulatedError, refused
from ecskit._simulator.managed import add, all_present, all_seen, present
from ecskit._simulator.operations.gateway_routes import (
    KIND as ROUTE,
    begin_route,
    end_route,
    gateway_arn,
    present_gateway,
    routes_of,
)
from ecskit._simulator.pages import paginate
from ecskit._simulator.records.managed import Change, Managed

if TYPE_CHECKING:
    from ecskit._simulator.wire import Wire
    from ecskit._simulator.world import World

KIND = "gateway-association"
MOST_PER_CLUSTER = 5


def associations_of(world: World, gateway: str) -> list[Managed]:
    """Return the associations of a gateway that have not ended."""
    return [each for each in all_present(world, KIND) if each.body["gatewayArn"] == gateway]


def _associate(world: World, request: Wire) -> Wire:
    gateway = present_gateway(world, request["gateway"])
    cluster = world.active_cluster(request["cluster"])
    key = f"{gateway.arn} {cluster.arn}"
    association = present(world, KIND, key)
    active = Change(world.now, {"status": "ACTIVE"})
    if association is None:
        others = [each for each in all_present(world, KIND) if each.body["clusterArn"] == cluster.arn]
        if len(others) >= MOST_PER_CLUSTER:
            raise refused(f"A cluster can be associated with at most {MOST_PER_CLUSTER} gateways.")
        body = {"gatewayArn": gateway.arn, "clusterArn": cluster.arn}
        association = Managed(arn=key, name=gateway.name, created_at=world.now, body=body, changes=(active,))
        add(world, KIND, association)
    else:
        association.begin(world.now, active)
        association.gone_at = None
    return association.show(world.now)


def _disassociate(world: World, request: Wire) -> Wire:
    gateway = present_gateway(world, request["gateway"])
    cluster = world.cluster(request["cluster"])
    association = present(world, KIND, f"{gateway.arn} {cluster.arn}")
    if association is None:
        raise SimulatedError("ResourceNotFoundException", "The gateway is not associated with the cluster.")
    association.begin(world.now, Change(world.now, {"status": "DISASSOCIATING"}))
    answer = association.show(world.now)
    _end_without_routes(world, association)
    return answer


def open_route(world: World, gateway: str, service: str, port: str) -> str:
    """Let a service use a gateway, and return the ARN of the route.

    Args:
        world: Where it happens.
        gateway: The name or the ARN of the gateway.
        service: The names of the cluster and of the service, with a slash between.
        port: The name of the container port.

    Raises:
        SimulatedError: `GatewayNotFoundException`.
    """
    found = present_gateway(world, gateway)
    route = begin_route(world, found, world.arns.ecs("service", service), port)
    _settle(world, found.arn)
    return route.arn


def close_route(world: World, arn: str) -> None:
    """Let the service of a route cease to use the gateway.

    Raises:
        SimulatedError: `ResourceNotFoundException`.
    """
    route = present(world, ROUTE, arn)
    if route is None or route.owner is None:
        raise SimulatedError("ResourceNotFoundException", "The specified gateway route was not found.")
    end_route(world, route)
    _settle(world, route.owner)


def _settle(world: World, gateway: str) -> None:
    """Let the associations that are being ended end with the last route in their cluster, as routes are now."""
    for association in associations_of(world, gateway):
        if association.show(world.now)["status"] == "DISASSOCIATING":
            _end_without_routes(world, association)


def _end_without_routes(world: World, association: Managed) -> None:
    routes = routes_of(world, association.body["gatewayArn"], cluster=association.body["clusterArn"])
    ends = [route.gone_at for route in routes]
    known = [end for end in ends if end is not None]
    association.gone_at = max([world.now, *known]) if len(known) == len(ends) else None


def _list(world: World, request: Wire) -> Wire:
    at = world.read_moment()
    wanted = {}
    if "gateway" in request:
        wanted["gatewayArn"] = gateway_arn(world, request["gateway"])
    if "cluster" in request:
        wanted["clusterArn"] = world.arns.ecs("cluster", world.arns.name("cluster", request["cluster"]))
    statuses = request.get("status", [])
    rows = [
        (each.arn, each.show(at))
        for each in all_seen(world, KIND, at)
        if wanted.items() <= each.body.items() and (not statuses or each.show(at)["status"] in statuses)
    ]
    page, more = paginate("ListGatewayClusterAssociations", request, rows)
    return {"gatewayClusterAssociations": page, **more}


OPERATIONS = {
    "AssociateGatewayWithCluster": _associate,
    "DisassociateGatewayFromCluster": _disassociate,
    "ListGatewayClusterAssociations": _list,
}
