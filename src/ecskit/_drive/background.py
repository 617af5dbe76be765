"""Flows beside other flows: each in a thread of its own, which begins before its starter goes on, and is joined."""

from __future__ import annotations

import threading
from contextvars import copy_context
from typing import TYPE_CHECKING

from ecskit._core.background import Begins
from ecskit._core.effects import INTERRUPTS, Flow
from ecskit._core.errors import ClientClosedError, WaitCancelled
from ecskit._drive.clock import StopEvent

if TYPE_CHECKING:
    from ecskit._drive.sync import Runtime

__all__ = ["BackgroundThread"]


class BackgroundThread:
    """A flow that a thread performs until it ends, is stopped, or the client is closed. Closing the client joins it."""

    def __init__(self, runtime: Runtime, begins: Begins, name: str) -> None:
        """Start the thread, and wait until the flow has begun or ended."""
        self.error: BaseException | None = None
        """What ended the flow; None while it runs, and if it came to its end, was stopped, or its client was closed.

        An end before the flow has begun is an error, too.
        """
        self._runtime = runtime
        self._stop, self._begun = StopEvent(), threading.Event()
        flow = begins(self._begun.set)
        self._thread = threading.Thread(target=copy_context().run, args=(self._run, flow), name=name, daemon=True)
        runtime.flows.backgrounds[self] = None
        try:
            self._thread.start()
            self._begun.wait()
        except BaseException:  # Ctrl-C, or Python cannot start more threads
            self.cancel()
            if self._thread.is_alive():
                self.stop()
            runtime.flows.backgrounds.pop(self, None)
            raise

    def _run(self, flow: Flow[None]) -> None:
        try:
            self._runtime.run(flow, self._stop)
        except (WaitCancelled, ClientClosedError) as error:
            if not self._begun.is_set():
                self.error = error
        except BaseException as error:  # noqa: BLE001  # raised in the thread that uses the flow
            self.error = error
        finally:
            self._begun.set()
            self._runtime.flows.backgrounds.pop(self, None)

    def cancel(self) -> None:
        """Cancel the flow, and return at once."""
        self._stop.set()

    def stop(self, _: object = None, /) -> None:
        """Cancel the flow, and wait for the end of its clean-up. Ctrl-C waits for it, too; a second one does not."""
        self.cancel()
        try:
            self.join()
        except INTERRUPTS:
            self.join()
            raise

    def join(self) -> None:
        """Wait for the end of the thread, unless this is the thread."""
        if self._thread is not threading.current_thread():
            self._thread.join()
