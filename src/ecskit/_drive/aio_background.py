"""Flows beside other flows: as in `background`, but each in a task of the event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ecskit._core.background import Begins
from ecskit._core.errors import ClientClosedError

if TYPE_CHECKING:
    from ecskit._drive.aio import AsyncRuntime

__all__ = ["BackgroundTask"]


class BackgroundTask:
    """A flow that a task performs until it ends, is stopped, or the client is closed."""

    def __init__(self, runtime: AsyncRuntime, begins: Begins, name: str) -> None:
        """Start the task. `begin` waits for the flow."""
        self.error: BaseException | None = None
        """What ended the flow; None while it runs, and if it came to its end, was stopped, or its client was closed.

        An end before the flow has begun is an error, too.
        """
        self._begun = asyncio.Event()
        self._has_begun = self._cancelled = False
        self._task = asyncio.create_task(runtime.run(begins(self._begin)), name=name)
        self._task.add_done_callback(self._ended)

    async def begin(self) -> None:
        """Wait until the flow has begun or ended."""
        try:
            await self._begun.wait()
        except BaseException:
            await self.stop()
            raise

    def _begin(self) -> None:
        self._has_begun = True
        self._begun.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if not (self._has_begun and isinstance(error, (asyncio.CancelledError, ClientClosedError))):
            self.error = error
        self._begun.set()

    def cancel(self) -> None:
        """Cancel the flow, and return at once."""
        if not self._cancelled:  # a second cancellation would end the clean-up
            self._cancelled = True
            self._task.cancel()

    async def stop(self, _: object = None, /) -> None:
        """Cancel the flow, and wait for the end of its clean-up, also if this one is cancelled meanwhile."""
        interrupted = None
        self.cancel()
        while not self._task.done():
            try:
                await asyncio.wait({self._task})
            except asyncio.CancelledError as error:
                interrupted = error
        if interrupted is not None:
            raise interrupted
