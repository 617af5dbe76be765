"""The flow that passes events from a source on to the waits of a client.

It receives, merges, and acknowledges, in this order: an event that was not merged is delivered again. If the source
fails, the flow opens it again after a pause. Polls go on at their own pace meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import attrs

from ecskit._core.effects import CallbackRaised, Flow, GetRegion, Invoke, Reply, Share, Sleep
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
    pause, is_open = _FIRST_PAUSE, False
    try:
        while True:
            receiver = open_()
            entered = False
            try:
                yield Invoke(receiver.enter, None)
                entered = True
                if not is_open:
                    is_open = True
                    shared.begin_events(now)
                    begun()
                while True:
                    came: Reply[EventBatch] = yield Invoke(receiver.receive, None, apart=True)
                    batch = came.get()
                    _merge(shared, batch, region, received, came.now)
                    if batch.receipts:
                        yield Invoke(receiver.acknowledge, batch)
                        received.count(acknowledged=len(batch.receipts))
                    pause = _FIRST_PAUSE
            except CallbackRaised as raised:
                if not is_open:
                    raise
                _note(shared, received, raised.error, pause)
            finally:
                if entered:
                    yield from _left(receiver)
            now = (yield Sleep(pause)).now
            pause = min(_LONGEST_PAUSE, pause * 2)
    finally:
        if is_open:
            shared.end_events()


def _merge(shared: SharedPolls, batch: EventBatch, region: str | None, received: Received, now: float) -> None:
    own: list[EcsEvent] = [event for event in batch.events if region is None or event.region == region]
    foreign = batch.foreign + len(batch.events) - len(own)
    received.count(events=len(batch.events), foreign=foreign, undecodable=batch.undecodable)
    shared.receive([reported for event in own for reported in reports_of(event)], batch.age, now)


def _note(shared: SharedPolls, received: Received, error: Exception, pause: float) -> None:
    received.error = error
    shared.fail_events(error)
    log.warning("events: %s; polls go on without them, the source is opened again in %.0f s", described(error), pause)


def _left(receiver: Opened) -> Flow[None]:
    try:
        yield Invoke(receiver.leave, None)
    except CallbackRaised as raised:
        log.debug("events: closing the source failed", exc_info=raised.error)
