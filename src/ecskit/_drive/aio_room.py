"""The same as `room`, for tasks of an event loop.

A task that performs a flow is interrupted as `asyncio.timeout` does: it is cancelled, and where the flow ends, that one
cancellation is taken back and ClientClosedError raised in its place. Before Python 3.11 a cancellation cannot be taken
back; there it is known by its message.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from ecskit._core.effects import Flow
from ecskit._core.errors import ClientClosedError
from ecskit._drive.ending import CLOSED, CLOSING, Step, log

__all__ = ["AsyncRoom", "AsyncRun"]

_COUNTS = sys.version_info >= (3, 11)
"""Whether tasks count their cancellations."""
_MESSAGE = "the ecskit client is closed"


@attrs.define(eq=False)
class AsyncRun:
    """A flow that has begun."""

    flow: Flow[object]
    task: asyncio.Task[Any] | None = None
    """The task that performs it; None while it is paused."""
    step: Step = attrs.field(factory=Step)
    ended: bool = False
    """Whether it was ended while it was paused."""
    _interrupted: bool = False
    _cancelling: int = 0
    """How often the task was cancelled before."""

    def go_on(self) -> None:
        """Note that this task performs the flow from now on."""
        self.task = asyncio.current_task()
        if _COUNTS and self.task is not None:
            self._cancelling = self.task.cancelling()

    def interrupt(self) -> None:
        """Cancel the task, unless the flow is being cleaned up already."""
        if self.task is not None and not self._interrupted and not self.step.cleaning:
            self._interrupted = True
            self.task.cancel(*([] if _COUNTS else [_MESSAGE]))

    def take_back(self, error: asyncio.CancelledError | None = None) -> bool:
        """Take the interruption back; return whether it is all there is to a cancellation of the task."""
        if not self._interrupted or self.task is None:
            return False
        self._interrupted = False
        if _COUNTS:
            return self.task.uncancel() <= self._cancelling
        return error is not None and error.args == (_MESSAGE,)


class AsyncRoom:
    """The flows of one client."""

    def __init__(self) -> None:
        self._runs: list[AsyncRun] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._quiet: asyncio.Event | None = None
        self._closing: asyncio.Task[None] | None = None
        self._closed = False

    def enter(self, flow: Flow[object]) -> AsyncRun:
        """Begin a flow in this task.

        Raises:
            ClientClosedError: The client is being closed. Once it is closed, its transport raises that.
        """
        if self._closing is not None and not self._closed:
            raise ClientClosedError(CLOSED)
        run = AsyncRun(flow)
        run.go_on()
        self._runs.append(run)
        return run

    def pause(self, run: AsyncRun) -> None:
        """Note that the consumer of a flow has an item in hand."""
        run.task = None
        self._note()

    def resume(self, run: AsyncRun) -> None:
        """Note that this task goes on with a flow, unless it was ended meanwhile."""
        if not run.ended:
            run.go_on()
            self._interrupt_soon([run.task])

    def leave(self, run: AsyncRun) -> None:
        """Note that a flow is over; a verb whose callback has run it is interrupted next."""
        run.take_back()
        if run in self._runs:
            self._runs.remove(run)
        if any(run.task is each.task is not None for each in self._runs):
            self._interrupt_soon([run.task])
        self._note()

    async def close(self, end: Callable[[AsyncRun], Awaitable[None]], close: Callable[[], Awaitable[None]]) -> None:
        """Cancel all flows, wait until none is performed, end those that are paused, and close the connections.

        Args:
            end: Cleans up and closes a flow that is paused.
            close: Closes the connections.
        """
        if self._closing is None:
            self._loop = asyncio.get_running_loop()
            if not self._here():
                self._closed = True
                await close()
                return
            self._closing = asyncio.ensure_future(self._settle(end, close))
            self._interrupt_soon([run.task for run in self._here()])
        if not any(run.task is asyncio.current_task() for run in self._runs):
            await asyncio.shield(self._closing)

    def _interrupt_soon(self, tasks: list[asyncio.Task[Any] | None]) -> None:
        """While the client closes, interrupt tasks at a turn of the loop: one that runs now may be about to end."""
        if self._closing is not None and self._loop is not None:
            self._loop.call_soon(self._interrupt, tasks)

    def _interrupt(self, tasks: list[asyncio.Task[Any] | None]) -> None:
        """Interrupt the innermost flow of each of some tasks."""
        for task in dict.fromkeys(tasks):
            inner = [run for run in self._runs if run.task is task is not None]
            if inner:
                inner[-1].interrupt()

    def _here(self) -> list[AsyncRun]:
        """Return the flows of the loop in which the client is closed: those of an earlier loop have ended with it."""
        return [run for run in self._runs if run.task is None or run.task.get_loop() is self._loop]

    def _note(self) -> None:
        if self._quiet is not None and all(run.task is None for run in self._here()):
            self._quiet.set()

    async def _settle(self, end: Callable[[AsyncRun], Awaitable[None]], close: Callable[[], Awaitable[None]]) -> None:
        self._quiet = asyncio.Event()
        self._note()
        try:
            try:
                await asyncio.wait_for(self._quiet.wait(), CLOSING)
            except asyncio.TimeoutError:
                log.warning("the client is closed although calls in it have not ended for %.0f s", CLOSING)
            self._closed = True
            paused = [run for run in self._here() if run.task is None]
            for run in paused:
                run.ended = True
                self._runs.remove(run)
            await asyncio.gather(*map(end, paused))
        finally:
            self._closed = True
            await close()
