"""Methods of the handle of a session."""

from __future__ import annotations

import math
from typing import Any

from ecskit._core.effects import Flow, Sleep
from ecskit._core.errors import RequestError
from ecskit._exec.errors import SessionTimeout
from ecskit._exec.opening import size_problems
from ecskit._exec.session import PIECE, Resize, Session, awaited, close as end
from ecskit._exec.watching import watch
from ecskit._polling.options import is_seconds

__all__ = ["close", "read", "resize", "send"]


def read(session: Session, *, timeout: float | None = None) -> Flow[bytes]:
    """Return the output that is there, at least one byte; wait for it if there is none. Return b"" at the end.

    While it waits, it describes the task every 10 s. When that has stopped, the session ends.

    Args:
        session: The session.
        timeout: Maximum seconds to wait; None for no limit.

    Returns:
        The output, as the terminal shows it: standard output and standard error in one, each line with CRLF. b"" if
        the session has ended; `end_reason` says why. A character may be cut: decode with an incremental decoder.

    Raises:
        SessionTimeout: There was no output within `timeout`. It is a `TimeoutError`, too.
        SessionEnded: The session ended, and output may be missing: the connection was lost, or the service reports
            an error.
        RequestError: An argument is wrong.
    """
    _check_timeout("session.read", timeout)

    def flow() -> Flow[bytes]:
        until = math.inf if timeout is None else (yield Sleep(0)).now + timeout
        data = yield from awaited(session, session.read, until, lambda: watch(session))
        if data is None:
            raise SessionTimeout(session.session_id, timeout or 0.0)
        if not data and session.end is not None and not session.end.is_clean:
            session.raise_end()
        return data

    return flow()


def send(session: Session, data: bytes, *, timeout: float | None = None) -> Flow[None]:
    """Send input to the terminal. Wait while the container takes no more: 64 KiB are under way at most.

    Ctrl-C is the byte 3, and Ctrl-D, at the beginning of a line, the byte 4. Input of up to 16 KiB is sent in one
    piece; that of several threads or tasks is not mixed within it.

    Args:
        session: The session.
        data: The input.
        timeout: Maximum seconds to wait; None for no limit.

    Raises:
        SessionTimeout: Not all of it was accepted within `timeout`: `sent` has how much was. It is a
            `TimeoutError`, too.
        SessionEnded: The session has ended.
        RequestError: An argument is wrong.
    """
    _check_timeout("session.send", timeout)
    given: Any = data  # users without a checker
    if not isinstance(given, (bytes, bytearray, memoryview)):
        hint = "; encode it" if isinstance(given, str) else ""
        raise RequestError("session.send", [("data", f"expected bytes, got {type(given).__name__}{hint}")])
    content = bytes(data)

    def has_room() -> bool | None:
        return True if session.end is not None or session.has_room() else None

    def flow() -> Flow[None]:
        until = math.inf if timeout is None else (yield Sleep(0)).now + timeout
        for start in range(0, len(content), PIECE):
            if (yield from awaited(session, has_room, until, lambda: watch(session))) is None:
                raise SessionTimeout(session.session_id, timeout or 0.0, start, len(content))
            if session.end is not None:
                session.raise_end()
            session.put(content[start : start + PIECE])

    return flow()


def resize(session: Session, columns: int, rows: int) -> Flow[None]:
    """Change the size of the terminal. A program in it gets SIGWINCH.

    Args:
        session: The session.
        columns: Columns of the terminal.
        rows: Rows of the terminal.

    Raises:
        SessionEnded: The session has ended.
        RequestError: An argument is wrong.
    """
    problems = size_problems(columns, rows)
    if problems:
        raise RequestError("session.resize", problems)

    def flow() -> Flow[None]:
        yield from ()
        if session.end is not None:
            session.raise_end()
        session.put(Resize(columns, rows))

    return flow()


def close(session: Session) -> Flow[None]:
    """End the session, and wait until it has ended. Closing twice does nothing.

    Input that was not sent yet is dropped. The command gets a hangup of its terminal; one that ignores it lives on.

    Args:
        session: The session.
    """
    return end(session)


def _check_timeout(verb: str, timeout: object) -> None:
    if timeout is not None and not is_seconds(timeout):
        problem = f"expected seconds, 0 or more, or None for no limit, got {timeout!r}"
        raise RequestError(verb, [("timeout", problem)])
