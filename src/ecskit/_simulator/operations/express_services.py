"""Express gateway services: create, describe, update, delete.

Decides which statuses a service goes through, and which configurations are active while a deployment goes on. What a
configuration holds is decided in `express_configuration`; no task runs, and nothing listens at an endpoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecskit._simulator.errors import SimulatedError, invalid
from ecskit._simulator.express_configuration import check_request, configured
from ecskit._simulator.limits import check_name
from ecskit._simulator.managed import add, checked_arn, present, progress_of, seen
from ecskit._simulator.records.managed import Change, Managed
from ecskit._simulator.tagging import checked_tags
from ecskit._simulator.wire import Wire, timestamp
from ecskit._simulator.world import INACTIVE_KEPT_FOR

if TYPE_CHECKING:
    from ecskit._simulator.records.resources import Cluster
    from ecskit._simulator.world import World

KIND: Final = "express-gateway-service"

_UPDATED = ("serviceArn", "cluster", "serviceName", "status", "createdAt", "updatedAt")


def _create(world: World, request: Wire) -> Wire:
    cluster = world.active_cluster(request.get("cluster"))
    name = request.get("serviceName") or f"express-{world.hex(8)}"
    check_name("serviceName", name)
    arn = world.arns.ecs("service", f"{cluster.name}/{name}")
    _check_name_is_free(world, cluster, name, arn)
    check_request(world, request)
    tags = checked_tags(request.get("tags"))
    endpoint = f"{name}-{world.hex(12)}.ecs.{world.arns.region}.invalid"
    service = Managed(
        arn=arn,
        name=name,
        created_at=world.now,
        body={
            "serviceArn": arn,
            "serviceName": name,
            "cluster": cluster.name,
            "infrastructureRoleArn": request["infrastructureRoleArn"],
            "createdAt": timestamp(world.now),
        },
        changes=(Change(world.now, {"activeConfigurations": []}),),
        tags=tags,
        hidden={
            "ingressPaths": [{"accessType": "PUBLIC", "endpoint": endpoint}],
            "configuration": {},
            "deployments": 0,
        },
    )
    _deploy(world, service, request)
    add(world, KIND, service)
    return {"service": {**service.show(world.now), "tags": service.tags}}


def _check_name_is_free(world: World, cluster: Cluster, name: str, arn: str) -> None:
    service = world.services.get(arn)
    if service is not None and service.status != "INACTIVE":
        raise invalid(f"The cluster {cluster.name} already has a service named {name}.")
    existing = present(world, KIND, arn)
    status = "INACTIVE" if existing is None else _status(existing, world.now)
    if status == "ACTIVE":
        raise invalid(f"The cluster {cluster.name} already has a service named {name}.")
    if status == "DRAINING":
        raise invalid(f"The service {name} is still draining: wait until it is INACTIVE.")


def _describe(world: World, request: Wire) -> Wire:
    at = world.read_moment()
    service = seen(world, KIND, checked_arn(world, "service", request["serviceArn"]), at)
    if service is None:
        raise SimulatedError("ResourceNotFoundException", "The specified Express service was not found.")
    shown = service.show(at)
    if "TAGS" in request.get("include", []):
        shown["tags"] = service.tags
    return {"service": shown}


def _update(world: World, request: Wire) -> Wire:
    service = _changeable(world, request)
    check_request(world, request)
    target = _deploy(world, service, request)
    shown = service.show(world.now)
    return {"service": {**{name: shown[name] for name in _UPDATED}, "targetConfiguration": target}}


def _deploy(world: World, service: Managed, request: Wire) -> Wire:
    """Start a deployment of what the request describes, beside the configuration that is active; return its target."""
    active: list[Wire] = service.show(world.now)["activeConfigurations"][:1]
    path = world.arns.name("service", service.arn)
    target: Wire = {
        **configured(world, service, request),
        "serviceRevisionArn": world.arns.ecs("service-revision", f"{path}/{world.hex(16)}"),
        "ingressPaths": service.hidden["ingressPaths"],
        "createdAt": timestamp(world.now),
    }
    progress = progress_of(world, KIND, service.name)
    began: Wire = {
        "status": {"statusCode": "ACTIVE"},
        "currentDeployment": world.arns.ecs("service-deployment", f"{path}/{world.hex(21)}"),
        "activeConfigurations": [*active, target],
        "updatedAt": timestamp(world.now),
    }
    outcome: Wire = {"currentDeployment": None, "activeConfigurations": [target]}
    if progress.fails is not None:
        outcome["activeConfigurations"] = active
        outcome["status"] = {"statusCode": "ACTIVE", "statusReason": progress.fails}
    service.begin(world.now, Change(world.now, began), Change(world.now + progress.seconds_for(KIND), outcome))
    deployments = service.hidden["deployments"] + 1
    service.hidden = {**service.hidden, "configuration": target, "deployments": deployments}
    return target


def _delete(world: World, request: Wire) -> Wire:
    service = _changeable(world, request)
    progress = progress_of(world, KIND, service.name)
    end = world.now + progress.seconds_for(KIND)
    began: Wire = {
        "status": {"statusCode": "DRAINING"},
        "currentDeployment": None,
        "updatedAt": timestamp(world.now),
    }
    if progress.fails is None:
        outcome: Wire = {"status": {"statusCode": "INACTIVE"}, "activeConfigurations": []}
        service.gone_at = end + INACTIVE_KEPT_FOR
    else:  # There is no status for a deletion that fails: the service drains for ever.
        outcome = {"status": {"statusCode": "DRAINING", "statusReason": progress.fails}}
    service.begin(world.now, Change(world.now, began), Change(end, outcome))
    return {"service": {**service.show(world.now), "tags": service.tags}}


def _changeable(world: World, request: Wire) -> Managed:
    service = present(world, KIND, checked_arn(world, "service", request["serviceArn"]))
    if service is None:
        raise SimulatedError("ServiceNotFoundException", "The specified Express service was not found.")
    status = _status(service, world.now)
    if status != "ACTIVE":
        raise SimulatedError("ServiceNotActiveException", f"The service {service.name} is {status}.")
    return service


def _status(service: Managed, at: float) -> str:
    code: str = service.show(at)["status"]["statusCode"]
    return code


OPERATIONS = {
    "CreateExpressGatewayService": _create,
    "DescribeExpressGatewayService": _describe,
    "UpdateExpressGatewayService": _update,
    "DeleteExpressGatewayService": _delete,
}
