"""`shell` in a real pseudo-terminal, with a real shell at the other end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Generator
from pathlib import Path

import attrs
import pytest

import ecskit

HERE = Path(__file__).parent
LIMIT = 30.0


@attrs.define
class Window:
    """A window with a program in it, as a person uses it."""

    terminal: int
    pid: int
    shown: str = ""

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        self.shown = ""
        os.write(self.terminal, text.encode())

    def await_text(self, text: str) -> None:
        """Wait until it shows a text after what was typed last."""
        end = time.monotonic() + LIMIT
        while text not in self.shown:
            assert time.monotonic() < end, self.shown
            assert self._more(end), self.shown

    def finish(self) -> int:
        """Return the exit code of the program, after all that it shows."""
        end = time.monotonic() + LIMIT
        while self._more(end):
            assert time.monotonic() < end, self.shown
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    @property
    def is_raw(self) -> bool:
        return not termios.tcgetattr(self.terminal)[3] & (termios.ICANON | termios.ISIG)

    def _more(self, end: float) -> bool:
        if select.select([self.terminal], [], [], max(0.0, end - time.monotonic()))[0]:
            with contextlib.suppress(OSError):  # EIO: the program has ended
                data = os.read(self.terminal, 4096)
                self.shown += data.decode(errors="replace")
                return bool(data)
        return False


@contextlib.contextmanager
def window(command: str) -> Generator[Window, None, None]:
    """Yield a window of 99 columns and 33 rows, with `shell_program.py` in it."""
    path = os.pathsep.join([str(Path(ecskit.__file__).parents[1]), str(HERE.parent)])
    environment = {**os.environ, "PYTHONPATH": path, "PS1": "% "}
    terminal, theirs = os.openpty()
    before = termios.tcgetattr(terminal)
    opened = Window(terminal, 0)
    opened.resize(99, 33)
    opens = [(os.POSIX_SPAWN_OPEN, 0, os.ttyname(theirs), os.O_RDWR, 0)]
    copies = [(os.POSIX_SPAWN_DUP2, 0, fd) for fd in (1, 2)]
    opened.pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-W", "error", str(HERE / "shell_program.py"), command],
        environment,
        file_actions=[*opens, *copies],
        setsid=True,
        setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE],
    )
    os.close(theirs)
    try:
        yield opened
        assert termios.tcgetattr(terminal) == before
    finally:
        if opened.pid:
            os.kill(opened.pid, signal.SIGKILL)
            os.waitpid(opened.pid, 0)
        os.close(terminal)


def test_a_shell_in_this_terminal() -> None:
    """Keys, Ctrl-C, sizes and the exit code pass."""
    with window("PS1='% ' exec sh") as opened:
        opened.await_text("% ")
        assert opened.is_raw
        opened.type("stty size; echo o''ne\r")
        opened.await_text("33 99")
        opened.await_text("one")
        opened.type("sh -c 'echo be''gun; exec sleep 600'\r")
        opened.await_text("begun")
        opened.type("\x03")
        opened.await_text("% ")
        opened.type("echo code=$?\r")
        opened.await_text("code=130")
        opened.resize(111, 44)
        opened.type("while [ \"$(stty size)\" != '44 111' ]; do :; done; echo re''sized\r")
        opened.await_text("resized")
        opened.type("exit 7\r")
        assert opened.finish() == 0
        assert "the exit code is 7" in opened.shown
        assert "requests: ExecuteCommand" in opened.shown  # the service ended the session
        assert "threads: []" in opened.shown


@pytest.mark.parametrize(
    ("by", "code", "text"),
    [
        (signal.SIGUSR1, 0, "closed: the client was closed"),
        (signal.SIGTERM, 143, ""),
        (signal.SIGHUP, 129, ""),
        (signal.SIGINT, -signal.SIGINT, ""),
    ],
    ids=["closed client", "SIGTERM", "SIGHUP", "SIGINT"],
)
def test_the_terminal_is_restored_and_the_session_terminated(by: signal.Signals, code: int, text: str) -> None:
    with window("echo be''gun; exec sleep 600") as opened:
        opened.await_text("begun")
        assert opened.is_raw
        os.kill(opened.pid, by)
        assert opened.finish() == code
        assert text in opened.shown
        assert "requests: TerminateSession" in opened.shown
        assert "threads: []" in opened.shown
