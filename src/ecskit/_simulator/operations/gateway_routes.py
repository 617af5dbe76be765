"""Gateway routes: describe and list them, and what happens to one when a service begins or ceases to use a gateway.

Decides the statuses of a route and which load balancer carries it. Services are not its business: whoever stands for
one goes through `gateway_associations`, because the end of a route can be the end of an association.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecskit._simulator.errors import SimulatedError
from ecskit._simulator.managed import add, all_present, all_seen, checked_arn, present, progress_of, seen
from ecskit._simulator.pages import paginate
from ecskit._simulator.records.managed import Change, Managed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ecskit._simulator.wire import Wire
    from ecskit._simulator.world import World

KIND: Final = "gateway-route"

_SUMMARY = ("gatewayRouteArn", "serviceArn", "serviceContainerPortName", "status")


def gateway_arn(world: World, reference: str) -> str:
    """Return the ARN of the gateway that a name or an ARN names."""
    name = world.arns.name("gateway", reference)
    return reference if reference.startswith("arn:") else world.arns.ecs("gateway", name)


def not_found() -> SimulatedError:
    """Return the error for a gateway that is not there."""
    return SimulatedError("GatewayNotFoundException", "The specified gateway was not found.")


def present_gateway(world: World, reference: str) -> Managed:
    """Return the gateway of that name or ARN.

    Raises:
        SimulatedError: `GatewayNotFoundException`.
    """
    gateway = present(world, "gateway", gateway_arn(world, reference))
    if gateway is None:
        raise not_found()
    return gateway


def routes_of(world: World, gateway: str, *, cluster: str | None = None) -> list[Managed]:
    """Return the routes of a gateway that exist, in one cluster or in all."""
    return [
        each
        for each in all_present(world, KIND)
        if each.owner == gateway and cluster in (None, each.hidden["clusterArn"])
    ]


def load_balancers_of(world: World, gateway: str, at: float) -> dict[str, tuple[Wire, list[Managed]]]:
    """Return the load balancers of a gateway at a moment by their ARNs, each with the routes that it carries."""
    found: dict[str, tuple[Wire, list[Managed]]] = {}
    for route in all_seen(world, KIND, at):
        if route.owner == gateway:
            balancer: Wire = route.hidden["balancer"]
            found.setdefault(balancer["loadBalancerArn"], (balancer, []))[1].append(route)
    return found


def begin_route(world: World, gateway: Managed, service: str, port: str) -> Managed:
    """Let a service use a gateway: create a route, or update the one that there is.

    Args:
        world: Where it happens.
        gateway: The gateway.
        service: The ARN of the service, which names its cluster.
        port: The name of the container port.
    """
    progress = progress_of(world, KIND, gateway.name)
    end = world.now + progress.seconds_for(KIND)
    routes = routes_of(world, gateway.arn)
    same = [
        each for each in routes if (each.body["serviceArn"], each.body["serviceContainerPortName"]) == (service, port)
    ]
    if same:
        route, verb = same[0], "UPDATE"
        route.gone_at = None
    else:
        route, verb = _new_route(world, gateway, service, port, routes), "CREATE"
        add(world, KIND, route)
    outcome = "ACTIVE" if progress.fails is None else f"{verb}_FAILED"
    route.begin(world.now, Change(world.now, {"status": f"{verb}_IN_PROGRESS"}), Change(end, {"status": outcome}))
    return route


def end_route(world: World, route: Managed) -> None:
    """Let the service of a route cease to use the gateway."""
    progress = progress_of(world, KIND, route.name)
    end = world.now + progress.seconds_for(KIND)
    changes = [Change(world.now, {"status": "DELETE_IN_PROGRESS"})]
    if progress.fails is None:
        route.gone_at = end
    else:
        changes.append(Change(end, {"status": "DELETE_FAILED"}))
    route.begin(world.now, *changes)


def _new_route(world: World, gateway: Managed, service: str, port: str, siblings: list[Managed]) -> Managed:
    """Return a route on the load balancer of the gateway's other routes, or on a new one."""
    balancer = siblings[0].hidden["balancer"] if siblings else _new_balancer(world, gateway)
    arns = world.arns
    route_id = world.hex(16)
    arn = arns.ecs(KIND, f"{gateway.name}/{route_id}")
    certificate = f"arn:{arns.partition}:acm:{arns.region}:{arns.account}:certificate/{world.uuid()}"
    rule = balancer["listenerArn"].replace(":listener/", ":listener-rule/")
    resources = {
        "acmCertificateArn": certificate,
        "loadBalancerArn": balancer["loadBalancerArn"],
        "listenerArn": balancer["listenerArn"],
        "listenerRuleArn": f"{rule}/{world.hex(16)}",
    }
    return Managed(
        arn=arn,
        name=gateway.name,
        created_at=world.now,
        body={
            "gatewayRouteArn": arn,
            "serviceArn": service,
            "serviceContainerPortName": port,
            "serviceUrl": f"https://{route_id}.gateway.{arns.region}.invalid",
            "resources": {"hostSharedAlb": [resources]},
        },
        changes=(),
        hidden={"balancer": balancer, "clusterArn": arns.ecs("cluster", _cluster_of(world, service))},
        owner=gateway.arn,
    )


def _new_balancer(world: World, gateway: Managed) -> Wire:
    arns = world.arns
    prefix = f"arn:{arns.partition}:elasticloadbalancing:{arns.region}:{arns.account}:"
    name = f"app/{gateway.name}/{world.hex(16)}"
    return {
        "loadBalancerArn": f"{prefix}loadbalancer/{name}",
        "listenerArn": f"{prefix}listener/{name}/{world.hex(16)}",
        "securityGroup": f"sg-{world.hex(17)}",
    }


def _cluster_of(world: World, service: str) -> str:
    return world.arns.name("service", service).split("/")[0]


def _describe(world: World, request: Wire) -> Wire:
    at = world.read_moment()
    route = seen(world, KIND, checked_arn(world, KIND, request["gatewayRouteArn"]), at)
    if route is None:
        raise SimulatedError("ResourceNotFoundException", "The specified gateway route was not found.")
    return {"gatewayRoute": route.show(at)}


def _list(world: World, request: Wire) -> Wire:
    at = world.read_moment()
    if "gateway" in request and seen(world, "gateway", gateway_arn(world, request["gateway"]), at) is None:
        raise not_found()
    rows = [(each.arn, _summary(each, at)) for each in _asked_for(world, request, all_seen(world, KIND, at), at)]
    page, more = paginate("ListGatewayRoutes", request, rows)
    return {"gatewayRoutes": page, **more}


def _asked_for(world: World, request: Wire, routes: Iterable[Managed], at: float) -> Iterable[Managed]:
    if "gateway" in request:
        gateway = gateway_arn(world, request["gateway"])
        routes = [each for each in routes if each.owner == gateway]
    if "cluster" in request:
        cluster = world.arns.ecs("cluster", world.arns.name("cluster", request["cluster"]))
        routes = [each for each in routes if each.hidden["clusterArn"] == cluster]
    if "service" in request:
        service = world.arns.name("service", request["service"])
        routes = [each for each in routes if f"/{each.body['serviceArn']}".endswith(f"/{service}")]
    if "serviceContainerPortName" in request:
        port = request["serviceContainerPortName"]
        routes = [each for each in routes if each.body["serviceContainerPortName"] == port]
    if request.get("status"):
        routes = [each for each in routes if each.show(at)["status"] in request["status"]]
    return routes


def _summary(route: Managed, at: float) -> Wire:
    shown = route.show(at)
    summary = {name: shown[name] for name in _SUMMARY}
    return {**summary, "gatewayArn": route.owner, "clusterArn": route.hidden["clusterArn"]}


OPERATIONS = {"DescribeGatewayRoute": _describe, "ListGatewayRoutes": _list}
