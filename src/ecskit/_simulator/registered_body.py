"""Check a RegisterTaskDefinition request by the table of rules, and return what it registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._core.members import members
from ecskit._core.model import Model
from ecskit._rules.definition import TaskDefinitionWire
from ecskit._rules.rule import Finding
from ecskit._rules.table import findings, launch_type_findings
from ecskit._simulator.errors import refused
from ecskit._simulator.fargate import cpu_units, memory_mib
from ecskit.models.task_definitions import RegisterTaskDefinitionRequest

if TYPE_CHECKING:
    from ecskit._simulator.wire import Wire


def registered_body(request: Wire) -> Wire:
    """Return the members of the task definition that a request registers.

    Raises:
        SimulatedError: `ClientException` for an invalid task definition, with the words of ECS where they are known.
    """
    required: list[str] = request.get("requiresCompatibilities", [])
    definition = TaskDefinitionWire(request, RegisterTaskDefinitionRequest, frozenset(map(str.upper, required)))
    for finding in filter(_is_refused, findings(definition)):
        raise refused(finding.refusal)
    body = {name: value for name, value in _known(request, RegisterTaskDefinitionRequest).items() if name != "tags"}
    if "cpu" in body:
        body["cpu"] = str(cpu_units(body["cpu"]))
    if "memory" in body:
        body["memory"] = str(memory_mib(body["memory"]))
    body["compatibilities"] = [
        each
        for each in ("EXTERNAL", "EC2", "FARGATE")  # in the order of published answers
        if each in required or not any(map(_is_refused, launch_type_findings(definition, each)))
    ]
    body["compatibilities"] += [each for each in required if each not in body["compatibilities"]]
    if not required:
        body.pop("requiresCompatibilities", None)
    return body


def _is_refused(finding: Finding) -> bool:
    """Return whether ECS refuses it. Values of enums that are newer than the service model count as such."""
    return finding.severity == "error" or finding.rule == "unknown-value"


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
