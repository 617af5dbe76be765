"""A log line, and what is remembered of a stream so that each line is yielded once."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import attrs

from ecskit._core.documented import Documented
from ecskit._core.wording import escaped
from ecskit._logs.places import LogStream

__all__ = ["OVERLAP", "Followed", "LogLine", "milliseconds"]

OVERLAP = 10_000
"""Milliseconds that are read again: a line may become visible so long after its time."""
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@attrs.frozen(kw_only=True)
class LogLine(Documented):
    """An event of CloudWatch Logs: a line, or several that the log driver joined."""

    time: datetime
    """When the container wrote it, in UTC."""
    container: str
    """Name of the container."""
    message: str
    """The text, as CloudWatch Logs has it."""
    task_arn: str
    """ARN of the task."""
    stream: LogStream
    """The log stream."""
    late: bool = False
    """Whether a later line of the same stream was yielded before it, because this one became visible after that."""

    def __str__(self) -> str:
        return f"{self.container} | {escaped(self.message)}"


def milliseconds(moment: datetime) -> int:
    """Return a moment as CloudWatch Logs has it: milliseconds since the epoch."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


_Key = tuple[int, int, str]
"""Time, ingestion time and text of an event. GetLogEvents gives no ids, so equal events are counted."""


@attrs.define(eq=False)
class Followed:
    """A stream that is read in passes. Each pass reads the last lines again."""

    stream: LogStream
    task_arn: str
    newest: int = -1
    """The time of the newest event that was read."""
    floor: int = -1
    """The time from which the next pass has to read."""
    released: int = 0
    """How many lines were yielded."""
    _latest: int = -1
    """The time of the newest line that was yielded."""
    _seen: Counter[_Key] = attrs.field(factory=Counter[_Key])
    _passed: Counter[_Key] = attrs.field(factory=Counter[_Key])
    """The events of the pass under way."""

    def begin(self, time: int = -1) -> None:
        """Begin a pass, or read it again from a time on."""
        for key in [key for key in self._passed if key[0] >= time]:
            del self._passed[key]

    def take(self, event: Mapping[str, Any]) -> bool:
        """Record an event of the pass, and return whether it is new."""
        key = (event["timestamp"], event.get("ingestionTime", 0), event["message"])
        self.newest = max(self.newest, key[0])
        self._passed[key] += 1
        if self._passed[key] <= self._seen[key]:
            return False
        self._seen[key] += 1
        return True

    def forget(self, elapsed: float, read_to: float = math.inf) -> None:
        """Forget the events that no later request reads.

        At the first request of a round, no event was newer than the newest one is now, less the seconds since then. A
        line that the round misses becomes visible after that request, so its time is at most the overlap before it.

        Args:
            elapsed: The seconds since the first request of the round.
            read_to: The time of the event that the pass has reached, in milliseconds.
        """
        self.floor = max(self.floor, self.newest - OVERLAP - math.ceil(elapsed * 1000))
        for counts in (self._seen, self._passed):
            for key in [key for key in counts if key[0] < min(self.floor, read_to)]:
                del counts[key]

    def release(self, event: Mapping[str, Any]) -> LogLine:
        """Return the line of an event that is yielded now."""
        time: int = event["timestamp"]
        late, self._latest = time < self._latest, max(time, self._latest)
        self.released += 1
        return LogLine(
            time=_EPOCH + timedelta(milliseconds=time),
            container=self.stream.container,
            message=event["message"],
            task_arn=self.task_arn,
            stream=self.stream,
            late=late,
        )
