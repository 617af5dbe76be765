"""Waits for statuses: which ones are the aim, and which are past it.

Most of what ECS manages tells in one or two words how it is. Here a wait is a table of these words: those that it is
for, and those from which they do not come any more. What is in neither, the statuses of tomorrow too, is waited out.
Asks ECS nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Set as AbstractSet
from typing import TypeVar

from ecskit._polling.batches import ResourceType
from ecskit._polling.conditions import NOT_VISIBLE_PACE, Condition, Evaluation, Met, NotYet, Unreachable
from ecskit._polling.observations import ResourceState

__all__ = ["by_status"]

T = TypeVar("T")

_NONE: frozenset[str] = frozenset()


def by_status(
    resource_type: ResourceType[T],
    *,
    met: AbstractSet[str] = _NONE,
    unreachable: AbstractSet[str] = _NONE,
    left_over: AbstractSet[str] = _NONE,
    reason: Callable[[T], str | None] = lambda _: None,
) -> Condition[T]:
    """Return the condition that the state of a resource contains one of some words.

    Args:
        resource_type: The resource type; its `state` is made of words, separated by spaces.
        met: Words that meet the condition.
        unreachable: Words after which none of these can come.
        left_over: The same, but these may also be left over from before, so that they count when seen twice in a row.
        reason: What tells more about the state of a thing.
    """

    def condition(resource: ResourceState[T]) -> Evaluation:
        assert resource.last is not None  # aims are asked about what was seen
        state, why = resource_type.state(resource.last), reason(resource.last)
        words = set(state.split())
        told = f"is {state}" + (f" ({why})" if why else "")
        if words & unreachable or (words & left_over and resource.repeats):
            return Unreachable(told)
        if words & left_over:
            return NotYet(f"{told}, which may be left over from before", NOT_VISIBLE_PACE)
        return Met() if words & met else NotYet(told)

    return condition
