"""Conditions on statuses: which ones meet a condition, and which ones make it unreachable.

Most ECS resources describe their state in one or two words, so that most waits are tables of such words. A wait
continues at every other status, unknown ones included.
"""

from __future__ import annotations

from collections.abc import Callable, Set as AbstractSet
from typing import TypeVar

from ecskit._polling.conditions import NOT_VISIBLE_PACE, Condition, Evaluation, Met, NotYet, Unreachable
from ecskit._polling.observations import ResourceState, ResourceType

__all__ = ["by_status"]

T = TypeVar("T")

_NONE: frozenset[str] = frozenset()


def by_status(
    resource_type: ResourceType[T],
    *,
    met: AbstractSet[str] = _NONE,
    unreachable: AbstractSet[str] = _NONE,
    unreachable_if_repeated: AbstractSet[str] = _NONE,
    reason: Callable[[T], str | None] = lambda _: None,
) -> Condition[T]:
    """Return the condition that the state of a resource contains one of some words.

    Args:
        resource_type: The resource type; its `state` is made of words, separated by spaces.
        met: Words that meet the condition.
        unreachable: Words after which the condition cannot be met.
        unreachable_if_repeated: The same, for words that may be left over from an earlier update or from a resource
            that had the same name: two polls in a row have to show them.
        reason: Returns more about the state of a resource, for messages.
    """

    def condition(resource: ResourceState[T]) -> Evaluation:
        assert resource.last is not None  # conditions are evaluated for observed targets
        state, details = resource_type.state(resource.last), reason(resource.last)
        words = set(state.split())
        why = f"is {state}" + (f" ({details})" if details else "")
        if words & unreachable or (words & unreachable_if_repeated and resource.repeats):
            return Unreachable(why)
        if words & unreachable_if_repeated:
            return NotYet(f"{why}, possibly from before", NOT_VISIBLE_PACE)
        return Met() if words & met else NotYet(why)

    return condition
