"""The polls that the waits of a client need, and which of them one call serves.

Polls are chosen by how much they are needed: those that are latest in proportion to their intervals come first.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence, Set as AbstractSet
from typing import Any, TypeAlias

import attrs

from ecskit._core.effects import Observe, Reply, Waker
from ecskit._polling.batches import Target
from ecskit._polling.observations import Observations

__all__ = ["Feed", "PollQueue", "PollRequest"]

_OVERDUE_AFTER = 30.0
"""A poll that is due for longer than this, and than its interval, comes before the others."""
_LAST, _OVERDUE = 1e9, 1e6
"""What is added to the share of the interval that has passed, for the last poll of a wait and for an overdue one."""

Feed: TypeAlias = "tuple[object, str]"
"""How polls read resources, and their scope, such as a cluster: rules of EventBridge are for a cluster, or for all."""


@attrs.define(eq=False)
class PollRequest:
    """A poll that a wait needs."""

    observe: Observe
    waker: Waker
    """Roused when there is a reply, or when this wait becomes the leader."""
    ids: Mapping[str, AbstractSet[str]]
    """The ids to read, by scope."""
    by: float
    """The monotonic time after which the poll is left out, if the budget does not allow it before."""
    after: float
    due: float
    """From when on a poll of another wait counts, and when it is due: later than asked for while events flow."""
    at_once: bool = False
    """Whether it was due when it was added."""
    concerned: Sequence[Target] = ()
    """What events have to be about to concern this poll, for each id, while sources of events are open."""
    news: dict[str, Any] = attrs.field(factory=dict)
    """What events have shown of the resources, by id."""
    news_at: float = -math.inf
    """From when on events are a reply: those about many resources are collected."""
    reply: Reply[Observations[Any]] | None = None
    taken_until: float = -math.inf
    """Until when a leader is expected to return the reply."""
    polled_at: float = math.inf
    """When the poll began that gave the reply."""

    def feeds(self) -> set[Feed]:
        """Return the feeds of events that concern it."""
        return {(self.observe.query.describes, target.scope) for target in self.concerned}

    def is_open(self, now: float) -> bool:
        """Whether it has no reply, and none is under way."""
        return self.reply is None and self.taken_until <= now

    def has_news(self, now: float) -> bool:
        """Whether what events have shown is a reply now. The last poll before the deadline decides."""
        return bool(self.news) and self.news_at <= now < self.observe.deadline and self.is_open(now)

    def lateness(self, now: float) -> float:
        """Return how much the poll is needed: the share of its interval that has passed.

        The last polls of waits that reach their deadline come before all others. Then come those that are overdue, in
        the order of their times: none of them waits for ever.
        """
        observe = self.observe
        waited, interval = now - observe.born, self.due - observe.born
        if waited >= interval:
            if now >= self.due >= observe.deadline:
                return waited + _LAST
            if waited > interval and waited > _OVERDUE_AFTER:
                return waited + _OVERDUE
        return waited / interval if interval > 0 else 1 + waited


class PollQueue:
    """The requests that can share calls, and the leader that is about to poll for them."""

    def __init__(self) -> None:
        self.requests: dict[PollRequest, None] = {}
        self.scopes: set[str] = set()
        """The scopes of all requests that have been here."""
        self.leader: PollRequest | None = None
        self.leads_until = -math.inf
        self._behind: dict[PollRequest, None] = {}
        """Requests that are due, and wait until the leader has polled."""
        self._next: PollRequest | None = None
        """The wait that was woken to lead next."""

    def remove(self, request: PollRequest) -> None:
        """Remove a request. If it was the leader, or woken to lead, another one is woken."""
        del self.requests[request]
        self._behind.pop(request, None)
        if request is self.leader or (self.leader is None and request is self._next):
            self.rouse_next()

    def lead(self, request: PollRequest, now: float, leads_until: float) -> float:
        """Make a request the leader and return `now`, or return until when there is another one, which wakes it."""
        if self.leader not in (None, request) and self.leads_until > now:
            self._behind[request] = None
            return self.leads_until
        self._behind.pop(request, None)
        self.leader, self.leads_until = request, leads_until
        return now

    def take(self, now: float) -> list[PollRequest]:
        """Return the requests to poll for in one call. A request that needs more than a call gets as many as it needs.

        Polls count that are at most half of their interval early, so that calls are full. All replies come after the
        last call, so requests that need fewer calls are left for other leaders.
        """
        ready = [
            each for each in [*self.requests] if each.after <= now and each.reply is None and each.taken_until <= now
        ]
        if len(ready) <= 1:
            return self._taken(ready)
        ranks = [each.lateness(now) for each in ready]
        first = ready[ranks.index(max(ranks))]
        size: int = first.observe.query.batch_size
        held = {scope: set(ids) for scope, ids in first.ids.items()}
        calls = _calls(held, size)
        batch = {first: None}
        if len(self.scopes) > 1:
            ready = [each for each in ready if each.ids.keys() <= held.keys()]
            ranks = [each.lateness(now) for each in ready]
        # If those that are needed most leave room, as many waits for the same task do, any other one may join.
        for candidates in (_first(calls * size + 1, ready, ranks), ready):
            for each in candidates:
                fits = all(
                    len(held[scope] | ids) <= -(-len(held[scope]) // size) * size for scope, ids in each.ids.items()
                )
                if fits and calls <= _calls(each.ids, size):
                    batch[each] = None
                    for scope, ids in each.ids.items():
                        held[scope] |= ids
            if not any(len(ids) % size for ids in held.values()):
                break
        return self._taken(list(batch))

    def _taken(self, batch: list[PollRequest]) -> list[PollRequest]:
        for each in batch:
            self._behind.pop(each, None)
        return batch

    def rouse_next(self) -> None:
        """Wake a wait that is behind the leader: it leads next."""
        self.leader = self._next = None
        while self._behind:
            request = next(iter(self._behind))
            del self._behind[request]
            request.waker.rouse()
            if request.waker.wake is not None:  # otherwise its consumer holds an item, and may not come back soon
                self._next = request
                return


def _first(count: int, requests: Sequence[PollRequest], ranks: Sequence[float]) -> list[PollRequest]:
    """Return some requests with the highest ranks, the highest first."""
    # There may be thousands: tuples of all of them would keep the garbage collector busy.
    least = heapq.nlargest(count, ranks)[-1]
    places = [place for place, rank in enumerate(ranks) if rank >= least]
    return [requests[place] for place in heapq.nlargest(count, places, key=ranks.__getitem__)]


def _calls(ids_of_scopes: Mapping[str, AbstractSet[str]], size: int) -> int:
    """Return how many calls read some ids."""
    return sum(-(-len(ids) // size) for ids in ids_of_scopes.values())
