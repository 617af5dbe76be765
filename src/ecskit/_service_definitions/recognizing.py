"""Find the service definition in the data of a file, or recognize what the file is instead.

A file may hold the input of CreateService or UpdateService, the output of DescribeServices and of other operations that
show a service, or the service definition of ecspresso, which is the first without the names of service and cluster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecskit._core.errors import RequestError
from ecskit._core.wording import listed, restyled, shortened
from ecskit._definitions.recognizing import Subject, foreign, names_of, other_style, this_is, unknown
from ecskit.models.services import CreateServiceRequest, Service, UpdateServiceRequest
from ecskit.models.task_definitions import RegisterTaskDefinitionRequest

__all__ = ["KNOWN", "REQUEST", "SUBJECT", "definition_in"]

REQUEST = names_of(CreateServiceRequest)
KNOWN = REQUEST | names_of(Service, UpdateServiceRequest)
_TASK = "a task definition", "pass the file of its service"
_CONTAINERS = "containerDefinitions"


def _other(data: Mapping[str, Any]) -> tuple[str, str] | None:
    is_task = isinstance(data.get("taskDefinition"), Mapping) or any(restyled(each, [_CONTAINERS]) for each in data)
    return _TASK if is_task else None


SUBJECT = Subject(
    noun="service definition",
    expected=(
        "expected the input of create-service, the output of describe-services, or a service definition of ecspresso"
    ),
    other=_other,
)
_OF_TASKS = names_of(RegisterTaskDefinitionRequest) - {"tags"}
"""Names that do not make a service definition of what has them."""


def definition_in(data: Any, source: str, name: str | None) -> Mapping[str, Any]:
    """Return the service definition in the data of a file.

    Args:
        data: The data.
        source: The name of the file, for messages.
        name: The name of the service to choose, if the file holds several.

    Raises:
        RequestError: The file is something else. The message starts with `source`, names it, and shows no values.
    """
    if not isinstance(data, Mapping):
        what = "a list" if isinstance(data, list) else "null" if data is None else "another value"
        raise RequestError(source, [("", f"expected an object, got {what}; {SUBJECT.expected}")])
    definition: Mapping[str, Any] = data
    services = data.get("services")
    if isinstance(services, list) and all(isinstance(each, Mapping) for each in services):
        definition = _one_of(services, source, name)
    elif isinstance(data.get("service"), Mapping):
        definition = data["service"]
    problem = _other_object(definition)
    if problem:
        raise RequestError(source, [("", problem)])
    if isinstance(definition.get("service"), str) and "serviceName" not in definition:  # the input of UpdateService
        named = definition["service"].rpartition("/")[2]
        definition = {"serviceName": named, **{key: each for key, each in definition.items() if key != "service"}}
    return definition


def _one_of(services: Sequence[Mapping[str, Any]], source: str, name: str | None) -> Mapping[str, Any]:
    found = [each for each in services if name is None or each.get("serviceName") == name]
    if len(found) == 1:
        return found[0]
    names = listed(shortened(str(each.get("serviceName"))) for each in services)
    if not services:
        problem = "the file holds no service: describe-services has found none"
    elif name is None:
        problem = f"the file holds {len(services)} services: {names}; pass the `name` of one"
    else:
        problem = f"the file holds {names}, and not one service with the name {shortened(name)!r}"
    raise RequestError(source, [("", problem)])


def _other_object(data: Mapping[str, Any]) -> str | None:
    """Return what an object is that is no service definition."""
    described = foreign(data, SUBJECT)
    if described:
        return described
    if data.keys() & KNOWN - _OF_TASKS or not data:
        return None
    styled = next((name for name in data if restyled(name, REQUEST)), None)
    if styled is not None and styled not in KNOWN:
        if isinstance(data.get("Type"), str):
            return this_is(SUBJECT, "a resource of a CloudFormation template")
        return other_style(data, styled, KNOWN, REQUEST)
    return unknown(data, SUBJECT)
