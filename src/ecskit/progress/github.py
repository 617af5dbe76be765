"""A deployment as lines for a job of GitHub Actions: in a collapsible group, with the verdict after it.

Only the lines written here as commands are commands to the runner. The runner takes a line for a command if it begins
with `::`, and also, undocumented, if it contains `##[`.

Sources: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands and the source of the
runner, https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
"""

from __future__ import annotations

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

    def _begin(self, name: str) -> None:
        self._grouped = True
        self._command("group", name)

    def _end(self, verdict: Verdict) -> None:
        if self._grouped:
            self._command("endgroup")
        self._command("notice" if verdict.is_good else "error", str(verdict), title=verdict.word)

    def _command(self, name: _Command, data: str = "", *, title: str = "") -> None:
        properties = f" title={title.translate(_PROPERTY)}" if title else ""
        self._write(f"::{name}{properties}::{data.translate(_DATA)}")

    def _write(self, line: str) -> None:
        super()._write(line.replace("##[", "## ["))
