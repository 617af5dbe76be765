"""Connect the terminal of this process with a session."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs

from ecskit._core.effects import Flow, Invoke
from ecskit._exec.opening import opened
from ecskit._exec.session import Resize, Session, awaited, close
from ecskit._exec.starting import ExecOptions, Start
from ecskit._exec.terminal import Terminal, own_terminal
from ecskit._exec.watching import watch
from ecskit.models.tasks import Task

__all__ = ["shell"]


def shell(
    task: Task | str,
    command: str | Sequence[str] = "sh",
    *,
    options: ExecOptions,
    exit_code: bool = True,
) -> Flow[int | None]:
    """Connect this terminal with a command in a container, until the command exits.

    Every key goes to the container, Ctrl-C and Ctrl-Z too, and so does the size of the terminal when it changes. On
    every way out, the terminal is as it was before, and the session is terminated: also on an exception, and on
    SIGTERM and SIGHUP, which raise SystemExit meanwhile unless the program handles them. Call it in the main thread:
    signals and sizes are seen there only.

    It exists for sync clients, on POSIX systems. Standard input and output have to be a terminal.

    Args:
        task: The task, its id or its ARN.
        command: A list of the program and its arguments, as they are; or a text for `sh -c`.
        exit_code: Whether to run the command under `sh`, which reports its exit code. Without, for images that have
            no `sh`, a text is split into words, and the result is None.
        options: Where, and how long that may take to begin.

    Returns:
        The exit code of the command; 128 and more is by convention of shells the number of the signal that killed it.

    Raises:
        ConfigurationError: There is no terminal: standard input or output is redirected, or the system is Windows.
        SessionEnded: The session ended before the command: its task stopped, the connection was lost, or the image
            has no `sh`.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
    """
    start = Start.of("tasks.shell", task, options)
    terminal = own_terminal()
    opening = opened(start, command, Resize(*terminal.size), exit_code=exit_code)

    def flow() -> Flow[int | None]:
        with terminal:
            session = yield from opening
            try:
                terminal.enter(_Keyboard(session, terminal))
                yield from _show(session, terminal)
            finally:
                try:
                    terminal.leave()  # no effect: nothing may come between an interruption and this
                finally:
                    yield from close(session)
        if session.exit_code is None and (exit_code or (session.end and not session.end.is_clean)):
            session.raise_end()
        return session.exit_code

    return flow()


def _show(session: Session, terminal: Terminal) -> Flow[None]:
    """Show the output of a session until its end."""
    while output := (yield from awaited(session, session.read, math.inf, lambda: watch(session))):
        yield Invoke(terminal.write, output)


@attrs.frozen
class _Keyboard:
    """Passes keys and sizes of a terminal on to a session."""

    session: Session
    terminal: Terminal

    @property
    def has_room(self) -> bool:
        """Whether the session accepts more."""
        return self.session.has_room()

    def type(self, data: bytes, /) -> None:
        """Pass what was typed on."""
        self.session.put(data)

    def resize(self) -> None:
        """Pass the size of the terminal on."""
        self.session.put(Resize(*self.terminal.size))
