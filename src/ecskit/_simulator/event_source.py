"""A source of events in the process, with the protocol of `ecskit.events`: the events of a simulator without a queue.

A receiver that waits sleeps on the clock of the simulator, but does not move it. On a virtual clock, the clock stops
when an event arrives, and stands until the receiver waits again.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from typing import TYPE_CHECKING

import attrs

from ecskit._core.errors import ClientClosedError
from ecskit._events.decoding import decode_event
from ecskit._events.sources import EventBatch, EventCounts
from ecskit._simulator.event_delivery import Waiter

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from ecskit._simulator.emitted_events import Route
    from ecskit._simulator.event_delivery import Deliveries
    from ecskit._simulator.mailbox import Message

__all__ = ["AsyncSimulatedReceiver", "SimulatedReceiver", "SimulatedSource"]

_MOST = 10
"""The most events in one batch, as SQS returns."""
_VISIBLE_AGAIN = 30.0
"""Seconds until an event that was not acknowledged is received again: the default of SQS."""
_STANDING = 0.1
"""Real seconds after which a sync receiver returns nothing if the virtual clock stands."""


class SimulatedSource:
    """The events of a simulated account from one moment on, as a queue that a rule of EventBridge fills.

    `Simulator.event_source` makes it. It is an `ecskit.events.EventSource`. Each event reaches one receiver only.
    Events are kept until they are acknowledged, or until nothing refers to the source.
    """

    def __init__(self, deliveries: Deliveries, route: Route, wait_seconds: float) -> None:
        if wait_seconds < 0:
            raise ValueError(f"wait_seconds must be at least 0: {wait_seconds!r}")
        self.wait_seconds = wait_seconds
        self._deliveries, self._route, self._mailbox = deliveries, route, route.mailbox
        self._received: dict[str, Message] = {}
        self._receipts = itertools.count(1)
        deliveries.add(route)

    def open(self) -> SimulatedReceiver:
        """Return a receiver for threads. Use it as a context manager."""
        return SimulatedReceiver(self)

    def open_async(self) -> AsyncSimulatedReceiver:
        """Return a receiver for asyncio. Use it as an async context manager."""
        return AsyncSimulatedReceiver(self)

    def _take(self, now: float) -> EventBatch:
        messages = self._mailbox.take(now, _MOST)
        for message in messages:
            self._received.pop(message.receipt, None)
            message.receipt = str(next(self._receipts))
            self._received[message.receipt] = message
            self._mailbox.put(now + _VISIBLE_AGAIN, message)
        return EventBatch(
            events=tuple(decode_event(message.envelope) for message in messages),
            receipts=tuple(message.receipt for message in messages),
            age=max((now - message.sent for message in messages), default=0.0),
        )

    def _delete(self, batch: EventBatch) -> int:
        deleted = 0
        for receipt in batch.receipts:
            message = self._received.pop(receipt, None)
            if message is not None:
                message.deleted = True
                deleted += 1
        return deleted


class _Receiver:
    def __init__(self, source: SimulatedSource) -> None:
        self._source = source
        self._deliveries = source._deliveries
        self._waiter = Waiter(source._mailbox, self._wake)
        self._counts = EventCounts()
        self._is_open = False

    @property
    def counts(self) -> EventCounts:
        """What this receiver has received and acknowledged so far."""
        return self._counts

    def _wake(self) -> None:
        """Continue `receive`."""
        raise NotImplementedError

    def _open(self) -> None:
        self._is_open = True
        # The clock stands until it waits for the first time. So no event passes before.
        self._waiter.count(self._deliveries.clock)

    def _close(self) -> None:
        self._is_open = False
        self._wake()
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        with self._deliveries.collected():
            self._deliveries.forget(self._waiter)
            counted = self._waiter.release()
        counted.close()  # without the lock, because it may move the clock

    def _deadline(self) -> float:
        with self._deliveries.collected() as now:
            return now + self._source.wait_seconds

    def _next(self, deadline: float) -> EventBatch | None:
        """Return what has arrived, which is nothing at the deadline; or None after it began to wait."""
        with self._deliveries.collected() as now:
            if not self._is_open:
                raise ClientClosedError("this receiver of a simulator is not open; use it in its `with` block")
            self._deliveries.forget(self._waiter)
            counted = self._waiter.release()
            batch = self._source._take(now)
            waits = not batch.events and now < deadline
            if waits:
                self._waiter.deadline = deadline
                self._deliveries.wait(self._waiter)
            self._counts = attrs.evolve(self._counts, events=self._counts.events + len(batch.events))
        if not waits:
            self._waiter.count(self._deliveries.clock)
        counted.close()
        return None if waits else batch

    def _acknowledge(self, batch: EventBatch) -> None:
        with self._deliveries.collected():
            if not self._is_open:
                raise ClientClosedError("this receiver of a simulator is not open; use it in its `with` block")
            deleted = self._source._delete(batch)
            self._counts = attrs.evolve(self._counts, acknowledged=self._counts.acknowledged + deleted)


class SimulatedReceiver(_Receiver):
    """Receives the events of a simulator. It is for one thread; others may close it."""

    def __init__(self, source: SimulatedSource) -> None:
        super().__init__(source)
        self._woken = threading.Event()

    def __enter__(self) -> Self:
        """Open the receiver."""
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the receiver."""
        self.close()

    def close(self) -> None:
        """Close the receiver. `receive` in another thread ends at once. Closing twice does nothing."""
        self._close()

    def _wake(self) -> None:
        self._woken.set()

    def receive(self) -> EventBatch:
        """Wait for events, for `wait_seconds` at most, and return up to ten of them.

        If the clock of the simulator stands, because nothing sleeps on it, an empty batch is returned after 0.1 s.

        Raises:
            ClientClosedError: The receiver is not open.
        """
        deadline = self._deadline()
        virtual = self._deliveries.speed is None
        while True:
            self._woken.clear()
            batch = self._next(deadline)
            if batch is not None:
                return batch
            woken = self._woken.wait(_STANDING if virtual else self._deliveries.real_seconds_until_next())
            if virtual and not woken:
                return EventBatch()

    def acknowledge(self, batch: EventBatch, /) -> None:
        """Delete the events of a batch. Those that are not deleted are received again after 30 s.

        Raises:
            ClientClosedError: The receiver is not open.
        """
        self._acknowledge(batch)


class AsyncSimulatedReceiver(_Receiver):
    """Receives the events of a simulator. It is for one task."""

    def __init__(self, source: SimulatedSource) -> None:
        super().__init__(source)
        self._task: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    async def __aenter__(self) -> Self:
        """Open the receiver."""
        self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the receiver."""
        await self.close()

    async def close(self) -> None:
        """Close the receiver. Closing twice does nothing."""
        self._close()

    def _wake(self) -> None:
        if self._task is not None:
            loop, woken = self._task
            loop.call_soon_threadsafe(woken.set)

    async def receive(self) -> EventBatch:
        """Wait for events, for `wait_seconds` at most, and return up to ten of them.

        Raises:
            ClientClosedError: The receiver is not open.
        """
        loop = asyncio.get_running_loop()
        deadline = self._deadline()
        while True:
            woken = asyncio.Event()
            self._task = loop, woken
            try:
                batch = self._next(deadline)
                if batch is not None:
                    return batch
                if self._deliveries.speed is None:
                    await woken.wait()
                else:
                    await asyncio.sleep(self._deliveries.real_seconds_until_next())
            except BaseException:
                self._stop_waiting()
                raise
            finally:
                self._task = None

    async def acknowledge(self, batch: EventBatch, /) -> None:
        """Delete the events of a batch. Those that are not deleted are received again after 30 s.

        Raises:
            ClientClosedError: The receiver is not open.
        """
        self._acknowledge(batch)
