"""Sizes that ECS limits: the overrides of a launch, a task definition, and the number of its containers.

ECS counts the JSON of its own structures, which is not published in full. Counted here is the shortest JSON, without
spaces and escapes, so that no request is refused that ECS accepts.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .errors import RequestError

__all__ = [
    "BYTES",
    "CHARACTERS",
    "CONTAINERS",
    "characters",
    "check_sizes",
    "definition_bytes",
    "definition_problem",
    "size_problems",
]

CHARACTERS = 8192
"""How many characters the JSON of the overrides of a launch has at most."""
BYTES = 65536
"""How many bytes the JSON of a task definition has at most."""
CONTAINERS = 10
"""How many containers a task definition has at most."""


def characters(value: object) -> int:
    """Return the number of characters of a value as JSON."""
    return len(_shortest(value))


def definition_bytes(definition: Mapping[str, Any]) -> int:
    """Return the number of bytes of a task definition as JSON. Its tags are resources of their own."""
    return _bytes({name: value for name, value in definition.items() if name != "tags"})


def check_sizes(subject: str, operation: str, params: Mapping[str, Any]) -> None:
    """Refuse a request that is larger than ECS takes.

    Raises:
        RequestError: The request is too large.
    """
    problems = size_problems(operation, params)
    if problems:
        raise RequestError(subject, problems)


def size_problems(operation: str, params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is too large in a request, as pairs of a path and the problem."""
    if operation in ("RunTask", "StartTask"):
        found = characters(params.get("overrides", {}))
        return [("overrides", _overrides(found))] if found > CHARACTERS else []
    if operation != "RegisterTaskDefinition":
        return []
    containers = params["containerDefinitions"]
    problems: list[tuple[str, str]] = []
    if len(containers) > CONTAINERS:
        problem = f"{len(containers)} containers, and ECS takes at most {CONTAINERS}; split the task definition"
        problems.append(("container_definitions", problem))
    too_long = definition_problem(params)
    return [*problems, ("", too_long)] if too_long else problems


def definition_problem(definition: Mapping[str, Any]) -> str | None:
    """Return what to do about a task definition that is too large; None if it is not."""
    found = definition_bytes(definition)
    if found <= BYTES:
        return None
    return _definition(found, max(definition["containerDefinitions"], key=_bytes, default={}))


def _overrides(found: int) -> str:
    return (
        f"the overrides have {found} characters as JSON, and ECS takes at most {CHARACTERS};"
        " put large values into the task definition, an environment file or S3"
    )


def _definition(found: int, largest: Mapping[str, Any]) -> str:
    return (
        f"the task definition has {found} bytes as JSON, and ECS takes at most {BYTES};"
        f" the container {largest.get('name')} has {_bytes(largest)} of them;"
        " move environment variables to environment files, and other large values to S3"
    )


def _bytes(value: object) -> int:
    return len(_shortest(value).encode("utf-8", "surrogatepass"))


def _shortest(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
