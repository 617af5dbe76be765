"""Deliver events at their moments: to functions that are called with them, and to receivers that wait for them.

A virtual clock delivers on its way, see `event_clock`. With any other clock, threads call the functions, and receivers
check by themselves.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.event_changes import ChangeFeed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ecskit._drive.clock import Clock
    from ecskit._simulator.account import Account
    from ecskit._simulator.emitted_events import Route
    from ecskit._simulator.mailbox import Mailbox
    from ecskit._simulator.wire import Wire

__all__ = ["Deliveries", "Waiter"]

_CHECK_SECONDS = 0.05
"""The most real seconds between two checks of a clock that moves by itself."""


@attrs.define(eq=False)
class Waiter:
    """A receiver that waits until something arrives in its mailbox, or until its deadline.

    It counts as running on the clock from then on, until it waits again: so the clock stands while it handles events.
    """

    mailbox: Mailbox
    wake: Callable[[], object]
    deadline: float = 0.0
    counted: ExitStack = attrs.field(factory=ExitStack)

    def count(self, clock: Clock) -> None:
        """Count it as running, once."""
        self.release().close()
        self.counted.enter_context(clock.flow())

    def release(self) -> ExitStack:
        """Return what ends its count as running. It is closed without the lock of the simulator."""
        return self.counted.pop_all()


@attrs.define(eq=False)
class _Push:
    """A function that is called with envelopes as they arrive, until it returns False."""

    call: Callable[[list[Wire]], bool]
    changed: threading.Event = attrs.field(factory=threading.Event)
    thread: threading.Thread | None = None
    """What calls it if the clock moves by itself."""


class Deliveries:
    """What is delivered by itself.

    Args:
        account: The account whose events are delivered.
        advanced: Returns a context that holds the lock of the simulator, with the account advanced to now.
        clock: The clock of the clients.
        speed: Seconds of that clock per real second; None for a virtual clock.
    """

    def __init__(
        self,
        account: Account,
        advanced: Callable[[], AbstractContextManager[None]],
        clock: Clock,
        speed: float | None,
    ) -> None:
        self.clock, self.speed = clock, speed
        self._account, self._advanced = account, advanced
        self._pushes: dict[Route, _Push] = {}
        self._waiting: dict[Waiter, None] = {}

    def add(self, route: Route, call: Callable[[list[Wire]], bool] | None = None) -> None:
        """Emit events from now on. If `call` is given, call it with those that arrive, until it returns False."""
        with self._advanced():
            self._account.collect_events()
            if self._account.feed is None:
                self._account.feed = ChangeFeed(self._account)
            self._account.feed.subscribers[route] = None
            if call is None:
                return
            self._pushes[route] = push = _Push(call)
            if self.speed is not None:
                push.thread = threading.Thread(target=self._push_in_real_time, args=(route, push), daemon=True)
                push.thread.start()

    def remove(self, route: Route) -> None:
        """Emit no further events."""
        with self._advanced():
            push = self._pushes.pop(route, None)
            if self._account.feed is not None:
                self._account.feed.subscribers.pop(route, None)
        if push is not None and push.thread not in (None, threading.current_thread()):
            push.changed.set()
            push.thread.join()

    @contextmanager
    def collected(self) -> Generator[float, None, None]:
        """Hold the lock of the simulator, with all events sent that have happened until now. Yield the moment."""
        with self._advanced():
            self._account.collect_events()
            yield self._account.now

    def wait(self, waiter: Waiter) -> None:
        """Wake a waiter when it is due. The caller holds the lock of the simulator."""
        self._waiting[waiter] = None

    def forget(self, waiter: Waiter) -> None:
        """Do not wake a waiter. The caller holds the lock of the simulator."""
        self._waiting.pop(waiter, None)

    def next_moment(self) -> float | None:
        """Return the next moment at which there may be something to deliver, in seconds since the epoch, or None."""
        if not self._pushes and not self._waiting:
            return None
        with self._advanced():
            feed = self._account.feed
            moments = [
                feed.next_moment() if feed is not None else None,
                *(route.mailbox.next_moment() for route in self._pushes),
                *(moment for each in self._waiting for moment in (each.deadline, each.mailbox.next_moment())),
            ]
        return min((moment for moment in moments if moment is not None), default=None)

    def deliver(self) -> None:
        """Deliver what is due now."""
        with self.collected() as now:
            for waiter in list(self._waiting):
                arrival = waiter.mailbox.next_moment()
                if waiter.deadline <= now or (arrival is not None and arrival <= now):
                    del self._waiting[waiter]
                    waiter.count(self.clock)
                    waiter.wake()
            pushes = list(self._pushes.items())
        for route, push in pushes:
            self._push(route, push)

    def changed(self) -> None:
        """Check again when something is due: a request has changed the account."""
        for push in self._pushes.values():
            push.changed.set()

    def real_seconds_until_next(self) -> float:
        """Return how long to wait before the next check of a clock that moves by itself."""
        moment = self.next_moment()
        if moment is None or self.speed is None:
            return _CHECK_SECONDS
        with self._advanced():
            seconds = (moment - self._account.now) / self.speed
        return min(max(seconds, 0.0), _CHECK_SECONDS)

    def _push(self, route: Route, push: _Push) -> None:
        with self.collected() as now:
            envelopes = [message.envelope for message in route.mailbox.take(now)]
        # Without the lock: the call may take long, for example over HTTP.
        if envelopes and not push.call(envelopes):
            self.remove(route)

    def _push_in_real_time(self, route: Route, push: _Push) -> None:
        while route in self._pushes:
            push.changed.clear()
            self._push(route, push)
            push.changed.wait(self.real_seconds_until_next())
