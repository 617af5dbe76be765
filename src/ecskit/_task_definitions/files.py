"""Read and write task definitions as JSON files, in the format of the AWS CLI.

A file holds the input of `RegisterTaskDefinition`, or the output of `DescribeTaskDefinition`, which has more members.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecskit._core.errors import RequestError
from ecskit._core.model import Model
from ecskit._core.wire import encode
from ecskit._core.wording import shortened
from ecskit._rules.members import belongs, meant
from ecskit._task_definitions.fitting import misfits, without_empty_enums
from ecskit._task_definitions.parsing import parse
from ecskit._task_definitions.recognizing import KNOWN, REQUEST, definition_in
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


def load(path: str | os.PathLike[str], *, keep: Collection[str] | None = None) -> RegisterTaskDefinitionRequest:
    """Read a task definition from a JSON file.

    The file may hold the input of `aws ecs register-task-definition`, or the output of `describe-task-definition`. Of
    the latter, `taskDefinition` is used, without the response-only members: ARN, revision, status and others. Nulls
    are absent members. Empty texts of enums, which ECS refuses, are left out with a warning.

    Args:
        path: Path of the file.
        keep: Wire names of unknown top-level members to send; others are left out with a warning. If absent, all that
            ECS described are sent, and none of another file, where they may be comments. Unknown members of nested
            structures are always sent.

    Returns:
        The request to register it: `client.send(load(path))`.

    Raises:
        RequestError: The file is not a task definition as JSON, or `keep` is a string. The message starts with the
            path, names what the file is instead, and shows no secrets. If values have wrong types, `problems` has all
            of them, with their paths in the file, such as `containerDefinitions[0].memory`.
        OSError: The file cannot be read.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
    """
    if not isinstance(path, (str, os.PathLike)):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        advice = "use RegisterTaskDefinitionRequest.from_dict(...) for a dict"
        raise RequestError("load", [("path", f"expected the path of a file, got {type(path).__name__}; {advice}")])
    source = os.fspath(path)
    data, problems = parse(_content(source), source)
    definition = definition_in(data, source)
    if keep is None and _DESCRIBED not in definition:
        keep = ()
    problems = [(at.removeprefix("taskDefinition."), text) for at, text in problems]
    request = _request(definition, source, keep, problems, stacklevel=1)
    beside = set() if definition is data else data.keys() - _DESCRIPTION
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
        path: Path of the file; an existing file is replaced.

    Raises:
        RequestError: A member has a wrong type; nothing was written.
        OSError: The file cannot be written.
    """
    _check_type(definition, (RegisterTaskDefinitionRequest, TaskDefinition))
    data = encode(definition)
    kept = {key: value for key, value in data.items() if key not in RESPONSE_ONLY}
    text = json.dumps(kept, indent=2, ensure_ascii=False) + "\n"
    Path(path).write_bytes(text.encode())  # encoded first, so that an error leaves the file as it was


def _content(source: str) -> bytes:
    if source.lstrip().startswith(("{", "[")):
        # Without the text: it may hold secrets, which the error of the operating system would show.
        problem = "expected the path of a file, got JSON; use RegisterTaskDefinitionRequest.from_dict(json.loads(...))"
        raise RequestError("load", [("path", problem)])
    if source.startswith(("file://", "fileb://")):
        raise RequestError(source, [("", "expected the path of a file; leave out file://")])
    if Path(source).is_dir():
        raise RequestError(source, [("", "is a folder; pass the path of a file")])
    return Path(source).read_bytes()


def _request(
    definition: Mapping[str, Any],
    source: str,
    keep: Collection[str] | None,
    problems: Iterable[tuple[str, str]] = (),
    *,
    stacklevel: int,
) -> RegisterTaskDefinitionRequest:
    if isinstance(keep, str):
        raise RequestError(source, [("keep", "expected a collection of str, got str; put it into a list")])
    offered = {name: value for name, value in definition.items() if name not in RESPONSE_ONLY}
    found = dict([*misfits(offered, RegisterTaskDefinitionRequest), *problems])
    if found:
        raise RequestError(source, [*found.items()])
    unknown = offered.keys() - KNOWN
    left_out = unknown.difference(unknown if keep is None else keep)
    empty: list[str] = []
    wanted = without_empty_enums(offered, RegisterTaskDefinitionRequest, empty)
    reports = []
    if left_out:
        names = ", ".join(map(_with_nearest, sorted(left_out)))
        reports.append(f"unknown members are left out: {names}; pass keep=... to send them")
    if empty:
        reports.append(f"empty texts that ECS refuses are left out: {', '.join(empty)}")
    for report in reports:
        warnings.warn(f"{source}: {report}", stacklevel=stacklevel + 2)
    return RegisterTaskDefinitionRequest.from_dict(
        {name: value for name, value in wanted.items() if name not in left_out}
    )


def _with_nearest(name: str) -> str:
    elsewhere, similar = belongs(name, ""), meant(name, REQUEST)
    return f"{shortened(name)} ({elsewhere or f'did you mean {similar}?'})" if elsewhere or similar else shortened(name)


def _check_type(definition: object, expected: tuple[type[Model], ...]) -> None:
    if not isinstance(definition, expected):
        wanted = " or ".join(each.__name__ for each in expected)
        raise RequestError(_SUBJECT, [("definition", f"expected a {wanted}, got {type(definition).__name__}")])
