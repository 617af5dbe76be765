"""The base classes of all renderers: a view of each deployment, fed with its events, and its verdict at the end."""

from __future__ import annotations

import abc
from collections.abc import Callable
from datetime import timedelta
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING

from ecskit.progress.words import Verdict, one_line, verdict
from ecskit.services import DeploymentEnded, DeploymentProgress

if TYPE_CHECKING:
    from typing_extensions import Self

    from ecskit.services import DeploymentEvent

__all__ = ["Show", "View"]


class View(abc.ABC):
    """What is shown of one deployment."""

    def __init__(self, label: str) -> None:
        """Show the deployment with this label; an empty one if it is the only one."""
        self.label = label
        self.progress: DeploymentProgress | None = None
        self.verdict: Verdict | None = None

    @abc.abstractmethod
    def show(self, event: DeploymentEvent) -> None:
        """Show an event. `progress` is already that of the event."""


class Show(abc.ABC):
    """Shows one deployment, or several. Use it as a context manager, and call it with each event.

    The end of the block shows how the deployment ended, according to the error that leaves the block, if any. For
    several deployments, of `services.watch`, it shows how those ended that the stream has not reported yet.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """Take elapsed times from `now`, a monotonic clock in seconds."""
        self._now = now
        self._began = now()
        self._ahead = 0.0
        """Seconds that the clock of the client is ahead of `now`: on a simulator. 0 for the clock of the machine."""
        self._ahead_at_first: float | None = None
        """The same at the first event, which is ahead of `now` also if the stream began before the block."""
        self._views: dict[str, View] = {}
        """The views of the deployments, by label."""
        self._lock = RLock()

    def __call__(self, event: DeploymentEvent) -> None:
        """Show an event. Threads may share the renderer.

        Args:
            event: An event from `events` or `watch`.
        """
        with self._lock:
            self._see(event.elapsed)
            for label in (*event.labels, event.label):
                if label not in self._views:
                    self._views[label] = self._view(one_line(label))
            view = self._views[event.label]
            view.progress, view.verdict = event.progress, None
            if isinstance(event, DeploymentEnded):
                self._finish(view, event.error)
            else:
                view.show(event)

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
    def _view(self, label: str) -> View:
        """Return a new view of a deployment."""

    @abc.abstractmethod
    def _end(self, label: str, verdict: Verdict) -> None:
        """Show how a deployment has ended."""

    def __enter__(self) -> Self:
        """Begin."""
        self._began, self._ahead, self._ahead_at_first, self._views = self._now(), 0.0, None, {}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show the verdicts that are not shown yet."""
        with self._lock:
            self._views = self._views or {"": self._view("")}
            for view in self._views.values():
                if view.verdict is None:
                    self._finish(view, error if self._concerns(error, view) else None)

    def _concerns(self, error: BaseException | None, view: View) -> bool:
        """Whether an error that leaves the block can be about this deployment, and not only about another one."""
        about = _progress_of(error)
        if len(self._views) == 1 or about is None or view.progress is None:
            return True
        return about.started.service_ref == view.progress.started.service_ref

    def _finish(self, view: View, error: BaseException | None) -> None:
        story = getattr(error, "story", None)
        if story is not None:
            self._see(story.elapsed)
        view.progress = _progress_of(error) or view.progress
        view.verdict = verdict(error, view.progress, self._elapsed)
        self._end(view.label, view.verdict)

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


def _progress_of(error: BaseException | None) -> DeploymentProgress | None:
    """Return the progress of the deployment that an error is about; None if it holds none."""
    story = getattr(error, "story", None)
    found = [getattr(error, "progress", None), *(story.last.values() if story is not None else ())]
    return next((each for each in found if isinstance(each, DeploymentProgress)), None)
