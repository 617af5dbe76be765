"""Polls that the waits of a client share: one request serves the waits that need a poll now or soon.

A wait that needs a poll adds a `PollRequest`. The wait whose poll is due first is the polling leader: in its own flow
it polls for as many waits as fit into a request, and wakes them with what it read. There is no thread and no task for
it. A leader that is cancelled hands over to another wait.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from threading import RLock
from typing import Any

import attrs

from ecskit._core.effects import Flow, Observe, Reply, Share, Sleep, Waker
from ecskit._core.errors import EcsError, TimedOutError, WrongEventLoopError
from ecskit._polling.batches import DEADLINE_SLACK
from ecskit._polling.budget import PollBudget
from ecskit._polling.observations import POLL_LEFT_OUT, Observations
from ecskit._polling.poll_requests import PollQueue, PollRequest
from ecskit._polling.received_events import LATE_EVENT, ReceivedEvents, Reported, restore_pace
from ecskit._polling.together import Meter, together

__all__ = ["SharedPolls", "poll", "poll_next", "reply_of"]

log = logging.getLogger("ecskit")

_LEADING = 30.0
"""Seconds by which a leader may poll later than it announced. After that it counts as dead, and another one leads."""
_POLLING = 120.0
"""Seconds after its latest request when the poll of a leader counts as lost: another one is sent."""
_MOMENT = 1e-3
"""Seconds by which a wait outlasts the time up to which its poll may come."""
_COUNTED_FROM = 1.0
"""Stories count polls that begin this many seconds late."""


class SharedPolls:
    """The poll requests of one client. Threads use it at the same time."""

    def __init__(self) -> None:
        # Reentrant: the garbage collector may close an iterator, which removes its requests, anywhere.
        self.lock = RLock()
        self._queues: dict[object, PollQueue] = {}
        self.events = ReceivedEvents()
        self.budget: PollBudget | None = None
        """That of the client, once a leader has needed it."""

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
        request = PollRequest(observe, waker, ids, by, observe.after, observe.due, at_once=observe.due <= now)
        with self.lock:
            queue = self._queues.get(observe.query.kind) or PollQueue()
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
                restore_pace(self._requests(), now)
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
                restore_pace(self._requests(), now, missing if age <= LATE_EVENT else None)
        for (_, scope), pause in missing.items():
            log.warning("no event of a change in %s has arrived; for %.0f s, polls go on as without", scope, pause)

    def fail_events(self, error: Exception, now: float) -> None:
        """Let polls go on at their own pace, because a source of events failed."""
        with self.lock:
            self.events.stop()
            self.events.error = error
            restore_pace(self._requests(), now)

    def _requests(self) -> list[PollRequest]:
        return [request for queue in [*self._queues.values()] for request in [*queue.requests]]

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
    if reply.value is None or not _COUNTED_FROM < late < math.inf:
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
    budget = shared.budget
    if budget is None:
        budget = shared.budget = (yield Share(PollBudget)).get()
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
        if seconds:
            shared.lead(leader, now, seconds)
        if seconds or leader.at_once:
            # Even for no time: waits that start at the same moment add their requests meanwhile.
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
    error = TimedOutError("poll", POLL_LEFT_OUT)
    request.reply = Reply(now, Observations({}, dict.fromkeys(request.observe.ids, error)))
