"""How long to leave ECS alone before the same thing is asked again."""

from __future__ import annotations

from .effects import DrawRandom, Flow, Sleep

__all__ = ["ATTEMPTS", "back_off"]

ATTEMPTS = 6
"""How often a request is sent that may succeed later, the SDK's own retries of each not counted: for about 30 s."""
_FIRST, _LONGEST = 1.0, 15.0
_SPREAD = 0.5
"""How much of a nap is chance: those who were throttled together should not come back together."""


def back_off(attempt: int, *, until: float = float("inf"), longest: float = _LONGEST) -> Flow[float]:
    """Sleep after the given attempt, counted from 1, at the latest to the monotonic time `until`; return the time."""
    drawn: int = (yield DrawRandom()).get()
    seconds = min(longest, _FIRST * 2 ** min(attempt - 1, 10)) * (1 - _SPREAD * drawn / 2**128)
    now = (yield Sleep(0)).now
    return (yield Sleep(max(0.0, min(seconds, until - now)))).now
