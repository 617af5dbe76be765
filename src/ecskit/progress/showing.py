"""The base class of all views of a deployment: called with each event, it shows the verdict at the end of its block."""

from __future__ import annotations

import abc
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING

from ecskit.progress.words import Verdict, verdict

if TYPE_CHECKING:
    from typing_extensions import Self

    from ecskit.services import DeploymentEvent, DeploymentProgress

__all__ = ["Show"]


class Show(abc.ABC):
    """Shows a deployment. Use it as a context manager, and call it with each event.

    The end of the block shows how the deployment ended, according to the error that leaves the block, if any.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """Take elapsed times from `now`, a monotonic clock in seconds."""
        self._now = now
        self._began = now()
        self._ahead = 0.0
        """Seconds that the clock of the client is ahead of `now`: on a simulator. 0 for the clock of the machine."""
        self._ahead_at_first: float | None = None
        """The same at the first event, which is ahead of `now` also if the stream began before the block."""
        self._progress: DeploymentProgress | None = None

    def __call__(self, event: DeploymentEvent) -> None:
        """Show an event.

        Args:
            event: An event from `events`.
        """
        self._progress = event.progress
        self._see(event.elapsed)
        self._show(event)

    @abc.abstractmethod
    def say(self, text: str) -> None:
        """Show a line of text between events.

        Args:
            text: The text.
        """

    def warn(self, text: str) -> None:
        """Show a warning between events.

        Args:
            text: The warning.
        """
        self.say(f"warning: {text}")

    @abc.abstractmethod
    def _show(self, event: DeploymentEvent) -> None: ...

    @abc.abstractmethod
    def _end(self, verdict: Verdict) -> None: ...

    def __enter__(self) -> Self:
        """Begin."""
        self._began = self._now()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show the verdict."""
        story = getattr(error, "story", None)
        if story is not None:
            self._see(story.elapsed)
        self._end(verdict(error, self._last(error), self._elapsed))

    def _see(self, elapsed: float) -> None:
        """Take note of an elapsed time on the clock of the client."""
        self._ahead = max(self._ahead, elapsed - (self._now() - self._began))
        if self._ahead_at_first is None:
            self._ahead_at_first = self._ahead

    @property
    def _elapsed(self) -> float:
        """Seconds since the beginning, on the clock of the client."""
        return self._now() - self._began + self._ahead

    @property
    def _skipped(self) -> timedelta:
        """The time that the clock of the client has skipped since the first event; 0 for the clock of the machine."""
        return timedelta(seconds=self._ahead - (self._ahead_at_first or 0.0))

    def _last(self, error: BaseException | None) -> DeploymentProgress | None:
        """Return the latest progress: that of the error, if it holds one, else that of the last event."""
        return getattr(error, "progress", None) or self._progress
