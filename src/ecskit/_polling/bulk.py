"""Act on any number of things: each once, with reports of the progress."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from threading import Lock
from typing import Generic, TypeAlias, TypeVar

import attrs

from ecskit._core.documented import Documented
from ecskit._core.effects import Cancelled, Flow, Invoke, Reply
from ecskit._core.errors import ConflictError, EcsError, RequestError
from ecskit._core.retrying import RetryLimits, is_retryable
from ecskit._polling.errors import BulkError
from ecskit._polling.side_by_side import PARALLEL_CALLS, side_by_side

__all__ = [
    "BULK_LIMITS",
    "AsyncOnProgress",
    "BulkProgress",
    "Call",
    "OnProgress",
    "Progress",
    "check_on_progress",
    "gather",
    "may_pass",
    "perform",
    "results_of",
]

T = TypeVar("T")

log = logging.getLogger("ecskit")

BULK_LIMITS = RetryLimits(attempts=12)
"""For one of many calls: about two minutes, in which others may use up the quota of the account."""


@attrs.frozen(kw_only=True)
class BulkProgress(Documented):
    """How far a call has come that acts on many things, just after one of them has ended."""

    total: int
    """How many things there are; those that are given twice count once."""
    succeeded: int
    """How many have succeeded so far."""
    failed: int
    """How many have failed so far."""
    name: str
    """The one that has just ended: its identifier as it was given; for handles its place, such as `handles[3]`. For a
    launch the ARN of the task that was started, or the place of one that was not, such as `tasks[3]`."""
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


@attrs.define(eq=False)
class Progress:
    """Counts what has ended and calls `on_progress` for each, one after the other, also if several flows report."""

    total: int
    on_progress: AsyncOnProgress | None
    succeeded: int = 0
    failed: int = 0
    _unreported: deque[tuple[str, EcsError | None]] = attrs.field(factory=deque[tuple[str, "EcsError | None"]])
    _reporting: Lock = attrs.field(factory=Lock)

    def report(self, ends: Mapping[str, EcsError | None]) -> Flow[None]:
        """Report the end of some, each with its error. The flow that reports at the moment reports these, too."""
        if self.on_progress is None:
            return
        self._unreported.extend(ends.items())
        while self._unreported and self._reporting.acquire(blocking=False):
            try:
                while self._unreported:
                    name, error = self._unreported.popleft()
                    self.succeeded, self.failed = self.succeeded + (error is None), self.failed + (error is not None)
                    yield Invoke(
                        self.on_progress,
                        BulkProgress(
                            total=self.total, succeeded=self.succeeded, failed=self.failed, name=name, error=error
                        ),
                    )
            finally:
                self._reporting.release()


@attrs.frozen
class Call(Generic[T]):
    """One of many calls, for one or more things."""

    names: Sequence[str]
    flow: Flow[Mapping[str, T | EcsError]]
    """Results in the result or the error of each, by name. If it raises an error, that is the error of all."""


def check_on_progress(verb: str, on_progress: object) -> None:
    """Check the argument `on_progress`.

    Raises:
        RequestError: It is not callable.
    """
    if on_progress is not None and not callable(on_progress):
        problem = f"expected a function, got {type(on_progress).__name__}"
        raise RequestError(verb, [("on_progress", problem)])


def may_pass(error: EcsError, attempt: int = 1) -> bool:
    """Return whether the same call may succeed within seconds, also because another process makes the same change."""
    return is_retryable(error, attempt) or (isinstance(error, ConflictError) and error.retryable)


def perform(
    verb: str, calls: Sequence[Call[T]], on_progress: AsyncOnProgress | None, limit: int = PARALLEL_CALLS
) -> Flow[dict[str, T | EcsError]]:
    """Make calls, and return the result or the error of each thing, by name.

    While as many calls as `limit` wait for their turn or are throttled, no other one begins.

    Args:
        verb: The name of the method, for the log.
        calls: The calls.
        on_progress: Called after the end of each thing.
        limit: How many calls are under way at the same time.
    """
    return gather(verb, calls, on_progress, limit=limit, most=limit)


def gather(
    verb: str,
    calls: Sequence[Call[T]],
    on_progress: AsyncOnProgress | None,
    *,
    limit: int = PARALLEL_CALLS,
    most: int | None = None,
) -> Flow[dict[str, T | EcsError]]:
    """Run the flows of calls side by side, and return the result or the error of each thing, by name."""
    ended: dict[str, T | EcsError] = {}
    total = sum(len(call.names) for call in calls)
    progress = Progress(total, on_progress)

    def on_ended(index: int, reply: Reply[Mapping[str, T | EcsError]]) -> Flow[None]:
        for name in calls[index].names:
            end = ended[name] = reply.error or reply.get()[name]
            yield from progress.report({name: end if isinstance(end, EcsError) else None})

    try:
        yield from side_by_side([call.flow for call in calls], on_ended, limit=limit, most=most)
    except Cancelled:
        log.info("%s was cancelled after %d of %d; the calls under way may take effect", verb, len(ended), total)
        raise
    return ended


def results_of(ended: Mapping[str, T | EcsError], names: Sequence[str], error: type[BulkError]) -> list[T]:
    """Return the results in the order of the names.

    Raises:
        BulkError: Some failed; this is the class `error`.
    """
    errors = {name: end for name in names if isinstance(end := ended[name], EcsError)}
    results = {name: end for name in names if not isinstance(end := ended[name], EcsError)}
    if errors:
        raise error(errors, results) from next(iter(errors.values()))
    return list(results.values())
