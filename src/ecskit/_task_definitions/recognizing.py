"""Recognize the JSON that a file holds: a task definition, or something else that people have beside it.

Files are recognized by their names at the top level. A file is named if no other file has these names; the
message about all others lists the names that were found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecskit import models
from ecskit._core.errors import RequestError
from ecskit._core.members import members
from ecskit._core.model import Model, Request
from ecskit._core.wording import listed, restyled, shortened
from ecskit.models.task_definitions import ContainerDefinition, RegisterTaskDefinitionRequest, TaskDefinition

__all__ = ["KNOWN", "REQUEST", "definition_in", "foreign"]


def _names(*classes: type[Model]) -> frozenset[str]:
    return frozenset(m.wire for cls in classes for m in members(cls))


REQUEST = _names(RegisterTaskDefinitionRequest)
KNOWN = REQUEST | _names(TaskDefinition)
_CONTAINERS = "containerDefinitions"
_CONTAINER = _names(ContainerDefinition)

_EXPECTED = (
    "expected the input of register-task-definition, with family and containerDefinitions, "
    "or the output of describe-task-definition"
)
_TEMPLATE = "pass the properties of one task definition as JSON, with names in camelCase"
_SERVICE = "a service definition", "pass the file of its task definition"

_FOREIGN: Sequence[tuple[frozenset[str], str, str]] = [
    (frozenset(names.split()), what, advice)
    for names, what, advice in [
        ("AWSEBDockerrunVersion", "a Dockerrun.aws.json of Elastic Beanstalk", _EXPECTED),
        ("version Resources", "an AppSpec file of CodeDeploy", "pass the file of its task definition"),
        ("Resources", "a CloudFormation template", _TEMPLATE),
        ("AWSTemplateFormatVersion", "a CloudFormation template", _TEMPLATE),
        ("Type Properties", "a resource of a CloudFormation template", _TEMPLATE),
        ("terraform_version", "a plan or state of Terraform", _EXPECTED),
        ("resource", "a Terraform configuration", _EXPECTED),
        ("apiVersion kind", "a Kubernetes manifest", _EXPECTED),
        ("cluster service service_definition", "the configuration of ecspresso", "pass the file of task_definition"),
        ("version task_definition", "an ecs-params file of the ECS CLI", _EXPECTED),
        ("version run_params", "an ecs-params file of the ECS CLI", _EXPECTED),
        ("version phases", "a build specification of CodeBuild", _EXPECTED),
        ("containerProperties", "a job definition of AWS Batch", _EXPECTED),
        ("jobDefinitionName", "a job definition of AWS Batch", _EXPECTED),
        ("containerOverrides", "an overrides structure of RunTask", _EXPECTED),
        ("StartAt States", "a state machine of Step Functions", _EXPECTED),
        ("on jobs", "a workflow of GitHub Actions", _EXPECTED),
        ("Version Statement", "an IAM policy", _EXPECTED),
        ("version artifacts", "a manifest of the CDK", "pass the properties in its template, with names in camelCase"),
        ("taskArn lastStatus", "a task that ECS described", "describe its task definition: --task-definition ARN"),
    ]
]
"""Names that other files have at the top level, what the file is, and what to do. The first row that fits counts."""


def _of_services() -> frozenset[str]:
    """Return the names that only service definitions have."""
    services = _names(models.CreateServiceRequest, models.UpdateServiceRequest)
    return services - _names(models.RunTaskRequest) - KNOWN - {"role", "monitoring"}


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


def foreign(data: Mapping[str, Any]) -> str | None:
    """Return what a file with these names is, if it is known and no task definition, and what to do."""
    for names, what, advice in _FOREIGN:
        if names <= data.keys():
            return _this_is(what, advice)
    if isinstance(data.get("services"), Mapping) or data.get("services", ...) is None:
        return _this_is("a Docker Compose file", _EXPECTED)
    if {"name", "type"} <= data.keys() and not data.keys().isdisjoint({"image", "http", "network"}):
        return _this_is("a manifest of AWS Copilot", _EXPECTED)
    if _is_service(data):
        return _this_is(*_SERVICE)
    return None


def _this_is(what: str, advice: str) -> str:
    return f"this is {what}, not a task definition; {advice}"


def _is_service(data: Mapping[str, Any]) -> bool:
    """Whether this is the input of CreateService or UpdateService, or what shows services."""
    services = data["services"] if isinstance(data.get("services"), list) else [data.get("service")]
    shown: list[Mapping[str, Any]] = [each for each in services if isinstance(each, dict)] or [data]
    names = _of_services()
    return all(any(restyled(name, names) for name in each) for each in shown)


def _other_object(data: Mapping[str, Any]) -> str | None:
    """Return what an object is that is no task definition."""
    if _CONTAINERS in data and "AWSEBDockerrunVersion" not in data:
        return _this_is(*_SKELETON) if _is_skeleton(data) else None
    styled = {name: known for name in data if name not in KNOWN and (known := restyled(name, REQUEST))}
    if _CONTAINERS in styled.values():
        return _other_style(data, styled)
    return (
        foreign(data)
        or _one_container(data)
        or _of_an_operation(data)
        or _holder(data)
        or (None if not data or data.keys() & REQUEST else _unknown(data))
    )


_SKELETON = "a skeleton that was not filled in", "fill in family, the containers, and the members that you need"


def _is_skeleton(data: Mapping[str, Any]) -> bool:
    """Whether `--generate-cli-skeleton` made this: everything is there, and the names are empty."""
    containers = data[_CONTAINERS]
    first = containers[0] if isinstance(containers, list) and containers else None
    return (
        isinstance(first, dict) and data.get("family") == first.get("name") == "" and len(first) > len(_CONTAINER) / 2
    )


def _other_style(data: Mapping[str, Any], styled: Mapping[str, str]) -> str:
    first = next(name for name, known in styled.items() if known == _CONTAINERS)
    if isinstance(data[first], str):
        return _this_is("a resource aws_ecs_task_definition of Terraform", _EXPECTED)
    style = "snake_case" if "_" in first else "kebab-case" if "-" in first else "another case"
    style = "PascalCase, as in CloudFormation" if first == "ContainerDefinitions" else style
    names = listed((f"{known} for {shortened(name)}" for name, known in styled.items()), 3)
    return f"the names are in {style}; write all of them in camelCase: {names}"


def _one_container(data: Mapping[str, Any]) -> str | None:
    advice = f"put it into a list under {_CONTAINERS}, beside family"
    return _this_is("one container", advice) if _is_container(data) else None


def _is_container(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    names = {restyled(name, _CONTAINER) for name in value} - {None}
    return bool(names & {"name", "image"}) and 2 * len(names) > len(value) and len(names) > 1


def _of_an_operation(data: Mapping[str, Any]) -> str | None:
    """Return of which operations this is the input or the output."""
    if set(data) == {"taskDefinition"}:
        return f"taskDefinition: expected an object, got another value; {_EXPECTED}"
    names = data.keys() - {"ResponseMetadata", "nextToken", "failures"}
    every = (getattr(models, each) for each in models.__all__ if each.endswith("Request") and each != "Request")
    classes: list[type[Request[Any]]] = [each for each in every if issubclass(each, Request)]
    found = [each._operation for each in classes if names - KNOWN and names <= _names(each._response)]
    if found:
        return _this_is(f"the output of {' or '.join(found[:3])}", _EXPECTED)
    found = [each._operation for each in classes if names - KNOWN and names <= _names(each)]
    if found:
        return _this_is(f"the input of {' or '.join(found[:3])}", _EXPECTED)
    return None


def _holder(data: Mapping[str, Any]) -> str | None:
    for name, value in data.items():
        for each in value if isinstance(value, list) else (value,):
            if isinstance(each, dict) and any(restyled(inner, REQUEST) == _CONTAINERS for inner in each):
                return f"the member {shortened(name)} holds a task definition; put that alone into the file"
    return None


def _unknown(data: Mapping[str, Any]) -> str:
    return f"this is not a task definition: it has the names {listed(map(shortened, data))}; {_EXPECTED}"


def _other_value(data: Any) -> str:
    if isinstance(data, list):
        return _other_list(data)
    if isinstance(data, str) and data.lstrip().startswith(("{", "[")):
        return "the file holds JSON inside of a text: it was encoded twice; decode it once"
    if isinstance(data, str):
        return "expected an object, got text; if it is the name of one, save the output of describe-task-definition"
    what = "null" if data is None else "true or false" if isinstance(data, bool) else "a number"
    return f"expected an object, got {what}; {_EXPECTED}"


def _other_list(data: list[Any]) -> str:
    objects = [each for each in data if isinstance(each, dict)]
    if not data or len(objects) < len(data):
        return f"expected an object, got a list; {_EXPECTED}"
    if all("imageUri" in each for each in objects):
        return _this_is("an image definitions file of CodePipeline", _EXPECTED)
    if all(_CONTAINERS in each or isinstance(each.get("taskDefinition"), dict) for each in objects):
        return "expected an object, got a list of task definitions; put each into a file of its own, without brackets"
    if all(each.keys() <= {"name", "value", "valueFrom"} for each in objects):
        return _this_is("a list of variables", "put it under environment or secrets of a container")
    if all(map(_is_container, objects)):
        style = "" if all(each.keys() & {"name", "image"} for each in objects) else ", with names in camelCase"
        return _this_is("a list of containers", f"put it under {_CONTAINERS}, beside family{style}")
    return _this_is(*_SERVICE) if all(map(_is_service, objects)) else f"expected an object, got a list; {_EXPECTED}"
