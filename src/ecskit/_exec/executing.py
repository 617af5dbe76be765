"""Run a command in a container, and return how it ended."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, AnyStr, Generic, TypeAlias

import attrs

from ecskit._core.effects import DrawRandom, Flow, Invoke, Sleep
from ecskit._core.errors import RequestError
from ecskit._exec.marks import Begun, Exited, Garbled, Lacking, OutputReader
from ecskit._exec.result import ExecKind, ExecResult
from ecskit._exec.session import Session, awaited, close
from ecskit._exec.starting import Start, plain
from ecskit._exec.watching import describe, stop_of, watch
from ecskit._exec.wrapper import Wrapped, wrap
from ecskit._polling.options import is_count, is_seconds
from ecskit.models.tasks import Task

__all__ = ["AsyncOnOutput", "OnOutput", "execute"]

OnOutput: TypeAlias = Callable[[AnyStr], None]
"""A function that is called with each piece of output."""
AsyncOnOutput: TypeAlias = Callable[[AnyStr], Awaitable[object] | None]
"""The same for async clients, which also take a coroutine function."""

_CLOSING = 2.0
"""Seconds after the end of the command for the service to close the channel. A child of the command may prevent it."""
_INTERRUPTING = 5.0
"""Seconds for a command to end after Ctrl-C."""
_CTRL_C = b"\x03"
_NO_SHELL = re.compile(r"executable file not found|no such file or directory|unable to start command", re.IGNORECASE)
"""What the agent writes if the image lacks `sh`."""


def execute(
    task: Task | str,
    command: str | Sequence[str],
    *,
    container: str | None = None,
    cluster: str | None = None,
    input: bytes | str | None = None,  # noqa: A002  # as subprocess has it
    timeout: float | None = None,
    start_timeout: float | None = 120.0,
    check: bool = False,
    binary: bool = False,
    max_output: int | None = 67108864,
    on_output: AsyncOnOutput[AnyStr] | None = None,
    exit_code: bool = True,
) -> Flow[ExecResult[AnyStr]]:
    """Run a command in a container of a task by ECS Exec, and return how it ended, with its output.

    The command runs as the user of the agent, which is root, in a terminal of its own: standard output and standard
    error arrive as one. ECS Exec has no exit codes. So the command runs under `sh`, which the image has to have,
    and the shell reports the code. Linux containers only.

    ECS Exec has to be enabled for the task. The call waits until the agent in the container runs, and sends one
    ExecuteCommand. It repeats that only while ECS reports that the agent is not connected, for 15 s: in all other
    cases the command might run twice.

    Every way out ends the session, for which the credentials need ssm:TerminateSession. That does not end the
    command: one that goes on without its terminal may live on in the container. The same holds after `timeout`.

    Args:
        task: The task, its id or its ARN.
        command: A list of the program and its arguments, as they are; or a text for `sh -c`, with pipes and
            variables.
        container: Name of the container; required if the task has several.
        cluster: Name or ARN of the cluster; optional if the task or its ARN includes it.
        input: What the command reads from its standard input, text in UTF-8. Without it, the input is empty. The
            image needs `stty` and `head` for it.
        timeout: Seconds for the command, from the response to ExecuteCommand on; None for no limit. After that it
            gets Ctrl-C and 5 s to end, and the result is TIMED_OUT, with the output so far.
        start_timeout: Maximum seconds to wait until the task and its agent run; None for no limit.
        check: Whether to raise ExecFailed unless the command exits with code 0.
        binary: Whether the output is `bytes`, exactly as the command wrote it. The image needs `base64` for it.
            Text is decoded as UTF-8, with U+FFFD for what is none.
        max_output: How many bytes, or characters of text, of the output the result keeps; None for no limit. The
            rest is dropped, and `truncated` is true. `on_output` gets all of it.
        on_output: Called with each piece of output as it arrives. With an async client it may be a coroutine
            function. While it runs, output waits: after 64 MiB the call fails. An exception that it raises ends the
            call.
        exit_code: Whether to run the command under `sh`. Without, for images that have none, a list is run as it is
            and a text is split as a shell splits it; there is no `input` and no `binary`, and the kind is never
            EXITED.

    Returns:
        The result: the kind of the end, the exit code, the output.

    Raises:
        ExecFailed: With `check`: the command did not exit with code 0. The error has the result.
        ExecUnavailable: ECS Exec cannot be used: it is not enabled, the agent does not run or is not connected, the
            task has stopped or runs on Windows. The message has what to change; the command was not run.
        ExecResponseLost: No valid response to ExecuteCommand arrived. The command may run; it was not sent again.
        SessionEnded: The session cannot be used: AWS KMS refuses the key, or `on_output` is too slow.
        TaskNotVisible: The task was not visible within 60 s.
        WaitTimeout: The task and its agent did not run within `start_timeout`.
        MissingExtraError: The extra `exec` is not installed.
        RequestError: An argument is wrong; nothing was run.
        ServiceError: ECS refuses a call: no permission, no such cluster.
        TransportError: The exchange with ECS failed, or the connection to the session could not be opened.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
    """
    start = Start.of("tasks.execute", task, cluster, container, start_timeout)
    data = input.encode() if isinstance(input, str) else input
    text = plain("tasks.execute", command)
    _check(data, timeout, max_output, on_output, check=check, binary=binary, exit_code=exit_code)
    if exit_code:
        wrap(command, nonce=0, input=data, binary=binary)  # raises RequestError

    def flow() -> Flow[ExecResult[AnyStr]]:
        drawn: int = (yield DrawRandom()).get()
        wrapped = wrap(command, nonce=drawn, input=data, binary=binary) if exit_code else None
        session = yield from start.session(wrapped.command if wrapped else text, needs_gate=False)
        try:
            run: _Run[Any] = _Run(session, wrapped, timeout, max_output, on_output)
            yield from run.perform()
            result: ExecResult[AnyStr] = yield from run.result(binary=binary)
        finally:
            yield from close(session)
        return result.raise_for_result() if check else result

    return flow()


def _check(
    data: Any,
    timeout: Any,
    max_output: Any,
    on_output: Any,
    *,
    check: bool,
    binary: bool,
    exit_code: bool,
) -> None:
    """Raise RequestError if an argument is wrong."""
    problems: list[tuple[str, str]] = []
    if data is not None and not isinstance(data, bytes):
        problems.append(("input", f"expected bytes or str, got {type(data).__name__}"))
    if timeout is not None and not is_seconds(timeout):
        problems.append(("timeout", f"expected seconds, 0 or more, or None for no limit, got {timeout!r}"))
    if max_output is not None and not is_count(max_output):
        problems.append(("max_output", f"expected a whole number, 1 or more, or None for no limit, got {max_output!r}"))
    if on_output is not None and not callable(on_output):
        problems.append(("on_output", f"expected a function, got {type(on_output).__name__}"))
    if not exit_code:
        for name, given in (("input", data is not None), ("binary", binary), ("check", check)):
            if given:
                problems.append((name, "needs exit_code=True: the shell around the command provides it"))
    if problems:
        raise RequestError("tasks.execute", problems)


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
class _Run(Generic[AnyStr]):
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
        until = math.inf if self.timeout is None else (yield Sleep(0)).now + self.timeout
        is_ending = False
        while True:
            data = yield from awaited(session, session.take, until, lambda: watch(session))
            if data:
                yield from self._take(self.reader.feed(data))
            elif data is not None:
                yield from self._take([self.reader.end()])
                return
            elif is_ending or self.timed_out or not self.begun:
                self.timed_out = self.timed_out or not is_ending
                yield from self._take([self.reader.end()])
                return
            else:
                self.timed_out = True
                session.put(_CTRL_C)
                until = (yield Sleep(0)).now + _INTERRUPTING
            if not is_ending and (self.exit_code is not None or self.problem is not None):
                is_ending = True
                until = (yield Sleep(0)).now + _CLOSING

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
            return "TIMED_OUT", f"it was interrupted after {self.timeout:g} s, and may live on"
        if self.exit_code is not None:
            return "EXITED", None
        if self.problem is not None:
            return ("NO_SHELL" if self.lacking else "UNKNOWN"), self.problem
        end = self.session.end
        assert end is not None  # `perform` returns at the end
        if end.cause == "stopped":
            return "TASK_STOPPED", end.reason
        if end.cause == "lost":
            return "UNKNOWN", end.reason
        if end.cause != "closed":
            self.session.raise_unless_clean()
        task = yield from describe(self.session)
        stopped = stop_of(task, self.session.place.container) if task else None
        if stopped is None and task is not None and task.desired_status == "STOPPED":
            stopped = f"the task is stopping{f' ({task.stopped_reason})' if task.stopped_reason else ''}"
        if stopped:
            return "TASK_STOPPED", stopped
        if self.wrapped is None:
            return "UNKNOWN", end.reason or "no exit code was requested"
        if self.begun:
            why = f" ({end.reason})" if end.reason else ""
            return "KILLED", f"its shell was killed, or the session was ended from outside{why}"
        if _NO_SHELL.search(end.reason):
            return "NO_SHELL", f"the image has no `sh`: {end.reason}"
        return "UNKNOWN", f"the session ended before the command began{f': {end.reason}' if end.reason else ''}"
