"""The running flows of an async client: as in `running`, but for the tasks of an event loop.

A task that performs a flow is interrupted as `asyncio.timeout` does it: the task is cancelled, and where the flow ends,
this cancellation is undone and ClientClosedError raised instead. Before Python 3.11 a cancellation cannot be undone;
there it is recognized by its message.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from ecskit._core.effects import Flow
from ecskit._core.errors import ClientClosedError
from ecskit._drive.shared import CLOSE_TIMEOUT, CLOSED_MESSAGE, FlowState, log

__all__ = ["AsyncRun", "AsyncRunningFlows"]

_COUNTS = sys.version_info >= (3, 11)
"""Whether asyncio counts the cancellations of a task."""
_MESSAGE = "the ecskit client is closed"


@attrs.define(eq=False)
class AsyncRun:
    """A running flow."""

    flow: Flow[object]
    task: asyncio.Task[Any] | None = None
    """The task that performs it; None while it is paused."""
    state: FlowState = attrs.field(factory=FlowState)
    ended: bool = False
    """Whether it was ended while paused."""
    _interrupted: bool = False
    _cancelling: int = 0
    """The number of earlier cancellations of the task."""

    def assign(self) -> None:
        """Record that the current task performs the flow from now on."""
        self.task = asyncio.current_task()
        if _COUNTS and self.task is not None:
            self._cancelling = self.task.cancelling()

    def interrupt(self) -> None:
        """Cancel the task, unless the flow is already cleaning up."""
        if self.task is not None and not self._interrupted and not self.state.cleaning:
            self._interrupted = True
            self.task.cancel(*([] if _COUNTS else [_MESSAGE]))

    def undo_interruption(self, error: asyncio.CancelledError | None = None) -> bool:
        """Undo the interruption; return whether the task was cancelled for no other reason."""
        if not self._interrupted or self.task is None:
            return False
        self._interrupted = False
        if _COUNTS:
            return self.task.uncancel() <= self._cancelling
        return error is not None and error.args == (_MESSAGE,)


class AsyncRunningFlows:
    """The running flows of one client."""

    def __init__(self) -> None:
        self._runs: dict[AsyncRun, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._idle: asyncio.Event | None = None
        self._closing: asyncio.Task[None] | None = None
        self._closed = False

    def enter(self, flow: Flow[object]) -> AsyncRun:
        """Start a flow in this task.

        Raises:
            ClientClosedError: The client is being closed. After that, the transport raises this error.
        """
        if self._closing is not None and not self._closed:
            raise ClientClosedError(CLOSED_MESSAGE)
        run = AsyncRun(flow)
        run.assign()
        self._runs[run] = None
        return run

    def pause(self, run: AsyncRun) -> None:
        """Record that the consumer of a flow holds an item."""
        run.task = None
        self._note_idle()

    def resume(self, run: AsyncRun) -> None:
        """Record that this task continues a flow, unless it was ended while paused."""
        if not run.ended:
            run.assign()
            self._interrupt_soon([run.task])

    def leave(self, run: AsyncRun) -> None:
        """Record that a flow has ended. If it ran in a callback of another flow, that flow is interrupted next."""
        run.undo_interruption()
        self._runs.pop(run, None)
        if self._closing is not None and any(run.task is each.task is not None for each in self._runs):
            self._interrupt_soon([run.task])
        self._note_idle()

    async def close(self, end: Callable[[AsyncRun], Awaitable[None]], close: Callable[[], Awaitable[None]]) -> None:
        """Cancel all flows, wait until no task performs one, end the paused ones, and close the connections.

        Args:
            end: Cleans up and closes a flow that is paused.
            close: Closes the connections.
        """
        if self._closing is None:
            self._loop = asyncio.get_running_loop()
            if not self._in_this_loop():
                self._closed = True
                await close()
                return
            self._closing = asyncio.ensure_future(self._finish(end, close))
            self._interrupt_soon([run.task for run in self._in_this_loop()])
        if not any(run.task is asyncio.current_task() for run in self._runs):
            await asyncio.shield(self._closing)

    def _interrupt_soon(self, tasks: list[asyncio.Task[Any] | None]) -> None:
        """While the client closes, interrupt tasks in the next turn of the loop: one may be about to end now."""
        if self._closing is not None and self._loop is not None:
            self._loop.call_soon(self._interrupt, tasks)

    def _interrupt(self, tasks: list[asyncio.Task[Any] | None]) -> None:
        """Interrupt the innermost flow of each task."""
        inner = {run.task: run for run in self._runs if run.task is not None}  # the latest flow of each task
        for task in dict.fromkeys(tasks):
            if task in inner:
                inner[task].interrupt()

    def _in_this_loop(self) -> list[AsyncRun]:
        """Return the flows of the loop in which the client is closed. Flows of an earlier loop ended with that loop."""
        return [run for run in self._runs if run.task is None or run.task.get_loop() is self._loop]

    def _note_idle(self) -> None:
        if self._idle is None:
            return
        # The first flow that still runs is enough: thousands may end one after the other.
        if not any(run.task is not None and run.task.get_loop() is self._loop for run in self._runs):
            self._idle.set()

    async def _finish(self, end: Callable[[AsyncRun], Awaitable[None]], close: Callable[[], Awaitable[None]]) -> None:
        self._idle = asyncio.Event()
        self._note_idle()
        try:
            try:
                await asyncio.wait_for(self._idle.wait(), CLOSE_TIMEOUT)
            except asyncio.TimeoutError:
                log.warning("the client is closed, but calls in it have not ended within %.0f s", CLOSE_TIMEOUT)
            self._closed = True
            paused = [run for run in self._in_this_loop() if run.task is None]
            for run in paused:
                run.ended = True
                del self._runs[run]
            await asyncio.gather(*map(end, paused))
        finally:
            self._closed = True
            await close()
