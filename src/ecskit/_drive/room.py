"""The flows that run in a client, each performed by a thread or paused, so that closing the client can end them first.

Closing is a cancellation of each. A flow that a thread performs is cleaned up by that thread. A paused one, whose
consumer has an item in hand, is cleaned up by the thread that closes. Then the connections close. A thread that closes
the client from inside a flow, in a callback, cannot wait for itself: there the last flow to end closes the connections.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Condition, Event, get_ident

import attrs

from ecskit._core.effects import Flow
from ecskit._core.errors import ClientClosedError
from ecskit._drive.clock import Either
from ecskit._drive.ending import CLOSED, CLOSING, Step, log

__all__ = ["Room", "Run"]


def _stop(run: Run) -> Event:
    return Event() if run.cancel is None else Either(run.cancel)


@attrs.define(eq=False)
class Run:
    """A flow that has begun."""

    flow: Flow[object]
    cancel: Event | None
    """The caller's event."""
    thread: int | None
    """The thread that performs it; None while it is paused."""
    stop: Event = attrs.field(default=attrs.Factory(_stop, takes_self=True))
    """Set when the client is closed; counts as set when the caller's event is."""
    step: Step = attrs.field(factory=Step)
    ended: bool = False
    """Whether it was ended while it was paused."""


class Room:
    """The flows of one client."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self._changed = Condition()
        self._end: Callable[[Run], None] | None = None
        self._close: Callable[[], None] | None = None
        self._deferred = self._closed = self._done = False

    def enter(self, flow: Flow[object], cancel: Event | None) -> Run:
        """Begin a flow in this thread.

        Raises:
            ClientClosedError: The client is being closed. Once it is closed, its transport raises that.
        """
        run = Run(flow, cancel, get_ident())
        with self._changed:
            if self._close is not None and not self._closed:
                raise ClientClosedError(CLOSED)
            self._runs.append(run)
        return run

    def pause(self, run: Run) -> None:
        """Note that the consumer of a flow has an item in hand."""
        with self._changed:
            run.thread = None
            self._changed.notify_all()
        self._settle_if_deferred()

    def resume(self, run: Run) -> None:
        """Note that this thread goes on with a flow, unless it was ended meanwhile."""
        with self._changed:
            run.thread = None if run.ended else get_ident()

    def leave(self, run: Run) -> None:
        """Note that a flow is over."""
        with self._changed:
            if run in self._runs:
                self._runs.remove(run)
            self._changed.notify_all()
        self._settle_if_deferred()

    def close(self, end: Callable[[Run], None], close: Callable[[], None]) -> None:
        """Cancel all flows, wait until none is performed, end those that are paused, and close the connections.

        Args:
            end: Cleans up and closes a flow that is paused.
            close: Closes the connections.
        """
        with self._changed:
            if self._close is None:
                self._end, self._close = end, close
                for run in self._runs:
                    run.stop.set()
            if any(run.thread == get_ident() for run in self._runs):
                self._deferred = True
                return
            if not self._changed.wait_for(self._is_quiet, CLOSING):
                log.warning("the client is closed although calls in it have not ended for %.0f s", CLOSING)
        self._settle()
        with self._changed:
            self._changed.wait_for(lambda: self._done, CLOSING)

    def _is_quiet(self) -> bool:
        return all(run.thread is None for run in self._runs)

    def _settle_if_deferred(self) -> None:
        with self._changed:
            if not self._deferred or not self._is_quiet():
                return
        self._settle()

    def _settle(self) -> None:
        with self._changed:
            if self._closed or self._end is None or self._close is None:
                return
            self._closed = True
            paused = [run for run in self._runs if run.thread is None]
            for run in paused:
                run.ended = True
                self._runs.remove(run)
        try:
            if paused:
                with ThreadPoolExecutor(len(paused)) as threads:
                    list(threads.map(self._end, paused))
        finally:
            self._close()
            with self._changed:
                self._done = True
                self._changed.notify_all()
