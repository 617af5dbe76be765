"""Validate service definitions offline, by the table of rules that the simulator applies, too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

import attrs

from ecskit._core.errors import RequestError
from ecskit._core.members import wire_path
from ecskit._core.wire import encode
from ecskit._rules.launches import FARGATE_PROVIDERS
from ecskit._rules.rule import Finding, Rule, Wire, api, find, sorted_findings
from ecskit._rules.services import SERVICE_RULES, ServiceWire
from ecskit._rules.tree import TREE_RULES
from ecskit._service_definitions.diffing import ServiceDefinition
from ecskit._service_definitions.files import to_create_request
from ecskit.models.literals import Compatibility
from ecskit.models.services import CreateServiceRequest, Service
from ecskit.models.task_definitions import RegisterTaskDefinitionRequest, TaskDefinition

__all__ = ["validate"]

_SOURCE = api("CreateService")
_TREE_RULES: Sequence[Rule[ServiceWire]] = [
    attrs.evolve(rule, source=_SOURCE) for rule in TREE_RULES if rule.source == api("RegisterTaskDefinition")
]


def validate(
    definition: ServiceDefinition, *, task_definition: RegisterTaskDefinitionRequest | TaskDefinition | None = None
) -> list[Finding]:
    """Validate a service definition offline, and return what ECS refuses and what is probably not meant.

    If a member has a wrong type, only wrong types are reported.

    Args:
        definition: The service, as a request to create it or as ECS described it.
        task_definition: Its task definition. With it, containers, ports and the network are compared with it, and a
            missing `task_definition` of the service is none.

    Returns:
        The findings, sorted by path; empty if there are none. Those of the severity `error` are refused by ECS: AWS
        documents it, or the refusal was seen. Those of the severity `hint` may be meant.

    Raises:
        RequestError: The argument is not a service definition, or the task definition has a wrong type.
    """
    if isinstance(definition, Service):
        definition = to_create_request(definition)
    if not isinstance(definition, CreateServiceRequest):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        problem = f"expected a CreateServiceRequest or a Service, got {type(definition).__name__}"
        raise RequestError("validate", [("definition", problem)])
    try:
        wire = encode(definition)
    except RequestError as error:
        return [Finding(wire_path(CreateServiceRequest, path), "type", text, _SOURCE) for path, text in error.problems]
    task: Wire = {}
    if task_definition is not None:
        if not isinstance(task_definition, (RegisterTaskDefinitionRequest, TaskDefinition)):  # pyright: ignore[reportUnnecessaryIsInstance]
            problem = f"expected a task definition, got {type(task_definition).__name__}"
            raise RequestError("validate", [("task_definition", problem)])
        # ECS finds out what a task definition is compatible with when it registers it.
        task = {"compatibilities": get_args(Compatibility), **encode(task_definition)}
        wire.setdefault("taskDefinition", task.get("family"))
    return sorted_findings(_findings(ServiceWire(wire, CreateServiceRequest, task, _launch_type(wire))))


def _findings(service: ServiceWire) -> Iterator[Finding]:
    yield from find(_TREE_RULES, service)
    yield from find(SERVICE_RULES, service)


def _launch_type(wire: Wire) -> str:
    providers = {item["capacityProvider"] for item in wire.get("capacityProviderStrategy", ())}
    if providers:
        return "FARGATE" if providers <= set(FARGATE_PROVIDERS) else ""
    return str(wire.get("launchType", ""))
