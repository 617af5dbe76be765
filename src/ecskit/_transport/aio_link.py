"""The link of the async client: a connection of websockets, and a task that takes what arrives."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import sys
from collections.abc import Sequence
from threading import get_ident
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from ecskit._core.errors import ConfigurationError
from ecskit._core.links import LinkClosed

from .links import Settings, closed, failure, may_show

__all__ = ["AsyncLink", "open_link"]

_MOST = 4096
"""Messages that wait to be received, after which no more are read."""


class _Connection(ClientConnection):
    def data_received(self, data: bytes) -> None:
        """Receive, and end the connection after what ends it. A client would wait for the other end to do that."""
        super().data_received(data)
        if self.protocol.close_rcvd is not None or self.protocol.parser_exc is not None:
            self.transport.close()
            self.loop.call_later(self.close_timeout or 0, self.transport.abort)  # of TLS, the close may take longer


class _Connect(connect):
    def process_redirect(self, exc: Exception) -> Exception | str:
        """Follow no redirects: the token of a session is for one host."""
        return exc


async def open_link(settings: Settings) -> AsyncLink:
    """Open a WebSocket.

    Raises:
        TransportError: It could not be opened.
    """
    if settings.proxy_tls and settings.tls and sys.version_info < (3, 11):
        raise ConfigurationError(
            "WebSocket: asyncio connects through https proxies since Python 3.11; use an http proxy, or Client"
        )
    arguments: dict[str, Any] = {
        **settings.as_arguments(),
        "ping_interval": settings.ping_interval,
        "ping_timeout": settings.pong_timeout,
        "close_timeout": settings.close_timeout,
        "create_connection": _Connection,
    }
    try:
        return AsyncLink(await _Connect(**arguments))
    except Exception as error:
        timed_out = isinstance(error, asyncio.TimeoutError)  # before Python 3.11, this is a class of its own
        failed = failure(TimeoutError() if timed_out else error, settings)
        if failed is None:
            raise
        cause = error if may_show(error) else None
    raise failed from cause


class AsyncLink:
    """A WebSocket of an event loop."""

    speed = 1.0
    """The seconds of `receive` that pass in a real second."""

    def __init__(self, connection: ClientConnection) -> None:
        """Take over an open connection."""
        self._connection = connection
        self._loop, self._thread, self._process = asyncio.get_running_loop(), get_ident(), os.getpid()
        self._arrived: list[str | bytes] = []
        self._ended: LinkClosed | None = None
        """Why nothing arrives after `_arrived`."""
        self._changed, self._taken = asyncio.Event(), asyncio.Event()
        self._reader = asyncio.create_task(self._read(), name="ecskit-link")

    async def _read(self) -> None:
        try:
            while True:
                message = await self._connection.recv()  # first: `receive` replaces the list meanwhile
                self._arrived.append(message)
                self._changed.set()
                if len(self._arrived) >= _MOST:
                    self._taken.clear()
                    await self._taken.wait()
        except ConnectionClosed as error:
            self._ended = closed(error)
        finally:
            if self._ended is None:
                self._ended = LinkClosed(1006)
            self._changed.set()

    async def receive(self, seconds: float, /) -> list[str | bytes]:
        """Return all messages that have arrived. Wait for the first for up to `seconds`."""
        self._check_process()
        if not (self._arrived or self._ended):
            timer = self._loop.call_later(seconds / self.speed, self._changed.set) if seconds < math.inf else None
            try:
                await self._changed.wait()
            finally:
                if timer is not None:
                    timer.cancel()
        self._changed.clear()
        arrived, self._arrived = self._arrived, []
        self._taken.set()
        if not arrived and self._ended:
            raise self._ended
        return arrived

    async def send(self, messages: Sequence[str | bytes], /) -> None:
        """Send messages in order."""
        self._check_process()
        with contextlib.suppress(ConnectionClosed):
            for message in messages:
                if self._connection.transport.is_closing():
                    break  # asyncio would log what is written from now on
                await self._connection.send(message)
        if self._connection.transport.is_closing():
            self._taken.set()
            await asyncio.wait({self._reader})  # it takes what has arrived
        if self._ended and not self._arrived:
            raise self._ended

    def wake(self) -> None:
        """End the `receive` that waits, or the next one."""
        if get_ident() == self._thread:
            self._changed.set()
        else:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._changed.set)

    async def close(self, _: object = None, /) -> None:
        """Close with code 1000. Wait for the other end, for some seconds."""
        if os.getpid() != self._process:
            return  # the connection, and the selector of its event loop, are the parent's
        self._ended = self._ended or LinkClosed(1000, "closed by this client")
        self._arrived.clear()
        self._reader.cancel()
        try:
            await self._connection.close()
        finally:
            self._connection.transport.abort()  # if the close was cancelled
            await self._connection.wait_closed()
            tasks = {self._reader, self._connection.keepalive_task or self._reader}
            for task in tasks:
                task.cancel()  # of a connection that ended at once, the one that pings would run on
            await asyncio.wait(tasks)

    def _check_process(self) -> None:
        if os.getpid() != self._process:
            raise LinkClosed(1006, "the link belongs to the process from which this one was forked")
