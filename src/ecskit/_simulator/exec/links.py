"""Links in the process: a client's end of the stream of a session, on the clock of the client.

A link that waits does not move a virtual clock by itself: a flow of the client does, when it waits, too. So for an open
session, no time passes while its user does other things.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING

from ecskit._core.effects import Waker
from ecskit._core.errors import ConnectionFailedError, TimedOutError, TransportError
from ecskit._core.links import LinkClosed
from ecskit._simulator.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from ecskit._drive.clock import Clock
    from ecskit._simulator.exec.session import Connection
    from ecskit._simulator.faults import Fault

__all__ = ["AsyncSimulatedLink", "SimulatedLink", "refused_opening", "status_of"]

Locked = Callable[[], AbstractContextManager[None]]
"""Returns a context that holds the lock of the simulator."""

_LEAST = 1e-6
"""The least seconds of a sleep. A shorter one could end before its moment, because of rounding."""


def refused_opening(fault: Fault) -> TransportError:
    """Return the error of a client for a fault that refuses the opening of a stream."""
    made: type[TransportError] = TimedOutError if fault.loss == "timeout" else ConnectionFailedError
    if fault.error is not None:
        text = f"the simulator answered HTTP {status_of(fault)} in place of a WebSocket: {fault.error.message}"
    else:
        text = "a fault of the simulator refuses the connection"
    failed = made("WebSocket", text)
    failed.retryable, failed.sent = fault.error is None or status_of(fault) >= 500, False
    return failed


def status_of(fault: Fault) -> int:
    """Return the HTTP status that a fault answers in place of a WebSocket."""
    assert fault.error is not None
    return 403 if fault.error.code == "AccessDeniedException" else fault.error.status


class _Link:
    def __init__(self, connection: Connection, locked: Locked, clock: Clock, time: Callable[[], float]) -> None:
        self._connection, self._locked, self._clock, self._time = connection, locked, clock, time
        self._waker = Waker()
        self._woken = False
        connection.wake = self._waker.rouse

    def wake(self) -> None:
        """End the `receive` that waits, or the next one."""
        self._woken = True
        self._waker.rouse()

    def _next(self, end: float) -> list[str | bytes] | float:
        """Return what has arrived, nothing at the end of the wait, or the seconds to wait before it is called again."""
        self._waker.roused = False
        woken, self._woken = self._woken, False
        with self._locked():
            taken = self._connection.take()
            closed, moment, now = self._connection.closed, self._connection.next_moment(), self._time()
        if taken:
            self._woken = woken
            return taken
        if closed is not None:
            raise LinkClosed(*closed)
        left = end - self._clock.now()
        if woken or left <= 0:
            return []
        return max(_LEAST, min(left, moment - now))

    def _send(self, messages: Sequence[str | bytes]) -> None:
        with self._locked():
            for message in messages:
                self._connection.send(message)
            closed = self._connection.closed
        if closed is not None:
            raise LinkClosed(*closed)

    def _close(self) -> None:
        with self._locked():
            self._connection.close()
        self._waker.rouse()


class SimulatedLink(_Link):
    """A link for threads. It is an `ecskit._core.links.Link`."""

    def receive(self, seconds: float, /) -> list[str | bytes]:
        """Return all messages that have arrived. Wait for the first for up to `seconds`.

        Raises:
            LinkClosed: The link is closed or was cut.
        """
        clock = self._clock
        sleep = partial(clock.sleep, idle=True) if isinstance(clock, VirtualClock) else clock.sleep
        end = clock.now() + seconds
        while True:
            found = self._next(end)
            if isinstance(found, list):
                return found
            sleep(found, None, self._waker)

    def send(self, messages: Sequence[str | bytes], /) -> None:
        """Send messages in order.

        Raises:
            LinkClosed: The link is closed or was cut.
        """
        self._send(messages)

    def close(self, _: object = None, /) -> None:
        """Close the link. The session goes on."""
        self._close()


class AsyncSimulatedLink(_Link):
    """A link for asyncio. It is an `ecskit._core.links.Link`."""

    async def receive(self, seconds: float, /) -> list[str | bytes]:
        """Return all messages that have arrived. Wait for the first for up to `seconds`.

        Raises:
            LinkClosed: The link is closed or was cut.
        """
        clock = self._clock
        sleep = partial(clock.asleep, idle=True) if isinstance(clock, VirtualClock) else clock.asleep
        end = clock.now() + seconds
        while True:
            found = self._next(end)
            if isinstance(found, list):
                return found
            await sleep(found, self._waker)

    async def send(self, messages: Sequence[str | bytes], /) -> None:
        """Send messages in order.

        Raises:
            LinkClosed: The link is closed or was cut.
        """
        self._send(messages)

    async def close(self, _: object = None, /) -> None:
        """Close the link. The session goes on."""
        self._close()
