"""Open a session in a container: a terminal in which a command runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ecskit._core.effects import DrawRandom, Flow
from ecskit._core.errors import RequestError
from ecskit._exec.marks import OutputReader
from ecskit._exec.session import Resize, Session
from ecskit._exec.starting import ExecOptions, Start, plain
from ecskit._exec.wrapper import wrap
from ecskit.models.tasks import Task

__all__ = ["open_session"]

_MOST = 65535
"""The most columns or rows of a terminal."""


def open_session(
    task: Task | str,
    command: str | Sequence[str] = "sh",
    *,
    options: ExecOptions,
    columns: int = 80,
    rows: int = 24,
    exit_code: bool = False,
) -> Flow[Session]:
    """Open a session of ECS Exec: a terminal in a container, with a command that reads from it and writes to it.

    Use it with `with`, or `async with`, and read until the end: `read` returns b"" then. What arrives is
    acknowledged while nothing reads, up to 64 MiB. Several threads or tasks may use it; if several read, each piece
    goes to one of them.

    The terminal gets input and sizes after the first output of the command, or after 5 s if there is none; with
    `exit_code`, once the command begins; in a cluster with a KMS key, once the keys are exchanged. Whether there is
    one is read by DescribeClusters, if the credentials allow it. What is sent before is not lost.

    The credentials need ssm:TerminateSession, or a session that is closed early holds one of the two slots of its
    container for 20 minutes; and ssm:ResumeSession, or the first cut of the connection ends the session. ECS ends
    one that is idle for 20 minutes.

    Args:
        task: The task, its id or its ARN.
        command: A list of the program and its arguments, as they are; or a text, which the agent splits into words.
            It runs without a shell: a pipe needs `sh -c`.
        columns: Columns of the terminal.
        rows: Rows of the terminal.
        exit_code: Whether to run the command under `sh`, which reports its exit code, for `exit_code` of the
            session. A text is then one for `sh -c`.
        options: Where, and how long that may take to begin.

    Returns:
        The session: `read`, `send`, `resize`, `close`; iterating over it yields its output. Closing the client ends
        it, and so does the end of the program, for a sync client. The method of an async client returns what `async
        with` opens and closes, and what `await` only opens.

    Raises:
        RequestError: An argument is wrong; nothing was run.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
    """
    start = Start.of("tasks.open_session", task, options)
    problems = size_problems(columns, rows)
    if problems:
        raise RequestError(start.verb, problems)
    return opened(start, command, Resize(columns, rows), exit_code=exit_code)


def opened(start: Start, command: str | Sequence[str], size: Resize, *, exit_code: bool) -> Flow[Session]:
    """Open a session of ECS Exec in which a command uses a terminal of some size.

    Raises:
        RequestError: The command is wrong; nothing was run.
    """
    wrap(command, nonce=0, interactive=True, verb=start.verb)

    def flow() -> Flow[Session]:
        drawn: int = (yield DrawRandom()).get()
        wrapped = wrap(command, nonce=drawn, interactive=True, verb=start.verb) if exit_code else None
        session = yield from start.session(wrapped.command if wrapped else plain(command), needs_gate=True)
        session.reader = OutputReader(wrapped) if wrapped else None
        session.put(size)
        return session

    return flow()


def size_problems(columns: Any, rows: Any) -> list[tuple[str, str]]:
    """Return what is wrong with the size of a terminal."""
    return [
        (name, f"expected a whole number from 1 to {_MOST}, got {given!r}")
        for name, given in (("columns", columns), ("rows", rows))
        if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= _MOST
    ]
