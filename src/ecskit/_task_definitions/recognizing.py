"""Recognize the JSON that a file holds: a task definition, or something else that people have beside it.

Files are recognized by their names at the top level. A file is named if no other file has these names; the
message about all others lists the names that were found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecskit import models
from ecskit._core.errors import RequestError
from ecskit._core.model import Request
from ecskit._core.wording import restyled, shortened
from ecskit._definitions.recognizing import Subject, foreign, names_of, other_style, this_is, unknown
from ecskit.models.task_definitions import ContainerDefinition, RegisterTaskDefinitionRequest, TaskDefinition

__all__ = ["KNOWN", "REQUEST", "SUBJECT", "definition_in"]

REQUEST = names_of(RegisterTaskDefinitionRequest)
KNOWN = REQUEST | names_of(TaskDefinition)
_CONTAINERS = "containerDefinitions"
_CONTAINER = names_of(ContainerDefinition)

_SERVICE = "a service definition", "pass the file of its task definition"


def _of_services() -> frozenset[str]:
    """Return the names that only service definitions have."""
    services = names_of(models.CreateServiceRequest, models.UpdateServiceRequest)
    return services - names_of(models.RunTaskRequest) - KNOWN - {"role", "monitoring"}


def definition_in(data: Any, source: str) -> Mapping[str, Any]:
    """Return the task definition in the JSON of a file.

    Raises:
        RequestError: The file is something else. The message starts with `source`, names it, and shows no values.
    """
    if not isinstance(data, dict):
        raise RequestError(source, [("", _other_value(data))])
    definition: Mapping[str, Any] = data
    described = data.get("taskDefinition")
    if isinstance(described, dict):
        # The output of describe-task-definition has the tags beside the definition.
        definition = {**described, **({"tags": data["tags"]} if data.get("tags") else {})}
    problem = _other_object(definition)
    if problem:
        raise RequestError(source, [("", problem)])
    return definition


def _is_service(data: Mapping[str, Any]) -> bool:
    """Whether this is the input of CreateService or UpdateService, or what shows services."""
    services = data["services"] if isinstance(data.get("services"), list) else [data.get("service")]
    shown: list[Mapping[str, Any]] = [each for each in services if isinstance(each, dict)] or [data]
    names = _of_services()
    return all(any(restyled(name, names) for name in each) for each in shown)


SUBJECT = Subject(
    noun="task definition",
    expected=(
        "expected the input of register-task-definition, with family and containerDefinitions, "
        "or the output of describe-task-definition"
    ),
    other=lambda data: _SERVICE if _is_service(data) else None,
)


def _other_object(data: Mapping[str, Any]) -> str | None:
    """Return what an object is that is no task definition."""
    if _CONTAINERS in data and "AWSEBDockerrunVersion" not in data:
        return this_is(SUBJECT, *_SKELETON) if _is_skeleton(data) else None
    styled = {name: known for name in data if name not in KNOWN and (known := restyled(name, REQUEST))}
    if _CONTAINERS in styled.values():
        first = next(name for name, known in styled.items() if known == _CONTAINERS)
        if isinstance(data[first], str):
            return this_is(SUBJECT, "a resource aws_ecs_task_definition of Terraform")
        return other_style(data, first, KNOWN, REQUEST)
    return (
        foreign(data, SUBJECT)
        or _one_container(data)
        or _of_an_operation(data)
        or _holder(data)
        or (None if not data or data.keys() & REQUEST else unknown(data, SUBJECT))
    )


_SKELETON = "a skeleton that was not filled in", "fill in family, the containers, and the members that you need"


def _is_skeleton(data: Mapping[str, Any]) -> bool:
    """Whether `--generate-cli-skeleton` made this: everything is there, and the names are empty."""
    containers = data[_CONTAINERS]
    first = containers[0] if isinstance(containers, list) and containers else None
    return (
        isinstance(first, dict) and data.get("family") == first.get("name") == "" and len(first) > len(_CONTAINER) / 2
    )


def _one_container(data: Mapping[str, Any]) -> str | None:
    advice = f"put it into a list under {_CONTAINERS}, beside family"
    return this_is(SUBJECT, "one container", advice) if _is_container(data) else None


def _is_container(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    names = {restyled(name, _CONTAINER) for name in value} - {None}
    return bool(names & {"name", "image"}) and 2 * len(names) > len(value) and len(names) > 1


def _of_an_operation(data: Mapping[str, Any]) -> str | None:
    """Return of which operations this is the input or the output."""
    if set(data) == {"taskDefinition"}:
        return f"taskDefinition: expected an object, got another value; {SUBJECT.expected}"
    names = data.keys() - {"ResponseMetadata", "nextToken", "failures"}
    every = (getattr(models, each) for each in models.__all__ if each.endswith("Request") and each != "Request")
    classes: list[type[Request[Any]]] = [each for each in every if issubclass(each, Request)]
    found = [each._operation for each in classes if names - KNOWN and names <= names_of(each._response)]
    if found:
        return this_is(SUBJECT, f"the output of {' or '.join(found[:3])}")
    found = [each._operation for each in classes if names - KNOWN and names <= names_of(each)]
    if found:
        return this_is(SUBJECT, f"the input of {' or '.join(found[:3])}")
    return None


def _holder(data: Mapping[str, Any]) -> str | None:
    for name, value in data.items():
        for each in value if isinstance(value, list) else (value,):
            if isinstance(each, dict) and any(restyled(inner, REQUEST) == _CONTAINERS for inner in each):
                return f"the member {shortened(name)} holds a task definition; put that alone into the file"
    return None


def _other_value(data: Any) -> str:
    if isinstance(data, list):
        return _other_list(data)
    if isinstance(data, str) and data.lstrip().startswith(("{", "[")):
        return "the file holds JSON inside of a text: it was encoded twice; decode it once"
    if isinstance(data, str):
        return "expected an object, got text; if it is the name of one, save the output of describe-task-definition"
    what = "null" if data is None else "true or false" if isinstance(data, bool) else "a number"
    return f"expected an object, got {what}; {SUBJECT.expected}"


def _other_list(data: list[Any]) -> str:
    objects = [each for each in data if isinstance(each, dict)]
    if not data or len(objects) < len(data):
        return f"expected an object, got a list; {SUBJECT.expected}"
    if all("imageUri" in each for each in objects):
        return this_is(SUBJECT, "an image definitions file of CodePipeline")
    if all(_CONTAINERS in each or isinstance(each.get("taskDefinition"), dict) for each in objects):
        return "expected an object, got a list of task definitions; put each into a file of its own, without brackets"
    if all(each.keys() <= {"name", "value", "valueFrom"} for each in objects):
        return this_is(SUBJECT, "a list of variables", "put it under environment or secrets of a container")
    if all(map(_is_container, objects)):
        style = "" if all(each.keys() & {"name", "image"} for each in objects) else ", with names in camelCase"
        return this_is(SUBJECT, "a list of containers", f"put it under {_CONTAINERS}, beside family{style}")
    return (
        this_is(SUBJECT, *_SERVICE)
        if all(map(_is_service, objects))
        else f"expected an object, got a list; {SUBJECT.expected}"
    )
