"""The way of the messages of a session, in one direction: they take time, and faults disturb them."""

from __future__ import annotations

import heapq
import itertools
import math
from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.disturbances import Disturbances

if TYPE_CHECKING:
    from random import Random

__all__ = ["ChannelFaults", "Way"]


@attrs.frozen(kw_only=True)
class ChannelFaults(Disturbances):
    """What happens to the messages of sessions, in each direction. `Simulator.disturb_exec` describes the fields."""

    late: tuple[float, float] = (0.02, 0.02)
    twice: float = 0.0
    lost: float = 0.0
    seed: int = 0
    cut: float = 0.0
    cut_at: tuple[float, ...] = ()

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if not 0 <= self.cut <= 1:
            raise ValueError(f"cut must be a share from 0 to 1: {self.cut!r}")


class Way:
    """The way of messages in one direction, with faults."""

    def __init__(self, faults: ChannelFaults, random: Random) -> None:
        self._faults, self._random = faults, random
        self._on_the_way: list[tuple[float, int, bytes]] = []
        self._order = itertools.count()
        self._latest = -math.inf

    def put(self, message: bytes, now: float, *, ordered: bool = False) -> None:
        """Send a message on its way. One that is `ordered` arrives once, and after all before it."""
        copies = 1
        if not ordered and self._random.random() < self._faults.lost:
            copies = 0
        elif not ordered:
            copies += self._random.random() < self._faults.twice
        for _ in range(copies):
            arrival = now + self._random.uniform(*self._faults.late)
            if ordered:
                arrival = max(arrival, self._latest)
            self._latest = max(self._latest, arrival)
            heapq.heappush(self._on_the_way, (arrival, next(self._order), message))

    def take(self, now: float) -> list[bytes]:
        """Remove and return what has arrived."""
        taken: list[bytes] = []
        while self._on_the_way and self._on_the_way[0][0] <= now:
            taken.append(heapq.heappop(self._on_the_way)[2])
        return taken

    def next_moment(self) -> float:
        """Return when the next message arrives."""
        return self._on_the_way[0][0] if self._on_the_way else math.inf

    def clear(self) -> None:
        """Lose all messages on the way."""
        self._on_the_way.clear()
