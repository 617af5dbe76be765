"""Waits for statuses: which ones are the aim, and which are past it.

Most of what ECS manages tells in one or two words how it is. Here a wait is a table of these words: those that it is
for, and those from which they do not come any more. What is in neither, the statuses of tomorrow too, is waited out.
Asks ECS nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Set as AbstractSet
from typing import TypeVar

from ecskit._polling.batches import Kind
from ecskit._polling.conditions import UNSEEN_PACE, Aim, Lacks, Never, Opinion, Ready
from ecskit._polling.observations import Known

__all__ = ["by_status"]

T = TypeVar("T")

_NONE: frozenset[str] = frozenset()


def by_status(
    kind: Kind[T],
    *,
    ready: AbstractSet[str] = _NONE,
    never: AbstractSet[str] = _NONE,
    left_over: AbstractSet[str] = _NONE,
    reason: Callable[[T], str | None] = lambda _: None,
) -> Aim[T]:
    """Return the aim that the state of a thing has a word that is waited for.

    Args:
        kind: The kind of things; its `state` tells the words, separated by spaces.
        ready: Words that are waited for.
        never: Words from which none of them comes any more.
        left_over: The same, but these may also be left over from before, so that they count when seen twice in a row.
        reason: What tells more about the state of a thing.
    """

    def aim(known: Known[T]) -> Opinion:
        assert known.last is not None  # aims are asked about what was seen
        state, why = kind.state(known.last), reason(known.last)
        words = set(state.split())
        told = f"is {state}" + (f" ({why})" if why else "")
        if words & never or (words & left_over and known.repeats):
            return Never(told)
        if words & left_over:
            return Lacks(f"{told}, which may be left over from before", UNSEEN_PACE)
        return Ready() if words & ready else Lacks(told)

    return aim
