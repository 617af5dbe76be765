"""Time for the drivers: where it comes from, and how flows that run side by side are counted on it.

Knows nothing of effects. A clock that is not the machine's own may move only while all flows sleep, so it has to know
at every moment how many there are.
"""

from __future__ import annotations

import contextlib
import math
import time
from threading import Event, Lock
from typing import Protocol

__all__ = ["Clock", "Counts", "Either", "SystemClock"]

_GLANCE = 0.1
"""Seconds between looks at the second of two events that may both end a sleep."""


class Clock(Protocol):
    """Where time comes from, and how one waits for it."""

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
        """Count a flow that runs here, from the moment the context is entered."""
        ...


class SystemClock:
    """The machine's own clock."""

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
        import asyncio  # a sync program does without

        await asyncio.sleep(seconds)

    def flow(self) -> contextlib.AbstractContextManager[None]:
        """Do nothing: real time passes whoever runs."""
        return contextlib.nullcontext()


class Either(Event):
    """An event of a group's own that counts as set when the caller's is: the caller's is not ours to set."""

    def __init__(self, callers: Event) -> None:
        super().__init__()
        self._callers = callers

    def is_set(self) -> bool:
        return super().is_set() or self._callers.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        end = time.monotonic() + (math.inf if timeout is None else timeout)
        while not self.is_set() and (left := end - time.monotonic()) > 0:
            self._callers.wait(min(left, _GLANCE))
        return self.is_set()


class Counts:
    """Counts a group of flows on a clock, together with its parent: as many as may run at once, and one in the end.

    The parent's own count passes to its flows and comes back from the last one, so that no moment is between them in
    which the clock would see nobody running and move on.
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
        """Count one flow less, unless another one now has room in its place."""
        with self._lock:
            self._unfinished -= 1
            spare = len(self._beside_parent) >= max(1, min(self._limit, self._unfinished))
            counted = self._beside_parent.pop() if spare else contextlib.ExitStack()
        counted.close()
