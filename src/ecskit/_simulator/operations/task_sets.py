"""Task sets: create, describe, scale, make primary, delete. `scheduler.task_sets` keeps their tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._rules.services import TASK_SET_RULES
from ecskit._simulator.arns import short_id
from ecskit._simulator.errors import SimulatedError, invalid
from ecskit._simulator.operations.services import parameters_of
from ecskit._simulator.scheduler import loop
from ecskit._simulator.scheduler.service_rules import changeable, revision_config
from ecskit._simulator.scheduler.task_sets import add_task_set
from ecskit._simulator.tagging import checked_tags

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.records.services import Service, TaskSet
    from ecskit._simulator.wire import Wire

_MAX = 5
_CONFIG = (
    "taskDefinition",
    "networkConfiguration",
    "loadBalancers",
    "serviceRegistries",
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
)


def _service(account: Account, request: Wire) -> Service:
    service = changeable(account, account.active_cluster(request["cluster"]), request["service"])
    if service.controller == "ECS":
        raise invalid("Task sets are for services whose deployments are controlled by EXTERNAL or CODE_DEPLOY.")
    return service


def _create(account: Account, request: Wire) -> Wire:
    service = _service(account, request)
    if service.controller != "EXTERNAL":
        raise invalid("The task sets of this service are created by CodeDeploy.")
    token = request.get("clientToken")
    for each in service.task_sets:
        if token is not None and each.created_with.get("clientToken") == token:
            if parameters_of(each.created_with) != parameters_of(request):
                raise invalid("The clientToken was used before with other parameters.")
            return {"taskSet": _shown(account, each)}
    if len(service.task_sets) >= _MAX:
        raise SimulatedError("LimitExceededException", f"A service can have at most {_MAX} task sets.")
    wanted = {name: request[name] for name in _CONFIG if name in request}
    stated = {**service.settings, **request}
    config = revision_config(account, service.cluster, TASK_SET_RULES, stated, wanted)
    task_set = add_task_set(
        account,
        service,
        config,
        {name: request[name] for name in ("externalId",) if name in request},
        scale=_scale(request.get("scale", {})),
        tags=checked_tags(request.get("tags")),
        created_with=request,
    )
    loop.run_service(account, service)
    return {"taskSet": _shown(account, task_set)}


def _scale(scale: Wire) -> float:
    value = float(scale.get("value", 0.0))
    if not 0 <= value <= 100:
        raise invalid(f"The scale of a task set must be from 0 to 100 percent, not {value:g}.")
    return value


def _found(service: Service, reference: str) -> TaskSet:
    for each in service.task_sets:
        if reference in (each.id, each.arn, short_id(each.arn)):
            return each
    raise SimulatedError("TaskSetNotFoundException", "The specified task set was not found.")


def _describe(account: Account, request: Wire) -> Wire:
    service = _service(account, request)
    at = account.read_moment()
    # A stale read can show task sets that no longer exist.
    former = [each for each in account.former_task_sets.values() if each.body["serviceArn"] == service.arn]
    there = {
        each.id: (each, shown)
        for each in (*former, *service.task_sets)
        if (shown := each.shown.at(at)) is not None
        and each.created_at + account.lag.visible_after <= at
        and (each.gone_at is None or at < each.gone_at)
    }
    found: list[Wire] = []
    failures: list[Wire] = []
    for reference in dict.fromkeys(request.get("taskSets") or there):
        known = there.get(f"ecs-svc/{short_id(reference)}")
        if known is None:
            path = f"{service.cluster.name}/{service.name}/{reference}"
            arn = reference if reference.startswith("arn:") else account.arns.ecs("task-set", path)
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            task_set, shown = known
            found.append({**shown, "tags": task_set.tags if "TAGS" in request.get("include", []) else []})
    return {"taskSets": found, "failures": failures}


def _shown(account: Account, task_set: TaskSet) -> Wire:
    return {**(task_set.shown.at(account.now) or {}), "tags": task_set.tags}


def _update(account: Account, request: Wire) -> Wire:
    service = _service(account, request)
    task_set = _found(service, request["taskSet"])
    if task_set.status == "DRAINING":
        raise invalid("The task set is DRAINING.")
    task_set.rescale(account.now, _scale(request["scale"]))
    loop.run_service(account, service)
    return {"taskSet": _shown(account, task_set)}


def _make_primary(account: Account, request: Wire) -> Wire:
    service = _service(account, request)
    task_set = _found(service, request["primaryTaskSet"])
    if task_set.status == "DRAINING":
        raise invalid("The task set is DRAINING.")
    for each in service.task_sets:
        if each.status == "PRIMARY":
            each.status, each.updated_at = "ACTIVE", account.now
    task_set.status, task_set.updated_at = "PRIMARY", account.now
    service.config = task_set.config
    loop.run_service(account, service)
    return {"taskSet": _shown(account, task_set)}


def _delete(account: Account, request: Wire) -> Wire:
    service = _service(account, request)
    task_set = _found(service, request["taskSet"])
    if task_set.status == "PRIMARY" and not request.get("force"):
        raise invalid("The primary task set of a service cannot be deleted.")
    if task_set.scale > 0 and not request.get("force"):
        raise invalid("The task set is scaled above 0: scale it down first, or use force.")
    task_set.status, task_set.updated_at = "DRAINING", account.now
    loop.run_service(account, service)
    return {"taskSet": _shown(account, task_set)}


OPERATIONS = {
    "CreateTaskSet": _create,
    "DescribeTaskSets": _describe,
    "UpdateTaskSet": _update,
    "UpdateServicePrimaryTaskSet": _make_primary,
    "DeleteTaskSet": _delete,
}
