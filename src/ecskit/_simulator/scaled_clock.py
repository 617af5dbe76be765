"""The wall clock at a chosen speed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ecskit._drive.clock import Clock, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable


class ScaledClock:
    """Return a time that passes faster or slower than real time. Call the clock to read it.

    Args:
        speed: Seconds of this clock per real second. Default 1.
        start: The first time of this clock, in seconds since the epoch. Default: the wall clock's time.
        monotonic: Returns real seconds. Default `time.monotonic`.

    Raises:
        ValueError: The speed is not positive.
    """

    def __init__(
        self, *, speed: float = 1.0, start: float | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be positive: {speed}")
        self._speed = speed
        self._monotonic = monotonic
        self._began = monotonic()
        self._start = time.time() if start is None else start

    def __call__(self) -> float:
        """Return the time of this clock, in seconds since the epoch."""
        return self._start + (self._monotonic() - self._began) * self._speed

    def _for_clients(self) -> Clock:
        """Return the clock with which the waits of clients sleep at this speed."""
        return _ClientClock(self)


class _ClientClock(SystemClock):
    """The clock of the machine at another speed."""

    def __init__(self, scaled: ScaledClock) -> None:
        self.speed, self._scaled = scaled._speed, scaled

    def epoch(self) -> float:
        return self._scaled()
