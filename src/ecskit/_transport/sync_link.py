"""The link of the sync client: a WebSocket without a thread of its own.

websockets opens the connection, through proxies and with TLS, and encodes and decodes frames. Bytes are moved here,
because its own connections have two threads each, and cannot be woken. Whoever receives also answers pings, and sends
them. The socket does not block: what it does not take at once is sent while `receive` waits.
"""

from __future__ import annotations

import contextlib
import math
import selectors
import socket
import ssl
import time
from collections.abc import Sequence
from typing import Any, cast

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.sync.client import connect

from ecskit import _forks
from ecskit._core.links import LinkClosed

from .links import Settings, closed, failure, may_show

__all__ = ["SyncLink", "open_link"]

_BUFFER, _READS = 1 << 16, 16
"""Bytes of one read, and reads after which what has arrived is passed on."""
_CUT = 1006
_DATA = (Opcode.CONT, Opcode.TEXT, Opcode.BINARY)
_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_LONGEST_WAIT = 3600.0
"""Seconds that one wait for the socket takes at most."""


class _Opened:
    """What `connect` of websockets makes of a socket: in place of its connection, which would start threads."""

    def __init__(self, sock: socket.socket, protocol: ClientProtocol, **_: object) -> None:
        self.socket, self.protocol = sock, protocol

    def handshake(self, *_: object) -> None:
        """Do nothing: the link does this."""

    def start_keepalive(self) -> None:
        """Do nothing: the link does this."""

    def close_socket(self) -> None:
        """Close the socket: the time was over before the handshake, and nothing else of it fails."""
        self.socket.close()
        raise TimeoutError


def open_link(settings: Settings) -> SyncLink:
    """Open a WebSocket.

    Raises:
        TransportError: It could not be opened.
    """
    end = time.monotonic() + (settings.timeout or _LONGEST_WAIT)
    try:
        opened: Any = connect(**settings.as_arguments(), create_connection=cast("Any", _Opened))
        link = SyncLink(opened.socket, opened.protocol, settings)
        link.open(end)
    except Exception as error:
        failed = failure(error, settings)
        if failed is None:
            raise
        cause = error if may_show(error) else None
    else:
        return link
    raise failed from cause


class SyncLink:
    """A WebSocket over a connected socket."""

    speed = 1.0
    """The seconds of `receive` that pass in a real second."""

    def __init__(self, sock: socket.socket, protocol: ClientProtocol, settings: Settings) -> None:
        """Take over the socket."""
        sock.settimeout(0)
        self._socket: Any = sock  # or what websockets has for TLS in TLS
        self._protocol, self._settings = protocol, settings
        self._unsent = bytearray()
        self._arrived: list[str | bytes] = []
        self._fragments: list[Frame] = []
        self._ended: LinkClosed | None = None
        """Why nothing arrives after `_arrived`. The socket is closed then."""
        self._closing = False
        self._ping_at, self._pong_by = time.monotonic() + settings.ping_interval, math.inf
        self._woken, self._waker = socket.socketpair()
        self._woken.settimeout(0)
        self._waker.settimeout(0)
        # Of the selectors, that of epoll would be shared with forked children.
        self._selector: selectors.BaseSelector = getattr(selectors, "PollSelector", selectors.SelectSelector)()
        self._selector.register(sock, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        _forks.register(self)

    def open(self, end: float) -> None:
        """Make the opening handshake, until the monotonic time `end`. If it fails, release the socket."""
        try:
            self._shake_hands(end)
        except BaseException:
            self._release(LinkClosed(_CUT))
            raise
        self._step()

    def _shake_hands(self, end: float) -> None:
        protocol = self._protocol
        request = protocol.connect()
        request.headers.update(self._settings.headers)
        request.headers["User-Agent"] = self._settings.user_agent
        protocol.send_request(request)
        while protocol.state is State.CONNECTING and protocol.handshake_exc is None:
            self._flush()
            if time.monotonic() >= end:
                raise TimeoutError
            self._wait(end - time.monotonic())
            try:
                self._read()
            except OSError:
                if protocol.state is State.CONNECTING:
                    raise  # otherwise it was cut after the handshake, which the next read finds
        if protocol.handshake_exc is not None:
            raise protocol.handshake_exc

    def receive(self, seconds: float, /) -> list[str | bytes]:
        """Return all messages that have arrived. Wait for the first for up to `seconds`."""
        end = time.monotonic() + seconds / self.speed
        is_woken = False
        self._step()
        while not (self._arrived or self._ended or is_woken) and (left := end - time.monotonic()) > 0:
            is_woken = self._wait(min(left, min(self._ping_at, self._pong_by) - time.monotonic()))
            self._step()
        arrived, self._arrived = self._arrived, []
        if not arrived and self._ended:
            raise self._ended
        return arrived

    def send(self, messages: Sequence[str | bytes], /) -> None:
        """Send messages in order, now or while the next `receive` waits."""
        if not self._ended:
            for message in messages:
                if isinstance(message, str):
                    self._protocol.send_text(message.encode())
                else:
                    self._protocol.send_binary(message)
            self._step()
        if self._ended and not self._arrived:
            raise self._ended

    def wake(self) -> None:
        """End the `receive` that waits, or the next one."""
        with contextlib.suppress(OSError):  # closed, or woken often enough
            self._waker.send(b"\0")

    def close(self, _: object = None, /) -> None:
        """Close with code 1000. Wait for the other end, for some seconds."""
        end = time.monotonic() + self._settings.close_timeout
        before = self._ended
        if not self._ended:
            self._closing = True
            self._protocol.send_close(1000)
            self._step()
        while not self._ended and (left := end - time.monotonic()) > 0:
            self._wait(left)
            self._step()
        self._arrived.clear()
        closing = LinkClosed(1000, "closed by this client")
        self._release(closing)
        self._ended = before or closing

    def after_fork(self) -> None:
        """Leave the connection to the parent process: this closes the descriptors of the child only."""
        self._release(LinkClosed(_CUT, "the link belongs to the process from which this one was forked"))

    def _step(self) -> None:
        """Send and read what can be sent and read at once, and ping."""
        if self._ended:
            return
        try:
            self._flush()
            self._read()
            self._keep_alive()
            self._flush()
        except OSError as error:
            self._protocol.receive_eof()
            self._end(error.strerror or type(error).__name__)
        else:
            state = self._protocol.state
            # A client waits for the other end to close the connection; that takes no longer than this one needs.
            if self._protocol.close_rcvd or state is State.CLOSED or (state is State.CLOSING and not self._closing):
                self._protocol.receive_eof()
                self._end()

    def _end(self, cut: str = "") -> None:
        ended = closed(self._protocol.close_exc)
        self._release(LinkClosed(ended.code, cut) if cut and ended.code == _CUT else ended)

    def _flush(self) -> None:
        """Send as much as the socket takes at once."""
        self._unsent += b"".join(self._protocol.data_to_send())
        if self._unsent and not isinstance(self._socket, socket.socket):  # TLS in TLS
            self._send_all()
        with contextlib.suppress(*_WOULD_BLOCK):
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent[:_BUFFER])]
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)
        if self._selector.get_key(self._socket).events != events:
            self._selector.modify(self._socket, events)

    def _send_all(self) -> None:
        """Send everything. What websockets has for TLS in TLS would lose what blocks."""
        self._socket.settimeout(self._settings.pong_timeout)
        try:
            self._socket.sendall(self._unsent)
        finally:
            self._socket.settimeout(0)
        self._unsent.clear()

    def _read(self) -> None:
        """Take what has arrived. The rest of a flood is read next time."""
        with contextlib.suppress(*_WOULD_BLOCK):
            for _ in range(_READS):
                data = self._socket.recv(_BUFFER)
                if data:
                    self._protocol.receive_data(data)
                else:
                    self._protocol.receive_eof()
                for event in self._protocol.events_received():
                    if isinstance(event, Frame):
                        self._take(event)
                if not data:
                    return

    def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PONG:
            self._pong_by = math.inf
        if frame.opcode not in _DATA:
            return
        self._fragments.append(frame)
        if frame.fin:
            data = b"".join(bytes(each.data) for each in self._fragments)
            is_text = self._fragments[0].opcode is Opcode.TEXT
            self._arrived.append(data.decode(errors="replace") if is_text else data)
            self._fragments.clear()

    def _keep_alive(self) -> None:
        now = time.monotonic()
        if self._protocol.state is not State.OPEN:
            return
        if now >= self._pong_by:
            self._protocol.fail(1011, f"no pong within {self._settings.pong_timeout:g} s")
        elif now >= self._ping_at:
            self._protocol.send_ping(b"ecskit")
            self._ping_at = now + self._settings.ping_interval
            self._pong_by = min(self._pong_by, now + self._settings.pong_timeout)

    def _wait(self, seconds: float) -> bool:
        """Wait until there is something to send or read, for some seconds. Return whether `wake` was called."""
        ready = [key.fileobj for key, _ in self._selector.select(min(max(0.0, seconds), _LONGEST_WAIT))]
        if self._woken not in ready:
            return False
        with contextlib.suppress(OSError):
            self._woken.recv(_BUFFER)
        return True

    def _release(self, ended: LinkClosed) -> None:
        self._ended = self._ended or ended
        self._selector.close()
        for each in (self._socket, self._woken, self._waker):
            each.close()
