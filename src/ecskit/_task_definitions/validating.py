"""Validate task definitions offline, by the table of rules that the simulator applies, too.

Types are checked first, because the rules rely on them.
"""

from __future__ import annotations

from collections.abc import Iterable

from ecskit._core.errors import RequestError
from ecskit._core.members import wire_path
from ecskit._core.wire import encode
from ecskit._core.wording import nearest
from ecskit._rules.definition import TaskDefinitionWire
from ecskit._rules.rule import Finding, api, sorted_findings
from ecskit._rules.table import findings
from ecskit._task_definitions.normalizing import Definition, check_class
from ecskit.models.literals import Compatibility

__all__ = ["raise_for_findings", "validate"]

_LAUNCH_TYPES: tuple[Compatibility, ...] = ("EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES")


def validate(definition: Definition, *, launch_type: Compatibility | None = None) -> list[Finding]:
    """Validate a task definition offline, and return what ECS refuses and what is probably not meant.

    Rules of Fargate and of other launch types apply if `requires_compatibilities` has the launch type, or if
    `launch_type` is given. If a member has a wrong type, only wrong types are reported.

    Args:
        definition: The task definition, as a request to register it or as ECS described it.
        launch_type: Where the task will run, for definitions that do not say it: EC2, FARGATE, EXTERNAL or
            MANAGED_INSTANCES.

    Returns:
        The findings, sorted by path; empty if there are none. Those of the severity `error` are refused by ECS: AWS
        documents it, or the refusal was seen. Those of the severity `hint` may be meant. Values that are new to ecskit
        are hints.

    Raises:
        RequestError: The argument is not a task definition, or the launch type does not exist.
    """
    check_class(definition)
    if launch_type is not None and launch_type not in _LAUNCH_TYPES:
        meant = nearest(str(launch_type), _LAUNCH_TYPES)
        problem = f"expected one of {', '.join(_LAUNCH_TYPES)}, got {launch_type!r}"
        raise RequestError("validate", [("launch_type", f"{problem}; did you mean {meant}?" if meant else problem)])
    try:
        wire = encode(definition)
    except RequestError as error:
        source = api("RegisterTaskDefinition")
        return [Finding(wire_path(type(definition), path), "type", text, source) for path, text in error.problems]
    required = {str(each).upper() for each in wire.get("requiresCompatibilities", ())}
    launch_types = frozenset(required | ({launch_type} if launch_type else set()))
    subject = TaskDefinitionWire(wire, type(definition), launch_types)
    return sorted_findings(findings(subject))


def raise_for_findings(findings: Iterable[Finding]) -> None:
    """Raise an error if there are findings that ECS refuses: `raise_for_findings(validate(definition))`.

    Hints raise nothing.

    Args:
        findings: What `validate` returned.

    Raises:
        RequestError: There are findings of the severity `error`; `problems` has them all.
    """
    problems = [(found.path, found.message) for found in findings if found.severity == "error"]
    if problems:
        raise RequestError("definition", problems)
