"""What reads of a deployment have shown so far, where the last of them does not show it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

__all__ = ["Signs"]


@attrs.frozen(kw_only=True)
class Signs:
    """What reads have shown so far, where the last of them does not tell it."""

    began: float = float("-inf")
    """When the deployment began to be followed in the stead of another one, in monotonic seconds."""
    seen: bool = False
    """Whether the service has shown the deployment."""
    failed: str | None = None
    """Why the service showed the deployment as failed; None if it did not."""
    completed: bool = False
    """Whether the service showed the deployment as completed."""
    completed_at: datetime | None = None
    """When it completed, by the times that the service showed."""
    preceded: bool = False
    """Whether a poll showed the deployment before it had succeeded."""
    stale_since: float | None = None
    """When an unbroken run of reads began that were older than what is known, in monotonic seconds."""
    missing: int = 0
    """How many reads in a row did not show the service."""
    missing_since: float = 0.0
    """When the first of these was, in monotonic seconds."""
    missing_at: float = 0.0
    """When the latest of these was, in monotonic seconds."""
    in_a_row: Mapping[str, int] = attrs.field(factory=dict)
    """How many reads in a row showed what counts when it is shown twice: `settled`, `away`, `failed`, `stopped`."""
    moved_at: float = float("-inf")
    """When something about the deployment changed last, or tasks were starting or stopping, in monotonic seconds."""
    state: object = None
    """What it was that changed then."""
    failures: int = 0
    """Tasks whose end counts against the deployment: since a task became healthy, where that resets the count."""
    resets: int = 0
    """How often that number was set back to 0."""
    most_running: int = 0
    """The largest number of running tasks of the deployment that a read showed."""
    failed_tasks: int = 0
    """The number of failed tasks that the latest read of the service showed."""
    read_since_gone: bool = False
    """Whether the service deployment was read after a read had shown that the service is deleted."""
    paused_since: float | None = None
    """When the pause of now was first observed, in monotonic seconds."""
    paused_for: float = 0.0
    """Seconds of the pauses before."""
    paused_by: frozenset[object] = frozenset()
    """By what the hooks of that pause are known again."""
    answered: frozenset[object] = frozenset()
    """The same of the hooks that were answered from here: reads may show them as waiting for a while."""

    def reads(self, what: str) -> int:
        """Return how many reads in a row showed something."""
        return self.in_a_row.get(what, 0)
