"""A virtual clock that stops at what is delivered on the way to the next sleeper.

Deliveries do not move the clock: it moves when all flows sleep, as without them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ecskit._simulator.virtual_clock import EPOCH, VirtualClock

if TYPE_CHECKING:
    from ecskit._simulator.event_delivery import Deliveries

__all__ = ["EventClock"]


class EventClock(VirtualClock):
    """The clock of a simulator. Whoever holds its lock may take that of the simulator, but not the reverse."""

    def __init__(self) -> None:
        super().__init__()
        self.deliveries: Deliveries | None = None

    def advance(self, seconds: float) -> None:
        """Move the clock, and wake the sleepers and deliver the events that are due on the way.

        Raises:
            ValueError: `seconds` is negative.
        """
        with self._lock:
            end = self._now + seconds
            while (due := self._next_delivery()) is not None and due <= end:
                super().advance(due - self._now)
                self._deliver(due)
            super().advance(end - self._now)

    def _wake(self, moment: float) -> None:
        while (due := self._next_delivery()) is not None and due <= moment:
            self._deliver(due)
            if self._running > 0:
                return  # a receiver got events: the clock stands until it waits for the next ones
        super()._wake(moment)

    def _next_delivery(self) -> float | None:
        moment = self.deliveries.next_moment() if self.deliveries is not None else None
        if moment is None:
            return None
        due = moment - EPOCH
        if EPOCH + due < moment:
            due += math.ulp(moment)  # it was rounded down, and would not be due then
        return max(due, self._now)

    def _deliver(self, due: float) -> None:
        self._now = max(self._now, due)
        if self.deliveries is not None:
            self.deliveries.deliver()
