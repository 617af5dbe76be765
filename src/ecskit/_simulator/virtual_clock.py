"""A clock that moves only when everybody waits for it, and then at once.

Flows are counted while they run. When all of them sleep, the clock moves to the earliest moment that one of them wants
to wake up at: ten concurrent waits of a minute take a minute of this clock and no time at all of the machine's. It
serves threads and tasks of an event loop, also at the same time.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

import attrs

__all__ = ["VirtualClock"]

EPOCH = 1_750_000_000.0
"""Seconds since the epoch when a virtual clock starts: a fixed moment, so that runs are alike."""

_CANCEL_CHECK = 0.005
"""Seconds of the machine's time between looks at a `cancel` event, which cannot wake a sleeper by itself."""


@attrs.define(eq=False)
class _Sleeper:
    wake: Callable[[], object]
    cancel: threading.Event | None = None
    awake: bool = False


class VirtualClock:
    """Time that passes in leaps. Starts at 0 s."""

    def __init__(self) -> None:
        self._now = 0.0
        self._running = 0
        self._asleep: list[tuple[float, int, _Sleeper]] = []
        self._order = itertools.count()
        self._lock = threading.RLock()

    def now(self) -> float:
        """Return the seconds that have passed on this clock."""
        return self._now

    def epoch(self) -> float:
        """Return the time of this clock in seconds since the epoch."""
        return EPOCH + self._now

    def advance(self, seconds: float) -> None:
        """Move the clock by hand, past sleepers that are due on the way.

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
        """Count a flow as running in this context. A test holds the clock still with it while it starts threads.

        Each context counts: a thread that holds the clock and then waits on it itself would wait for ever, unless it
        does so inside `elsewhere`.
        """
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    @contextmanager
    def elsewhere(self) -> Generator[None, None, None]:
        """Do not count the flow in this context: it waits for others that are counted."""
        self._count(-1)
        try:
            yield
        finally:
            self._count(1)

    def sleep(self, seconds: float, cancel: threading.Event | None = None) -> None:
        """Return when the clock has moved by `seconds`, or soon after `cancel` is set."""
        woken = threading.Event()
        with self._sleeper(seconds, woken.set, cancel) as sleeper:
            self._move_if_all_sleep()
            while not woken.wait(_CANCEL_CHECK if cancel else None):
                if cancel and cancel.is_set():
                    self._give_up(sleeper)
                    return

    async def asleep(self, seconds: float) -> None:
        """Return when the clock has moved by `seconds`."""
        loop = asyncio.get_running_loop()
        woken = asyncio.Event()
        with self._sleeper(seconds, lambda: loop.call_soon_threadsafe(woken.set)):
            self._move_soon()
            await woken.wait()

    @contextmanager
    def _sleeper(
        self, seconds: float, wake: Callable[[], object], cancel: threading.Event | None = None
    ) -> Generator[_Sleeper, None, None]:
        sleeper = _Sleeper(wake, cancel)
        with self._lock:
            heapq.heappush(self._asleep, (self._now + max(0.0, seconds), next(self._order), sleeper))
            self._running -= 1
        try:
            yield sleeper
        except BaseException:
            self._give_up(sleeper)
            raise

    def _give_up(self, sleeper: _Sleeper) -> None:
        """Count a sleeper as running again that is not going to be woken."""
        with self._lock:
            if not sleeper.awake:
                sleeper.awake = True
                self._running += 1

    def _count(self, change: int) -> None:
        with self._lock:
            self._running += change
        if change < 0:
            self._move_soon()

    def _move_soon(self) -> None:
        """Move now; in an event loop not before tasks that are ready have had a turn: they may be about to sleep."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._move_if_all_sleep()
        else:
            loop.call_soon(self._move_if_all_sleep)

    def _move_if_all_sleep(self) -> None:
        with self._lock:
            if self._running > 0:
                return
            # Those who are to stop sleeping do so now: they would notice only after the clock has moved.
            for sleeper in [s for _, _, s in self._asleep if s.cancel is not None and s.cancel.is_set()]:
                self._rouse(sleeper)
            if self._running <= 0 and (moment := self._next_moment()) is not None:
                self._wake(moment)

    def _next_moment(self) -> float | None:
        """Return when the first sleeper wants to wake up, forgetting those that have given up: time is not theirs."""
        while self._asleep and self._asleep[0][2].awake:
            heapq.heappop(self._asleep)
        return self._asleep[0][0] if self._asleep else None

    def _wake(self, moment: float) -> None:
        """Move to a moment and wake everybody who wants to wake up then."""
        self._now = max(self._now, moment)
        while self._next_moment() == moment:
            self._rouse(heapq.heappop(self._asleep)[2])

    def _rouse(self, sleeper: _Sleeper) -> None:
        if not sleeper.awake:
            # Counted here, not when it gets its turn, or the clock would move on without it.
            sleeper.awake = True
            self._running += 1
            sleeper.wake()
