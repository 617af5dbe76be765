"""What runs in the terminal of a session of ECS Exec, as the agent uses it: bytes and time in, bytes out."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

__all__ = ["ExecProgram"]


@runtime_checkable
class ExecProgram(Protocol):
    """A program in a terminal. Moments are seconds on the clock of the simulator."""

    def write(self, data: bytes, now: float) -> int:
        """Type into the terminal. Return the number of bytes that it took; the agent waits while it takes none."""
        ...

    def read(self, most: int, now: float) -> bytes | None:
        """Return up to `most` bytes that it has written; None once it has ended and all of them were returned."""
        ...

    def resize(self, columns: int, rows: int, now: float) -> None:
        """Change the size of the terminal."""
        ...

    def next_wakeup(self) -> float:
        """Return the moment at which it may write or end next; infinity while it waits for input."""
        ...

    def hang_up(self) -> None:
        """Close the terminal: the session has ended. A second call does nothing."""
        ...
