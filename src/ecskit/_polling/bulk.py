"""Act on any number of things: each once, paced by the quotas of ECS, with reports of the progress."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeAlias, TypeVar

import attrs

from ecskit._core.documented import Documented
from ecskit._core.effects import Cancelled, Flow, Invoke, Reply, Sleep
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
    "Quota",
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
    """The one that has just ended: its identifier as it was given; for handles its place, such as `handles[3]`."""
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


@attrs.frozen
class Quota:
    """A quota of ECS: how many calls it accepts at once, and per second after that."""

    burst: int
    per_second: float


@attrs.define
class _Bucket:
    """The calls that a quota accepts now. One of the burst is not used: calls may arrive closer than they are sent."""

    quota: Quota
    now: float
    tokens: float = attrs.field(default=attrs.Factory(lambda self: self.quota.burst - 1.0, takes_self=True))

    def take(self, now: float) -> float:
        """Take one call, and return the seconds until it may be sent."""
        gained = (now - self.now) * self.quota.per_second
        self.tokens, self.now = min(self.quota.burst - 1.0, self.tokens + gained) - 1, now
        return max(0.0, -self.tokens / self.quota.per_second)


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
    verb: str, calls: Sequence[Call[T]], on_progress: AsyncOnProgress | None, quota: Quota, limit: int = PARALLEL_CALLS
) -> Flow[dict[str, T | EcsError]]:
    """Make calls, and return the result or the error of each thing, by name.

    While as many calls as `limit` are throttled, no other one begins, so that each of them gets its turn.

    Args:
        verb: The name of the method, for the log.
        calls: The calls.
        on_progress: Called after the end of each thing.
        quota: The quota by which the calls are paced.
        limit: How many calls are under way at the same time.
    """
    bucket = _Bucket(quota, (yield Sleep(0)).now)
    paced = [Call(call.names, _paced(bucket, call.flow)) for call in calls]
    return (yield from gather(verb, paced, on_progress, limit=limit, most=limit))


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
    total, failed = sum(len(call.names) for call in calls), 0

    def on_ended(index: int, reply: Reply[Mapping[str, T | EcsError]]) -> Flow[None]:
        nonlocal failed
        for name in calls[index].names:
            end = ended[name] = reply.error or reply.get()[name]
            error = end if isinstance(end, EcsError) else None
            failed += error is not None
            if on_progress is not None:
                done = len(ended) - failed
                yield Invoke(
                    on_progress, BulkProgress(total=total, succeeded=done, failed=failed, name=name, error=error)
                )

    try:
        yield from side_by_side([call.flow for call in calls], on_ended, limit=limit, most=most)
    except Cancelled:
        log.info("%s was cancelled after %d of %d; the calls under way may take effect", verb, len(ended), total)
        raise
    return ended


def _paced(bucket: _Bucket, flow: Flow[T]) -> Flow[T]:
    yield Sleep(bucket.take((yield Sleep(0)).now))
    return (yield from flow)


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
