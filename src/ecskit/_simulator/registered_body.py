"""Check a RegisterTaskDefinition request by the table of rules, and fill in the defaults that ECS returns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ecskit._core.members import members
from ecskit._core.model import Model
from ecskit._rules.definition import TaskDefinitionWire
from ecskit._rules.rule import Finding, Rule, find
from ecskit._rules.table import LAUNCH_TYPE_RULES, RULES
from ecskit._simulator.errors import refused
from ecskit._simulator.fargate import cpu_units, memory_mib
from ecskit.models.task_definitions import RegisterTaskDefinitionRequest

if TYPE_CHECKING:
    from ecskit._simulator.wire import Wire

_CONTAINER_DEFAULTS: dict[str, Any] = {
    "cpu": 0,
    "essential": True,
    "portMappings": [],
    "environment": [],
    "mountPoints": [],
    "volumesFrom": [],
    "systemControls": [],
}


def registered_body(request: Wire) -> Wire:
    """Return the members of the task definition that a request registers.

    Raises:
        SimulatedError: `ClientException` for an invalid task definition, with the words of ECS where they are known.
    """
    required: list[str] = request.get("requiresCompatibilities", [])
    for finding in _refusals(RULES, request, [each.upper() for each in required]):
        raise refused(finding.words or f"{finding.path}: {finding.message}.".lstrip(": "))
    body = {name: value for name, value in _known(request, RegisterTaskDefinitionRequest).items() if name != "tags"}
    body.setdefault("volumes", [])
    body.setdefault("placementConstraints", [])
    if "cpu" in body:
        body["cpu"] = str(cpu_units(body["cpu"]))
    if "memory" in body:
        body["memory"] = str(memory_mib(body["memory"]))
    body.setdefault("networkMode", "bridge")
    body["containerDefinitions"] = [_container(each, body["networkMode"]) for each in body["containerDefinitions"]]
    body["requiresAttributes"] = []
    body["compatibilities"] = [
        each
        for each in ("EC2", "EXTERNAL", "FARGATE")
        if each in required or not any(_refusals(LAUNCH_TYPE_RULES, request, [each]))
    ]
    body["compatibilities"] += [each for each in required if each not in body["compatibilities"]]
    if not required:
        body.pop("requiresCompatibilities", None)
    return body


def _refusals(
    rules: Sequence[Rule[TaskDefinitionWire]], request: Wire, launch_types: Iterable[str]
) -> Iterable[Finding]:
    """Return what ECS refuses. Values of enums that are newer than the service model count as such."""
    definition = TaskDefinitionWire(request, RegisterTaskDefinitionRequest, frozenset(launch_types))
    return (each for each in find(rules, definition) if each.severity == "error" or each.rule == "unknown-value")


def _known(wire: Wire, model: type[Model]) -> Wire:
    """Return a structure without the members that it does not have, at every depth. ECS leaves them out."""
    kept: Wire = {}
    for m in members(model):
        if m.wire not in wire:
            continue
        value = kept[m.wire] = wire[m.wire]
        if m.kind.shape == "model":
            kept[m.wire] = (
                [_known(item, m.kind.type) for item in value] if m.kind.container else _known(value, m.kind.type)
            )
    return kept


def _container(given: Wire, mode: str) -> Wire:
    container = {**_CONTAINER_DEFAULTS, **given}
    container["portMappings"] = [_port(each, mode) for each in container["portMappings"]]
    return container


def _port(given: Wire, mode: str) -> Wire:
    port = {**given, "protocol": "udp" if given.get("protocol") == "udp" else "tcp"}
    if "containerPortRange" not in port:
        port.setdefault("hostPort", port["containerPort"] if mode in ("awsvpc", "host") else 0)
    return port
