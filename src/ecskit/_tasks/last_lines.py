"""The last log lines of failed tasks, for their error. They never change a verdict."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from ecskit._core.effects import Flow, Sleep
from ecskit._core.errors import EcsError, RequestError, described
from ecskit._logs.arguments import LogOptions
from ecskit._logs.described import definition_of
from ecskit._logs.lines import LogLine
from ecskit._logs.tail import LogTail
from ecskit._tasks.outcome import TaskOutcome
from ecskit.models.tasks import Task

__all__ = ["check_log_tail", "last_lines"]

log = logging.getLogger("ecskit")

_MOST_TASKS = 10
"""How many failed tasks are read."""
_SECONDS = 20.0
"""How long lines of a task that has stopped are awaited."""


def check_log_tail(verb: str, log_tail: int | None) -> None:
    """Raise RequestError if `log_tail` is no number of lines."""
    given: Any = log_tail  # users without a checker
    if given is not None and (not isinstance(given, int) or isinstance(given, bool) or given < 1):
        raise RequestError(verb, [("log_tail", f"expected a number of lines, 1 or more, or None, got {given!r}")])


def last_lines(outcomes: Sequence[TaskOutcome], count: int) -> Flow[Sequence[LogLine]]:
    """Return the last lines of each container of failed tasks, by time. If they cannot be read, log a warning."""
    failed = [outcome.task for outcome in outcomes if not outcome.succeeded and outcome.kind != "FAILED_TO_START"]
    kept: dict[object, deque[LogLine]] = {}

    def keep(line: LogLine) -> Flow[None]:
        kept.setdefault(line.stream, deque(maxlen=count)).append(line)
        yield from ()

    def shown(_: object) -> Flow[Mapping[str, Task]]:
        yield from ()
        return {task.task_arn: task for task in failed[:_MOST_TASKS]}

    try:
        if failed:
            tail = LogTail("log_tail", LogOptions(follow=True, tail=count), definition_of, emit=keep)
            yield from tail.add(failed[:_MOST_TASKS])
            tail.check()
            yield from tail.follow(shown, (yield Sleep(0)).now + _SECONDS)
    except EcsError as error:
        log.warning("the last log lines of the failed tasks cannot be read: %s", described(error))
    return sorted((line for lines in kept.values() for line in lines), key=lambda line: line.time)
