"""Facts about a deployment that earlier polls have established and that the latest poll alone does not show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

__all__ = ["Facts"]


@attrs.frozen(kw_only=True)
class Facts:
    """What earlier polls have established. Times of type `float` are monotonic seconds."""

    began: float = float("-inf")
    """When this deployment replaced the one that was followed before it."""
    seen: bool = False
    """Whether the service has shown the deployment."""
    failed: str | None = None
    """Why the deployment failed, as the service showed it; None if the service did not show a failure."""
    completed: bool = False
    """Whether the service has shown the deployment as completed."""
    completed_at: datetime | None = None
    """When the deployment completed, by the times that the service showed."""
    seen_unfinished: bool = False
    """Whether a poll showed the deployment before it had succeeded."""
    stale_since: float | None = None
    """When an unbroken run of outdated reads of the service began."""
    missing: int = 0
    """Reads in a row that did not show the service."""
    missing_since: float = 0.0
    """When the first of these reads was."""
    missing_at: float = 0.0
    """When the latest of these reads was."""
    in_a_row: Mapping[str, int] = attrs.field(factory=dict)
    """Reads in a row that showed a state that needs two reads: `settled`, `away`, `failed`, `stopped`."""
    moved_at: float = float("-inf")
    """When `state` last changed, or a poll last showed tasks starting or stopping."""
    state: object = None
    """The part of the state that changes while a deployment advances."""
    failures: int = 0
    """Tasks whose end counts against the deployment; a healthy task resets it to 0 if the circuit breaker does so."""
    resets: int = 0
    """How many times `failures` was reset to 0."""
    most_running: int = 0
    """The largest number of running tasks of the deployment that a read showed."""
    failed_tasks: int = 0
    """The number of failed tasks that the latest read of the service showed."""
    read_since_gone: bool = False
    """Whether the service deployment was read after a read had shown that the service is deleted."""
    paused_since: float | None = None
    """When a poll first showed the current pause; None without a pause."""
    paused_for: float = 0.0
    """Seconds of the earlier pauses."""
    paused_by: frozenset[object] = frozenset()
    """Keys of the hooks of the current pause."""
    answered: frozenset[object] = frozenset()
    """Keys of the hooks that this client has answered. Reads can still show them as waiting for a while."""
    passed_to_callback: frozenset[object] = frozenset()
    """Keys of the hooks for which `on_pause` was called."""

    def reads(self, what: str) -> int:
        """Return how many reads in a row showed a state of `in_a_row`."""
        return self.in_a_row.get(what, 0)
