"""The flow that passes events from a source on to the waits of a client.

It receives, merges, and acknowledges, in this order: an event that was not merged is delivered again. If the source
fails, the flow opens it again after a pause. Polls go on at their own pace meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import attrs

from ecskit._core.effects import Flow, GetRegion, Invoke, Reply, Share, Sleep
from ecskit._core.errors import described
from ecskit._polling.shared_polls import SharedPolls

from .events import EcsEvent
from .reports import reports_of
from .sources import EventBatch, EventCounts

__all__ = ["Opened", "Received", "pump"]

log = logging.getLogger("ecskit")

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds until a source that failed is opened again: twice as many after each failure in a row."""


@attrs.frozen
class Opened:
    """How a new receiver is used, sync or async. The argument of all but `acknowledge` is None."""

    enter: Callable[[None], Any]
    receive: Callable[[None], Any]
    acknowledge: Callable[[EventBatch], Any]
    leave: Callable[[None], Any]


@attrs.define(eq=False)
class Received:
    """What was received so far."""

    counts: EventCounts = attrs.field(factory=EventCounts)
    error: Exception | None = None
    """The latest error of the source."""

    def count(self, **more: int) -> None:
        """Add to the counts."""
        self.counts = attrs.evolve(
            self.counts, **{name: getattr(self.counts, name) + number for name, number in more.items()}
        )


def pump(open_: Callable[[], Opened], received: Received, begun: Callable[[], object]) -> Flow[None]:
    """Return the flow that passes events on until it is cancelled.

    Args:
        open_: Returns how a new receiver is used.
        received: Where the flow counts what it receives.
        begun: Called when the source has been opened for the first time. An error before that ends the flow.
    """
    reply: Reply[SharedPolls] = yield Share(SharedPolls)
    shared, now = reply.get(), reply.now
    region: str | None = (yield GetRegion()).get()
    receiver = yield from _opened(open_)
    if isinstance(receiver, Exception):
        raise receiver
    shared.begin_events(now)
    begun()
    pause = _FIRST_PAUSE
    try:
        while True:
            failed: Exception
            any_came = False
            if isinstance(receiver, Exception):
                failed = receiver
            else:
                try:
                    failed, any_came = yield from _receive(shared, receiver, region, received)
                finally:
                    yield Invoke(receiver.leave, None, caught=True)
            pause = _FIRST_PAUSE if any_came else pause
            received.error = failed
            shared.fail_events(failed, (yield Sleep(0)).now)
            # One warning: a source may fail for hours.
            level = logging.WARNING if pause == _FIRST_PAUSE else logging.INFO
            text = "events: %s; polls go on without them, the source is opened again in %.0f s"
            log.log(level, text, described(failed), pause)
            yield Sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)
            receiver = yield from _opened(open_)
    finally:
        try:
            now = (yield Sleep(0)).now
        finally:
            shared.end_events(now)


def _opened(open_: Callable[[], Opened]) -> Flow[Opened | Exception]:
    """Return a receiver that is open, or the error of the source."""
    made: Reply[Opened | Exception] = yield Invoke(lambda _: open_(), None, caught=True)
    receiver = made.get()
    if isinstance(receiver, Exception):
        return receiver
    entered: Reply[object] = yield Invoke(receiver.enter, None, caught=True)
    return entered.value if isinstance(entered.value, Exception) else receiver


def _receive(
    shared: SharedPolls, receiver: Opened, region: str | None, received: Received
) -> Flow[tuple[Exception, bool]]:
    """Receive until the source fails. Return its error, and whether anything was received."""
    any_came = False
    while True:
        came: Reply[EventBatch | Exception] = yield Invoke(receiver.receive, None, caught=True, apart=True)
        batch = came.get()
        if isinstance(batch, Exception):
            return batch, any_came
        if not isinstance(batch, EventBatch):  # pyright: ignore[reportUnnecessaryIsInstance]  # a source of the user
            problem = f"receive() of the source returned {type(batch).__name__}, expected an EventBatch"
            return TypeError(problem), any_came
        _merge(shared, batch, region, received, came.now)
        any_came = True
        if batch.receipts:
            done: Reply[object] = yield Invoke(receiver.acknowledge, batch, caught=True)
            if isinstance(done.value, Exception):
                return done.value, any_came
            received.count(acknowledged=len(batch.receipts))


def _merge(shared: SharedPolls, batch: EventBatch, region: str | None, received: Received, now: float) -> None:
    account = shared.events.account
    own: list[EcsEvent] = [
        event
        for event in batch.events
        if (region is None or event.region == region) and (account is None or event.account == account)
    ]
    foreign = batch.foreign + len(batch.events) - len(own)
    received.count(events=len(batch.events), foreign=foreign, undecodable=batch.undecodable)
    shared.receive([reported for event in own for reported in reports_of(event)], batch.age, now)
