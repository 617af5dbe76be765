"""The state of a session that its pump and its users share. They may run in different threads.

The pump alone writes what is no deque; users alone pop what the pump appends, and the other way round. So there is no
lock between them. Whoever changes something wakes the others: the pump rouses the wakers of users, users wake the link.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Literal, NoReturn, TypeAlias, TypeVar

import attrs

from ecskit import _forks
from ecskit._core.background import Background, stop
from ecskit._core.effects import Cancelled, Flow, GetSpeed, Reply, Sleep, Waker
from ecskit._core.links import Link
from ecskit._exec.errors import SessionEnded
from ecskit._exec.marks import Exited, OutputReader

__all__ = ["CLOSING", "End", "Place", "Resize", "Session", "awaited", "close"]

T = TypeVar("T")

BUFFER_LIMIT = 64 * 2**20
"""The most bytes of output that wait for their reader. Output is acknowledged on receipt: the agent discards its end
otherwise. So it cannot be slowed down."""
PIECE = 16 * 2**10
"""Bytes of input that are handed to the pump at once."""
_PIECES = 4
"""How many pieces may wait for the pump."""
_ENDING, _CANCELLING = 7.0, 1.0
"""Seconds for the pump to end by itself, and after it was cancelled. The clean-up of a flow may take 10 s in all."""
_UNDER_WAY = 64 * 2**10
"""How many bytes the channel may have accepted that the agent has not acknowledged, before `send` waits."""

CLOSING = 2.0
"""Seconds after the end of a command for the service to close the channel. A child of the command may prevent it."""

LOST = "a part of its output was lost: the agent discards what is not acknowledged within 2 s of the end"

UNMARKED = "its shell was killed, the session was ended from outside, or its end was lost"
"""What it means that the service has closed a session before the exit code was seen."""

Cause: TypeAlias = Literal["closed", "stopped", "lost", "refused", "failed", "overflow", "local"]


@attrs.frozen
class Place:
    """Where a command runs."""

    cluster: str
    """Name or ARN of the cluster."""
    task_arn: str
    container: str
    runtime_id: str | None

    @property
    def ssm_target(self) -> str:
        """What Systems Manager calls the container."""
        cluster, task = (name.rsplit("/", 1)[-1] for name in (self.cluster, self.task_arn))
        return f"ecs:{cluster}_{task}_{self.runtime_id}"


@attrs.frozen
class End:
    """How a session ended."""

    cause: Cause
    """Who or what ended it: "closed" by the service, "stopped" with its task; its connection was "lost"; its key was
    "refused"; it "failed" with an error; "overflow" of output that nothing read; "local" for this program."""
    reason: str = ""
    """Why; empty after a normal end."""
    error: BaseException | None = None
    """The error to raise for it, if there is one."""
    is_complete: bool = True
    """False if a part of the output is known to be lost: what follows it has arrived."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing shows that output is missing."""
        return self.cause in ("stopped", "local") or (self.cause == "closed" and not self.reason and self.is_complete)

    @property
    def why(self) -> str:
        """Why the session ended, for messages."""
        return "; ".join(filter(None, [self.reason, "" if self.is_complete else LOST])) or self.cause


@attrs.frozen
class Resize:
    """Request another size of the terminal."""

    columns: int
    rows: int


class Session:
    """A session, from the request that opens it until its end."""

    def __init__(self, place: Place) -> None:
        self.place = place
        # Users write:
        self.commands: deque[bytes | Resize] = deque()
        """Input and sizes for the pump."""
        self.closing: End | None = None
        """How the pump has to end the session."""
        self.exit_code: int | None = None
        """The exit code, if the command is wrapped and has exited."""
        self.active_at = 0.0
        """The monotonic time of the latest output, or description of the task. The pump writes it, too."""
        self.background: Background | None = None
        self.watcher: Background | None = None
        """What describes the task, or has described it."""
        self.watching = False
        """Whether it is under way."""
        self.reader: OutputReader | None = None
        """Finds the exit code in the output, if the command of an interactive session is wrapped."""
        self._consumed: deque[int] = deque()
        self._reading = Lock()
        """Held while one thread passes output through the reader, and never during a wait."""
        # The pump writes:
        self.session_id = ""
        """The id; empty before the response to ExecuteCommand."""
        self.url = ""
        self.pumping = False
        """Whether the pump has begun."""
        self.begun: Literal[True] | None = None
        """Whether the session is open."""
        self.link: Link | None = None
        self.waker = Waker()
        """Ends the pauses of the pump."""
        self.end: End | None = None
        """How the session ended; None while it is open."""
        self.done = False
        """Whether the pump has cleaned up after that."""
        self.terminated = False
        """Whether the pump has requested the termination, with success or without."""
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._pending = 0
        self._is_awaited = False
        """Whether a user may wait for room. Users set it, the pump clears it."""
        self._wakers: dict[Waker, None] = {}
        _forks.register(self)

    def after_fork(self) -> None:
        """End it in a forked child, which has no pump. The session goes on in the parent."""
        self.link = self.background = self.watcher = None
        self._reading, self._wakers = Lock(), {}
        self.end = self.end or End("local", "it belongs to the process from which this one was forked")
        self.done = True

    def __repr__(self) -> str:
        state = "open" if self.end is None else f"ended: {self.end.why}"
        return f"<{self.session_id or 'session'} in container {self.place.container} of {self.place.task_arn}, {state}>"

    # What the pump calls.

    def begin(self, now: float) -> None:
        """Note that the session is open."""
        self.begun, self.active_at = True, now
        self._rouse()

    def deliver(self, data: bytes, now: float) -> bool:
        """Pass output on to the users. Return whether there is room for it."""
        self.active_at = now
        if not data:
            return True  # users would take it for the end
        while self._consumed:
            self._buffered -= self._consumed.popleft()
        self._buffered += len(data)
        if self._buffered > BUFFER_LIMIT:
            return False
        self._chunks.append(data)
        self._rouse()
        return True

    def report_pending(self, pending: int) -> None:
        """Note how many bytes of input the agent has not acknowledged, once the commands were taken."""
        self._pending = pending
        if self._is_awaited and self._is_free():
            self._is_awaited = False
            self._rouse()

    def finish(self, end: End) -> None:
        """Note how the session ended, unless that is known already."""
        if self.end is None:
            self.end = end
        self._rouse()

    def finish_clean_up(self) -> None:
        """Note that nothing follows any more."""
        self.done = True
        self._rouse()

    def _rouse(self) -> None:
        for waker in list(self._wakers):
            waker.rouse()

    # What users call.

    def take(self) -> bytes | None:
        """Return all output that is there; b"" at the end of a session, None if there is none yet."""
        ended = self.end is not None  # read first: a chunk may arrive before the end, and after the loop
        chunks: list[bytes] = []
        while self._chunks:
            try:
                chunks.append(self._chunks.popleft())
            except IndexError:  # another reader took it
                break
            self._consumed.append(len(chunks[-1]))
        return b"".join(chunks) if chunks or ended else None

    def read(self) -> bytes | None:
        """Return what `take` returns, without the exit code at its end. The session counts as ended then."""
        reader = self.reader
        if reader is None:
            return self.take()
        with self._reading:
            return self._read(reader)

    def _read(self, reader: OutputReader) -> bytes | None:
        if self.exit_code is not None:
            self.take()  # none of it is the command's, and it may have no end
            return b""
        data = self.take()
        if data is None:
            return None
        output = b""
        for event in reader.feed(data) if data else [reader.end()]:
            if isinstance(event, Exited):
                self.exit_code = event.code
            elif isinstance(event, bytes):
                output += event
        return output or (b"" if not data or self.exit_code is not None else None)

    def has_room(self) -> bool:
        """Return whether more input is accepted. If not, wakers are roused once it is."""
        self._is_awaited = True  # before the decision: the pump may make room at any moment
        return self._is_free()

    def _is_free(self) -> bool:
        return len(self.commands) < _PIECES and self._pending < _UNDER_WAY

    def put(self, *commands: bytes | Resize) -> None:
        """Hand input, or the size of the terminal, to the pump."""
        self.commands.extend(commands)
        self._wake_pump()

    def finish_watching(self) -> None:
        """Note that the task was described."""
        self.watching = False
        self._rouse()

    def request_end(self, end: End) -> None:
        """Request that the pump ends the session."""
        self.closing = self.closing or end
        self._wake_pump()

    def raise_end(self) -> NoReturn:
        """Raise that the session has ended, from the error that ended it if there is one."""
        end = self.end or End("local")
        raise SessionEnded(self.session_id, end.why) from end.error

    def raise_cause(self) -> NoReturn:
        """Raise the error that ended the session; without one, raise that it has ended."""
        if self.end is not None and isinstance(self.end.error, Exception):
            raise self.end.error
        self.raise_end()

    def _wake_pump(self) -> None:
        self.waker.rouse()
        link = self.link
        if link is not None:
            link.wake()


def awaited(
    session: Session, ready: Callable[[], T | None], until: float, watch: Callable[[], Flow[float]] | None = None
) -> Flow[T | None]:
    """Wait until `ready` returns something, and return it; None if that did not happen by the time `until`.

    Args:
        session: What has to change.
        ready: Returns what is awaited, or None.
        until: The monotonic time of the end.
        watch: Does what is due, and returns the time when it is due again.
    """
    waker = Waker()
    session._wakers[waker] = None
    try:
        while True:
            waker.roused = False
            found = ready()
            if found is not None:
                return found
            wake_at = until
            if watch is not None:
                wake_at = min(until, (yield from watch()))
            now = (yield Sleep(0)).now
            if now >= until:
                return ready()
            yield Sleep(max(0.0, wake_at - now), waker)
    finally:
        del session._wakers[waker]


def close(session: Session) -> Flow[None]:
    """End a session, and wait for the end of its pump and of its watcher, unless a request of theirs hangs.

    A cancellation waits for them, too.
    """
    try:
        yield from _close(session)
    except Cancelled:
        yield from _close(session)  # what was not done yet
        raise


def _close(session: Session) -> Flow[None]:
    try:
        if session.exit_code is not None:
            yield from _awaited_end(session, lambda: True if session.end else None, CLOSING)
    finally:  # a pump that begins after this ends at once
        session.request_end(End("local", "it was closed"))
    if session.watcher is not None:
        session.watcher.cancel()
    if session.pumping or session.background is not None:
        # A cancellation could lose a response: it is for a pump that does not end by itself.
        yield from _awaited_end(session, lambda: session.done or None, _ENDING)
        if session.background is not None and not session.done:
            session.background.cancel()
            yield from _awaited_end(session, lambda: session.done or None, _CANCELLING)
    yield from _awaited_end(session, lambda: None if session.watching else True, _CANCELLING)
    # Those whose flows have ended. A request that hangs may take a minute, and is not waited for.
    for background, has_ended in ((session.background, session.done), (session.watcher, not session.watching)):
        if background is not None and has_ended:
            yield from stop(background)


def _awaited_end(session: Session, ready: Callable[[], bool | None], seconds: float) -> Flow[None]:
    speed: Reply[float] = yield GetSpeed()
    yield from awaited(session, ready, speed.now + seconds * speed.get())
