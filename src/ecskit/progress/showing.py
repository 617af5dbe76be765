"""What all that shows a deployment has in common: it is called with each event, and says the verdict at its end.

Decides when the verdict is said, and what it is about. How anything looks is decided by what inherits from this.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from ecskit.progress.words import Verdict, verdict

if TYPE_CHECKING:
    from typing_extensions import Self

    from ecskit._deployments.events import DeploymentEvent
    from ecskit._deployments.progress import DeploymentProgress

__all__ = ["Show"]


class Show(abc.ABC):
    """Shows a deployment to people: call it with each event, within a `with` block.

    Leaving the block says how the deployment ended, by the error that passes through, if one does.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """Show times of a clock, in monotonic seconds."""
        self._now = now
        self._began = now()
        self._progress: DeploymentProgress | None = None

    def __call__(self, event: DeploymentEvent) -> None:
        """Show what happened.

        Args:
            event: What `events` yielded.
        """
        self._progress = event.progress
        self._show(event)

    @abc.abstractmethod
    def say(self, text: str) -> None:
        """Say something else, in between.

        Args:
            text: What to say.
        """

    def warn(self, text: str) -> None:
        """Show a warning, in between.

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
        """Say the verdict."""
        self._end(verdict(error, self._last(error), self._elapsed))

    @property
    def _elapsed(self) -> float:
        return self._now() - self._began

    def _last(self, error: BaseException | None) -> DeploymentProgress | None:
        """Return the latest that is known: errors of deployments know more than the last event."""
        return getattr(error, "progress", None) or self._progress
