"""Task definitions: register, describe, list, deregister, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.errors import SimulatedError, refused
from ecskit._simulator.limits import check_count
from ecskit._simulator.pagination import paginate
from ecskit._simulator.records.resources import TaskDefinition
from ecskit._simulator.registered_body import registered_body
from ecskit._simulator.tagging import checked_tags
from ecskit._simulator.task_definition_defaults import filled_in
from ecskit._simulator.wire import Wire, timestamp

if TYPE_CHECKING:
    from ecskit._simulator.account import Account

# These words are inferred: no public report shows those of ECS.
_INVALID = "The specified task definition identifier is invalid. Specify a valid name or ARN and try again."
_LOST = "The specified task definition does not exist. Specify a valid account, family, revision and try again."
_STILL_ACTIVE = "The specified task definition is still in ACTIVE status. Please deregister the target and try again."


def _register(account: Account, request: Wire) -> Wire:
    family = request["family"]
    body = filled_in(registered_body(request))
    tags = checked_tags(request.get("tags"))
    revision = account.last_revisions.get(family, 0) + 1
    account.last_revisions[family] = revision
    arn = account.arns.ecs("task-definition", f"{family}:{revision}")
    body["taskDefinitionArn"] = arn
    body["revision"] = revision
    body["registeredAt"] = timestamp(account.now)
    body["registeredBy"] = account.arns.iam("user/simulator")
    definition = TaskDefinition(
        arn=arn,
        family=family,
        revision=revision,
        body=body,
        hidden=frozenset({"networkMode"} - request.keys()),
        tags=tags,
        registered_at=account.now,
    )
    account.task_definitions[arn] = definition
    return {"taskDefinition": definition.show(), **({"tags": tags} if tags else {})}


def _describe(account: Account, request: Wire) -> Wire:
    definition = account.find_task_definition(request["taskDefinition"])
    if definition is None:
        raise refused("Unable to describe task definition.")
    body: Wire = {"taskDefinition": definition.show()}
    body["tags"] = definition.tags if "TAGS" in request.get("include", []) else []
    return body


def _list(account: Account, request: Wire) -> Wire:
    family = request.get("familyPrefix")
    status = request.get("status", "ACTIVE")
    rows = [
        (f"{definition.family}\0{definition.revision:010d}", definition.arn)
        for definition in account.task_definitions.values()
        if definition.status == status and family in (None, definition.family)
    ]
    page, more = paginate("ListTaskDefinitions", request, rows, descending=request.get("sort") == "DESC")
    return {"taskDefinitionArns": page, **more}


def _list_families(account: Account, request: Wire) -> Wire:
    prefix = request.get("familyPrefix", "")
    active = {each.family for each in account.task_definitions.values() if each.status == "ACTIVE"}
    known = {each.family for each in account.task_definitions.values()}
    wanted = {"ACTIVE": active, "INACTIVE": known - active, "ALL": known}[request.get("status", "ACTIVE")]
    rows = [(family, family) for family in wanted if family.startswith(prefix)]
    page, more = paginate("ListTaskDefinitionFamilies", request, rows)
    return {"families": page, **more}


def _deregister(account: Account, request: Wire) -> Wire:
    definition = _revision(account, request["taskDefinition"])
    if definition is None:
        raise refused("Unable to find the task definition to deregister.")
    if definition.status != "ACTIVE":
        raise refused("The specified task definition is inactive. Only ACTIVE ones can be deregistered.")
    answer = {"taskDefinition": {**definition.show(), "status": "INACTIVE"}}  # without `deregisteredAt`
    definition.deregistered_at = account.now
    return answer


def _delete(account: Account, request: Wire) -> Wire:
    check_count("taskDefinitions", request["taskDefinitions"], most=10)
    deleted: list[Wire] = []
    failures: list[Wire] = []
    for reference in dict.fromkeys(request["taskDefinitions"]):
        try:
            definition = _revision(account, reference)
        except SimulatedError:
            failures.append({"arn": reference, "reason": _INVALID})
            continue
        if definition is None:
            arn = account.arns.ecs("task-definition", account.arns.name("task-definition", reference))
            failures.append({"arn": arn, "reason": _LOST})
        elif definition.status == "ACTIVE":
            failures.append({"arn": definition.arn, "reason": _STILL_ACTIVE})
        else:
            deleted.append({**definition.show(), "status": "DELETE_IN_PROGRESS"})  # without `deleteRequestedAt`
            if definition.delete_requested_at is None:
                definition.delete_requested_at = account.now
    return {"taskDefinitions": deleted, "failures": failures}


def _revision(account: Account, reference: str) -> TaskDefinition | None:
    """Return the task definition of a reference with a revision, or None.

    Raises:
        SimulatedError: `ClientException` if the reference has no revision; `InvalidParameterException` if it is the ARN
            of something else.
    """
    _, _, revision = account.arns.name("task-definition", reference).partition(":")
    if not revision.isdigit():
        raise refused(f"Invalid revision number. Number: {revision or 'none'} in {reference}.")
    return account.find_task_definition(reference)


OPERATIONS = {
    "RegisterTaskDefinition": _register,
    "DescribeTaskDefinition": _describe,
    "ListTaskDefinitions": _list,
    "ListTaskDefinitionFamilies": _list_families,
    "DeregisterTaskDefinition": _deregister,
    "DeleteTaskDefinitions": _delete,
}
