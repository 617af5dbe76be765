"""Flows beside other flows: each in a thread of its own, which begins before its starter goes on, and is joined.

The threads are daemons, so that a program that closes nothing can end. At its end, their flows are cancelled all the
same: the clean-up of a session releases its place in a container.
"""

from __future__ import annotations

import atexit
import threading
import time
from contextvars import copy_context
from typing import TYPE_CHECKING

from ecskit import _forks
from ecskit._core.background import Begins
from ecskit._core.effects import INTERRUPTS, Flow
from ecskit._core.errors import ClientClosedError, WaitCancelled
from ecskit._drive.clock import StopEvent
from ecskit._drive.shared import CLEAN_UP_TIMEOUT

if TYPE_CHECKING:
    from ecskit._drive.sync import Runtime

__all__ = ["BackgroundThread", "threads_of"]


class _Threads:
    """The threads of all clients of this process. Forked children have none of those of their parent."""

    def __init__(self) -> None:
        self.running: dict[BackgroundThread, None] = {}
        _forks.register(self)
        atexit.register(self.end)

    def after_fork(self) -> None:
        """Leave the threads to the parent process."""
        self.running = {}

    def end(self) -> None:
        """Cancel all flows, and wait for their clean-up for as long as one may take."""
        threads, end = list(self.running), time.monotonic() + CLEAN_UP_TIMEOUT
        for thread in threads:
            thread.cancel()
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))


_threads = _Threads()


def threads_of(runtime: Runtime) -> list[BackgroundThread]:
    """Return the threads that perform flows beside others for a client."""
    return [thread for thread in list(_threads.running) if thread.flows is runtime.flows]


class BackgroundThread:
    """A flow that a thread performs until it ends, is stopped, or the client is closed. Closing the client joins it."""

    def __init__(self, runtime: Runtime, begins: Begins, name: str) -> None:
        """Start the thread, and wait until the flow has begun or ended."""
        self.error: BaseException | None = None
        """What ended the flow; None while it runs, and if it came to its end, was stopped, or its client was closed.

        An end before the flow has begun is an error, too.
        """
        self.flows, self._runtime = runtime.flows, runtime
        self._stop, self._begun = StopEvent(), threading.Event()
        flow = begins(self._begun.set)
        self._thread = threading.Thread(target=copy_context().run, args=(self._run, flow), name=name, daemon=True)
        _threads.running[self] = None
        try:
            self._thread.start()
            self._begun.wait()
        except BaseException:  # Ctrl-C, or Python cannot start more threads
            self.cancel()
            if self._thread.is_alive():
                self.stop()
            _threads.running.pop(self, None)
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
            _threads.running.pop(self, None)

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

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end of the thread, for some seconds, unless this is the thread."""
        if self._thread is not threading.current_thread():
            self._thread.join(timeout)
