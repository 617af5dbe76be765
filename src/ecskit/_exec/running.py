"""One command, from its open session to its result."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, AnyStr, Generic

import attrs

from ecskit._core.effects import Flow, GetSpeed, Invoke, Reply, Sleep
from ecskit._exec.marks import Begun, Exited, Garbled, Lacking, OutputReader
from ecskit._exec.result import ExecKind, ExecResult
from ecskit._exec.session import CLOSING, UNMARKED, Session, awaited
from ecskit._exec.watching import describe, stop_of, watch
from ecskit._exec.wrapper import Wrapped

__all__ = ["Run"]

_BEGINNING = 60.0
"""Seconds for the begin mark to arrive. Agents start commands within seconds."""
_INTERRUPTING = 5.0
"""Seconds for a command to end after Ctrl-C."""
_CTRL_C = b"\x03"
_NO_SHELL = re.compile(r"executable file not found|no such file or directory|unable to start command", re.IGNORECASE)
"""What the agent writes if the image lacks `sh`."""
_UNBEGUN = "it was not seen to begin within {:g} s, and may run"


class _Kept(Generic[AnyStr]):
    """The beginning of the output, up to a limit."""

    def __init__(self, limit: int | None) -> None:
        self.truncated = False
        self.pieces: list[AnyStr] = []
        self._room = math.inf if limit is None else limit

    def add(self, piece: AnyStr) -> None:
        if len(piece) > self._room:
            self.truncated = True
            piece = piece[: int(self._room)]
        self._room -= len(piece)
        self.pieces.append(piece)


class _Unwrapped:
    """Decodes the output of a command that is not wrapped: the terminal has turned each LF into CRLF."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def feed(self, data: bytes, *, final: bool = False) -> list[Any]:
        text = self._held + self._decoder.decode(data, final)
        self._held = "\r" if text.endswith("\r") and not final else ""
        text = text[: len(text) - len(self._held)].replace("\r\n", "\n")
        return [text] if text else []

    def end(self) -> str:
        return "".join(self.feed(b"", final=True))


@attrs.define(eq=False)
class Run(Generic[AnyStr]):
    """One command, from the open session to the result."""

    session: Session
    wrapped: Wrapped | None
    timeout: float | None
    max_output: int | None
    on_output: Callable[[AnyStr], object] | None
    kept: _Kept[AnyStr] = attrs.field(init=False)
    reader: OutputReader | _Unwrapped = attrs.field(init=False)
    begun: bool = False
    timed_out: bool = False
    exit_code: int | None = None
    problem: str | None = None
    """Why the output cannot be read, or what the image lacks."""
    lacking: bool = False

    def __attrs_post_init__(self) -> None:
        self.kept = _Kept(self.max_output)
        self.reader = OutputReader(self.wrapped) if self.wrapped else _Unwrapped()
        self.begun = self.wrapped is None

    def perform(self) -> Flow[None]:
        """Take in the output until the command has ended, or nothing more is expected."""
        session = self.session
        begun: Reply[float] = yield GetSpeed()
        now, speed = begun.now, begun.get()
        ends_by = math.inf if self.timeout is None else now + self.timeout
        begins_by = min(ends_by, now + _BEGINNING * speed)
        is_ending = False
        while True:
            until = ends_by if self.begun else begins_by
            # Output that never pauses must not hide that the time is over.
            data = None
            if now < until:
                data = yield from awaited(session, session.take, until, lambda: watch(session))
            if data:
                yield from self._take(self.reader.feed(data))
                now = (yield Sleep(0)).now
            elif data is None and self.begun and not (is_ending or self.timed_out):
                self.timed_out = True
                session.put(_CTRL_C)
                now = (yield Sleep(0)).now
                ends_by = now + _INTERRUPTING * speed
            else:
                if data is None and not self.begun and not is_ending:
                    self.timed_out = begins_by == ends_by
                    self.problem = None if self.timed_out else _UNBEGUN.format(_BEGINNING)
                yield from self._take([self.reader.end()])
                return
            if not is_ending and (self.exit_code is not None or self.problem is not None):
                is_ending = True
                ends_by = begins_by = now + CLOSING * speed

    def _take(self, events: Sequence[Any]) -> Flow[None]:
        for event in events:
            match event:
                case Begun():
                    self.begun = True
                    if self.wrapped and self.wrapped.input:
                        self.session.put(self.wrapped.input)
                case Exited(code):
                    self.exit_code = code
                case Lacking(program):
                    self.problem, self.lacking = f"the image lacks `{program}`, so the command was not run", True
                case Garbled():
                    self.problem = "another process wrote to the terminal, so that the output cannot be read"
                case piece if piece:
                    self.kept.add(piece)
                    if self.on_output is not None:
                        yield Invoke(self.on_output, piece)
                case _:
                    pass

    def result(self, *, binary: bool) -> Flow[ExecResult[Any]]:
        """Return the result. Raise what ended the session, if that is no result."""
        session = self.session
        kind, reason = yield from self._kind()
        return ExecResult(
            kind=kind,
            exit_code=self.exit_code,
            output=(b"" if binary else "").join(self.kept.pieces),  # type: ignore[arg-type]  # pieces are of its type
            truncated=self.kept.truncated,
            task_arn=session.place.task_arn,
            container=session.place.container,
            session_id=session.session_id,
            reason=reason,
        )

    def _kind(self) -> Flow[tuple[ExecKind, str | None]]:
        if self.timed_out:
            return "TIMED_OUT", self._lateness()
        if self.exit_code is not None:
            return "EXITED", None
        if self.problem is not None:
            return ("NO_SHELL" if self.lacking else "UNKNOWN"), self.problem
        end = self.session.end
        assert end is not None  # `perform` returns at the end
        if end.cause == "lost":
            return "UNKNOWN", end.reason
        if end.cause not in ("closed", "stopped"):
            self.session.raise_cause()
        stopped = end.reason if end.cause == "stopped" else (yield from self._stop())
        if stopped:
            return "TASK_STOPPED", stopped
        return self._closed(end.reason) if end.is_complete else ("UNKNOWN", end.why)

    def _lateness(self) -> str:
        if not self.begun:
            return _UNBEGUN.format(self.timeout)
        return f"it was interrupted after {self.timeout:g} s{', and may live on' if self.exit_code is None else ''}"

    def _stop(self) -> Flow[str | None]:
        """Return how the task stops, if it does: then this is why the service has closed the session."""
        task = yield from describe(self.session)
        if task is None:
            return None
        stopping = f"the task is stopping{f' ({task.stopped_reason})' if task.stopped_reason else ''}"
        stopped = stop_of(task, self.session.place.container)
        return stopped or (stopping if task.desired_status == "STOPPED" else None)

    def _closed(self, text: str) -> tuple[ExecKind, str]:
        """Return what it means that the service closed the session before the end of the command was seen."""
        if self.wrapped is None:
            return "UNKNOWN", text or "no exit code was requested"
        if self.begun and text:
            return "UNKNOWN", f"the service ended the session, and the command may live on: {text}"
        if self.begun:
            return "KILLED", UNMARKED
        why = f": {text}" if text else ""
        if _NO_SHELL.search(text):
            return "NO_SHELL", f"the image has no `sh`, or it cannot be run{why}"
        return "UNKNOWN", f"the session ended before the command was seen to begin, and it may have run{why}"
