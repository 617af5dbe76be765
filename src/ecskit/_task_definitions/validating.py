"""Validate task definitions offline, by the rules that AWS documents.

Types are checked first. Then the tables of `limits` are applied to single members, and the rules to whole definitions.
Values that no rule mentions are accepted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ecskit._core.errors import RequestError
from ecskit._core.members import members
from ecskit._core.model import Model
from ecskit._core.wire import encode
from ecskit._task_definitions.container_rules import CONTAINER_RULES
from ecskit._task_definitions.findings import Finding, finding
from ecskit._task_definitions.limits import LIMITS, UNSUPPORTED
from ecskit._task_definitions.network_rules import NETWORK_RULES
from ecskit._task_definitions.normalizing import Definition, check_class
from ecskit._task_definitions.task_rules import TASK_RULES
from ecskit._task_definitions.volume_rules import VOLUME_RULES

__all__ = ["validate"]

_RULES = (*TASK_RULES, *CONTAINER_RULES, *NETWORK_RULES, *VOLUME_RULES)


def validate(definition: Definition) -> list[Finding]:
    """Validate a task definition offline, and return what ECS would reject.

    Rules of Fargate apply if `requires_compatibilities` has FARGATE. Values that no rule mentions are accepted. If a
    member has a wrong type, only wrong types are reported.

    Args:
        definition: The task definition, as a request to register it or as ECS described it.

    Returns:
        The findings, sorted by path; empty if there are none. Each has the path, the name of the rule, the problem in
        words, and the AWS page that documents the rule.

    Raises:
        RequestError: The argument is not a task definition.
    """
    check_class(definition)
    try:
        encode(definition)
    except RequestError as error:
        return [finding(path, "type", text) for path, text in error.problems]
    found = [*_by_tables(definition), *(each for rule in _RULES for each in rule(definition))]
    return sorted(found, key=lambda each: _sort_key(each.path))


def _by_tables(definition: Definition) -> Iterator[Finding]:
    unsupported = [each for each in UNSUPPORTED if each.where(definition)]
    for path, model in _walk(definition, ""):
        below = f"{path}." if path else ""
        for limit in LIMITS.get(type(model), ()):
            value = getattr(model, limit.member)
            if value is not None and not limit.fits(value):
                yield finding(f"{below}{limit.member}", limit.rule, limit.text)
        for each in unsupported:
            for name in each.members.get(type(model), ()):
                if _is_given(getattr(model, name)):
                    yield finding(f"{below}{name}", each.rule, each.text)


def _is_given(value: Any) -> bool:
    # 0 is a value: Fargate does not support a swappiness of 0 either.
    return bool(value) or (isinstance(value, int) and value is not False)


def _walk(model: Model, path: str) -> Iterator[tuple[str, Model]]:
    """Yield a structure and all structures in it, each with its path."""
    yield path, model
    for m in members(type(model)):
        value = getattr(model, m.name)
        at = f"{path}.{m.name}" if path else m.name
        if m.kind.shape == "model" and m.kind.container == "list":
            for i, item in enumerate(value):
                yield from _walk(item, f"{at}[{i}]")
        elif m.kind.shape == "model" and value is not None:
            yield from _walk(value, at)


def _sort_key(path: str) -> tuple[tuple[str, int], ...]:
    """Return a key that sorts the indexes of a path as numbers: container 10 after container 2."""
    parts = (part.partition("[") for part in path.split("."))
    return tuple((name, int(index.rstrip("]")) if index else -1) for name, _, index in parts)
