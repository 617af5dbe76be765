"""Read task definitions from JSON and YAML files, in the format of the AWS CLI, and write them.

A file holds the input of `RegisterTaskDefinition`, or the output of `DescribeTaskDefinition`, which has more members.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ecskit._core.errors import RequestError
from ecskit._core.model import Model
from ecskit._core.wire import encode
from ecskit._core.wording import shortened
from ecskit._definitions.filling import fill
from ecskit._definitions.fitting import typed, without_empty_enums
from ecskit._definitions.reading import read, write
from ecskit._definitions.requests import request_of
from ecskit._rules.members import belongs
from ecskit._task_definitions.recognizing import KNOWN, REQUEST, SUBJECT, definition_in
from ecskit.models.common import Tag
from ecskit.models.task_definitions import RegisterTaskDefinitionRequest, TaskDefinition

__all__ = ["RESPONSE_ONLY", "dump", "load", "request_from", "to_register_request"]

RESPONSE_ONLY = KNOWN - REQUEST
"""Wire names of the members that are in responses but not allowed in requests."""

_DESCRIBED = "taskDefinitionArn"
"""The member that shows that ECS described a definition."""
_DESCRIPTION = frozenset({"taskDefinition", "tags", "ResponseMetadata"})
"""Members of the output of describe-task-definition."""
_SUBJECT = "task definition"


def load(
    path: str | os.PathLike[str], *, variables: Mapping[str, str] | None = None, keep: Collection[str] | None = None
) -> RegisterTaskDefinitionRequest:
    """Read a task definition from a JSON or YAML file.

    The file may hold the input of `aws ecs register-task-definition`, or the output of `describe-task-definition`. Of
    the latter, `taskDefinition` is used, without the response-only members: ARN, revision, status and others. Nulls
    are absent members. Empty texts of enums, which ECS refuses, are left out with a warning.

    Args:
        path: Path of the file. One that ends in .yaml or .yml is YAML, which needs the extra `yaml`.
        variables: The values of placeholders in texts, such as `os.environ`: `${NAME}`, `${NAME:-default}`, `$NAME`,
            and ecspresso's ``{{ must_env `NAME` }}`` and ``{{ env `NAME` `default` }}``. In commands, entry points,
            health checks and options of log routers, which have variables of their own, only ecspresso's are filled.
            If absent, no placeholder is filled.
        keep: Wire names of unknown top-level members to send; others are left out with a warning. If absent, all that
            ECS described are sent, and none of another file, where they may be comments. Unknown members of nested
            structures are always sent.

    Returns:
        The request to register it: `client.send(load(path))`.

    Raises:
        RequestError: The file is not a task definition as JSON or YAML, `keep` is a string, or `variables` is given
            and placeholders are left. The message starts with the path, names what the file is instead, and shows no
            secrets. If values have wrong types, `problems` has all of them, with their paths in the file, such as
            `containerDefinitions[0].memory`.
        MissingExtraError: The file is YAML, and the extra `yaml` is not installed.
        OSError: The file cannot be read.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
    """
    data, problems, source = read(path, SUBJECT, "use RegisterTaskDefinitionRequest.from_dict(...)")
    definition = definition_in(data, source)
    if keep is None and _DESCRIBED not in definition:
        keep = ()
    problems = [(at.removeprefix("taskDefinition."), text) for at, text in problems]
    beside = set() if definition is data else data.keys() - _DESCRIPTION
    if variables is not None:
        known = {name: value for name, value in definition.items() if name in REQUEST}
        definition = {**definition, **fill(known, source, variables)}
    fitted = typed(definition, RegisterTaskDefinitionRequest)
    request = _request(fitted, source, keep, problems, stacklevel=1)
    if beside:
        names = ", ".join(map(shortened, sorted(beside)))
        warnings.warn(f"{source}: members beside taskDefinition are left out: {names}", stacklevel=2)
    return request


def to_register_request(
    definition: TaskDefinition, *, tags: Sequence[Tag] = (), keep: Collection[str] | None = None
) -> RegisterTaskDefinitionRequest:
    """Turn a task definition that ECS described into a request to register it.

    Response-only members are left out: ARN, revision, status and others. Members that ecskit does not know are sent.

    Args:
        definition: The task definition, unchanged or changed with `attrs.evolve`.
        tags: Tags of the new revision. A described definition does not contain its tags.
        keep: Wire names of unknown top-level members to send; others are left out with a warning. If absent, all are
            sent. Unknown members of nested structures are always sent.

    Returns:
        The request: `client.send(to_register_request(definition))`.

    Raises:
        RequestError: A member has a wrong type, or `keep` is a string.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
    """
    return request_from(definition, tags, keep, stacklevel=1)


def request_from(
    definition: TaskDefinition, tags: Sequence[Tag], keep: Collection[str] | None, *, stacklevel: int
) -> RegisterTaskDefinitionRequest:
    """Do what `to_register_request` does. `stacklevel` is the number of frames to the caller that a warning names."""
    _check_type(definition, (TaskDefinition,))
    # Emulators describe empty texts of enums where ECS describes nothing.
    data = without_empty_enums(encode(definition), TaskDefinition, [])
    if tags:
        data["tags"] = [encode(tag) for tag in tags]
    subject = f"task definition {definition.family}:{definition.revision}"
    return _request(data, subject, keep, stacklevel=stacklevel + 1)


def dump(definition: RegisterTaskDefinitionRequest | TaskDefinition, path: str | os.PathLike[str]) -> None:
    """Write a task definition to a JSON file that `load` and the AWS CLI can read.

    Args:
        definition: A request, or a task definition that ECS described, without its response-only members.
        path: Path of the file, JSON; an existing file is replaced.

    Raises:
        RequestError: A member has a wrong type, or the name is that of a YAML file; nothing was written.
        OSError: The file cannot be written.
    """
    _check_type(definition, (RegisterTaskDefinitionRequest, TaskDefinition))
    data = encode(definition)
    kept = {key: value for key, value in data.items() if key not in RESPONSE_ONLY}
    write(kept, path)


def _request(
    definition: Mapping[str, Any],
    source: str,
    keep: Collection[str] | None,
    problems: Iterable[tuple[str, str]] = (),
    *,
    stacklevel: int,
) -> RegisterTaskDefinitionRequest:
    offered = {name: value for name, value in definition.items() if name not in RESPONSE_ONLY}
    return request_of(
        RegisterTaskDefinitionRequest,
        offered,
        source,
        keep,
        problems,
        elsewhere=lambda name: belongs(name, ""),
        stacklevel=stacklevel + 1,
    )


def _check_type(definition: object, expected: tuple[type[Model], ...]) -> None:
    if not isinstance(definition, expected):
        wanted = " or ".join(each.__name__ for each in expected)
        raise RequestError(_SUBJECT, [("definition", f"expected a {wanted}, got {type(definition).__name__}")])
