"""The turns of requests: all flows of a client send them at the pace that the quotas of ECS allow.

Other programs use the same quotas, so ECS may throttle a request all the same. It is then repeated.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from functools import partial

import attrs

from .effects import Flow, Share, Sleep
from .quotas import QUOTA_OF, Quota

__all__ = ["Turns", "await_turn"]

_KEPT = 1
"""Tokens of each burst that are not used: requests may arrive closer together than they are sent."""
_ROUNDING = 1e-6
"""Tokens by which a sum may be off."""
_SHORTEST, _LONGEST = 0.001, 5.0
"""Seconds between two checks of a line. It may have become shorter meanwhile, because requests were cancelled."""


@attrs.define(eq=False)
class Place:
    """The place of a request in the lines of its quotas. It enters each line after its turn in the one before."""

    costs: Mapping[Quota, float]
    """The tokens that it takes, the slowest quota first."""
    first: bool
    """Whether it goes before the others in each line."""
    behind: dict[Quota, float] = attrs.field(factory=dict[Quota, float])
    """The tokens that have to leave each line before it."""


@attrs.define(eq=False)
class _Line:
    """The requests that wait for the tokens of one quota. Those that go first are in front, each in its order."""

    quota: Quota
    tokens: float
    now: float
    joined: dict[bool, float] = attrs.field(factory=lambda: {True: 0.0, False: 0.0})
    """The tokens of all requests that have ever joined the line: of those that go first, and of the others."""
    left: dict[bool, float] = attrs.field(factory=lambda: {True: 0.0, False: 0.0})
    """The tokens of those that have left it, sent or cancelled."""

    def missing(self, place: Place, now: float) -> float:
        """Return how many tokens are missing before the turn of a request, which joins the line if it is not in it."""
        gained = max(0.0, now - self.now) * self.quota.per_second
        self.tokens, self.now = min(_most(self.quota), self.tokens + gained), max(now, self.now)
        cost, first = place.costs[self.quota], place.first
        if self.quota not in place.behind:
            place.behind[self.quota] = self.joined[first]
            self.joined[first] += cost
        ahead = max(0.0, place.behind[self.quota] - self.left[first])
        if not first:
            ahead += self.joined[True] - self.left[True]
        return ahead + min(cost, _most(self.quota)) - self.tokens


class Turns:
    """The lines of a client. Threads use `take` one at a time; anyone may append to `ended`."""

    def __init__(self) -> None:
        self.ended: deque[Place] = deque()
        """Requests that left before their turn."""
        self._lines: dict[Quota, _Line] = {}

    def take(self, place: Place, now: float) -> float:
        """Take the tokens of a request and return 0; if it has to wait, return for how many seconds."""
        while self.ended:
            self._leave(self.ended.popleft())
        for quota in place.costs:
            line = self._lines.setdefault(quota, _Line(quota, _most(quota), now))
            missing = line.missing(place, now)
            if missing > _ROUNDING:
                return max(_SHORTEST, min(_LONGEST, missing / quota.per_second))
        for quota, cost in place.costs.items():
            self._lines[quota].tokens -= cost
        self._leave(place)
        return 0.0

    def _leave(self, place: Place) -> None:
        for quota in place.behind:
            self._lines[quota].left[place.first] += place.costs[quota]


def _most(quota: Quota) -> float:
    """Return the tokens of a full bucket that are used."""
    return max(1.0, quota.burst - _KEPT)


def await_turn(names: Mapping[str, float], *, first: bool = False) -> Flow[float]:
    """Wait until the quotas allow a request, count it, and return for how many seconds it had to wait.

    Args:
        names: The tokens that it takes, by operation or other name of a quota. Those without a quota are not counted.
        first: Whether it goes before others that wait: a repeated request, or one that cleans up.
    """
    costs = {QUOTA_OF[name]: cost for name, cost in names.items() if name in QUOTA_OF}
    if not costs:
        return 0.0
    place = Place(dict(sorted(costs.items(), key=_slowest)), first)
    reply = yield Share(Turns)
    turns: Turns = reply.get()
    began, taken = reply.now, False
    try:
        while True:
            seconds: float = (yield Share(Turns, partial(Turns.take, place=place, now=reply.now))).get()
            if not seconds:
                taken = True
                return reply.now - began
            reply = yield Sleep(seconds)
    finally:
        if not taken:
            turns.ended.append(place)


def _slowest(cost: tuple[Quota, float]) -> float:
    quota, tokens = cost
    return quota.per_second / tokens
