"""Which way to show a deployment: asked for, or by what the stream is.

Decides what counts as a terminal. Loads what draws in terminals only when it is to draw.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Literal, TextIO, TypeAlias, get_args

from ecskit._core.errors import MissingExtraError, RequestError
from ecskit.progress.github import GitHub
from ecskit.progress.lines import Lines
from ecskit.progress.showing import Show

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Times", "auto", "github", "live", "plain"]

log = logging.getLogger("ecskit")

Times: TypeAlias = Literal["utc", "elapsed"]
"""What lines begin with: the time in UTC, or how long it took until then."""

_EXTRA = "pip install 'ecskit[progress]'"


def plain(stream: TextIO | None = None, *, times: Times = "utc", now: Callable[[], float] = time.monotonic) -> Show:
    """Show a deployment as lines for a log: one for each change, none twice, the last one the verdict.

    There are no colours and no control characters, and each line is flushed. Lists of tasks are left out, long messages
    cut, and a reason for which many tasks stop is told once; the counts tell how many failed.

    Args:
        stream: Where to write. Default: standard output.
        times: What lines begin with: "utc", the time of day, or "elapsed", the time since the beginning.
        now: The monotonic time in seconds.

    Returns:
        What is to be called with each event, within a `with` block.

    Raises:
        RequestError: `times` is something else.
    """
    if times not in get_args(Times):
        raise RequestError("progress.plain", [("times", f"expected utc or elapsed, got {times!r}")])
    return Lines(stream or sys.stdout, now, _utc if times == "utc" else None)


def github(stream: TextIO | None = None, *, now: Callable[[], float] = time.monotonic) -> Show:
    """Show a deployment as lines for the log of a job of GitHub Actions, with annotations.

    The lines are those of `plain`, with the time in UTC, in a group that can be unfolded. Below it, the verdict is a
    `notice`, or an `error` for what ends badly; warnings are a `warning`. What ECS and others are quoted with stays
    text: it cannot end the line, and nothing in it is a command to the runner.

    Args:
        stream: Where to write. Default: standard output.
        now: The monotonic time in seconds.

    Returns:
        What is to be called with each event, within a `with` block.

    Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    return GitHub(stream or sys.stdout, now, _utc)


def live(stream: TextIO | None = None, *, now: Callable[[], float] = time.monotonic) -> Show:
    """Show a deployment as a picture in a terminal that is drawn anew as it changes; the last one stays.

    Shows service, deployment, status, and time; the stage, where there are any; a bar for each revision; what the
    service said last; why tasks stopped; and which hook waits. The cursor is back when the block is left, however that
    is. Needs the extra `progress`.

    Args:
        stream: Where to draw. Default: standard output. What is no terminal gets the last picture only.
        now: The monotonic time in seconds.

    Returns:
        What is to be called with each event, within a `with` block.

    Raises:
        MissingExtraError: The extra `progress` is not installed.
    """
    try:
        from ecskit.progress.screen import Screen
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"ecskit.progress.live needs rich: {_EXTRA}") from error
    return Screen(stream or sys.stdout, now)


def auto(stream: TextIO | None = None) -> Show:
    """Show a deployment as `live` does if the stream is a terminal, and as `plain` does if it is not.

    Where GITHUB_ACTIONS is `true` in the environment, as in every job of GitHub Actions, show it as `github` does. A
    terminal whose TERM is `dumb` or `unknown`, and one in a job of which the environment says `CI`, counts as none. A
    terminal without the extra `progress` gets plain lines, and a warning is logged.

    Args:
        stream: Where to write. Default: standard output.

    Returns:
        What is to be called with each event, within a `with` block.
    """
    out = stream or sys.stdout
    if os.environ.get("GITHUB_ACTIONS") == "true":
        return github(out)
    if not _is_terminal(out):
        return plain(out)
    if importlib.util.find_spec("rich") is None:
        log.warning("plain lines instead of a picture, because rich is not installed: %s", _EXTRA)
        return plain(out)
    return live(out)


def _is_terminal(stream: TextIO) -> bool:
    if os.environ.get("TERM", "").lower() in ("dumb", "unknown"):
        return False
    return stream.isatty() and os.environ.get("CI", "").lower() in ("", "0", "false")


def _utc() -> datetime:
    return datetime.now(timezone.utc)
