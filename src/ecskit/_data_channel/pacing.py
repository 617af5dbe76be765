"""How many packets a second a stream sends, and after which time it sends one again."""

from __future__ import annotations

import math

__all__ = ["Pace", "RoundTrip"]

_ROUNDING = 1e-3
"""Packets by which a sum may be off, because times are rounded."""


class Pace:
    """A token bucket. In any second it grants at most `per_second` packets, all bursts included.

    AWS ends connections with more than 1,000 packets a second, acknowledgements included.

    Args:
        per_second: How many packets are granted in any second.
        burst: How many of these are granted at once. The others are spread evenly over the second.
    """

    def __init__(self, per_second: int = 900, burst: int = 50) -> None:
        self._burst = float(burst)
        self._rate = float(per_second - burst)
        self._tokens = self._burst
        self._at = -math.inf

    def granted(self, now: float) -> int:
        """Return how many packets may be sent now."""
        if now > self._at:
            gained = (now - self._at) * self._rate
            self._tokens, self._at = min(self._burst, self._tokens + gained), now
        return max(0, int(self._tokens + _ROUNDING))

    def take(self, packets: int, now: float) -> None:
        """Take in that packets are sent now."""
        self.granted(now)
        self._tokens -= packets

    def ready_at(self, packets: int) -> float:
        """Return the time at which so many packets are granted, or as many as are granted at once."""
        missing = min(float(packets), self._burst) - self._tokens
        return self._at + missing / self._rate if missing > 0 else self._at


class RoundTrip:
    """An estimate of the time until an acknowledgement arrives, as TCP makes it.

    Source: https://github.com/aws/session-manager-plugin, src/config/config.go
    """

    def __init__(self) -> None:
        self._mean = 0.1
        self._variation = 0.0
        self.timeout = 0.2
        """Seconds after which a message without acknowledgement is sent again."""

    def measure(self, seconds: float) -> None:
        """Take in how long the acknowledgement of a message took that was sent once."""
        self._variation += (abs(self._mean - seconds) - self._variation) / 4
        self._mean += (seconds - self._mean) / 8
        self.timeout = min(1.0, self._mean + max(0.01, 4 * self._variation))
