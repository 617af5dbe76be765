"""Gateways: create, describe, list, update, delete, and describe the load balancers that they manage.

Creation and deletion take no time, as in ECS. A gateway has load balancers from its first route on: see
`gateway_routes`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecskit._simulator.errors import invalid, refused
from ecskit._simulator.limits import check_count, check_name
from ecskit._simulator.operations.gateway_associations import associations_of
from ecskit._simulator.operations.gateway_routes import (
    gateway_arn,
    load_balancers_of,
    not_found,
    present_gateway,
    routes_of,
)
from ecskit._simulator.pagination import paginate
from ecskit._simulator.records.timed_resources import Change, TimedResource
from ecskit._simulator.resource_access import (
    add_resource,
    all_visible,
    created_earlier,
    find_current,
    find_visible,
    progress_of,
    record_creation,
)
from ecskit._simulator.tagging import checked_tags
from ecskit._simulator.wire import Wire, timestamp

if TYPE_CHECKING:
    from ecskit._simulator.account import Account

RESOURCE_TYPE: Final = "gateway"

_DEFAULTS: Wire = {
    "scheme": "internet-facing",
    "port": 443,
    "protocol": "HTTPS",
    "maxAlbCount": 10,
    "httpDesync": "defensive",
}
_NETWORK_DEFAULTS: Wire = {"subnets": ["subnet-default1", "subnet-default2"], "ipAddressType": "dualstack"}
_SUMMARY = ("gatewayArn", "name", "status", "createdAt")


def _create(account: Account, request: Wire) -> Wire:
    known = created_earlier(account, RESOURCE_TYPE, "", request)
    if known is not None:
        return _short(known, account.now)
    name = request["name"]
    check_name("name", name)
    arn = account.arns.ecs(RESOURCE_TYPE, name)
    if find_current(account, RESOURCE_TYPE, arn) is not None:
        raise invalid(f"The account already has a gateway named {name}.")
    configuration = _configuration(request["configuration"]["hostSharedAlb"])
    gateway = TimedResource(
        arn=arn,
        name=name,
        created_at=account.now,
        body={
            "gatewayArn": arn,
            "name": name,
            "accessType": "PUBLIC" if configuration["scheme"] == "internet-facing" else "PRIVATE",
            "createdAt": timestamp(account.now),
        },
        changes=(
            Change(
                account.now,
                {
                    "status": "ACTIVE",
                    "infrastructureRoleArn": request["infrastructureRoleArn"],
                    "deletionProtection": request.get("deletionProtection", True),
                    "propagateTags": request.get("propagateTags", "GATEWAY"),
                    "configuration": {"hostSharedAlb": configuration},
                    "updatedAt": timestamp(account.now),
                },
            ),
        ),
        tags=checked_tags(request.get("tags")),
    )
    add_resource(account, RESOURCE_TYPE, gateway)
    record_creation(account, RESOURCE_TYPE, "", request, gateway)
    return _short(gateway, account.now)


def _configuration(given: Wire) -> Wire:
    configuration = {**_DEFAULTS, **given}
    configuration["networkConfiguration"] = {**_NETWORK_DEFAULTS, **given.get("networkConfiguration", {})}
    if configuration["port"] != 443 or configuration["protocol"] != "HTTPS":
        raise invalid("The listener of a gateway is HTTPS on port 443.")
    if configuration["maxAlbCount"] < 1:
        raise invalid(f"maxAlbCount must be at least 1, not {configuration['maxAlbCount']}.")
    return configuration


def _describe(account: Account, request: Wire) -> Wire:
    at = account.read_moment()
    gateway = _seen(account, request, at)
    shown = gateway.show(at)
    configuration = shown["configuration"]["hostSharedAlb"]
    count = len(load_balancers_of(account, gateway.arn, at))
    return {
        "gateway": {
            **shown,
            "configuration": {"hostSharedAlb": {**configuration, "currentAlbCount": count}},
            "tags": gateway.tags,
        }
    }


def _describe_resources(account: Account, request: Wire) -> Wire:
    at = account.read_moment()
    gateway = _seen(account, request, at)
    rows = [
        (arn, {**balancer, "gatewayRouteArns": [route.arn for route in routes]})
        for arn, (balancer, routes) in load_balancers_of(account, gateway.arn, at).items()
    ]
    page, more = paginate("DescribeGatewayResources", request, rows, default=10, maximum=20)
    return {"gatewayResources": {"gatewayArn": gateway.arn, "resources": {"hostSharedAlb": page}}, **more}


def _list(account: Account, request: Wire) -> Wire:
    at = account.read_moment()
    names, statuses = request.get("names", []), request.get("status", [])
    check_count("names", names, least=0, most=10)
    shown = [each.show(at) for each in all_visible(account, RESOURCE_TYPE, at)]
    rows = [
        (each["gatewayArn"], {name: each[name] for name in _SUMMARY})
        for each in shown
        if (not names or each["name"] in names) and (not statuses or each["status"] in statuses)
    ]
    page, more = paginate("ListGateways", request, rows)
    return {"gateways": page, **more}


def _update(account: Account, request: Wire) -> Wire:
    gateway = present_gateway(account, request["gateway"])
    members: Wire = {
        name: request[name]
        for name in ("infrastructureRoleArn", "deletionProtection", "propagateTags")
        if name in request
    }
    if "configuration" in request:
        old = gateway.show(account.now)["configuration"]["hostSharedAlb"]
        new = request["configuration"]["hostSharedAlb"]
        network = {**old["networkConfiguration"], **new.get("networkConfiguration", {})}
        members["configuration"] = {"hostSharedAlb": _configuration({**old, **new, "networkConfiguration": network})}
    progress = progress_of(account, RESOURCE_TYPE, gateway.name)
    began: Wire = {
        **members,
        "status": "UPDATE_IN_PROGRESS",
        "statusReason": None,
        "failures": None,
        "updatedAt": timestamp(account.now),
    }
    outcome: Wire = {"status": "UPDATE_COMPLETE"}
    if progress.fails is not None:
        failures = [_failure(arn, progress.fails) for arn in load_balancers_of(account, gateway.arn, account.now)]
        outcome = {"status": "UPDATE_FAILED", "statusReason": progress.fails, "failures": failures}
    gateway.reschedule(
        account.now, Change(account.now, began), Change(account.now + progress.seconds_for(RESOURCE_TYPE), outcome)
    )
    return _short(gateway, account.now)


def _failure(load_balancer: str, reason: str) -> Wire:
    error = {
        "operation": "elasticloadbalancing:ModifyLoadBalancerAttributes",
        "code": "OperationFailed",
        "message": reason,
    }
    return {"arn": load_balancer, "errors": [error]}


def _delete(account: Account, request: Wire) -> Wire:
    gateway = present_gateway(account, request["gateway"])
    if gateway.show(account.now)["deletionProtection"]:
        raise refused(f"The gateway {gateway.name} has deletion protection: disable it first.")
    if associations_of(account, gateway.arn):
        raise refused(f"The gateway {gateway.name} is associated with clusters: disassociate them first.")
    if routes_of(account, gateway.arn):
        raise refused(f"The gateway {gateway.name} has routes: update the services that use it first.")
    gateway.gone_at = account.now
    return {**_short(gateway, account.now), "status": "DELETED"}


def _seen(account: Account, request: Wire, at: float) -> TimedResource:
    gateway = find_visible(account, RESOURCE_TYPE, gateway_arn(account, request["gateway"]), at)
    if gateway is None:
        raise not_found()
    return gateway


def _short(gateway: TimedResource, at: float) -> Wire:
    return {"gatewayArn": gateway.arn, "name": gateway.name, "status": gateway.show(at)["status"]}


OPERATIONS = {
    "CreateGateway": _create,
    "DescribeGateway": _describe,
    "DescribeGatewayResources": _describe_resources,
    "ListGateways": _list,
    "UpdateGateway": _update,
    "DeleteGateway": _delete,
}
