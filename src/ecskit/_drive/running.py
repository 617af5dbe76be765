"""The running flows of a sync client, so that closing the client can cancel them first.

Closing cancels each flow. A flow that a thread performs is cleaned up by that thread. A paused flow, whose consumer
holds an item, is cleaned up by the thread that closes the client. Then the connections close. A callback that closes
the client runs inside a flow and cannot wait for that flow: there the last flow to end closes the connections.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Condition, Event, get_ident
from weakref import WeakValueDictionary

import attrs

from ecskit import _forks
from ecskit._core.effects import Flow
from ecskit._core.errors import ClientClosedError
from ecskit._drive.clock import StopEvent
from ecskit._drive.shared import CLOSE_TIMEOUT, CLOSED_MESSAGE, FlowState, log

__all__ = ["Run", "RunningFlows", "part_of"]

_PARENTS: dict[int, int] = {}
"""The thread whose flow a thread performs a part of, by the ids of both."""


@contextmanager
def part_of(thread: int) -> Generator[None, None, None]:
    """Return a context in which this thread performs a part of the flow of another thread."""
    own = get_ident()
    _PARENTS[own] = thread
    try:
        yield
    finally:
        del _PARENTS[own]


def _performing() -> set[int | None]:
    """Return this thread, and those whose flows it performs a part of."""
    thread: int | None = get_ident()
    threads: set[int | None] = set()
    while thread is not None:
        threads.add(thread)
        thread = _PARENTS.get(thread)
    return threads


@attrs.define(eq=False, repr=False)
class Run:
    """A running flow."""

    flow: Flow[object]
    cancel: Event | None
    """The event that the caller passed."""
    thread: int | None
    """The thread that performs it; None while it is paused."""
    stop: Event
    """Set when the client is closed. Counts as set while the caller's event is set."""
    state: FlowState = attrs.field(factory=FlowState)
    ended: bool = False
    """Whether it was ended while paused."""


class RunningFlows:
    """The running flows of one client."""

    def __init__(self) -> None:
        self._runs: dict[Run, None] = {}
        # Flows with the same event of their caller share one: a virtual clock checks each of them before it moves.
        self._stops: WeakValueDictionary[Event | None, Event] = WeakValueDictionary()
        self._changed = Condition()
        self._end: Callable[[Run], None] | None = None
        self._close: Callable[[], None] | None = None
        self._deferred = self._closed = self._done = False
        _forks.register(self)

    def after_fork(self) -> None:
        """Leave the running flows to the parent process. A client that it was closing is closed."""
        for run in self._runs:
            run.state.forked = True
        self._runs, self._changed, self._stops = {}, Condition(), WeakValueDictionary()
        self._deferred, self._done = False, self._closed

    def enter(self, flow: Flow[object], cancel: Event | None) -> Run:
        """Start a flow in this thread.

        Raises:
            ClientClosedError: The client is being closed. After that, the transport raises this error.
        """
        _forks.check()
        with self._changed:
            if self._close is not None and not self._closed:
                raise ClientClosedError(CLOSED_MESSAGE)
            stop = self._stops.get(cancel)
            if stop is None:
                stop = self._stops[cancel] = StopEvent(cancel)
            run = Run(flow, cancel, get_ident(), stop)
            self._runs[run] = None
        return run

    def pause(self, run: Run) -> None:
        """Record that the consumer of a flow holds an item."""
        with self._changed:
            run.thread = None
            self._changed.notify_all()
        self._finish_if_deferred()

    def resume(self, run: Run) -> None:
        """Record that this thread continues a flow, unless it was ended while paused."""
        with self._changed:
            run.thread = None if run.ended else get_ident()

    def leave(self, run: Run) -> None:
        """Record that a flow has ended."""
        with self._changed:
            self._runs.pop(run, None)
            self._changed.notify_all()
        self._finish_if_deferred()

    def close(self, end: Callable[[Run], None], close: Callable[[], None]) -> bool:
        """Cancel all flows, wait until no thread performs one, end the paused ones, and close the connections.

        Args:
            end: Cleans up and closes a flow that is paused.
            close: Closes the connections.

        Returns:
            Whether no thread performs a flow any more.
        """
        _forks.check()
        with self._changed:
            if self._close is None:
                self._end, self._close = end, close
                for run in self._runs:
                    run.stop.set()
                self._stops = WeakValueDictionary()  # later flows are not stopped, but refused by the transport
            if not _performing().isdisjoint(run.thread for run in self._runs if run.thread is not None):
                self._deferred = True
                return False
            if not self._changed.wait_for(self._is_idle, CLOSE_TIMEOUT):
                log.warning("the client is closed, but calls in it have not ended within %.0f s", CLOSE_TIMEOUT)
        self._finish()
        with self._changed:
            self._changed.wait_for(lambda: self._done, CLOSE_TIMEOUT)
            return self._is_idle()

    def _is_idle(self) -> bool:
        return all(run.thread is None for run in self._runs)

    def _finish_if_deferred(self) -> None:
        with self._changed:
            if not self._deferred or not self._is_idle():
                return
        self._finish()

    def _finish(self) -> None:
        with self._changed:
            if self._closed or self._end is None or self._close is None:
                return
            self._closed = True
            paused = [run for run in self._runs if run.thread is None]
            for run in paused:
                run.ended = True
                del self._runs[run]
        try:
            if paused:
                with ThreadPoolExecutor(len(paused)) as threads:
                    list(threads.map(self._end, paused))
        finally:
            self._close()
            with self._changed:
                self._done = True
                self._changed.notify_all()
