"""Reads that the flows of a client share, so that many flows that need the same at once send one request.

A flow that finds another one reading waits for it in short sleeps: every driver and every clock can interrupt a sleep.
Threads change the dicts at the same time. Each change is a single method call of a dict, which Python makes atomic.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Generic, TypeVar

import attrs

from ecskit._core.effects import Flow, Share, Sleep
from ecskit._core.errors import EcsError

__all__ = ["LONGEST_WAIT", "SharedReads", "shared_read"]

T = TypeVar("T")

_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 0.1
LONGEST_WAIT = 5.0
"""Seconds to wait for the read of another flow. After that, a flow reads for itself."""


@attrs.define(eq=False)
class _Read(Generic[T]):
    """A read: under way, failed, or with its result."""

    began: int
    """Its place in the order in which flows of the client asked and reads began."""
    result: T | None = None
    failed: bool = False


class SharedReads(Generic[T]):
    """The reads of one kind that are under way in a client, and the latest results."""

    limit = 200
    """How many results are kept. The oldest are dropped."""

    def __init__(self) -> None:
        self.under_way: dict[str, _Read[T]] = {}
        self.done: dict[str, _Read[T]] = {}
        self.order = count()

    def keep(self, key: str, result: T) -> None:
        """Keep a result that was read under another key."""
        self.end(key, _Read(next(self.order), result))

    def end(self, key: str, read: _Read[T]) -> None:
        """Keep the result of a read."""
        self.done[key] = read
        for oldest in list(self.done)[: -self.limit]:
            self.done.pop(oldest, None)

    def remove(self, key: str, read: _Read[T]) -> None:
        """Record that a read is not under way any more."""
        if self.under_way.get(key) is read:
            self.under_way.pop(key, None)


def shared_read(
    kind: Callable[[], SharedReads[T]], key: str, read: Callable[[], Flow[T]], *, changes: bool = False
) -> Flow[T]:
    """Return the result of an earlier read, or of one that this flow or another one performs now.

    If the read of another flow fails, this flow reads for itself: no flow gets the error of another one. If the other
    flow is cancelled, one of those that wait for it reads in its place.

    Args:
        kind: The class of the shared reads; all flows of a client with the same class share them.
        key: What is read.
        read: Makes the flow that reads it.
        changes: Whether the result may change. Then only a read that began after this call counts.
    """
    reads: SharedReads[T] = (yield Share(kind)).get()
    since = next(reads.order) if changes else -1
    waited, pause = 0.0, _FIRST_PAUSE
    while True:
        done = reads.done.get(key)
        if done is not None and done.result is not None and done.began > since:
            return done.result
        own: _Read[T] = _Read(next(reads.order))
        current = reads.under_way.setdefault(key, own)
        if current is own:
            return (yield from _lead(reads, key, own, read))
        while reads.under_way.get(key) is current and waited < LONGEST_WAIT:
            yield Sleep(pause)
            waited, pause = waited + pause, min(2 * pause, _LONGEST_PAUSE)
        if waited >= LONGEST_WAIT:
            reads.remove(key, current)  # others need not wait for it
            return (yield from read())
        if current.failed and current.began > since:
            return (yield from read())


def _lead(reads: SharedReads[T], key: str, own: _Read[T], read: Callable[[], Flow[T]]) -> Flow[T]:
    try:
        result = own.result = yield from read()
        reads.end(key, own)
    except EcsError:
        own.failed = True
        raise
    finally:
        reads.remove(key, own)
    return result
