"""Daemon task definitions: register, describe, list, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ecskit._simulator.account import INACTIVE_KEPT_FOR
from ecskit._simulator.errors import refused
from ecskit._simulator.limits import check_name
from ecskit._simulator.pagination import paginate
from ecskit._simulator.records.timed_resources import Change, TimedResource
from ecskit._simulator.resource_access import add_resource, all_current, all_visible, find_current, progress_of
from ecskit._simulator.tagging import checked_tags
from ecskit._simulator.wire import Wire, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ecskit._simulator.account import Account

RESOURCE_TYPE: Final = "daemon-task-definition"

_CONTAINER_DEFAULTS: dict[str, Any] = {"cpu": 0, "essential": True, "environment": [], "mountPoints": []}
_SUMMARY = ("registeredAt", "registeredBy", "deleteRequestedAt", "status")


def active_definition(account: Account, reference: str) -> TimedResource:
    """Return an ACTIVE daemon task definition.

    Raises:
        SimulatedError: `ClientException` if it does not exist or is being deleted.
    """
    definition = _named(account, reference, all_current(account, RESOURCE_TYPE), account.now)
    if definition is None or definition.show(account.now)["status"] != "ACTIVE":
        raise refused(f"The daemon task definition {reference} was not found, or is not ACTIVE.")
    return definition


def _register(account: Account, request: Wire) -> Wire:
    family = request["family"]
    check_name("Family", family)
    tags = checked_tags(request.get("tags"))
    body = {name: value for name, value in request.items() if name != "tags"}
    body.setdefault("volumes", [])
    body["containerDefinitions"] = [{**_CONTAINER_DEFAULTS, **each} for each in body["containerDefinitions"]]
    _check_containers(body["containerDefinitions"])
    # Task definitions share this mapping. Their families have no slash, so the key is unique.
    counter = f"{RESOURCE_TYPE}/{family}"
    revision = account.last_revisions[counter] = account.last_revisions.get(counter, 0) + 1
    arn = account.arns.ecs(RESOURCE_TYPE, f"{family}:{revision}")
    body |= {
        "daemonTaskDefinitionArn": arn,
        "revision": revision,
        "registeredAt": timestamp(account.now),
        "registeredBy": account.arns.iam("user/simulator"),
    }
    active = Change(account.now, {"status": "ACTIVE"})
    add_resource(
        account,
        RESOURCE_TYPE,
        TimedResource(arn=arn, name=family, created_at=account.now, body=body, changes=(active,), tags=tags),
    )
    return {"daemonTaskDefinitionArn": arn}


def _check_containers(containers: list[Wire]) -> None:
    if not containers:
        raise refused("A daemon task definition needs at least one container definition.")
    names = [container.get("name", "") for container in containers]
    for name in names:
        check_name("Container.name", name)
    if len(set(names)) < len(names):
        raise refused("Container names must be unique within a daemon task definition.")
    if not any(container["essential"] for container in containers):
        raise refused("At least one container of a daemon task definition must be essential.")


def _describe(account: Account, request: Wire) -> Wire:
    at = account.read_moment()
    definition = _named(account, request["daemonTaskDefinition"], all_visible(account, RESOURCE_TYPE, at), at)
    if definition is None:
        raise refused(f"The daemon task definition {request['daemonTaskDefinition']} was not found.")
    return {"daemonTaskDefinition": definition.show(at)}


def _named(account: Account, reference: str, among: Iterable[TimedResource], at: float) -> TimedResource | None:
    """Return the definition of an ARN, a family with a revision, or a family: its latest ACTIVE revision."""
    name = account.arns.name(RESOURCE_TYPE, reference)
    if ":" in name:
        arn = account.arns.ecs(RESOURCE_TYPE, name)
        return next((each for each in among if each.arn == arn), None)
    active = [each for each in among if each.name == name and each.show(at)["status"] == "ACTIVE"]
    return max(active, key=_revision, default=None)


def _revision(definition: TimedResource) -> int:
    revision: int = definition.body["revision"]
    return revision


def _list(account: Account, request: Wire) -> Wire:
    at = account.read_moment()
    found = [each for each in all_visible(account, RESOURCE_TYPE, at) if _is_asked_for(each, request, at)]
    if request.get("revision") == "LAST_REGISTERED":
        latest = {each.name: each for each in sorted(found, key=_revision)}
        found = list(latest.values())
    rows = [(f"{each.name}:{_revision(each):010d}", _summary(each, at)) for each in found]
    descending = request.get("sort") == "DESC"
    page, more = paginate("ListDaemonTaskDefinitions", request, rows, descending=descending)
    return {"daemonTaskDefinitions": page, **more}


def _is_asked_for(definition: TimedResource, request: Wire, at: float) -> bool:
    wanted = request.get("status", "ACTIVE")
    return (
        definition.name.startswith(request.get("familyPrefix", ""))
        and definition.name == request.get("family", definition.name)
        and wanted in ("ALL", definition.show(at)["status"])
    )


def _summary(definition: TimedResource, at: float) -> Wire:
    shown = definition.show(at)
    return {"arn": definition.arn, **{name: shown[name] for name in _SUMMARY if name in shown}}


def _delete(account: Account, request: Wire) -> Wire:
    name = account.arns.name(RESOURCE_TYPE, request["daemonTaskDefinition"])
    definition = find_current(account, RESOURCE_TYPE, account.arns.ecs(RESOURCE_TYPE, name))
    if definition is None:
        raise refused(f"The daemon task definition {name} was not found: name a family with its revision, or an ARN.")
    if definition.show(account.now)["status"] != "ACTIVE":
        raise refused(f"The daemon task definition {name} is being deleted.")
    progress = progress_of(account, RESOURCE_TYPE, definition.name)
    changes = [Change(account.now, {"status": "DELETE_IN_PROGRESS", "deleteRequestedAt": timestamp(account.now)})]
    if progress.fails is None:  # ECS has no status for a failed deletion: it stays DELETE_IN_PROGRESS.
        end = account.now + progress.seconds_for(RESOURCE_TYPE)
        changes.append(Change(end, {"status": "DELETED"}))
        definition.gone_at = end + INACTIVE_KEPT_FOR
    definition.reschedule(account.now, *changes)
    return {"daemonTaskDefinitionArn": definition.arn}


OPERATIONS = {
    "RegisterDaemonTaskDefinition": _register,
    "DescribeDaemonTaskDefinition": _describe,
    "ListDaemonTaskDefinitions": _list,
    "DeleteDaemonTaskDefinition": _delete,
}
