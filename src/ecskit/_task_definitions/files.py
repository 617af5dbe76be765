"""Task definitions as JSON files, the way AWS writes them.

Decides what of a file is a request. Knows the two forms there are: the input of `RegisterTaskDefinition`, and what
`DescribeTaskDefinition` prints, with members that only answers have.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecskit._core.errors import RequestError
from ecskit._core.members import members
from ecskit._core.model import Model
from ecskit._core.wire import converter, encode
from ecskit.models.common import Tag
from ecskit.models.task_definitions import RegisterTaskDefinitionRequest, TaskDefinition

__all__ = ["RESPONSE_ONLY", "dump", "load", "request_from", "to_register_request"]

_REQUEST = {m.wire for m in members(RegisterTaskDefinitionRequest)}

RESPONSE_ONLY = frozenset(m.wire for m in members(TaskDefinition)) - _REQUEST
"""Members that ECS adds to a task definition and does not take back, by wire name."""

_KNOWN = _REQUEST | RESPONSE_ONLY
_SUBJECT = "task definition"


def load(path: str | os.PathLike[str], *, keep: Collection[str] = ()) -> RegisterTaskDefinitionRequest:
    """Read a task definition from a JSON file.

    The file may hold the input of `aws ecs register-task-definition`, or the output of `describe-task-definition`,
    whose `taskDefinition` is taken and whose response-only members (ARN, revision, status ...) are left out.

    Args:
        path: The file.
        keep: Wire names of top-level members that ecskit does not know and that are to be sent all the same. Others
            are left out with a warning. Unknown members further inside are always kept.

    Returns:
        The request to register it: `client.send(load(path))`.

    Raises:
        RequestError: The file is not JSON, or not a task definition; every problem is named by its path. Or `keep` is
            a string.
        OSError: It cannot be read.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
    """
    source = os.fspath(path)
    try:
        data = json.loads(Path(source).read_bytes())
    except (ValueError, RecursionError) as error:
        raise RequestError(source, [("", f"not JSON: {error}")]) from None
    return _request(_definition(data, source), source, keep, stacklevel=1)


def to_register_request(
    definition: TaskDefinition, *, tags: Sequence[Tag] = (), keep: Collection[str] = ()
) -> RegisterTaskDefinitionRequest:
    """Turn a task definition that ECS described into a request to register it.

    What only answers have (ARN, revision, status ...) is left out.

    Args:
        definition: The task definition, changed with `attrs.evolve` or as it is.
        tags: Tags of the new revision; ECS answers them beside the definition.
        keep: Wire names of top-level members that ecskit does not know and that are to be sent all the same. Others
            are left out with a warning. Unknown members further inside are always kept.

    Returns:
        The request: `client.send(to_register_request(definition))`.

    Raises:
        RequestError: Something in it is not of its type, or `keep` is a string.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
    """
    return request_from(definition, tags, keep, stacklevel=1)


def request_from(
    definition: TaskDefinition, tags: Sequence[Tag], keep: Collection[str], *, stacklevel: int
) -> RegisterTaskDefinitionRequest:
    """Do the same for others, whose callers are so many frames further away."""
    _check_type(definition, (TaskDefinition,))
    data = encode(definition)
    if tags:
        data["tags"] = [encode(tag) for tag in tags]
    subject = f"task definition {definition.family}:{definition.revision}"
    return _request(data, subject, keep, stacklevel=stacklevel + 1)


def dump(definition: RegisterTaskDefinitionRequest | TaskDefinition, path: str | os.PathLike[str]) -> None:
    """Write a task definition to a JSON file that `load`, the AWS CLI and others read.

    Args:
        definition: The request, or a task definition of ECS, whose response-only members are left out.
        path: The file; it is replaced.

    Raises:
        RequestError: Something in it is not of its type; nothing was written.
        OSError: It cannot be written.
    """
    _check_type(definition, (RegisterTaskDefinitionRequest, TaskDefinition))
    data = encode(definition)
    kept = {key: value for key, value in data.items() if key not in RESPONSE_ONLY}
    text = json.dumps(kept, indent=2, ensure_ascii=False) + "\n"
    Path(path).write_bytes(text.encode())  # encoded first: the file is not touched if that fails


def _definition(data: Any, source: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise RequestError(source, [("", f"expected an object with the members of a {_SUBJECT}")])
    described = data.get("taskDefinition")
    if isinstance(described, dict):
        # The output of describe-task-definition has the tags beside the definition.
        return {**described, **({"tags": data["tags"]} if data.get("tags") else {})}
    return data


def _request(
    definition: Mapping[str, Any], source: str, keep: Collection[str], *, stacklevel: int
) -> RegisterTaskDefinitionRequest:
    if isinstance(keep, str):
        raise RequestError(source, [("keep", "expected a collection of str, got str; put it into a list")])
    unknown = sorted(definition.keys() - _KNOWN - set(keep))
    if unknown:
        warnings.warn(
            f"{source}: left out, because ecskit does not know them: {', '.join(unknown)}; keep=... sends them",
            stacklevel=stacklevel + 2,
        )
    wanted = {key: value for key, value in definition.items() if key in _REQUEST or key in keep}
    try:
        request = converter().structure(wanted, RegisterTaskDefinitionRequest)
        encode(request)  # reading is generous; what could not be sent is told here, where the source has a name
    except RequestError as error:
        raise RequestError(source, error.problems) from None
    return request


def _check_type(definition: object, expected: tuple[type[Model], ...]) -> None:
    if not isinstance(definition, expected):
        wanted = " or ".join(each.__name__ for each in expected)
        raise RequestError(_SUBJECT, [("definition", f"expected a {wanted}, got {type(definition).__name__}")])
