"""A deployment as lines for a log: one for each change, no line twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TextIO, TypeAlias

from ecskit._core.wording import escaped
from ecskit.progress.showing import Show, View
from ecskit.progress.words import Verdict, one_line, revisions, service_message, stability, task_stopped, why_stopped
from ecskit.services import (
    CountsChanged,
    DeploymentEnded,
    DeploymentEvent,
    DeploymentFollowed,
    PauseStarted,
    RevisionRegistered,
    RollbackStarted,
    ServiceEventLogged,
    StabilityChanged,
    StageReached,
    StatusChanged,
    TaskStopped,
)

__all__ = ["Lines"]

Say: TypeAlias = Callable[[str, str], object]
"""Writes a text about the deployment with a label."""


class LinesView(View):
    """Makes the lines about one deployment."""

    def __init__(self, label: str, begin: Say, say: Say) -> None:
        """Pass the label and the name of the deployment to `begin`, and those of each line to `say`."""
        super().__init__(label)
        self._begin, self._say = begin, say
        self._begun = False
        self._about: str | None = None
        self._latest: dict[type[DeploymentEvent], str] = {}
        self._reasons: set[tuple[bool, str]] = set()

    def show(self, event: DeploymentEvent) -> None:
        """Make the line of an event, unless the last event of its class had the same."""
        about = event.superseded if isinstance(event, DeploymentFollowed) else event.progress
        id_ = event.progress.started.deployment_id
        if not self._begun:
            self._begun = True
            self._begin(self.label, one_line(about.name))
        elif id_ != self._about and about is event.progress:
            self._say(self.label, one_line(about.name))  # such as the deployment that rolls back
        self._about = id_
        line = self._line(event)
        if line and line != self._latest.get(type(event)):
            self._latest[type(event)] = line
            self._say(self.label, line)

    def _line(self, event: DeploymentEvent) -> str:
        match event:
            case StatusChanged(status=status, reason=reason):
                line = one_line(f"{status}: {reason}" if reason else status)
            case CountsChanged(deployments=deployments, progress=progress):
                line = "; ".join(map(str, revisions(deployments, progress)))
            case ServiceEventLogged():
                line = service_message(str(event), event.progress)
            case TaskStopped():
                known, why = self._reasons, why_stopped(event)
                line = "" if why in known else task_stopped(event)  # the counts show how many
                known.add(why)
            case DeploymentFollowed() | RollbackStarted():
                self._reasons.clear()
                self._latest.clear()
                line = one_line(str(event))
            case StabilityChanged():
                line = stability(event.progress) or one_line(str(event))
            case StageReached() | PauseStarted() | RevisionRegistered() | DeploymentEnded():
                line = one_line(str(event))
        return line


class Lines(Show):
    """Writes a line for each change."""

    def __init__(self, stream: TextIO, now: Callable[[], float], utc: Callable[[], datetime] | None) -> None:
        """Write to a stream. Lines begin with the time in UTC if `utc` is given, else with the elapsed seconds."""
        super().__init__(now)
        self._stream = stream
        self._utc = utc

    def say(self, text: str) -> None:
        """Write a line."""
        self._say("", text)

    def _view(self, label: str) -> View:
        return LinesView(label, self._begin, self._say)

    def _begin(self, label: str, name: str) -> None:
        """Write the name of a deployment before its first line."""
        self._say(label, name)

    def _say(self, label: str, text: str) -> None:
        """Write a line, with the label of the deployment that it is about, if there are several."""
        stamp = f"{self._utc() + self._skipped:%H:%M:%SZ}" if self._utc else f"{self._elapsed:7.1f} s"
        width = max((len(view.label) for view in self._views.values()), default=0)
        about = f"{label:{width}} | " if label else ""
        with self._lock:
            self._write(f"{stamp}  {about}{' '.join(text.split())}")

    def _write(self, line: str) -> None:
        # A stream that accepts ASCII only must not end a deployment with an error.
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(f"{escaped(line)}\n".encode(encoding, "replace").decode(encoding))
        self._stream.flush()

    def _end(self, label: str, verdict: Verdict) -> None:
        self._say(label, str(verdict))
