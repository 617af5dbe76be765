"""Deployments as lines for a job of GitHub Actions: in a collapsible group, with the verdicts after it.

Only the lines written here as commands are commands to the runner. The runner takes a line for a command if it begins
with `::`, and also, undocumented, if it contains `##[`.

Sources: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands and the source of the
runner, https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
"""

from __future__ import annotations

from types import TracebackType
from typing import Literal, TypeAlias

from ecskit.progress.lines import Lines
from ecskit.progress.words import Verdict

__all__ = ["GitHub"]

_Command: TypeAlias = Literal["group", "endgroup", "notice", "warning", "error"]
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


class GitHub(Lines):
    """Writes a line for each change, and commands to the runner for the group, warnings and the verdict."""

    _grouped = False

    def warn(self, text: str) -> None:
        """Write a warning. The runner also shows it as an annotation."""
        self._command("warning", text)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the group, and write the verdicts below it."""
        super().__exit__(kind, error, trace)
        if self._grouped:
            self._grouped = False
            self._command("endgroup")
        for view in self._views.values():
            if view.verdict is not None:
                about = f"{view.label}: " if view.label else ""
                name: _Command = "notice" if view.verdict.is_good else "error"
                self._command(name, f"{about}{view.verdict}", title=f"{about}{view.verdict.word}")

    def _begin(self, label: str, name: str) -> None:
        if not self._grouped:
            self._grouped = True
            labels = [view.label for view in self._views.values()]
            self._command("group", f"{len(labels)} deployments: {', '.join(labels)}" if label else name)
        if label:
            super()._begin(label, name)

    def _end(self, label: str, verdict: Verdict) -> None:
        if label:  # of a single deployment, the verdict stands only below the group
            super()._end(label, verdict)

    def _command(self, name: _Command, data: str = "", *, title: str = "") -> None:
        properties = f" title={title.translate(_PROPERTY)}" if title else ""
        self._write(f"::{name}{properties}::{data.translate(_DATA)}")

    def _write(self, line: str) -> None:
        super()._write(line.replace("##[", "## ["))
