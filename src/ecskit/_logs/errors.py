"""The error of logs that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence

from ecskit._core.errors import EcsError
from ecskit._core.wording import listed

__all__ = ["LogsUnavailable"]


class LogsUnavailable(EcsError):
    """Log lines of tasks cannot be read: no permission, no log group, or a log driver that sends them elsewhere.

    Attributes:
        problems: What cannot be read, why, and what to change.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        """Hold the problems."""
        super().__init__(problems)
        self.problems = tuple(problems)

    def _text(self) -> str:
        return f"logs cannot be read: {listed(self.problems, separator='; ')}"
