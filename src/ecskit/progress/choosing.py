"""The ways to show a deployment, and the choice between them by the output stream."""

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
"""How lines begin: with the time in UTC, or with the elapsed time."""

_EXTRA = "pip install 'ecskit[progress]'"


def plain(stream: TextIO | None = None, *, times: Times = "utc", now: Callable[[], float] = time.monotonic) -> Show:
    """Show deployments as lines for a log: one for each change, no line twice, the verdict last.

    The lines hold no colours and no control characters, and each is flushed. Lists of tasks are left out and long
    messages shortened. A reason for which several tasks stopped is shown once; the counts show how many failed. If
    there are several deployments, lines begin with their labels.

    Args:
        stream: Where to write. Default: standard output.
        times: How lines begin: "utc", the time of day, or "elapsed", the seconds since the beginning.
        now: The monotonic time in seconds. On a simulator, the events bring its virtual time.

    Returns:
        A context manager. Call it with each event inside its block.

    Raises:
        RequestError: `times` has another value.
    """
    if times not in get_args(Times):
        raise RequestError("progress.plain", [("times", f"expected utc or elapsed, got {times!r}")])
    return Lines(stream or sys.stdout, now, _utc if times == "utc" else None)


def github(stream: TextIO | None = None, *, now: Callable[[], float] = time.monotonic) -> Show:
    """Show deployments as lines for the log of a job of GitHub Actions, with annotations.

    The lines are those of `plain`, with the time in UTC, in a collapsible group. After it, the verdict of each
    deployment is a `notice`, or an `error` if it did not succeed; warnings are a `warning`. Quoted messages of ECS stay
    text: they cannot end the line, and the runner finds no command in them.

    Args:
        stream: Where to write. Default: standard output.
        now: The monotonic time in seconds. On a simulator, the events bring its virtual time.

    Returns:
        A context manager. Call it with each event inside its block.

    Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    return GitHub(stream or sys.stdout, now, _utc)


def live(stream: TextIO | None = None, *, now: Callable[[], float] = time.monotonic) -> Show:
    """Show deployments as a live view in a terminal. The last view stays.

    It shows service, deployment, status and time; the stage, if any; a bar for each revision; the latest messages of
    the service; why tasks stopped; and which hook waits. Several deployments have a section each. The cursor is visible
    again after the block, however it ends. Needs the extra `progress`.

    Args:
        stream: Where to draw. Default: standard output. If it is not a terminal, only the last view is written.
        now: The monotonic time in seconds. On a simulator, the events bring its virtual time.

    Returns:
        A context manager. Call it with each event inside its block.

    Raises:
        MissingExtraError: The extra `progress` is not installed.
    """
    try:
        from ecskit.progress.screen import Screen
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"ecskit.progress.live needs rich: {_EXTRA}") from error
    return Screen(stream or sys.stdout, now)


def auto(stream: TextIO | None = None) -> Show:
    """Show deployments with `live` if the stream is a terminal, and with `plain` otherwise.

    If the environment holds GITHUB_ACTIONS=true, as in all jobs of GitHub Actions, use `github`. The stream does not
    count as a terminal if TERM is `dumb` or `unknown`, or if CI is set to anything but `0` or `false`. If the extra
    `progress` is not installed, use `plain` and log a warning.

    Args:
        stream: Where to write. Default: standard output.

    Returns:
        A context manager. Call it with each event inside its block.
    """
    out = stream or sys.stdout
    if os.environ.get("GITHUB_ACTIONS") == "true":
        return github(out)
    if not _is_terminal(out):
        return plain(out)
    if importlib.util.find_spec("rich") is None:
        log.warning("plain lines instead of a live view, because rich is not installed: %s", _EXTRA)
        return plain(out)
    return live(out)


def _is_terminal(stream: TextIO) -> bool:
    if os.environ.get("TERM", "").lower() in ("dumb", "unknown"):
        return False
    return stream.isatty() and os.environ.get("CI", "").lower() in ("", "0", "false")


def _utc() -> datetime:
    return datetime.now(timezone.utc)
