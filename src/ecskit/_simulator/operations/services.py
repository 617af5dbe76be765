"""Services: create, describe, list, update, delete.

A request changes the record of a service and can begin a deployment. `scheduler` does the rest.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ecskit._rules.services import GRACE_PERIOD, SERVICE_RULES
from ecskit._simulator.errors import invalid
from ecskit._simulator.limits import check_count
from ecskit._simulator.pagination import paginate
from ecskit._simulator.records.services import Service
from ecskit._simulator.resource_access import find_current
from ecskit._simulator.scheduler import loop, rollouts
from ecskit._simulator.scheduler.launch_and_stop import launch_type_of
from ecskit._simulator.scheduler.service_rules import (
    REVISION_MEMBERS,
    changeable,
    check_service,
    default_rebalancing,
    revision_config,
    service_not_found,
    service_settings,
)
from ecskit._simulator.scheduler.task_sets import add_task_set
from ecskit._simulator.tagging import checked_tags

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.records.resources import Cluster
    from ecskit._simulator.wire import Wire

_PER_CALL = 10
_PER_PAGE = 10


def _create(account: Account, request: Wire) -> Wire:
    cluster = account.active_cluster(request.get("cluster"))
    name = request["serviceName"]
    arn = account.arns.ecs("service", f"{cluster.name}/{name}")
    controller = request.get("deploymentController", {}).get("type", "ECS")
    scheduling = request.get("schedulingStrategy", "REPLICA")
    settings = service_settings(scheduling, {}, request)
    stated = {**request, **settings}
    check_service(SERVICE_RULES, stated)
    existing = _existing(account, cluster, arn, request)
    if existing is not None:
        return {"service": _with_tags(existing, _shown(account, existing))}
    config: Wire = {}
    if controller != "EXTERNAL":
        config = revision_config(account, cluster, SERVICE_RULES, stated, _wanted({}, request))
    settings.setdefault("availabilityZoneRebalancing", default_rebalancing(scheduling, settings, config))
    service = Service(
        arn=arn,
        name=name,
        ordinal=account.ordinal(),
        cluster=cluster,
        created_at=account.now,
        created_with=request,
        controller=controller,
        scheduling=scheduling,
        settings=settings,
        config=config,
        desired=request.get("desiredCount", 0),
        tags=checked_tags(request.get("tags")),
        last_run_at=account.now,
    )
    account.services.pop(arn, None)
    account.services[arn] = service
    if controller == "ECS":
        rollouts.begin(account, service)
    elif controller == "CODE_DEPLOY":
        add_task_set(account, service, service.config, {}, scale=100.0, primary=True)
    loop.run_service(account, service)
    return {"service": _with_tags(service, _shown(account, service))}


def _existing(account: Account, cluster: Cluster, arn: str, request: Wire) -> Service | None:
    """Return the service that an equal request created before, or None if the name is free.

    Raises:
        SimulatedError: `InvalidParameterException` if the name or the token is in use.
    """
    token = request.get("clientToken")
    for each in account.services_of(cluster):
        if token is not None and each.created_with.get("clientToken") == token and each.status == "ACTIVE":
            if parameters_of(each.created_with) == parameters_of(request):
                return each
            raise invalid("The clientToken was used before with other parameters.")
    if find_current(account, "express-gateway-service", arn) is not None:
        raise invalid("An Express service has this name.")
    service = account.services.get(arn)
    if service is None or service.status == "INACTIVE":
        return None
    if service.status == "DRAINING":
        raise invalid("Unable to start a service that is still draining.")
    if parameters_of(service.created_with) != parameters_of(request):
        raise invalid("Creation of service was not idempotent.")
    return service


def parameters_of(request: Wire) -> str:
    """Return the parameters of a request without its token, as comparable text."""
    return json.dumps({name: value for name, value in request.items() if name != "clientToken"}, sort_keys=True)


def _wanted(old: Wire, request: Wire) -> Wire:
    """Return the members of a revision: those of the request over the old ones."""
    wanted = {**old, **{name: request[name] for name in (*REVISION_MEMBERS, "volumeConfigurations") if name in request}}
    if "capacityProviderStrategy" in request:
        wanted.pop("launchType", None) if "launchType" not in request else None
    return wanted


def _shown(account: Account, service: Service) -> Wire:
    """Return a service as answers of changes show it: without the service deployment, unlike descriptions.

    In published answers of CreateService and UpdateService (2026) it is absent, beside `currentServiceRevisions`.
    """
    shown = service.shown.at(account.now) or {}
    return {name: value for name, value in shown.items() if name != "currentServiceDeployment"}


def _with_tags(service: Service, shown: Wire) -> Wire:
    """Return a service with its tags. Without tags the member is absent (recorded 2024)."""
    return {**shown, "tags": service.tags} if service.tags else shown


def _describe(account: Account, request: Wire) -> Wire:
    cluster = account.cluster(request.get("cluster"))
    check_count("services", request["services"], most=_PER_CALL)
    at = account.read_moment()
    found: list[Wire] = []
    failures: list[Wire] = []
    for reference in dict.fromkeys(request["services"]):
        service = account.find_service(cluster, reference)
        shown = None if service is None else visible_service(account, service, at)
        if service is None or shown is None:
            name = account.arns.name("service", reference)
            arn = reference if reference.startswith("arn:") else account.arns.ecs("service", f"{cluster.name}/{name}")
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            found.append(_with_tags(service, shown) if "TAGS" in request.get("include", []) else shown)
    return {"services": found, "failures": failures}


def visible_service(account: Account, service: Service, at: float) -> Wire | None:
    """Return a service as a read of a moment shows it, or None if it does not."""
    return service.shown.at(at) if service.created_at + account.lag.visible_after <= at else None


def _list(account: Account, request: Wire) -> Wire:
    cluster = account.cluster(request.get("cluster"))
    at = account.read_moment()
    rows: list[tuple[int, str]] = []
    for service in account.services_of(cluster):
        shown = visible_service(account, service, at)
        if shown is None or shown["status"] != "ACTIVE" or request.get("resourceManagementType") == "ECS":
            continue
        if request.get("schedulingStrategy", service.scheduling) != service.scheduling:
            continue
        if service.config and request.get("launchType", launch_type_of(service.config)) != launch_type_of(
            service.config
        ):
            continue
        rows.append((service.ordinal, service.arn))
    page, more = paginate("ListServices", request, rows, default=_PER_PAGE)
    return {"serviceArns": page, **more}


def _list_by_namespace(account: Account, request: Wire) -> Wire:
    at = account.read_moment()
    wanted = request["namespace"].rsplit("/", 1)[-1]
    rows: list[tuple[int, str]] = []
    for service in account.services.values():
        connected: Wire = service.config.get("serviceConnectConfiguration", {})
        defaults = service.cluster.service_connect_defaults or {}
        namespace = connected.get("namespace") or defaults.get("namespace", "")
        shown = visible_service(account, service, at)
        if connected.get("enabled") and shown and shown["status"] == "ACTIVE" and namespace.endswith(wanted):
            rows.append((service.ordinal, service.arn))
    page, more = paginate("ListServicesByNamespace", request, rows, default=_PER_PAGE)
    return {"serviceArns": page, **more}


def _update(account: Account, request: Wire) -> Wire:
    cluster = account.active_cluster(request.get("cluster"))
    service = changeable(account, cluster, request["service"])
    if request.get("deploymentController", {}).get("type", service.controller) != service.controller:
        raise invalid("The simulator does not change the deployment controller of a service.")
    desired = request.get("desiredCount", service.desired)
    settings = service_settings(service.scheduling, service.settings, request)
    stated = _stated(service, request, settings)
    # A load balancer in the same request does not count.
    # Seen: https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1313
    check_service([GRACE_PERIOD], {**stated, "loadBalancers": [], "vpcLatticeConfigurations": [], **service.config})
    changes = [name for name in REVISION_MEMBERS if name in request]
    if service.controller != "ECS":
        if changes or request.get("forceNewDeployment"):
            raise invalid(
                f"Deployments of this service are controlled by {service.controller}: only the desired count, the"
                " deployment configuration and the health check grace period can be updated."
            )
        check_service(SERVICE_RULES, {**({} if service.controller == "EXTERNAL" else service.config), **stated})
        service.settings = settings
        service.scale(account.now, desired)
        loop.run_service(account, service)
        return {"service": _shown(account, service)}
    config = service.config
    if changes or request.get("forceNewDeployment") or request.get("volumeConfigurations"):
        config = revision_config(account, cluster, SERVICE_RULES, stated, _wanted(config, request))
    else:
        check_service(SERVICE_RULES, {**config, **stated})
    service.settings = settings
    service.scale(account.now, desired)
    if request.get("forceNewDeployment") or config != service.config:
        service.config = config
        rollouts.begin(account, service)
    service.is_steady = False
    loop.run_service(account, service)
    return {"service": _shown(account, service)}


def _stated(service: Service, request: Wire, settings: Wire) -> Wire:
    """Return a service with an update, as a request to create it states it."""
    count = {} if service.is_daemon else {"desiredCount": service.desired}
    kind = {"schedulingStrategy": service.scheduling, "deploymentController": {"type": service.controller}}
    kept = {name: value for name, value in settings.items() if name != GRACE_PERIOD.where}
    return {**count, **kept, **request, "deploymentConfiguration": settings["deploymentConfiguration"], **kind}


def _delete(account: Account, request: Wire) -> Wire:
    cluster = account.cluster(request.get("cluster"))
    service = account.find_service(cluster, request["service"])
    if service is None or service.status == "INACTIVE":
        raise service_not_found()
    if service.status == "ACTIVE":
        if not request.get("force"):
            if service.desired > 0 and not service.is_daemon:
                raise invalid("The service cannot be stopped while it is scaled above 0.")
            if service.task_sets and service.controller == "EXTERNAL":
                raise invalid("The service cannot be deleted while it has task sets.")
        rollouts.supersede(account, service, "The service was deleted.")
        service.status = "DRAINING"
        service.scale(account.now, 0)
        for task_set in service.task_sets:
            task_set.rescale(account.now, 0.0)
        loop.run_service(account, service)
    # Only this answer has deployments of a CODE_DEPLOY service (recorded 2024).
    return {"service": {"deployments": [], **_shown(account, service)}}


OPERATIONS = {
    "CreateService": _create,
    "DescribeServices": _describe,
    "ListServices": _list,
    "ListServicesByNamespace": _list_by_namespace,
    "UpdateService": _update,
    "DeleteService": _delete,
}
