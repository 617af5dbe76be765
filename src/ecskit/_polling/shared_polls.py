"""Polls that the waits of a client share: one request serves the waits that need a poll now or soon.

A wait that needs a poll adds a `PollRequest`. The wait whose poll is due first is the polling leader: in its own flow
it polls for as many waits as fit into a request, and wakes them with what it read. There is no thread and no task for
it. A leader that is cancelled hands over to another wait.
"""

from __future__ import annotations

import heapq
import logging
import math
from collections.abc import Callable, Mapping, Sequence, Set as AbstractSet
from threading import RLock
from typing import Any

import attrs

from ecskit._core.effects import Flow, Observe, Reply, Share, Sleep, Waker
from ecskit._core.errors import EcsError, TimedOutError, WrongEventLoopError
from ecskit._polling.batches import DEADLINE_SLACK, Target
from ecskit._polling.budget import PollBudget
from ecskit._polling.observations import LEFT_OUT, Observations
from ecskit._polling.received_events import LATE_EVENT, Feed, ReceivedEvents, Reported
from ecskit._polling.together import Meter, together

__all__ = ["PollRequest", "SharedPolls", "poll", "poll_next", "reply_of"]

log = logging.getLogger("ecskit")

LONGEST_INTERVAL = 30.0
"""A poll that is due for longer than this, and than its interval, comes before the others."""
_LEADING = 30.0
"""Seconds by which a leader may poll later than it announced. After that it counts as dead, and another one leads."""
_POLLING = 120.0
"""Seconds after its latest request when the poll of a leader counts as lost: another one is sent."""
_MOMENT = 1e-3
"""Seconds by which a wait outlasts the time up to which its poll may come."""
_LATE = 1.0
"""Stories count polls that begin this many seconds late."""
_LAST, _OVERDUE = 1e9, 1e6
"""What is added to the share of the interval that has passed, for the last poll of a wait and for an overdue one."""


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
            if waited > interval and waited > LONGEST_INTERVAL:
                return waited + _OVERDUE
        return waited / interval if interval > 0 else 1 + waited


class _Queue:
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
        if not ready:
            return []
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
        for each in batch:
            self._behind.pop(each, None)
        return list(batch)

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


class SharedPolls:
    """The poll requests of one client. Threads use it at the same time."""

    def __init__(self) -> None:
        # Reentrant: the garbage collector may close an iterator, which removes its requests, anywhere.
        self.lock = RLock()
        self._queues: dict[object, _Queue] = {}
        self.events = ReceivedEvents()

    def after_fork(self) -> None:
        """Replace the lock, and wake no thread of the parent: a child may still close iterators that it has copied."""
        self.lock, self.events = RLock(), ReceivedEvents(number=self.events.number)
        for queue in self._queues.values():
            queue.leader = None
            for request in queue.requests:
                request.waker = Waker()

    def add(self, observe: Observe, waker: Waker, now: float) -> PollRequest:
        """Add a request. `remove` it in the end."""
        by = max(observe.deadline, now) + DEADLINE_SLACK
        ids: dict[str, set[str]] = {}
        for target in observe.query.targets(observe.ids):
            ids.setdefault(target.scope, set()).add(target.id)
        request = PollRequest(observe, waker, ids, by, observe.after, observe.due)
        with self.lock:
            queue = self._queues.get(observe.query.kind) or _Queue()
            queue.requests[request] = None
            queue.scopes.update(ids)
            self._queues[observe.query.kind] = queue
            if self.events.sources:
                self.events.follow(request, now)
        return request

    def remove(self, request: PollRequest) -> None:
        """Remove a request. If it was the leader, another one is."""
        kind = request.observe.query.kind
        with self.lock:
            queue = self._queues[kind]
            queue.remove(request)
            self.events.leave(request)
            if not queue.requests:
                self._queues.pop(kind, None)

    def lead(self, request: PollRequest, now: float, seconds: float = 0.0) -> float:
        """Make a request the leader of its queue and return `now`, or return until when there is another leader.

        Args:
            request: The request.
            now: The monotonic time.
            seconds: How long it will sleep before it polls.
        """
        with self.lock:
            queue = self._queues[request.observe.query.kind]
            return queue.lead(request, now, now + seconds + _LEADING)

    def take(self, leader: PollRequest, now: float) -> list[PollRequest]:
        """Return the requests to poll for, and let another wait lead the next call."""
        with self.lock:
            queue = self._queues[leader.observe.query.kind]
            batch = queue.take(now)
            for each in batch:
                each.taken_until, each.polled_at = now + _POLLING, now
            queue.rouse_next()
        return batch

    def answer(self, request: PollRequest, reply: Reply[Observations[Any]]) -> None:
        """Give a request its reply."""
        if self.events.sources and reply.value is not None:
            with self.lock:
                self.events.learn(reply.value.observed.values())
                self.events.expect(request, reply.value, reply.now)
                if self.events.error is not None:
                    reply = attrs.evolve(reply, value=attrs.evolve(reply.value, events_error=self.events.error))
        request.reply = reply
        request.waker.rouse()

    def answer_by_events(self, request: PollRequest, now: float) -> bool:
        """Let what events have shown be the reply to a request. Return whether there is anything."""
        if not request.has_news(now):
            return False
        with self.lock:
            request.reply = Reply(now, Observations(request.news, {}, by_event=True, merged=self.events.number))
        return True

    def step_down(self, leader: PollRequest) -> None:
        """Let another wait lead, because the leader goes on with events."""
        with self.lock:
            queue = self._queues[leader.observe.query.kind]
            if queue.leader is leader:
                queue.rouse_next()

    def begin_events(self, now: float) -> None:
        """Follow the events of one more source."""
        with self.lock:
            self.events.sources += 1
            if self.events.sources == 1:
                for request in self._requests():
                    self.events.follow(request, now)

    def end_events(self, now: float) -> None:
        """Follow the events of one source less."""
        with self.lock:
            self.events.sources -= 1
            if not self.events.sources:
                self._restore_pace(now)
                self.events.forget()

    def receive(self, reports: Sequence[Reported], age: float, now: float) -> None:
        """Pass on what events are about to the waits that poll it.

        Args:
            reports: What the events are about.
            age: How many seconds the oldest of them was in the queue.
            now: The monotonic time.
        """
        with self.lock:
            self.events.receive(reports, age, now)
            missing = self.events.missing(now)
            if age > LATE_EVENT or missing:
                self._restore_pace(now, missing if age <= LATE_EVENT else None)
        for (_, scope), pause in missing.items():
            log.warning("no event of a change in %s has arrived; for %.0f s, polls go on as without", scope, pause)

    def fail_events(self, error: Exception, now: float) -> None:
        """Let polls go on at their own pace, because a source of events failed."""
        with self.lock:
            self.events.stop()
            self.events.error = error
            self._restore_pace(now)

    def _requests(self) -> list[PollRequest]:
        return [request for queue in [*self._queues.values()] for request in [*queue.requests]]

    def _restore_pace(self, now: float, feeds: Mapping[Feed, object] | None = None) -> None:
        """Let polls be due when their waits asked for them, or now: all of them, or those that some feeds concern."""
        for request in self._requests():
            observe = request.observe
            due = max(observe.due, now)
            if request.due > due and (feeds is None or feeds.keys() & request.feeds()):
                request.due, request.after = due, observe.after
                request.waker.rouse()

    def renew(self, batch: Sequence[PollRequest], now: float) -> None:
        """Record that the poll of a batch goes on: it is about to send a request at a monotonic time."""
        with self.lock:
            for each in batch:
                if each.reply is None:
                    each.taken_until = now + _POLLING

    def untake(self, batch: Sequence[PollRequest]) -> None:
        """Release the requests that were taken and have no reply, because their leader was interrupted."""
        with self.lock:
            for each in batch:
                if each.reply is None:
                    each.taken_until = -math.inf
                    each.waker.rouse()


def poll(observe: Observe) -> Flow[Reply[Observations[Any]]]:
    """Return the next poll of some resources, or its error: of its own, or of another wait of this client."""
    polled: Reply[Observations[Any]] = yield observe
    if polled.value is not None or polled.error is not None:
        return polled  # by an outer flow
    reply: Reply[SharedPolls] = yield Share(SharedPolls)
    shared, now = reply.get(), reply.now
    request = shared.add(observe, Waker(), now)
    try:
        while request.reply is None:
            now = yield from poll_next(shared, [request], now)
        return reply_of(request)
    except EcsError as error:
        return Reply(now, error=error)
    finally:
        shared.remove(request)


def reply_of(request: PollRequest) -> Reply[Observations[Any]]:
    """Return the reply to a request that has one, with the seconds that the poll was late."""
    reply = request.reply
    assert reply is not None  # the caller has checked it
    late = request.polled_at - max(request.due, request.observe.born)
    if reply.value is None or not _LATE < late < math.inf:
        return reply
    return attrs.evolve(reply, value=attrs.evolve(reply.value, late=late))


def poll_next(shared: SharedPolls, requests: Sequence[PollRequest], now: float, until: float = math.inf) -> Flow[float]:
    """Return when one of some requests may have a reply, or at `until`. Poll if one is due. Return the time.

    Args:
        shared: The requests of the client.
        requests: Requests of one flow, which share a waker.
        now: The monotonic time.
        until: When to return in any case, in monotonic seconds.
    """
    waker = requests[0].waker
    waker.roused = False  # before the replies are read: one that comes later rouses it again
    due: list[PollRequest] = []
    for request in requests:
        if request.reply is not None or shared.answer_by_events(request, now):
            return now
        if request.news and request.news_at > now:
            until = min(until, request.news_at)
        if request.taken_until > now:
            until = min(until, request.taken_until)
        elif request.due > now:
            until = min(until, request.due)
        else:
            due.append(request)
    for request in due:
        leads_until = shared.lead(request, now)
        if leads_until <= now:
            others = (each.by + _MOMENT for each in due if each is not request)
            return (yield from _lead(shared, request, requests, now, min(until, *others, math.inf)))
        if now > request.by:
            _leave_out(request, now)
            return now
        until = min(until, leads_until, request.by + _MOMENT)
    return (yield Sleep(max(0.0, until - now), waker)).now


def _lead(
    shared: SharedPolls, leader: PollRequest, requests: Sequence[PollRequest], now: float, until: float
) -> Flow[float]:
    """Poll for all waits that are due or nearly so, as far as one call goes. Return the time.

    Until the budget allows the call, a reply or an event for one of the requests, or `until`, ends it without a poll.
    """
    budget: PollBudget = (yield Share(PollBudget)).get()
    operation: str = leader.observe.query.operation
    batch: list[PollRequest] = []
    seconds = budget.take(operation, now)
    at = now + seconds
    meter = Meter(budget, {operation: at}, lambda until: shared.renew(batch, until))
    try:
        if seconds and at > leader.by:
            shared.step_down(leader)
            _leave_out(leader, now)
            return now
        shared.lead(leader, now, seconds)
        # A leader sleeps even for no time: in an event loop, other waits of this moment add their requests meanwhile.
        now = yield from _pause(requests, now, at, until)
        if now < at or any(each.has_news(now) for each in requests):
            shared.step_down(leader)
            return now
        batch += shared.take(leader, now)
        if not batch:
            return now
        flows = [each.observe.query.poll(each.observe.ids, each.observe.deadline) for each in batch]
        by = [max(each.by - DEADLINE_SLACK, now) for each in batch]
        yield from together(flows, meter, by, _reply_to(shared, batch), now)
    finally:
        if meter.paid:
            budget.give_back(operation, at)
        shared.untake(batch)
    return (yield Sleep(0)).now if leader.reply is None else leader.reply.now


def _reply_to(shared: SharedPolls, batch: Sequence[PollRequest]) -> Callable[[int, Reply[Any]], None]:
    def reply_to(index: int, reply: Reply[Any]) -> None:
        if isinstance(reply.error, WrongEventLoopError):
            raise reply.error  # it is the leader who is in the wrong loop
        shared.answer(batch[index], reply)

    return reply_to


def _pause(requests: Sequence[PollRequest], now: float, at: float, until: float) -> Flow[float]:
    """Sleep up to a time, unless there is a reply or an event for one of the requests before. Return the time."""
    waker, end = requests[0].waker, min(at, max(until, now))
    while True:
        waker.roused = False
        if any(each.reply is not None or each.has_news(now) for each in requests):
            return now
        now = (yield Sleep(max(0.0, end - now), waker)).now
        if now >= end:
            return now


def _leave_out(request: PollRequest, now: float) -> None:
    error = TimedOutError("poll", LEFT_OUT)
    request.reply = Reply(now, Observations({}, dict.fromkeys(request.observe.ids, error)))
