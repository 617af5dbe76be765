"""A clock that moves only when all flows sleep, and then at once.

The clock counts the running flows. When all of them sleep, it moves to the earliest wake-up time: ten concurrent waits
of a minute take a minute of this clock and no real time. Threads and tasks of an event loop can share it.

Some sleepers are idle, such as an open session of ECS Exec: they wake up on the way, but the clock does not move if
only such sleepers are left.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from ecskit._core.effects import Waker

__all__ = ["VirtualClock"]

EPOCH = 1_750_000_000.0
"""The start of a virtual clock in seconds since the epoch: a fixed moment, so that runs are reproducible."""

_CANCEL_CHECK = 0.005
"""Real seconds between checks of the `cancel` events, which cannot wake a sleeper by themselves."""


@attrs.define(eq=False)
class _Sleeper:
    wake: Callable[[], object]
    cancel: threading.Event | None = None
    idle: bool = False
    awake: bool = False


class VirtualClock:
    """A clock that starts at 0 s and moves when all flows sleep."""

    speed = 1.0

    def __init__(self) -> None:
        self._now = 0.0
        self._running = 0
        self._waiting = 0
        """The number of flows that sleep, without idle ones."""
        self._asleep: list[tuple[float, int, _Sleeper]] = []
        self._cancels: dict[threading.Event, dict[_Sleeper, None]] = {}
        self._watcher: _Sleeper | None = None
        self._order = itertools.count()
        self._lock = threading.RLock()

    def now(self) -> float:
        """Return the seconds that have passed on this clock."""
        return self._now

    def epoch(self) -> float:
        """Return the time of this clock in seconds since the epoch."""
        return EPOCH + self._now

    def advance(self, seconds: float) -> None:
        """Move the clock, and wake the sleepers that are due on the way.

        Raises:
            ValueError: `seconds` is negative.
        """
        if seconds < 0:
            raise ValueError(f"a clock cannot go back: {seconds}")
        with self._lock:
            target = self._now + seconds
            while (moment := self._next_moment()) is not None and moment <= target:
                self._wake(moment)
            self._now = target

    @contextmanager
    def flow(self) -> Generator[None, None, None]:
        """Count a flow as running in this context. A test can stop the clock with it while it starts threads.

        Each context counts. A thread that waits for other flows inside such a context would wait forever, except
        inside `elsewhere`.
        """
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    @contextmanager
    def elsewhere(self) -> Generator[None, None, None]:
        """Do not count the flow as running in this context: it waits for other flows, which are counted."""
        self._count(-1)
        try:
            yield
        finally:
            self._count(1)

    def sleep(
        self,
        seconds: float,
        cancel: threading.Event | None = None,
        waker: Waker | None = None,
        *,
        idle: bool = False,
    ) -> None:
        """Return when the clock has moved by `seconds`, soon after `cancel` is set, or when `waker` is roused.

        The clock does not move for an idle sleeper alone.
        """
        woken = threading.Event()
        with self._sleeper(seconds, woken.set, cancel, waker, idle=idle) as sleeper:
            self._move_if_all_sleep()
            while not sleeper.awake:
                if woken.wait(_CANCEL_CHECK if sleeper is self._watcher else None):
                    woken.clear()
                else:
                    with self._lock:
                        self._rouse_cancelled()

    async def asleep(self, seconds: float, waker: Waker | None = None, *, idle: bool = False) -> None:
        """Return when the clock has moved by `seconds`, or when `waker` is roused.

        The clock does not move for an idle sleeper alone.
        """
        loop = asyncio.get_running_loop()
        woken = asyncio.Event()
        with self._sleeper(seconds, lambda: loop.call_soon_threadsafe(woken.set), None, waker, idle=idle):
            self._move_soon()
            await woken.wait()

    @contextmanager
    def _sleeper(
        self,
        seconds: float,
        wake: Callable[[], object],
        cancel: threading.Event | None,
        waker: Waker | None,
        *,
        idle: bool,
    ) -> Generator[_Sleeper, None, None]:
        sleeper = _Sleeper(wake, cancel, idle)
        with self._lock:
            heapq.heappush(self._asleep, (self._now + max(0.0, seconds), next(self._order), sleeper))
            self._running -= 1
            self._waiting += not idle
            if cancel is not None:
                self._cancels.setdefault(cancel, {})[sleeper] = None
                self._watcher = self._watcher or sleeper
        try:
            if waker is not None:
                waker.wake = lambda: self._rouse_now(sleeper)
                if waker.roused:
                    self._rouse_now(sleeper)
            yield sleeper
        except BaseException:
            self._give_up(sleeper)
            raise
        finally:
            if waker is not None:
                waker.wake = None

    def _rouse_now(self, sleeper: _Sleeper) -> None:
        with self._lock:
            self._rouse(sleeper)

    def _give_up(self, sleeper: _Sleeper) -> None:
        """Count a sleeper as running again that will not be woken."""
        with self._lock:
            if not sleeper.awake:
                self._count_awake(sleeper)

    def _count_awake(self, sleeper: _Sleeper) -> None:
        sleeper.awake = True
        self._running += 1
        self._waiting -= not sleeper.idle
        if sleeper.cancel is None:
            return
        sleepers = self._cancels[sleeper.cancel]
        del sleepers[sleeper]
        if not sleepers:
            del self._cancels[sleeper.cancel]
        if sleeper is self._watcher:
            # One thread checks the events of all: if each did, they would do little else. Another one goes on.
            self._watcher = next((each for others in self._cancels.values() for each in others), None)
            if self._watcher is not None:
                self._watcher.wake()

    def _count(self, change: int) -> None:
        with self._lock:
            self._running += change
        if change < 0:
            self._move_soon()

    def _move_soon(self) -> None:
        """Move the clock now; in an event loop only after the tasks that are ready have run: they may sleep next."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._move_if_all_sleep()
        else:
            loop.call_soon(self._move_if_all_sleep)

    def _move_if_all_sleep(self) -> None:
        with self._lock:
            if self._running > 0 or not self._waiting:
                return
            # Wake cancelled sleepers first: otherwise they would notice it only after the clock has moved.
            self._rouse_cancelled()
            if self._running <= 0 and (moment := self._next_moment()) is not None and moment < math.inf:
                self._wake(moment)

    def _rouse_cancelled(self) -> None:
        for cancel in [cancel for cancel in self._cancels if cancel.is_set()]:
            for sleeper in list(self._cancels[cancel]):
                self._rouse(sleeper)

    def _next_moment(self) -> float | None:
        """Return the earliest wake-up time, and remove sleepers that are awake already."""
        while self._asleep and self._asleep[0][2].awake:
            heapq.heappop(self._asleep)
        return self._asleep[0][0] if self._asleep else None

    def _wake(self, moment: float) -> None:
        """Move to a moment and wake the sleepers that are due then."""
        self._now = max(self._now, moment)
        while self._next_moment() == moment:
            self._rouse(heapq.heappop(self._asleep)[2])

    def _rouse(self, sleeper: _Sleeper) -> None:
        if not sleeper.awake:
            # Counted here, not when it runs, or the clock would move on without it.
            self._count_awake(sleeper)
            sleeper.wake()
