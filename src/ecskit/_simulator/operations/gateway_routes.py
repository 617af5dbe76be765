"""Gateway routes: describe and list them, and their statuses and load balancers.

`gateway_associations` begins and ends routes, because the end of a route can end an association.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecskit._simulator.errors import SimulatedError
from ecskit._simulator.pagination import paginate
from ecskit._simulator.records.timed_resources import Change, TimedResource
from ecskit._simulator.resource_access import (
    add_resource,
    all_current,
    all_visible,
    checked_arn,
    find_current,
    find_visible,
    progress_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ecskit._simulator.account import Account
    from ecskit._simulator.wire import Wire

RESOURCE_TYPE: Final = "gateway-route"

_SUMMARY = ("gatewayRouteArn", "serviceArn", "serviceContainerPortName", "status")


def gateway_arn(account: Account, reference: str) -> str:
    """Return the ARN of a gateway from its name or ARN."""
    name = account.arns.name("gateway", reference)
    return reference if reference.startswith("arn:") else account.arns.ecs("gateway", name)


def not_found() -> SimulatedError:
    """Return the error for a gateway that does not exist."""
    return SimulatedError("GatewayNotFoundException", "The specified gateway was not found.")


def present_gateway(account: Account, reference: str) -> TimedResource:
    """Return the gateway of a name or ARN.

    Raises:
        SimulatedError: `GatewayNotFoundException`.
    """
    gateway = find_current(account, "gateway", gateway_arn(account, reference))
    if gateway is None:
        raise not_found()
    return gateway


def routes_of(account: Account, gateway: str, *, cluster: str | None = None) -> list[TimedResource]:
    """Return the current routes of a gateway, in one cluster or in all."""
    return [
        each
        for each in all_current(account, RESOURCE_TYPE)
        if each.owner == gateway and cluster in (None, each.internal["clusterArn"])
    ]


def load_balancers_of(account: Account, gateway: str, at: float) -> dict[str, tuple[Wire, list[TimedResource]]]:
    """Return the load balancers of a gateway at a moment by ARN, each with its routes."""
    found: dict[str, tuple[Wire, list[TimedResource]]] = {}
    for route in all_visible(account, RESOURCE_TYPE, at):
        if route.owner == gateway:
            balancer: Wire = route.internal["balancer"]
            found.setdefault(balancer["loadBalancerArn"], (balancer, []))[1].append(route)
    return found


def begin_route(account: Account, gateway: TimedResource, service: str, port: str) -> TimedResource:
    """Connect a service to a gateway: create a route, or update the existing one.

    Args:
        account: The account.
        gateway: The gateway.
        service: The ARN of the service, which includes its cluster.
        port: The name of the container port.
    """
    progress = progress_of(account, RESOURCE_TYPE, gateway.name)
    end = account.now + progress.seconds_for(RESOURCE_TYPE)
    routes = routes_of(account, gateway.arn)
    same = [
        each for each in routes if (each.body["serviceArn"], each.body["serviceContainerPortName"]) == (service, port)
    ]
    if same:
        route, verb = same[0], "UPDATE"
        route.gone_at = None
    else:
        route, verb = _new_route(account, gateway, service, port, routes), "CREATE"
        add_resource(account, RESOURCE_TYPE, route)
    outcome = "ACTIVE" if progress.fails is None else f"{verb}_FAILED"
    route.reschedule(
        account.now, Change(account.now, {"status": f"{verb}_IN_PROGRESS"}), Change(end, {"status": outcome})
    )
    return route


def end_route(account: Account, route: TimedResource) -> None:
    """Disconnect the service of a route from the gateway."""
    progress = progress_of(account, RESOURCE_TYPE, route.name)
    end = account.now + progress.seconds_for(RESOURCE_TYPE)
    changes = [Change(account.now, {"status": "DELETE_IN_PROGRESS"})]
    if progress.fails is None:
        route.gone_at = end
    else:
        changes.append(Change(end, {"status": "DELETE_FAILED"}))
    route.reschedule(account.now, *changes)


def _new_route(
    account: Account, gateway: TimedResource, service: str, port: str, siblings: list[TimedResource]
) -> TimedResource:
    """Return a route on the load balancer of the gateway's other routes, or on a new one."""
    balancer = siblings[0].internal["balancer"] if siblings else _new_balancer(account, gateway)
    arns = account.arns
    route_id = account.hex(16)
    arn = arns.ecs(RESOURCE_TYPE, f"{gateway.name}/{route_id}")
    certificate = f"arn:{arns.partition}:acm:{arns.region}:{arns.account}:certificate/{account.uuid()}"
    rule = balancer["listenerArn"].replace(":listener/", ":listener-rule/")
    resources = {
        "acmCertificateArn": certificate,
        "loadBalancerArn": balancer["loadBalancerArn"],
        "listenerArn": balancer["listenerArn"],
        "listenerRuleArn": f"{rule}/{account.hex(16)}",
    }
    return TimedResource(
        arn=arn,
        name=gateway.name,
        created_at=account.now,
        body={
            "gatewayRouteArn": arn,
            "serviceArn": service,
            "serviceContainerPortName": port,
            "serviceUrl": f"https://{route_id}.gateway.{arns.region}.invalid",
            "resources": {"hostSharedAlb": [resources]},
        },
        changes=(),
        internal={"balancer": balancer, "clusterArn": arns.ecs("cluster", _cluster_of(account, service))},
        owner=gateway.arn,
    )


def _new_balancer(account: Account, gateway: TimedResource) -> Wire:
    arns = account.arns
    prefix = f"arn:{arns.partition}:elasticloadbalancing:{arns.region}:{arns.account}:"
    name = f"app/{gateway.name}/{account.hex(16)}"
    return {
        "loadBalancerArn": f"{prefix}loadbalancer/{name}",
        "listenerArn": f"{prefix}listener/{name}/{account.hex(16)}",
        "securityGroup": f"sg-{account.hex(17)}",
    }


def _cluster_of(account: Account, service: str) -> str:
    return account.arns.name("service", service).split("/")[0]


def _describe(account: Account, request: Wire) -> Wire:
    at = account.read_moment()
    route = find_visible(account, RESOURCE_TYPE, checked_arn(account, RESOURCE_TYPE, request["gatewayRouteArn"]), at)
    if route is None:
        raise SimulatedError("ResourceNotFoundException", "The specified gateway route was not found.")
    return {"gatewayRoute": route.show(at)}


def _list(account: Account, request: Wire) -> Wire:
    at = account.read_moment()
    if "gateway" in request and find_visible(account, "gateway", gateway_arn(account, request["gateway"]), at) is None:
        raise not_found()
    rows = [
        (each.arn, _summary(each, at))
        for each in _asked_for(account, request, all_visible(account, RESOURCE_TYPE, at), at)
    ]
    page, more = paginate("ListGatewayRoutes", request, rows)
    return {"gatewayRoutes": page, **more}


def _asked_for(account: Account, request: Wire, routes: Iterable[TimedResource], at: float) -> Iterable[TimedResource]:
    if "gateway" in request:
        gateway = gateway_arn(account, request["gateway"])
        routes = [each for each in routes if each.owner == gateway]
    if "cluster" in request:
        cluster = account.arns.ecs("cluster", account.arns.name("cluster", request["cluster"]))
        routes = [each for each in routes if each.internal["clusterArn"] == cluster]
    if "service" in request:
        service = account.arns.name("service", request["service"])
        routes = [each for each in routes if f"/{each.body['serviceArn']}".endswith(f"/{service}")]
    if "serviceContainerPortName" in request:
        port = request["serviceContainerPortName"]
        routes = [each for each in routes if each.body["serviceContainerPortName"] == port]
    if request.get("status"):
        routes = [each for each in routes if each.show(at)["status"] in request["status"]]
    return routes


def _summary(route: TimedResource, at: float) -> Wire:
    shown = route.show(at)
    summary = {name: shown[name] for name in _SUMMARY}
    return {**summary, "gatewayArn": route.owner, "clusterArn": route.internal["clusterArn"]}


OPERATIONS = {"DescribeGatewayRoute": _describe, "ListGatewayRoutes": _list}
