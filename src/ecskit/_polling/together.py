"""Run polls of several waits together: their reads share requests, and requests are paced by the budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any

import attrs

from ecskit._core.effects import Effect, Flow, Parallel, Read, Reply, Send, Sleep
from ecskit._core.errors import ThrottledError, TimedOutError
from ecskit._polling.batches import DEADLINE_SLACK, PARALLEL_REQUESTS, read_together
from ecskit._polling.budget import PollBudget
from ecskit._polling.observations import POLL_LEFT_OUT

__all__ = ["Meter", "together"]


@attrs.define(eq=False)
class Meter:
    """Takes each request of polls from the budget, and notes throttles."""

    budget: PollBudget
    paid: dict[str, float] = attrs.field(factory=dict)
    """The operation of which one request was taken already, and since when. Of two threads, only one can pop it."""
    on_send: Callable[[float], object] = lambda _: None
    """Called before each request, with the monotonic time at which it is sent."""

    def paced(self, flow: Flow[Any], by: float = math.inf) -> Flow[Any]:
        """Return a flow whose requests wait until the budget allows them. One that would be later than `by` fails."""
        reply: Any = None
        try:
            while True:
                try:
                    effect = flow.send(reply)
                except StopIteration as stop:
                    return stop.value
                reply = (yield from self.send(effect, by)) if isinstance(effect, Send) else (yield effect)
        finally:
            flow.close()

    def send(self, send: Send, by: float = math.inf) -> Flow[Reply[Any]]:
        """Send a request when the budget allows it, and return the reply."""
        paid_at = self.paid.pop(send.operation, None)
        if paid_at is not None:
            now = paid_at
        else:
            now = (yield Sleep(0)).now
            seconds = self.budget.take(send.operation, now)
            if seconds and now + seconds > by + DEADLINE_SLACK:
                self.budget.give_back(send.operation, now + seconds)
                return Reply(now, error=TimedOutError("poll", POLL_LEFT_OUT))
            try:
                self.on_send(now + seconds)
                now = (yield Sleep(seconds)).now
            except BaseException:
                self.budget.give_back(send.operation, now + seconds)
                raise
        self.on_send(now)
        reply: Reply[Any] = yield send
        # A client that ecskit wraps repeats throttled requests by itself: only the number of attempts shows them.
        repeated = reply.error is None and reply.value is not None and reply.value.metadata.get("RetryAttempts")
        if repeated or isinstance(reply.error, ThrottledError):
            self.budget.throttled(send.operation, now, reply.now)
        return reply


def together(
    flows: Sequence[Flow[Any]],
    meter: Meter,
    by: Sequence[float],
    on_ended: Callable[[int, Reply[Any]], None],
    now: float,
) -> Flow[None]:
    """Run flows side by side. Reads that are due together share requests.

    Args:
        flows: The flows. They read, and call no callbacks of users.
        meter: Paces the requests.
        by: The monotonic time for each flow after which none of its requests may wait.
        on_ended: Called at the end of each flow, with its index and its result or error.
        now: The monotonic time.
    """
    replies: Mapping[int, Any] = dict.fromkeys(range(len(flows)))  # None begins a flow
    effects: dict[int, Effect] = {}
    sleeps: dict[int, float] = {}
    try:
        while replies:
            for index, reply in replies.items():
                now = now if reply is None else max(now, reply.now)
                try:
                    effects[index] = flows[index].send(reply)  # pyright: ignore[reportArgumentType]  # None begins it
                except StopIteration as stop:
                    on_ended(index, Reply(now, stop.value))
                except Exception as error:  # noqa: BLE001  # its wait gets it
                    on_ended(index, Reply(now, error=error))  # type: ignore[arg-type]  # or a bug
            replies = (yield from _perform(effects, sleeps, meter, by, now)) if effects else {}
            for index in replies:
                del effects[index]
    finally:
        for flow in flows:
            flow.close()


def _perform(
    effects: Mapping[int, Effect], sleeps: dict[int, float], meter: Meter, by: Sequence[float], now: float
) -> Flow[dict[int, Reply[Any]]]:
    """Perform effects of flows, and return the replies: requests in parallel, reads with few requests.

    Sleeps take their time only if nothing else is to be done: a flow may sleep until another one has read.

    Args:
        effects: One effect of each flow that has not ended.
        sleeps: Until when flows sleep.
        meter: Paces the requests.
        by: The monotonic time for each flow after which none of its requests may wait.
        now: The monotonic time.
    """
    replies: dict[int, Reply[Any]] = {}
    reads: dict[int, Read] = {}
    sends: dict[str, dict[int, Send]] = {}  # equal ones, such as the lists of streams with the same arguments, once
    for index, effect in effects.items():
        if isinstance(effect, Sleep):
            sleeps.setdefault(index, now + effect.seconds)
        elif isinstance(effect, Read) and now > by[index] + DEADLINE_SLACK:
            replies[index] = Reply(now, dict.fromkeys(effect.targets, TimedOutError("poll", POLL_LEFT_OUT)))
        elif isinstance(effect, Read):
            reads[index] = effect if effect.by <= by[index] else attrs.evolve(effect, by=by[index])
        elif isinstance(effect, Send):
            sends.setdefault(repr((effect.service, effect.operation, effect.params)), {})[index] = effect
        else:
            replies[index] = yield effect
    calls = [_read(reads, meter)] if reads else []
    calls += [_send(equal, meter, max(by[index] for index in equal)) for equal in sends.values()]
    if not calls and not replies:
        now = (yield Sleep(min(sleeps.values()) - now)).now
    for index in [index for index, until in sleeps.items() if until <= now]:
        del sleeps[index]
        replies[index] = Reply(now)
    return replies | (yield from _in_parallel(calls))


def _in_parallel(calls: Sequence[Flow[dict[int, Reply[Any]]]]) -> Flow[dict[int, Reply[Any]]]:
    if len(calls) == 1:
        return (yield from calls[0])  # one request needs no thread
    replies: dict[int, Reply[Any]] = {}
    if calls:
        performed: Reply[list[Reply[dict[int, Reply[Any]]]]] = yield Parallel(calls, PARALLEL_REQUESTS)
        for reply in performed.get():
            replies |= reply.get()
    return replies


def _read(reads: Mapping[int, Read], meter: Meter) -> Flow[dict[int, Reply[Any]]]:
    results = yield from read_together(list(reads.values()), meter.paced)
    now = (yield Sleep(0)).now
    return {index: Reply(now, result) for index, result in zip(reads, results, strict=True)}


def _send(equal: Mapping[int, Send], meter: Meter, by: float) -> Flow[dict[int, Reply[Any]]]:
    reply = yield from meter.send(next(iter(equal.values())), by)
    replies = dict.fromkeys(equal, reply)
    if reply.error is not None:  # each flow gets an error of its own, because it may add a story
        replies |= {index: attrs.evolve(reply, error=copy(reply.error)) for index in [*equal][1:]}
    return replies
