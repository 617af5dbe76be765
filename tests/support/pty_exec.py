"""Real programs behind the simulated agent of ECS Exec: what a container would run, on a real terminal."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from ecskit.testing import ExecScript

from .pty_program import PtyProgram

__all__ = ["real_commands"]

_PAUSE = 0.005
"""Seconds between looks at the terminal."""


class _OnPty:
    """A program on a real terminal, as `ExecProgram`."""

    def __init__(self, arguments: Sequence[str], path: str) -> None:
        self._program = PtyProgram(path)
        self._now = 0.0
        self._program.start(shlex.join(arguments))

    def write(self, data: bytes, now: float) -> int:
        self._now = now
        self._program.write(data)
        return len(data)

    def read(self, most: int, now: float) -> bytes | None:
        assert most >= 1024
        self._now = now
        return None if self._program.closed else self._program.read(0.0)

    def resize(self, columns: int, rows: int, now: float) -> None:
        self._now = now
        self._program.resize(columns, rows)

    def next_wakeup(self) -> float:
        return self._now + _PAUSE

    def hang_up(self) -> None:
        self._program.kill()


def real_commands(path: str) -> ExecScript:
    """Return a script that runs command lines for real, with the programs on `path`. The clock has to be a real one."""
    return ExecScript.in_terminal(lambda arguments, _: _OnPty(arguments, path))
