"""Act on any number of things: each once, results in the order given, with reports of the progress."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from ecskit._core.documented import Documented
from ecskit._core.effects import Flow, Invoke, Reply
from ecskit._core.errors import EcsError, RequestError
from ecskit._polling.side_by_side import side_by_side

__all__ = ["AsyncOnProgress", "BulkProgress", "OnProgress", "check_on_progress", "each_once"]


@attrs.frozen(kw_only=True)
class BulkProgress(Documented):
    """How far a call has come that acts on many things, just after one of them has ended."""

    total: int
    """How many things there are; those that are given twice count once."""
    succeeded: int
    """How many have succeeded so far."""
    failed: int
    """How many have failed so far."""
    places: Sequence[int]
    """The indexes of the one that has just ended in what the caller gave; several if it was given several times."""
    error: EcsError | None = None
    """Its error; None if it succeeded."""

    @property
    def done(self) -> int:
        """How many have ended so far."""
        return self.succeeded + self.failed


OnProgress: TypeAlias = Callable[[BulkProgress], None]
"""A function that is called after the end of each."""
AsyncOnProgress: TypeAlias = Callable[[BulkProgress], Awaitable[object] | None]
"""The same for async clients, which also take a coroutine function."""


def check_on_progress(verb: str, on_progress: object) -> None:
    """Check the argument `on_progress`.

    Raises:
        RequestError: It is not callable.
    """
    if on_progress is not None and not callable(on_progress):
        problem = f"expected a function, got {type(on_progress).__name__}"
        raise RequestError(verb, [("on_progress", problem)])


def each_once(
    flows: Mapping[str, Flow[Any]], places: Mapping[str, Sequence[int]], on_progress: AsyncOnProgress | None
) -> Flow[list[Any | EcsError]]:
    """Run flows side by side, and return the result or the error of each at all of its places.

    Args:
        flows: The flows, by name.
        places: The indexes of each name in the result.
        on_progress: Called after the end of each.
    """
    names = list(flows)
    count = [0, 0]

    def ended(index: int, reply: Reply[Any]) -> Flow[None]:
        count[reply.error is not None] += 1
        if on_progress is not None:
            held, [succeeded, failed] = tuple(places[names[index]]), count
            progress = BulkProgress(
                total=len(names), succeeded=succeeded, failed=failed, places=held, error=reply.error
            )
            yield Invoke(on_progress, progress)

    replies = yield from side_by_side(list(flows.values()), ended)
    at = {place: reply for name, reply in zip(names, replies, strict=True) for place in places[name]}
    return [at[place].value if at[place].error is None else at[place].error for place in sorted(at)]
