"""Act on any number of things: each once, with reports of the progress."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from threading import Lock
from typing import Any, Generic, TypeAlias, TypeVar

import attrs

from ecskit._core.bulk_errors import BulkError
from ecskit._core.documented import Documented
from ecskit._core.effects import CallbackRaised, Cancelled, Flow, Invoke, Reply
from ecskit._core.errors import ConflictError, EcsError, RequestError, described
from ecskit._core.retrying import RetryLimits, is_retryable
from ecskit._core.wording import escaped
from ecskit._polling.side_by_side import PARALLEL_CALLS, side_by_side

__all__ = [
    "BULK_LIMITS",
    "AsyncOnProgress",
    "BulkProgress",
    "Call",
    "OnProgress",
    "Progress",
    "add_cause",
    "check_on_progress",
    "gather",
    "may_pass",
    "parted",
    "perform",
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

    def __str__(self) -> str:
        """Return how many have ended, and how the last one did, in one line."""
        failed = f", {self.failed} failed" if self.failed else ""
        end = f": {described(self.error)}" if self.error else ""
        return escaped(f"{self.done} of {self.total}{failed}; {self.name}{end}")


MakeBulkError: TypeAlias = Callable[[Mapping[str, EcsError], Mapping[str, Any], Sequence[str]], BulkError]
"""Makes an error of the errors and the results of things, by name, and the names of those that have not ended."""
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
    verb: str,
    calls: Sequence[Call[T]],
    names: Sequence[str],
    bulk_error: MakeBulkError,
    on_progress: AsyncOnProgress | None,
    *,
    limit: int = PARALLEL_CALLS,
) -> Flow[list[T]]:
    """Make calls, and return the results in the order of the names.

    While as many calls as `limit` wait for their turn or are throttled, no other one begins.

    Args:
        verb: The name of the method, for the log.
        calls: The calls.
        names: The names of the things, in the order given.
        bulk_error: Makes the error if some fail.
        on_progress: Called after the end of each thing. If it raises, this error is the cause.
        limit: How many calls are under way at the same time.

    Raises:
        BulkError: Some failed.
    """
    ended = yield from gather(verb, calls, bulk_error, on_progress, limit=limit, most=limit)
    errors, results = parted(ended, names)
    if errors:
        raise bulk_error(errors, results, ()) from next(iter(errors.values()))
    return list(results.values())


def gather(
    verb: str,
    calls: Sequence[Call[T]],
    bulk_error: MakeBulkError,
    on_progress: AsyncOnProgress | None,
    *,
    limit: int = PARALLEL_CALLS,
    most: int | None = None,
) -> Flow[dict[str, T | EcsError]]:
    """Run the flows of calls side by side, and return the result or the error of each thing, by name."""
    ended: dict[str, T | EcsError] = {}
    names = [name for call in calls for name in call.names]
    progress = Progress(len(names), on_progress)
    refused: list[CallbackRaised] = []

    def on_ended(index: int, reply: Reply[Mapping[str, T | EcsError]]) -> Flow[bool]:
        ends = {name: reply.error or reply.get()[name] for name in calls[index].names}
        ended.update(ends)
        if not refused:  # otherwise these are calls that were under way
            try:
                yield from progress.report(
                    {name: end if isinstance(end, EcsError) else None for name, end in ends.items()}
                )
            except CallbackRaised as raised:
                refused.append(raised)
        return not refused

    try:
        yield from side_by_side([call.flow for call in calls], on_ended, limit=limit, most=most)
        if refused:
            raise refused[0]
    except Cancelled:
        log.info("%s was cancelled after %d of %d; the calls under way may take effect", verb, len(ended), len(names))
        raise
    except CallbackRaised as raised:
        add_cause(raised.error, bulk_error(*parted(ended, names), [name for name in names if name not in ended]))
        raise
    return ended


def add_cause(error: Exception, cause: EcsError) -> None:
    """Make an error the cause of what a callback raised, which hides the exception that ended a call. Keep its own."""
    cause.__cause__, cause.__context__ = error.__cause__, error.__context__
    cause.__suppress_context__ = error.__suppress_context__
    error.__cause__ = cause


def parted(ended: Mapping[str, T | EcsError], names: Sequence[str]) -> tuple[dict[str, EcsError], dict[str, T]]:
    """Return the errors and the results, each in the order of the names."""
    errors = {name: end for name in names if isinstance(end := ended.get(name), EcsError)}
    return errors, {name: end for name in names if name in ended and not isinstance(end := ended[name], EcsError)}
