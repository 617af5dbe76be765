"""The clock of a simulator that is driven by the wall: real time, faster if wished.

Decides nothing but arithmetic; the source of time is an argument.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class ScaledClock:
    """Tell the time of a world in which a second passes faster (or slower) than outside.

    Args:
        speed: Seconds that pass inside per second outside. Default 1.
        start: The time at which the inside begins, in epoch seconds. Default: the wall clock's time.
        monotonic: Where outside seconds come from. Default `time.monotonic`.

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
        """Return the time inside, in seconds since the epoch."""
        return self._start + (self._monotonic() - self._began) * self._speed
