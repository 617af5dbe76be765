"""Daemon task definitions: register, describe, list, delete.

Decides revisions, defaults and the way from ACTIVE to gone. Which daemons use a definition does not matter to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ecskit._simulator.errors import refused
from ecskit._simulator.limits import check_name
from ecskit._simulator.managed import add, all_present, all_seen, present, progress_of
from ecskit._simulator.pages import paginate
from ecskit._simulator.records.managed import Change, Managed
from ecskit._simulator.tagging import checked_tags
from ecskit._simulator.wire import Wire, timestamp
from ecskit._simulator.world import INACTIVE_KEPT_FOR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ecskit._simulator.world import World

KIND: Final = "daemon-task-definition"

_CONTAINER_DEFAULTS: dict[str, Any] = {"cpu": 0, "essential": True, "environment": [], "mountPoints": []}
_SUMMARY = ("registeredAt", "registeredBy", "deleteRequestedAt", "status")


def active_definition(world: World, reference: str) -> Managed:
    """Return a daemon task definition that a daemon can run.

    Raises:
        SimulatedError: `ClientException`, when there is none, or its deletion was asked for.
    """
    definition = _named(world, reference, all_present(world, KIND), world.now)
    if definition is None or definition.show(world.now)["status"] != "ACTIVE":
        raise refused(f"The daemon task definition {reference} was not found, or is not ACTIVE.")
    return definition


def _register(world: World, request: Wire) -> Wire:
    family = request["family"]
    check_name("Family", family)
    tags = checked_tags(request.get("tags"))
    body = {name: value for name, value in request.items() if name != "tags"}
    body.setdefault("volumes", [])
    body["containerDefinitions"] = [{**_CONTAINER_DEFAULTS, **each} for each in body["containerDefinitions"]]
    _check_containers(body["containerDefinitions"])
    # The revisions of both kinds of task definitions are counted in one place; a family has no slash.
    counter = f"{KIND}/{family}"
    revision = world.last_revisions[counter] = world.last_revisions.get(counter, 0) + 1
    arn = world.arns.ecs(KIND, f"{family}:{revision}")
    body |= {
        "daemonTaskDefinitionArn": arn,
        "revision": revision,
        "registeredAt": timestamp(world.now),
        "registeredBy": world.arns.iam("user/simulator"),
    }
    active = Change(world.now, {"status": "ACTIVE"})
    add(world, KIND, Managed(arn=arn, name=family, created_at=world.now, body=body, changes=(active,), tags=tags))
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


def _describe(world: World, request: Wire) -> Wire:
    at = world.read_moment()
    definition = _named(world, request["daemonTaskDefinition"], all_seen(world, KIND, at), at)
    if definition is None:
        raise refused(f"The daemon task definition {request['daemonTaskDefinition']} was not found.")
    return {"daemonTaskDefinition": definition.show(at)}


def _named(world: World, reference: str, among: Iterable[Managed], at: float) -> Managed | None:
    """Return the definition that an ARN or a family with or without a revision names; a family stands for its last."""
    name = world.arns.name(KIND, reference)
    if ":" in name:
        arn = world.arns.ecs(KIND, name)
        return next((each for each in among if each.arn == arn), None)
    active = [each for each in among if each.name == name and each.show(at)["status"] == "ACTIVE"]
    return max(active, key=_revision, default=None)


def _revision(definition: Managed) -> int:
    revision: int = definition.body["revision"]
    return revision


def _list(world: World, request: Wire) -> Wire:
    at = world.read_moment()
    found = [each for each in all_seen(world, KIND, at) if _is_asked_for(each, request, at)]
    if request.get("revision") == "LAST_REGISTERED":
        latest = {each.name: each for each in sorted(found, key=_revision)}
        found = list(latest.values())
    rows = [(f"{each.name}:{_revision(each):010d}", _summary(each, at)) for each in found]
    descending = request.get("sort") == "DESC"
    page, more = paginate("ListDaemonTaskDefinitions", request, rows, descending=descending)
    return {"daemonTaskDefinitions": page, **more}


def _is_asked_for(definition: Managed, request: Wire, at: float) -> bool:
    wanted = request.get("status", "ACTIVE")
    return (
        definition.name.startswith(request.get("familyPrefix", ""))
        and definition.name == request.get("family", definition.name)
        and wanted in ("ALL", definition.show(at)["status"])
    )


def _summary(definition: Managed, at: float) -> Wire:
    shown = definition.show(at)
    return {"arn": definition.arn, **{name: shown[name] for name in _SUMMARY if name in shown}}


def _delete(world: World, request: Wire) -> Wire:
    name = world.arns.name(KIND, request["daemonTaskDefinition"])
    definition = present(world, KIND, world.arns.ecs(KIND, name))
    if definition is None:
        raise refused(f"The daemon task definition {name} was not found: name a family with its revision, or an ARN.")
    if definition.show(world.now)["status"] != "ACTIVE":
        raise refused(f"The daemon task definition {name} is being deleted.")
    progress = progress_of(world, KIND, definition.name)
    changes = [Change(world.now, {"status": "DELETE_IN_PROGRESS", "deleteRequestedAt": timestamp(world.now)})]
    if progress.fails is None:  # There is no status for a deletion that fails: it goes on for ever.
        end = world.now + progress.seconds_for(KIND)
        changes.append(Change(end, {"status": "DELETED"}))
        definition.gone_at = end + INACTIVE_KEPT_FOR
    definition.begin(world.now, *changes)
    return {"daemonTaskDefinitionArn": definition.arn}


OPERATIONS = {
    "RegisterDaemonTaskDefinition": _register,
    "DescribeDaemonTaskDefinition": _describe,
    "ListDaemonTaskDefinitions": _list,
    "DeleteDaemonTaskDefinition": _delete,
}
