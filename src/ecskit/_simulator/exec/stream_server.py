"""Serve the streams of sessions of ECS Exec as WebSockets, on the loopback interface only."""

from __future__ import annotations

import contextlib
import logging
import math
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from ecskit._simulator.exec.links import status_of

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from ssl import SSLContext

    from ecskit._simulator.exec.session import Connection
    from ecskit._simulator.faults import Fault

__all__ = ["StreamServer"]

_HOST = "127.0.0.1"
_CHECK_SECONDS = 0.05
"""The most real seconds between two checks of a session, which requests can end."""
_ABNORMAL = 1006
_LONGEST_OPENING = 60.0
"""Real seconds for which an opening is not answered that meets a timeout."""
_LONGEST = 2**20
"""The maximum size of a message in bytes. Frames are far below."""

_SILENT = logging.Logger("ecskit.testing", logging.CRITICAL)  # noqa: LOG001  # no handlers, no parents
"""Messages can be secret: they have tokens and input."""


class StreamServer:
    """Serves streams until it is closed.

    Args:
        connection: Returns the end of a stream for a path.
        opening_fault: Returns the fault that an opening meets at a path, if any.
        locked: Returns a context that holds the lock of the simulator.
        time: Returns the time of the simulator.
        speed: Seconds of the simulator per real second.
        failed: Records errors of the simulator and of scripts.
        ssl_context: The TLS of the server; None for none.
    """

    def __init__(
        self,
        *,
        connection: Callable[[str], Connection],
        opening_fault: Callable[[str], Fault | None],
        locked: Callable[[], AbstractContextManager[None]],
        time: Callable[[], float],
        speed: float,
        failed: Callable[[Exception], object],
        ssl_context: SSLContext | None,
    ) -> None:
        self._connection, self._locked, self._time, self._speed, self._failed = connection, locked, time, speed, failed
        self._opening_fault = opening_fault
        self._closing = threading.Event()
        self._handlers: set[threading.Thread] = set()
        self._server: Server = serve(
            self._handle,
            _HOST,
            0,
            ssl=ssl_context,
            process_request=self._open,
            compression=None,
            max_size=_LONGEST,
            close_timeout=1,
            logger=_SILENT,
        )
        scheme = "ws" if ssl_context is None else "wss"
        self.url = f"{scheme}://{_HOST}:{self._server.socket.getsockname()[1]}"
        """Scheme, host and port."""
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Cut open connections and stop serving."""
        self._closing.set()
        self._join()
        self._server.shutdown()
        self._thread.join()
        self._join()  # one that began meanwhile

    def _join(self) -> None:
        for handler in list(self._handlers):
            handler.join()

    def _open(self, client: ServerConnection, request: Request) -> Response | None:
        """Refuse the opening of a stream that meets a fault."""
        fault = self._opening_fault(request.path)
        if fault is None:
            return None
        if fault.error is not None:
            return client.respond(status_of(fault), f"{fault.error.message}\n")
        if fault.loss == "timeout":
            self._closing.wait(_LONGEST_OPENING)
        _cut(client)
        return None

    def _handle(self, client: ServerConnection) -> None:
        thread = threading.current_thread()
        self._handlers.add(thread)
        try:
            self._pass_on(client, self._connection(client.request.path if client.request else ""))
        except ConnectionClosed:
            pass
        except Exception as error:  # noqa: BLE001  # the client gets no answer
            self._failed(error)
        finally:
            _cut(client)
            self._handlers.discard(thread)

    def _pass_on(self, client: ServerConnection, connection: Connection) -> None:
        """Pass messages on in both directions, until one end closes."""
        try:
            while not self._closing.is_set():
                with self._locked():
                    arrived = connection.take()
                    closed, seconds = connection.closed, connection.next_moment() - self._time()
                for message in arrived:
                    client.send(message)
                if closed is not None:
                    if closed[0] != _ABNORMAL:
                        client.close(*closed)
                    return
                received = _received(client, seconds / self._speed if seconds < math.inf else _CHECK_SECONDS)
                with self._locked():
                    for message in received:
                        connection.send(message)
        finally:
            with self._locked():
                connection.close()


def _received(client: ServerConnection, seconds: float) -> list[str | bytes]:
    """Return all messages that have arrived. Wait a short time for the first."""
    received: list[str | bytes] = []
    with contextlib.suppress(TimeoutError):
        received.append(client.recv(timeout=min(max(seconds, 0.0), _CHECK_SECONDS)))
        while True:
            received.append(client.recv(timeout=0))
    return received


def _cut(client: ServerConnection) -> None:
    with contextlib.suppress(OSError):
        client.socket.shutdown(socket.SHUT_RDWR)
    client.socket.close()
