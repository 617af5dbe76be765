"""Express gateway services: create, describe, update, delete.

Simulated Express services run no tasks, and their endpoints do not exist. `express_configuration` builds a
configuration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecskit._simulator.account import INACTIVE_KEPT_FOR
from ecskit._simulator.errors import SimulatedError, invalid
from ecskit._simulator.express_configuration import check_request, configured
from ecskit._simulator.limits import check_name
from ecskit._simulator.records.timed_resources import Change, TimedResource
from ecskit._simulator.resource_access import add_resource, checked_arn, find_current, find_visible, progress_of
from ecskit._simulator.tagging import checked_tags
from ecskit._simulator.wire import Wire, timestamp

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.records.resources import Cluster

RESOURCE_TYPE: Final = "express-gateway-service"

_UPDATED = ("serviceArn", "cluster", "serviceName", "status", "createdAt", "updatedAt")


def _create(account: Account, request: Wire) -> Wire:
    cluster = account.active_cluster(request.get("cluster"))
    name = request.get("serviceName") or f"express-{account.hex(8)}"
    check_name("serviceName", name)
    arn = account.arns.ecs("service", f"{cluster.name}/{name}")
    _check_name_is_free(account, cluster, name, arn)
    check_request(account, request)
    tags = checked_tags(request.get("tags"))
    endpoint = f"{name}-{account.hex(12)}.ecs.{account.arns.region}.invalid"
    service = TimedResource(
        arn=arn,
        name=name,
        created_at=account.now,
        body={
            "serviceArn": arn,
            "serviceName": name,
            "cluster": cluster.name,
            "infrastructureRoleArn": request["infrastructureRoleArn"],
            "createdAt": timestamp(account.now),
        },
        changes=(Change(account.now, {"activeConfigurations": []}),),
        tags=tags,
        internal={
            "ingressPaths": [{"accessType": "PUBLIC", "endpoint": endpoint}],
            "configuration": {},
            "deployments": 0,
        },
    )
    _deploy(account, service, request)
    add_resource(account, RESOURCE_TYPE, service)
    return {"service": {**service.show(account.now), "tags": service.tags}}


def _check_name_is_free(account: Account, cluster: Cluster, name: str, arn: str) -> None:
    service = account.services.get(arn)
    if service is not None and service.status != "INACTIVE":
        raise invalid(f"The cluster {cluster.name} already has a service named {name}.")
    existing = find_current(account, RESOURCE_TYPE, arn)
    status = "INACTIVE" if existing is None else _status(existing, account.now)
    if status == "ACTIVE":
        raise invalid(f"The cluster {cluster.name} already has a service named {name}.")
    if status == "DRAINING":
        raise invalid(f"The service {name} is still draining: wait until it is INACTIVE.")


def _describe(account: Account, request: Wire) -> Wire:
    at = account.read_moment()
    service = find_visible(account, RESOURCE_TYPE, checked_arn(account, "service", request["serviceArn"]), at)
    if service is None:
        raise SimulatedError("ResourceNotFoundException", "The specified Express service was not found.")
    shown = service.show(at)
    if "TAGS" in request.get("include", []):
        shown["tags"] = service.tags
    return {"service": shown}


def _update(account: Account, request: Wire) -> Wire:
    service = _changeable(account, request)
    check_request(account, request)
    target = _deploy(account, service, request)
    shown = service.show(account.now)
    return {"service": {**{name: shown[name] for name in _UPDATED}, "targetConfiguration": target}}


def _deploy(account: Account, service: TimedResource, request: Wire) -> Wire:
    """Begin a deployment of the configuration in a request, and return that configuration."""
    active: list[Wire] = service.show(account.now)["activeConfigurations"][:1]
    path = account.arns.name("service", service.arn)
    target: Wire = {
        **configured(account, service, request),
        "serviceRevisionArn": account.arns.ecs("service-revision", f"{path}/{account.hex(16)}"),
        "ingressPaths": service.internal["ingressPaths"],
        "createdAt": timestamp(account.now),
    }
    progress = progress_of(account, RESOURCE_TYPE, service.name)
    began: Wire = {
        "status": {"statusCode": "ACTIVE"},
        "currentDeployment": account.arns.ecs("service-deployment", f"{path}/{account.hex(21)}"),
        "activeConfigurations": [*active, target],
        "updatedAt": timestamp(account.now),
    }
    outcome: Wire = {"currentDeployment": None, "activeConfigurations": [target]}
    if progress.fails is not None:
        outcome["activeConfigurations"] = active
        outcome["status"] = {"statusCode": "ACTIVE", "statusReason": progress.fails}
    service.reschedule(
        account.now, Change(account.now, began), Change(account.now + progress.seconds_for(RESOURCE_TYPE), outcome)
    )
    deployments = service.internal["deployments"] + 1
    service.internal = {**service.internal, "configuration": target, "deployments": deployments}
    return target


def _delete(account: Account, request: Wire) -> Wire:
    service = _changeable(account, request)
    progress = progress_of(account, RESOURCE_TYPE, service.name)
    end = account.now + progress.seconds_for(RESOURCE_TYPE)
    began: Wire = {
        "status": {"statusCode": "DRAINING"},
        "currentDeployment": None,
        "updatedAt": timestamp(account.now),
    }
    if progress.fails is None:
        outcome: Wire = {"status": {"statusCode": "INACTIVE"}, "activeConfigurations": []}
        service.gone_at = end + INACTIVE_KEPT_FOR
    else:  # ECS has no status for a failed deletion: the service stays DRAINING.
        outcome = {"status": {"statusCode": "DRAINING", "statusReason": progress.fails}}
    service.reschedule(account.now, Change(account.now, began), Change(end, outcome))
    return {"service": {**service.show(account.now), "tags": service.tags}}


def _changeable(account: Account, request: Wire) -> TimedResource:
    service = find_current(account, RESOURCE_TYPE, checked_arn(account, "service", request["serviceArn"]))
    if service is None:
        raise SimulatedError("ServiceNotFoundException", "The specified Express service was not found.")
    status = _status(service, account.now)
    if status != "ACTIVE":
        raise SimulatedError("ServiceNotActiveException", f"The service {service.name} is {status}.")
    return service


def _status(service: TimedResource, at: float) -> str:
    code: str = service.show(at)["status"]["statusCode"]
    return code


OPERATIONS = {
    "CreateExpressGatewayService": _create,
    "DescribeExpressGatewayService": _describe,
    "UpdateExpressGatewayService": _update,
    "DeleteExpressGatewayService": _delete,
}
