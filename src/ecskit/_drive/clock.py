"""Clocks for the drivers, and how they count the flows that run.

A virtual clock moves only while all flows sleep. It therefore needs the number of running flows at every moment.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Generator
from threading import TIMEOUT_MAX, Event, Lock, get_ident
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ecskit._core.effects import Waker

__all__ = ["Clock", "FlowCounter", "StopEvent", "SystemClock"]

_POLL_INTERVAL = 0.1
"""Seconds between checks of the second of two events that may both end a sleep."""


class Clock(Protocol):
    """Returns the time, and sleeps."""

    @property
    def speed(self) -> float:
        """Seconds of this clock per real second; 1 also for a virtual clock."""
        ...

    def now(self) -> float:
        """Return the monotonic time in seconds."""
        ...

    def epoch(self) -> float:
        """Return the time of day in seconds since the epoch."""
        ...

    def sleep(self, seconds: float, cancel: Event | None, waker: Waker | None = None) -> None:
        """Return after `seconds`, or when `cancel` is set or `waker` is roused."""
        ...

    async def asleep(self, seconds: float, waker: Waker | None = None) -> None:
        """Return after `seconds`, or when `waker` is roused."""
        ...

    def flow(self) -> contextlib.AbstractContextManager[None]:
        """Return a context in which one more flow counts as running."""
        ...

    def elsewhere(self) -> contextlib.AbstractContextManager[None]:
        """Return a context in which the flow does not count as running."""
        ...


class SystemClock:
    """The clock of the machine."""

    speed = 1.0
    """Seconds of this clock per real second. Clients of a served simulator may have a faster one."""

    def now(self) -> float:
        """Return the monotonic time in seconds."""
        return time.monotonic() * self.speed

    def epoch(self) -> float:
        """Return the time of day in seconds since the epoch."""
        return time.time()

    def sleep(self, seconds: float, cancel: Event | None, waker: Waker | None = None) -> None:
        """Return after `seconds`, or when `cancel` is set or `waker` is roused."""
        seconds /= self.speed
        if waker is not None:
            _rest(seconds, cancel, waker)
        elif cancel is None:
            time.sleep(seconds)
        else:
            cancel.wait(seconds)

    async def asleep(self, seconds: float, waker: Waker | None = None) -> None:
        """Return after `seconds`, or when `waker` is roused."""
        import asyncio  # imported here: sync programs do not need it

        seconds /= self.speed
        if waker is None:
            await asyncio.sleep(seconds)
            return
        loop, thread = asyncio.get_running_loop(), get_ident()
        woken = loop.create_future()

        def wake() -> None:
            if get_ident() != thread:
                with contextlib.suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(wake)
            elif not woken.done():
                woken.set_result(None)

        timer = loop.call_later(seconds, wake)
        waker.wake = wake
        try:
            if waker.roused:
                wake()
            await woken
        finally:
            waker.wake = None
            timer.cancel()

    def flow(self) -> contextlib.AbstractContextManager[None]:
        """Return a context that does nothing: real time does not depend on flows."""
        return contextlib.nullcontext()

    def elsewhere(self) -> contextlib.AbstractContextManager[None]:
        """Return a context that does nothing, as `flow` does."""
        return contextlib.nullcontext()


class StopEvent(Event):
    """Stops flows: set by a driver, or by the caller's event, which is never changed."""

    def __init__(self, callers: Event | None = None) -> None:
        super().__init__()
        self._callers = callers
        self._wakes: dict[object, Callable[[], object]] = {}

    def set(self) -> None:
        super().set()
        for wake in list(self._wakes.values()):
            wake()

    def is_set(self) -> bool:
        return super().is_set() or (self._callers is not None and self._callers.is_set())

    def wait(self, timeout: float | None = None) -> bool:
        if self._callers is None:
            return super().wait(timeout)
        _rest(math.inf if timeout is None else timeout, self)
        return self.is_set()

    @contextlib.contextmanager
    def waking(self, wake: Callable[[], object]) -> Generator[float, None, None]:
        """Call `wake` when this event is set, by any thread. Yield the seconds between checks of other events.

        The event of a caller must be checked, because it cannot call anything.
        """
        own, callers = object(), self._callers
        nested = callers.waking(wake) if isinstance(callers, StopEvent) else contextlib.nullcontext(_POLL_INTERVAL)
        self._wakes[own] = wake
        try:
            with nested as interval:
                if self.is_set():
                    wake()
                yield math.inf if callers is None else interval
        finally:
            del self._wakes[own]


def _rest(seconds: float, cancel: Event | None, waker: Waker | None = None) -> None:
    """Sleep until an event is set or a waker is roused, for `seconds` at most."""
    woken, stop = Event(), cancel if isinstance(cancel, StopEvent) else StopEvent(cancel)
    end = time.monotonic() + seconds
    if waker is not None:
        waker.wake = woken.set
    try:
        with stop.waking(woken.set) as interval:
            while not (stop.is_set() or (waker and waker.roused)) and (left := end - time.monotonic()) > 0:
                woken.wait(min(left, interval, TIMEOUT_MAX))
    finally:
        if waker is not None:
            waker.wake = None


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
