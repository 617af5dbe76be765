"""Real programs in the terminals of simulated sessions."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence

import attrs

from .pty_program import PtyProgram

__all__ = ["RealTerminal"]

_CHECK_SECONDS = 0.01


@attrs.define
class RealTerminal:
    """Runs a program on a pseudo-terminal. It is an `ExecProgram`, for a clock that moves by itself."""

    _program: PtyProgram
    _typed: int = 0
    _checks_at: float = -math.inf

    @classmethod
    def start(cls, words: Sequence[str], path: str) -> RealTerminal:
        """Start a program, found on a PATH."""
        program = PtyProgram(path)
        program.start(shlex.join(words))
        return cls(program)

    def write(self, data: bytes, now: float) -> int:  # noqa: ARG002
        """Type. The program keeps what the terminal does not take."""
        self._program.write(data)
        return len(data)

    def read(self, most: int, now: float) -> bytes | None:  # noqa: ARG002
        """Return what was written."""
        self._checks_at = now + _CHECK_SECONDS
        data = self._program.read(0)
        return None if self._program.closed and not data else data

    def resize(self, columns: int, rows: int, now: float) -> None:  # noqa: ARG002
        """Change the size."""
        self._program.resize(columns, rows)

    def next_wakeup(self) -> float:
        """Return when to read again."""
        return self._checks_at

    def hang_up(self) -> None:
        """Kill the program."""
        self._program.kill()
