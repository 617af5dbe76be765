"""Deployments as a live view in a terminal. Needs rich, which the extra `progress` installs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ecskit._core.wording import escaped
from ecskit._deployments.progress import STAGES
from ecskit.progress.showing import Show, View
from ecskit.progress.words import (
    Revision,
    Verdict,
    duration,
    one_line,
    revisions,
    service_message,
    stability,
    why_stopped,
)
from ecskit.services import (
    DeploymentEvent,
    DeploymentFollowed,
    DeploymentProgress,
    PauseStarted,
    RollbackStarted,
    ServiceEventLogged,
    StageReached,
    TaskStopped,
)

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Screen"]

_MESSAGES, _REASONS = 4, 3
"""How many of the latest messages, and of the most frequent reasons, are shown. Among several, one message."""
_WIDTH = 24


class ScreenView(View):
    """The picture of one deployment."""

    def __init__(self, label: str, now: Callable[[], float], elapsed: Callable[[], float]) -> None:
        """Take the time between events from `now`, and the elapsed time from `elapsed`."""
        super().__init__(label)
        self._now, self._elapsed = now, elapsed
        # Another thread draws these values: they are replaced, never changed.
        self._messages: tuple[str, ...] = ()
        self._reasons: Counter[tuple[bool, str]] = Counter()
        self._stage: str | None = None
        self._pause: PauseStarted | None = None
        self._rollback: RollbackStarted | None = None
        self._shown_at = now()

    def show(self, event: DeploymentEvent) -> None:
        """Take over what an event changes."""
        self._shown_at = self._now()
        match event:
            case ServiceEventLogged():
                self._messages = (*self._messages, service_message(str(event), event.progress))[-_MESSAGES:]
            case TaskStopped():
                self._reasons = self._reasons + Counter([why_stopped(event)])
            case StageReached():
                self._stage = str(event)
            case PauseStarted():
                self._pause = event
            case DeploymentFollowed() | RollbackStarted():
                # Later events are about the rollback or the newer deployment.
                self._reasons, self._stage, self._pause = Counter(), None, None
                self._rollback = event if isinstance(event, RollbackStarted) else None
            case _:
                pass

    def drawn(self) -> Iterator[RenderableType]:
        """Yield what is drawn. Of one among several that has ended, only the verdict."""
        progress, ended = self.progress, self.verdict
        if ended is None or not self.label:
            if progress is None:
                yield self._line(("waiting for the first poll", "dim"), (duration(self._elapsed()), "dim"))
            else:
                yield self._heading(progress)
                inner = Group(*self._stages(progress), self._bars(progress), *self._words(progress))
                yield Padding(inner, (0, 0, 0, 2)) if self.label else inner
        if ended is not None:
            verdict = Text.assemble((ended.word, "bold green" if ended.is_good else "bold red"), " ", ended.text)
            yield Text.assemble((self.label, "bold"), "  ", verdict) if self.label else verdict

    def _line(self, *parts: tuple[str, str]) -> Text:
        shown = [(self.label, "bold"), *parts] if self.label else parts
        return Text("  ").join(Text(text, style) for text, style in shown)

    def _heading(self, progress: DeploymentProgress) -> Text:
        status = progress.status
        name = (progress.name, "" if self.label else "bold")
        return self._line(name, (status, _style(status)), (duration(self._elapsed()), "dim"))

    def _stages(self, progress: DeploymentProgress) -> Iterator[RenderableType]:
        stage = progress.stage
        if stage is None:
            return
        done = STAGES.index(stage) + 1 if stage in STAGES else 0
        row = Table.grid(padding=(0, 1))
        row.add_row(
            ProgressBar(total=len(STAGES), completed=done, width=_WIDTH),
            Text(f"{done} of {len(STAGES)}: {self._stage or f'stage {stage}'}", no_wrap=True, overflow="ellipsis"),
        )
        yield row

    def _bars(self, progress: DeploymentProgress) -> Table:
        rows = Table.grid(padding=(0, 1))
        for each in revisions(progress.service.deployments if progress.service else (), progress):
            rows.add_row(
                ProgressBar(
                    total=max(1, progress.desired, each.running),
                    completed=each.running,
                    width=_WIDTH,
                    complete_style="bar.complete" if each.is_new else "dim",
                ),
                _counted(each),
            )
        return rows

    def _words(self, progress: DeploymentProgress) -> Iterator[Text]:
        if self._pause is not None and progress.paused:
            yield Text(one_line(str(self._pause)), style="bold yellow")
        if self._rollback is not None:
            yield Text(one_line(str(self._rollback)), style="bold red")
        # No event means that no task has stopped since.
        observed = stability(progress, self._now() - self._shown_at) if self.verdict is None else ""
        if observed:
            yield Text(observed, style="cyan")
        for (never, why), count in self._reasons.most_common(_REASONS):
            tasks = f"{count} task{'' if count == 1 else 's'} {'failed to start' if never else 'stopped'}"
            yield Text(one_line(f"{tasks}: {why}"), style="red")
        for message in self._messages[-1:] if self.label else self._messages:
            yield Text(message, style="dim", no_wrap=True, overflow="ellipsis")


class Screen(Show):
    """Draws deployments repeatedly in the same place."""

    def __init__(self, stream: TextIO, now: Callable[[], float]) -> None:
        """Draw on a stream."""
        super().__init__(now)
        self._console = Console(file=stream, highlight=False)
        self._live = Live(console=self._console, get_renderable=self._picture, refresh_per_second=4)

    def __enter__(self) -> Self:
        """Start to draw."""
        super().__enter__()
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw a last time, with the verdicts, and release the terminal."""
        try:
            super().__exit__(kind, error, trace)
        finally:
            self._live.stop()
            if not self._console.is_terminal:
                self._console.line()  # rich ends the last line in terminals only

    def __call__(self, event: DeploymentEvent) -> None:
        """Show an event, and draw."""
        super().__call__(event)
        self._live.refresh()

    def say(self, text: str) -> None:
        """Write a line above the view."""
        self._console.print(Text(escaped(" ".join(text.split()))), soft_wrap=True)

    def _view(self, label: str) -> ScreenView:
        return ScreenView(label, self._now, lambda: self._elapsed)

    def _end(self, label: str, verdict: Verdict) -> None:
        """Do nothing: each picture has the verdict."""

    def _picture(self) -> RenderableType:
        views = [view for view in list(self._views.values()) if isinstance(view, ScreenView)]
        return Group(*(part for view in views or [self._view("")] for part in view.drawn()))


def _counted(revision: Revision) -> Text:
    of = f"/{revision.desired}" if revision.is_new else ""
    text = Text(f"{revision.name} {revision.running}{of} running", no_wrap=True, overflow="ellipsis")
    if revision.pending:
        text.append(f", {revision.pending} pending")
    if revision.failed:
        text.append(f", {revision.failed} failed", style="red")
    return text


def _style(status: str) -> str:
    if status in ("SUCCESSFUL", "COMPLETED"):
        return "green"
    return "red" if status.startswith(("ROLLBACK", "STOP", "FAILED")) else "cyan"
