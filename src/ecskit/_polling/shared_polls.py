"""Polls that the waits of a client share: one request serves the waits that need a poll now or soon.

A wait that needs a poll adds a `PollRequest`. The wait whose poll is due first is the polling leader: in its own flow
it polls for as many waits as fit into a request, and wakes them with what it read. There is no thread and no task for
it. A leader that is cancelled hands over to another wait.
"""

from __future__ import annotations

import heapq
import logging
import math
from collections.abc import Sequence
from threading import Lock
from typing import Any

import attrs

from ecskit._core.effects import Flow, Observe, Reply, Share, Sleep, Waker
from ecskit._core.errors import TimedOutError
from ecskit._polling.batches import DEADLINE_SLACK, Target
from ecskit._polling.budget import PollBudget
from ecskit._polling.observations import Observations
from ecskit._polling.received_events import ANY, LATE_EVENT, RESYNC, ReceivedEvents, Reported, is_news
from ecskit._polling.together import LATE, Meter, together

__all__ = ["PollRequest", "SharedPolls", "poll", "poll_next", "reply_of"]

log = logging.getLogger("ecskit")

LONGEST_INTERVAL = 30.0
"""A poll that is due for longer than this, and than its interval, comes before the others."""
_LEADING = 10.0
"""Seconds after which a leader that neither polls nor ends counts as dead."""
_POLLING = 120.0
"""Seconds after which the poll of a leader that has not ended counts as lost: another one is sent."""
_MOMENT = 1e-3
"""Seconds by which a wait outlasts the time up to which its poll may come."""
_LATE = 1.0
"""Stories count polls that begin this many seconds late."""
_MANY, _COLLECTING = 100, 0.5
"""A wait for more targets than this is given the events of so many seconds at once: each decision looks at all."""
_CANDIDATES = 4
"""How many requests to consider for each one that fits into a call: some are of other scopes, or too large."""


@attrs.define(eq=False)
class PollRequest:
    """A poll that a wait needs."""

    observe: Observe
    waker: Waker
    """Roused when there is a reply, or when this wait becomes the leader."""
    targets: Sequence[Target]
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

    def has_news(self, now: float) -> bool:
        """Whether what events have shown is a reply now."""
        return bool(self.news) and self.news_at <= now < self.observe.deadline and self.taken_until <= now

    def lateness(self, now: float) -> tuple[bool, bool, float]:
        """Return the order in which polls are made: those that are needed most come last.

        First the last polls of waits that reach their deadline, then those that are overdue, then by the part of the
        interval that has passed.
        """
        observe = self.observe
        interval, waited = max(self.due - observe.born, 1e-3), now - observe.born
        last = self.due >= observe.deadline and now >= self.due
        return last, waited > max(interval, LONGEST_INTERVAL), waited / interval


@attrs.define(eq=False)
class _Queue:
    """The requests that can share calls, and the leader that is about to poll for them."""

    requests: dict[PollRequest, None] = attrs.field(factory=dict)
    leader: PollRequest | None = None
    leads_until: float = -math.inf

    def take(self, now: float) -> list[PollRequest]:
        """Return the requests to poll for in one call. A request that needs more than a call gets as many as it needs.

        Polls count that are at most half of their interval early, so that calls are full.
        """
        ready = [each for each in self.requests if each.after <= now >= each.taken_until and each.reply is None]
        if not ready:
            return []
        size: int = ready[0].observe.query.batch_size
        ready = heapq.nlargest(max(size * _CANDIDATES, 1), ready, key=lambda each: each.lateness(now))
        held: dict[str, set[str]] = {}
        batch: list[PollRequest] = []
        for request in ready:
            wanted: dict[str, set[str]] = {}
            for target in request.targets:
                wanted.setdefault(target.scope, set()).add(target.id)
            if not batch or all(
                scope in held and len(held[scope] | ids) <= -(-len(held[scope]) // size) * size
                for scope, ids in wanted.items()
            ):
                batch.append(request)
                for scope, ids in wanted.items():
                    held.setdefault(scope, set()).update(ids)
        return batch

    def rouse_next(self) -> None:
        """Wake the wait whose poll is due first. If it is due, this wait becomes the leader."""
        waiting = [each for each in self.requests if each.taken_until == -math.inf and each.reply is None]
        if waiting:
            min(waiting, key=_due).waker.rouse()


def _due(request: PollRequest) -> float:
    return request.due


class SharedPolls:
    """The poll requests of one client. Threads use it at the same time."""

    def __init__(self) -> None:
        self.lock = Lock()
        self._queues: dict[object, _Queue] = {}
        self.events = ReceivedEvents()
        self._about: dict[Target, dict[PollRequest, str]] = {}
        """The requests about each resource, with its id in them, while sources of events are open."""

    def add(self, observe: Observe, waker: Waker, now: float) -> PollRequest:
        """Add a request. `remove` it in the end."""
        by = max(observe.deadline, now) + DEADLINE_SLACK
        request = PollRequest(observe, waker, observe.query.targets(observe.ids), by, observe.after, observe.due)
        with self.lock:
            self._queues.setdefault(observe.query.kind, _Queue()).requests[request] = None
            if self.events.sources:
                self._follow_events(request, now)
        return request

    def remove(self, request: PollRequest) -> None:
        """Remove a request. If it was the leader, another one is."""
        kind = request.observe.query.kind
        with self.lock:
            queue = self._queues[kind]
            del queue.requests[request]
            if self._about:
                self._forget_events(request)
            if not queue.requests:
                del self._queues[kind]
            elif queue.leader is request:
                queue.leader = None
                queue.rouse_next()
            elif request.reply is None and queue.leader is None:
                queue.rouse_next()  # it may have been roused to lead

    def lead(self, request: PollRequest, now: float, seconds: float = 0.0) -> float:
        """Make a request the leader of its queue and return `now`, or return until when there is another leader.

        Args:
            request: The request.
            now: The monotonic time.
            seconds: How long it will sleep before it polls.
        """
        with self.lock:
            queue = self._queues[request.observe.query.kind]
            if queue.leader not in (None, request) and queue.leads_until > now:
                return queue.leads_until
            queue.leader, queue.leads_until = request, now + seconds + _LEADING
            return now

    def take(self, leader: PollRequest, now: float) -> list[PollRequest]:
        """Return the requests to poll for, and let another wait lead the next call."""
        with self.lock:
            queue = self._queues[leader.observe.query.kind]
            batch = queue.take(now)
            for each in batch:
                each.taken_until, each.polled_at = now + _POLLING, now
            queue.leader = None
            queue.rouse_next()
        return batch

    def answer(self, request: PollRequest, reply: Reply[Observations[Any]]) -> None:
        """Give a request its reply. Events that have arrived since the poll began are delivered to the next one."""
        if self.events.flowing and reply.value is not None:
            with self.lock:
                self._expect_events(request, reply.value, reply.now)
        if self.events.error is not None and reply.value is not None:
            reply = attrs.evolve(reply, value=attrs.evolve(reply.value, events_error=self.events.error))
        request.reply = reply
        request.waker.rouse()

    def begin_events(self, now: float) -> None:
        """Follow the events of one more source."""
        with self.lock:
            self.events.sources += 1
            if self.events.sources == 1:
                for queue in self._queues.values():
                    for request in queue.requests:
                        self._follow_events(request, now)

    def end_events(self) -> None:
        """Follow the events of one source less."""
        with self.lock:
            self.events.sources -= 1
            if self.events.sources:
                return
            self.events.forget()
            self._about.clear()
            self._restore_pace()

    def receive(self, reports: Sequence[Reported], age: float, now: float) -> None:
        """Pass on what events are about to the waits that poll it.

        Args:
            reports: What the events are about.
            age: How many seconds the oldest of them is late.
            now: The monotonic time.
        """
        with self.lock:
            self.events.error = None
            late = age > LATE_EVENT
            if late:
                self.events.stop()
            for reported in reports:
                if reported.resource is None:
                    self._hint(reported.target, now)
                elif self.events.add(reported, age, now):
                    for request, name in self._about.get(reported.target, {}).items():
                        self._bring(request, name, reported, now)
                    for request in self._about.get(Target(reported.target.scope, ANY), {}):
                        self._bring(request, reported.target.id, reported, now)
            missing = self.events.missing(now)
            if late or missing:
                self._restore_pace()
        for _, scope in missing:
            log.warning("no event of a change in %s has arrived; until the next one, polls go on as without", scope)

    def fail_events(self, error: Exception) -> None:
        """Let polls go on at their own pace, because a source of events failed."""
        with self.lock:
            self.events.stop()
            self.events.error = error
            self._restore_pace()

    def take_news(self, request: PollRequest, now: float) -> bool:
        """Let what events have shown be the reply to a request. Return whether there is anything."""
        if not request.has_news(now):
            return False
        with self.lock:
            request.reply = Reply(now, Observations(request.news, {}, by_event=True))
        return True

    def step_down(self, leader: PollRequest) -> None:
        """Let another wait lead, because the leader goes on with events."""
        with self.lock:
            queue = self._queues[leader.observe.query.kind]
            if queue.leader is leader:
                queue.leader = None
                queue.rouse_next()

    def _follow_events(self, request: PollRequest, now: float) -> None:
        """Find a request by the resources that it is about, and give it what events have shown already."""
        observe, query = request.observe, request.observe.query
        request.concerned = query.concerned(observe.ids)
        if len(request.concerned) > _MANY:
            request.news_at = now + _COLLECTING
        for name, target in zip(observe.ids, request.concerned, strict=True):
            self._about.setdefault(target, {})[request] = name
            if target.id == ANY:
                for reported in self.events.since(query.describes, target.scope, observe.born):
                    self._bring(request, reported.target.id, reported, now)
            elif (newest := self.events.newest(query.describes, target, now)) is not None:
                self._bring(request, name, newest, now)
        if observe.resync and query.by_events and self.events.follows(query.describes, request.concerned, observe.born):
            request.due = max(observe.due, min(observe.born + RESYNC, observe.deadline))
            request.after = request.due - (request.due - observe.born) / 2

    def _forget_events(self, request: PollRequest) -> None:
        for target in request.concerned:
            requests = self._about.get(target, {})
            requests.pop(request, None)
            if not requests:
                self._about.pop(target, None)

    def _bring(self, request: PollRequest, name: str, reported: Reported, now: float) -> None:
        """Give a request what an event showed, if its wait does not know that yet."""
        observe = request.observe
        # A poll that is under way may show more, and the last one before the deadline decides.
        if request.taken_until > now or now >= observe.deadline:
            return
        if observe.query.describes == reported.key[0] and is_news(reported, observe.known.get(name)):
            request.news[name] = reported.resource
            request.waker.rouse()

    def _hint(self, target: Target, now: float) -> None:
        """Let the polls of a resource be due now, except those that confirm what was seen."""
        for request in self._about.get(target, {}):
            observe = request.observe
            if observe.after < observe.due and request.taken_until <= now and request.reply is None:
                request.due = request.after = min(request.due, now)
                request.waker.rouse()

    def _expect_events(self, request: PollRequest, shown: Observations[Any], now: float) -> None:
        observe, query = request.observe, request.observe.query
        if not query.by_events:
            return
        for name, one in shown.observed.items():
            known = observe.known.get(name)
            if one is not None and known is not None and known.last is not None and known.last is not one:
                [target] = query.targets([name])
                self.events.expect(query.resource_type, target, known.last, one, (observe.born, now))

    def _restore_pace(self) -> None:
        """Let all polls be due when their waits asked for them."""
        for queue in self._queues.values():
            for request in queue.requests:
                if request.due > request.observe.due:
                    request.due, request.after = request.observe.due, request.observe.after
            if queue.leader is None:
                queue.rouse_next()

    def untake(self, batch: Sequence[PollRequest]) -> None:
        """Release the requests that were taken and have no reply, because their leader was interrupted."""
        unanswered = [each for each in batch if each.reply is None]
        if not unanswered:
            return
        with self.lock:
            for each in unanswered:
                each.taken_until = -math.inf
            queue = self._queues.get(unanswered[0].observe.query.kind)
            if queue is not None and queue.leader is None:
                queue.rouse_next()


def poll(observe: Observe) -> Flow[Observations[Any]]:
    """Return the next poll of some resources: of its own, or of another wait of this client.

    Raises:
        EcsError: ECS refused the poll, for a reason that concerns these resources.
    """
    reply: Reply[SharedPolls] = yield Share(SharedPolls)
    shared, now = reply.get(), reply.now
    request = shared.add(observe, Waker(), now)
    try:
        while request.reply is None:
            now = yield from poll_next(shared, [request], now)
    finally:
        shared.remove(request)
    return reply_of(request).get()


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
    for request in requests:
        if request.reply is not None or shared.take_news(request, now):
            return now
        if request.news and request.news_at > now:
            until = min(until, request.news_at)
        if request.taken_until > now:
            until = min(until, request.taken_until)
        elif now > request.by:
            _leave_out(request, now)
            return now
        elif request.due > now:
            until = min(until, request.due)
        elif (leads_until := shared.lead(request, now)) > now:
            until = min(until, leads_until, request.by + _MOMENT)
        else:
            return (yield from _lead(shared, request, requests, now))
    return (yield Sleep(max(0.0, until - now), waker)).now


def _lead(shared: SharedPolls, leader: PollRequest, requests: Sequence[PollRequest], now: float) -> Flow[float]:
    """Poll for all waits that are due or nearly so, as far as one call goes. Events end the time until the call."""
    budget: PollBudget = (yield Share(PollBudget)).get()
    operation: str = leader.observe.query.operation
    batch: list[PollRequest] = []
    seconds = budget.take(operation, now)
    meter = Meter(budget, operation)
    try:
        if now + seconds > leader.by:
            _leave_out(leader, now)
            return now
        shared.lead(leader, now, seconds)
        # A leader sleeps even for no time: the other waits of this moment add their requests meanwhile.
        now = yield from _pause(seconds, leader.waker, requests, now)
        if any(each.has_news(now) for each in requests):
            shared.step_down(leader)
            return now
        batch = shared.take(leader, now)
        if not batch:
            return now
        flows = [each.observe.query.poll(each.observe.ids, each.observe.deadline) for each in batch]
        replies = yield from together(flows, meter, [each.by - DEADLINE_SLACK for each in batch])
        for each, reply in zip(batch, replies, strict=True):
            now = reply.now
            shared.answer(each, reply)
    finally:
        if meter.paid:
            budget.give_back(operation)
        shared.untake(batch)
    return now


def _pause(seconds: float, waker: Waker, requests: Sequence[PollRequest], now: float) -> Flow[float]:
    """Sleep, until there are events for one of some requests at the most. Return the time."""
    end = now + seconds
    while True:
        waker.roused = False
        if any(each.has_news(now) for each in requests):
            return now
        now = (yield Sleep(max(0.0, end - now), waker)).now
        if now >= end:
            return now


def _leave_out(request: PollRequest, now: float) -> None:
    error = TimedOutError("poll", LATE)
    request.reply = Reply(now, Observations({}, dict.fromkeys(request.observe.ids, error)))
