"""The base class of all views of a deployment: called with each event, it shows the verdict at the end of its block."""

from __future__ import annotations

import abc
from collections.abc import Callable
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
        self._progress: DeploymentProgress | None = None

    def __call__(self, event: DeploymentEvent) -> None:
        """Show an event.

        Args:
            event: An event from `events`.
        """
        self._progress = event.progress
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
        self._end(verdict(error, self._last(error), self._elapsed))

    @property
    def _elapsed(self) -> float:
        return self._now() - self._began

    def _last(self, error: BaseException | None) -> DeploymentProgress | None:
        """Return the latest progress: that of the error, if it holds one, else that of the last event."""
        return getattr(error, "progress", None) or self._progress
