"""Clocks for the drivers, and how they count the flows that run.

A virtual clock moves only while all flows sleep. It therefore needs the number of running flows at every moment.
"""

from __future__ import annotations

import contextlib
import math
import time
from threading import Event, Lock
from typing import Protocol

__all__ = ["Clock", "FlowCounter", "LinkedEvent", "SystemClock"]

_POLL_INTERVAL = 0.1
"""Seconds between checks of the second of two events that may both end a sleep."""


class Clock(Protocol):
    """Returns the time, and sleeps."""

    def now(self) -> float:
        """Return the monotonic time in seconds."""
        ...

    def sleep(self, seconds: float, cancel: Event | None) -> None:
        """Return after `seconds`, or when `cancel` is set."""
        ...

    async def asleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        ...

    def flow(self) -> contextlib.AbstractContextManager[None]:
        """Return a context in which one more flow counts as running."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> float:
        """Return the monotonic time in seconds."""
        return time.monotonic()

    def sleep(self, seconds: float, cancel: Event | None) -> None:
        """Return after `seconds`, or when `cancel` is set."""
        if cancel is None:
            time.sleep(seconds)
        else:
            cancel.wait(seconds)

    async def asleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        import asyncio  # imported here: sync programs do not need it

        await asyncio.sleep(seconds)

    def flow(self) -> contextlib.AbstractContextManager[None]:
        """Return a context that does nothing: real time does not depend on flows."""
        return contextlib.nullcontext()


class LinkedEvent(Event):
    """An event that also counts as set while the caller's event is set. The caller's event is never changed."""

    def __init__(self, callers: Event) -> None:
        super().__init__()
        self._callers = callers

    def is_set(self) -> bool:
        return super().is_set() or self._callers.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        end = time.monotonic() + (math.inf if timeout is None else timeout)
        while not self.is_set() and (left := end - time.monotonic()) > 0:
            self._callers.wait(min(left, _POLL_INTERVAL))
        return self.is_set()


class FlowCounter:
    """Counts a group of parallel flows on a clock: at most the number that may run at once.

    The parent passes its count to its flows, and the last flow passes it back. So the clock never counts zero running
    flows in between, and does not move.
    """

    def __init__(self, clock: Clock, limit: int, flows: int) -> None:
        self._clock, self._limit, self._unfinished = clock, limit, flows
        self._lock = Lock()
        self._beside_parent: list[contextlib.ExitStack] = []

    def __enter__(self) -> None:
        for _ in range(min(self._limit, self._unfinished) - 1):
            counted = contextlib.ExitStack()
            counted.enter_context(self._clock.flow())
            self._beside_parent.append(counted)

    def __exit__(self, *_: object) -> None:
        while self._beside_parent:
            self._beside_parent.pop().close()

    def finished(self, _: object = None) -> None:
        """Count one flow less, unless another one starts in its place."""
        with self._lock:
            self._unfinished -= 1
            spare = len(self._beside_parent) >= max(1, min(self._limit, self._unfinished))
            counted = self._beside_parent.pop() if spare else contextlib.ExitStack()
        counted.close()
