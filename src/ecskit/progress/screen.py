"""A deployment as a live view in a terminal. Needs rich, which the extra `progress` installs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ecskit._core.wording import escaped
from ecskit._deployments.progress import STAGES
from ecskit.progress.showing import Show
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
"""How many of the latest messages, and of the most frequent reasons, are shown."""
_WIDTH = 24


class Screen(Show):
    """Draws a deployment repeatedly in the same place."""

    def __init__(self, stream: TextIO, now: Callable[[], float]) -> None:
        """Draw on a stream."""
        super().__init__(now)
        self._console = Console(file=stream, highlight=False)
        # Another thread draws these values: they are replaced, never changed.
        self._messages: tuple[str, ...] = ()
        self._reasons: Counter[tuple[bool, str]] = Counter()
        self._stage: str | None = None
        self._pause: PauseStarted | None = None
        self._rollback: RollbackStarted | None = None
        self._shown_at = now()
        self._verdict: Verdict | None = None
        self._live = Live(console=self._console, get_renderable=self._view, refresh_per_second=4)

    def __enter__(self) -> Self:
        """Start to draw."""
        super().__enter__()
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw a last time, with the verdict, and release the terminal."""
        try:
            super().__exit__(kind, error, trace)
        finally:
            self._live.stop()
            if not self._console.is_terminal:
                self._console.line()  # rich ends the last line in terminals only

    def say(self, text: str) -> None:
        """Write a line above the view."""
        self._console.print(Text(escaped(" ".join(text.split()))), soft_wrap=True)

    def _show(self, event: DeploymentEvent) -> None:
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
        self._live.refresh()

    def _end(self, verdict: Verdict) -> None:
        self._verdict = verdict

    def _last(self, error: BaseException | None) -> DeploymentProgress | None:
        self._progress = super()._last(error)
        return self._progress

    def _view(self) -> RenderableType:
        progress, ended = self._progress, self._verdict
        parts: list[RenderableType] = []
        if progress is None:
            parts.append(Text(f"waiting for the first poll  {duration(self._elapsed)}", style="dim"))
        else:
            parts += [self._heading(progress), *self._stages(progress), self._bars(progress), *self._words(progress)]
        if ended is not None:
            style = "bold green" if ended.is_good else "bold red"
            parts.append(Text.assemble((ended.word, style), " ", ended.text))
        return Group(*parts)

    def _heading(self, progress: DeploymentProgress) -> Text:
        status = progress.status
        return Text.assemble(
            (progress.name, "bold"), "  ", (status, _style(status)), "  ", (duration(self._elapsed), "dim")
        )

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
        observed = stability(progress, self._now() - self._shown_at) if self._verdict is None else ""
        if observed:
            yield Text(observed, style="cyan")
        for (never, why), count in self._reasons.most_common(_REASONS):
            tasks = f"{count} task{'' if count == 1 else 's'} {'failed to start' if never else 'stopped'}"
            yield Text(one_line(f"{tasks}: {why}"), style="red")
        for message in self._messages:
            yield Text(message, style="dim", no_wrap=True, overflow="ellipsis")


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
