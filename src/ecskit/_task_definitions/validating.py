"""Whether ECS would accept a task definition, as far as AWS documents that and it can be told offline.

Decides the order: types first, then what the tables of `limits` say of single members, then the rules that look at
several. Refuses to guess: what no rule knows, passes.
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
    """Look for what ECS would not accept in a task definition, without asking it.

    Rules that hold on Fargate are applied if `requires_compatibilities` has FARGATE. Values that no rule knows pass. If
    something is not of its type, that alone is told.

    Args:
        definition: The task definition, as a request to register it or as ECS described it.

    Returns:
        What was found, by place; empty if nothing was. Each finding has the path, the name of the rule, what is wrong
        in words, and the page of AWS that says so.

    Raises:
        RequestError: It is no task definition at all.
    """
    check_class(definition)
    try:
        encode(definition)
    except RequestError as error:
        return [finding(path, "type", text) for path, text in error.problems]
    found = [*_by_tables(definition), *(each for rule in _RULES for each in rule(definition))]
    return sorted(found, key=lambda each: _place(each.path))


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
    # 0 is a value: a swappiness of 0 is one that Fargate does not support.
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


def _place(path: str) -> tuple[tuple[str, int], ...]:
    """Return what sorts paths as people count: the tenth container after the second."""
    parts = (part.partition("[") for part in path.split("."))
    return tuple((name, int(index.rstrip("]")) if index else -1) for name, _, index in parts)
