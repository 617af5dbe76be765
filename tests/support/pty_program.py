"""A program on a real pseudo-terminal, started as the agent of ECS Exec starts it, without its sleep of 1 s."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import shutil
import signal
import struct
import termios
import time
from collections.abc import Mapping
from pathlib import Path

from .google_shlex import google_split

__all__ = ["SHELLS", "PtyProgram", "bin_folder"]

SHELLS = {"dash": "dash", "bash": "bash", "busybox": "busybox", "mksh": "mksh"}
"""Shells, and the programs that are them: `sh` is linked to one."""
_PIECE = 1024
_IGNORED = (signal.SIGPIPE, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGXFSZ)
"""Signals that Python, or what started it, may ignore. Programs inherit that, but those of the agent do not."""


def bin_folder(folder: Path, shell: str, *, only: Mapping[str, str] | None = None) -> str:
    """Return a PATH on which `sh` is a shell. With `only`, its programs are these alone: names to paths."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, program in {"sh": SHELLS[shell], **(only or {})}.items():
        found = shutil.which(program)
        assert found, f"{program} is not installed"
        with contextlib.suppress(FileExistsError):
            (folder / name).symlink_to(found)
    return str(folder) if only is not None else f"{folder}:{os.environ['PATH']}"


class PtyProgram:
    """A program on a terminal of its own. No method waits longer than it is asked to."""

    def __init__(self, path: str, env: Mapping[str, str] | None = None) -> None:
        """Take the PATH, and the environment of the container beside it."""
        self.env = {"LANG": "C.UTF-8", **(env or {}), "PATH": path, "TERM": "xterm-256color"}
        self.pid = 0
        self.status: int | None = None
        """Exit code of the program that was started, negative for a signal; None while it runs."""
        self.closed = False
        """Whether the terminal is closed and all output is read."""
        self._terminal = -1
        self._unwritten = b""

    def start(self, command: str) -> None:
        """Run a command without a shell.

        Raises:
            FileNotFoundError: There is no such program, or the command has no words.
        """
        argv = google_split(command)
        program = shutil.which(argv[0], path=self.env["PATH"]) if argv else None
        if program is None:
            raise FileNotFoundError(f"exec: {argv[:1]}: executable file not found in $PATH")
        self._terminal, theirs = os.openpty()
        try:
            # A leader of a session without a terminal gets the first one that it opens.
            opens = [(os.POSIX_SPAWN_OPEN, 0, os.ttyname(theirs), os.O_RDWR, 0)]
            copies = [(os.POSIX_SPAWN_DUP2, 0, fd) for fd in (1, 2)]
            self.pid = os.posix_spawn(
                program, argv, self.env, file_actions=[*opens, *copies], setsid=True, setsigdef=_IGNORED
            )
        finally:
            os.close(theirs)
        os.set_blocking(self._terminal, False)

    def write(self, data: bytes) -> None:
        """Type. What the terminal does not take is written while output is read."""
        self._unwritten += data
        self._write()

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the terminal."""
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds: float) -> bytes:
        """Return the next piece of output, of at most 1024 bytes; wait for up to `seconds`. Nothing if none came."""
        deadline = time.monotonic() + seconds
        while not self.closed:
            poll = select.poll()
            poll.register(self._terminal, select.POLLIN | (select.POLLOUT if self._unwritten else 0))
            ready = dict(poll.poll(max(0.0, deadline - time.monotonic()) * 1000)).get(self._terminal, 0)
            if ready & select.POLLOUT:
                self._write()
            if ready & ~select.POLLOUT:
                try:
                    return os.read(self._terminal, _PIECE)
                except OSError:  # EIO: nothing has the terminal open any more
                    self._close()
            elif time.monotonic() >= deadline:
                break
        return b""

    def poll(self) -> int | None:
        """Return the exit code of the program that was started, if it ended."""
        if self.status is None and self.pid:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if pid else None
        return self.status

    def wait(self, seconds: float) -> int:
        """Return the exit code of the program that was started, once it ended, without reading its output.

        Raises:
            TimeoutError: It runs longer.
        """
        deadline = time.monotonic() + seconds
        while (status := self.poll()) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"runs longer than {seconds} s")
            time.sleep(0.001)
        return status

    def kill(self) -> None:
        """End the program as the agent does on a cancelled session: SIGKILL to it alone; then the terminal closes."""
        if self.pid and self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self._close()

    def _write(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            self._unwritten = self._unwritten[os.write(self._terminal, self._unwritten) :] if self._unwritten else b""

    def _close(self) -> None:
        if not self.closed and self._terminal >= 0:
            os.close(self._terminal)
        self.closed = True
