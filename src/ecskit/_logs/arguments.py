"""The arguments of the verbs that read log lines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import attrs

from ecskit._core.effects import Flow, GetTime
from ecskit._core.errors import RequestError
from ecskit._core.typing import SequenceNotStr
from ecskit._logs.lines import LogLine, milliseconds
from ecskit._polling.options import is_seconds

__all__ = ["AsyncOnLog", "LogOptions", "Moment", "OnLog", "check_log_tail"]

Moment: TypeAlias = datetime | timedelta
"""A moment: an aware datetime, or how long before the call it was."""
OnLog: TypeAlias = Callable[[LogLine], None]
"""A function that is called with each log line."""
AsyncOnLog: TypeAlias = Callable[[LogLine], Awaitable[object] | None]
"""The same for async clients, which also take a coroutine function."""


def check_log_tail(verb: str, log_tail: int | None) -> None:
    """Raise RequestError if `log_tail` is no number of lines."""
    given: Any = log_tail  # users without a checker
    if given is not None and (not isinstance(given, int) or isinstance(given, bool) or given < 1):
        raise RequestError(verb, [("log_tail", f"expected a number of lines, 1 or more, or None, got {given!r}")])


@attrs.frozen(kw_only=True)
class LogOptions:
    """Which log lines to read.

    Raises:
        RequestError: An argument is wrong; nothing was sent.
    """

    follow: bool = False
    """Whether to wait for further lines."""
    tail: int | None = None
    """Only so many lines of each container at the beginning, the last ones; None for all."""
    since: Moment | None = None
    """Only lines from this moment on: an aware datetime, or a timedelta before now. None for the start of the task."""
    until: Moment | None = None
    """Only lines up to this moment; None for no end."""
    containers: SequenceNotStr[str] | None = None
    """Only lines of containers with these names; None for all."""
    timeout: float | None = None
    """Maximum seconds to follow; None for no limit. Then the lines that are there are yielded, and the iterator
    ends. If tasks write faster than lines are read, later lines are left out after 60 s more, with a warning."""

    def check(self, verb: str) -> None:
        """Raise RequestError if an argument is wrong."""
        problems: list[tuple[str, str]] = []
        tail: Any = self.tail
        if tail is not None and (not isinstance(tail, int) or isinstance(tail, bool) or tail < 0):
            problems.append(("tail", f"expected a number of lines, 0 or more, got {tail!r}"))
        moments: list[tuple[str, Any]] = [("since", self.since), ("until", self.until)]  # users without a checker
        for name, given in moments:
            if isinstance(given, datetime) and given.tzinfo is None:
                problems.append((name, "expected an aware datetime, such as datetime.now(timezone.utc)"))
            elif isinstance(given, timedelta) and given < timedelta(0):
                problems.append((name, f"expected a timedelta of 0 or more: how long ago it was, got {given!r}"))
            elif given is not None and not isinstance(given, (datetime, timedelta)):
                kinds = "an aware datetime or a timedelta, such as timedelta(minutes=10)"
                problems.append((name, f"expected {kinds}, got {type(given).__name__}"))
        both_given = isinstance(self.since, datetime) and isinstance(self.until, datetime)
        if both_given and not problems and self.until < self.since:  # type: ignore[operator]  # both are datetimes
            problems.append(("until", "expected a moment after since"))
        if self.timeout is not None and not is_seconds(self.timeout):
            problems.append(("timeout", f"expected seconds, 0 or more, or None for no limit, got {self.timeout!r}"))
        names: object = self.containers
        if isinstance(names, str) or (names is not None and not names):
            problems.append(("containers", f"expected names of containers, got {names!r}; leave it out for all"))
        if problems:
            raise RequestError(verb, problems)

    def window(self) -> Flow[tuple[int | None, int | None]]:
        """Return the first and the last moment, in milliseconds since the epoch."""
        now: float = (yield GetTime()).get()

        def moment(given: Moment | None) -> int | None:
            if isinstance(given, timedelta):
                return round(now * 1000) - given // timedelta(milliseconds=1)
            return None if given is None else milliseconds(given)

        return moment(self.since), moment(self.until)
