"""The speed of a clock that moves by itself, for what takes real time: connections, requests, and other programs."""

from __future__ import annotations

import attrs

__all__ = ["RealPace"]


@attrs.frozen
class RealPace:
    """How fast a clock is that moves by itself: what takes no time in the process takes some of its seconds.

    Args:
        speed: Seconds of the clock per real second; 1 also for a virtual clock.
    """

    speed: float = 1.0

    @property
    def waits_for_clients(self) -> bool:
        """Whether a session begins with the first connection in place of ExecuteCommand. Connecting takes real time."""
        return self.speed > 1

    def limit(self, seconds: float) -> float:
        """Return a time limit for the other end in seconds of the clock: no fewer real seconds than on a slow clock."""
        return seconds * max(1.0, self.speed)
