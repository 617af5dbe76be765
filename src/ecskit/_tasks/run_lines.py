"""The log lines of tasks that run to completion: all of them for `on_log`, the last ones for the error.

They never change a verdict: what goes wrong with them is logged once.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

import attrs

from ecskit._core.effects import Flow, Invoke, Parallel, Reply, Sleep
from ecskit._core.errors import EcsError, RequestError, described
from ecskit._logs.arguments import AsyncOnLog, LogOptions, check_log_tail
from ecskit._logs.described import definition_of
from ecskit._logs.lines import LogLine
from ecskit._logs.tail import LogTail
from ecskit._tasks.outcome import TaskOutcome
from ecskit.models.tasks import Task

__all__ = ["RunLines"]

log = logging.getLogger("ecskit")

T = TypeVar("T")

_MOST_TASKS = 10
"""Of how many failed tasks the error has lines."""
_LAST_SECONDS = 20.0
"""How long the last lines of failed tasks are awaited, if they are read after the end."""
_MORE_SECONDS = 30.0
"""How long lines are followed after the tasks have stopped, at most."""


class _Unread(Exception):  # noqa: N818  # no error: it ends the reading
    """No further line is needed."""


@attrs.define(eq=False)
class RunLines:
    """The lines of the tasks of one call."""

    on_log: AsyncOnLog | None
    """Called with each line, until it raises an error."""
    log_tail: int | None
    """How many of the last lines of each container to keep; None for none."""
    _followed: bool = False
    _tail: LogTail | None = None
    _unreadable: bool = False
    """Whether a warning was logged, because lines cannot be read."""
    _waiting: deque[LogLine] = attrs.field(factory=deque[LogLine])
    """The lines that are passed on next: at most one, unless a cancellation came before it."""
    _kept: dict[object, deque[LogLine]] = attrs.field(factory=dict[object, "deque[LogLine]"])

    def check(self, verb: str) -> None:
        """Raise RequestError if an argument is wrong."""
        check_log_tail(verb, self.log_tail)
        if self.on_log is not None and not callable(self.on_log):
            raise RequestError(verb, [("on_log", f"expected a function, got {type(self.on_log).__name__}")])

    def beside(self, wait: Flow[T], tasks: Mapping[str, Task], seconds: float = math.inf) -> Flow[T]:
        """Run a wait, pass the lines of its tasks to `on_log` at the same time, and return the result of the wait.

        After the end of the wait, the lines that still arrive are awaited; after an error of the wait, those that are
        there are read. A second call, for the wait that stops the tasks, continues where the first one was.

        Args:
            wait: The wait. It raises its error after the lines were passed on.
            tasks: What the wait has observed of the tasks so far. It changes meanwhile, and tasks are added.
            seconds: For how long lines are followed at most.
        """
        if self.on_log is None or self._unreadable:
            return (yield from wait)
        self._followed = True
        tail = self._tail = self._tail or LogTail(
            "on_log",
            LogOptions(follow=True),
            definition_of,
            emit=self._pass_on,
            task_interval=0.0,
            logs_never_started=False,
        )
        tail.begin(grows=True)
        tail.end_by((yield Sleep(0)).now + seconds)

        def waiting() -> Flow[T]:
            try:
                result = yield from wait
            except EcsError:
                tail.end_by((yield Sleep(0)).now)
                raise
            tail.grows = False
            tail.end_by((yield Sleep(0)).now + _MORE_SECONDS, stopped=True)
            return result

        replies: Reply[list[Reply[T]]] = yield Parallel([waiting(), self._follow(tail, tasks)], limit=2)
        return replies.get()[0].get()

    def last(self, outcomes: Sequence[TaskOutcome]) -> Flow[Sequence[LogLine]]:
        """Return the last lines of each container of failed tasks, by time, if the caller has asked for them."""
        failed = [outcome.task for outcome in outcomes if not outcome.succeeded and outcome.kind != "FAILED_TO_START"]
        failed = failed[:_MOST_TASKS]
        if self.log_tail is None or not failed:
            return ()
        if not self._followed:
            options = LogOptions(follow=True, tail=self.log_tail)
            tail = LogTail("log_tail", options, definition_of, emit=self._keep)
            tail.end_by((yield Sleep(0)).now + _LAST_SECONDS, stopped=True)
            yield from self._follow(tail, {task.task_arn: task for task in failed})
        arns = {task.task_arn for task in failed}
        lines = [line for kept in self._kept.values() for line in kept if line.task_arn in arns]
        return sorted(lines, key=lambda line: line.time)

    def _follow(self, tail: LogTail, tasks: Mapping[str, Task]) -> Flow[None]:
        """Read the lines of tasks to their end. If that fails, log one warning."""

        def shown(running: Collection[str]) -> Flow[Mapping[str, Task]]:
            yield from ()
            read = {task.task_arn: task for task in list(tasks.values())}
            return {arn: task for arn, task in read.items() if arn in running or arn not in {*tail.tasks, *tail.over}}

        try:
            first = not tail.tasks
            yield from tail.add(list(tasks.values()))
            if first:
                tail.check()
            yield from self._pass_waiting()
            yield from tail.follow(shown)
        except _Unread:
            pass
        except EcsError as error:
            self._unreadable = True
            log.warning("%s: log lines of the tasks cannot be read: %s", tail.verb, described(error))
        except Exception:  # no fault of the reader may change the verdict
            self._unreadable = True
            log.warning("%s: log lines of the tasks cannot be read", tail.verb, exc_info=True)

    def _pass_on(self, line: LogLine) -> Flow[None]:
        """Pass a line to `on_log`."""
        yield from self._keep(line)
        self._waiting.append(line)
        yield from self._pass_waiting()

    def _pass_waiting(self) -> Flow[None]:
        """Pass the next lines to `on_log`. If that raises an error, log it, and do not call it again."""
        while self._waiting and self.on_log is not None:
            returned: object = (yield Invoke(self._call, self._waiting[0], caught=True)).value
            if isinstance(returned, Exception):
                self.on_log = None
                log.warning("on_log raised an error, and is not called again", exc_info=returned)
                if self.log_tail is None:
                    raise _Unread

    def _call(self, line: LogLine) -> object:
        self._waiting.popleft()  # now: after a cancellation it is not passed on again
        return None if self.on_log is None else self.on_log(line)

    def _keep(self, line: LogLine) -> Flow[None]:
        yield from ()
        if self.log_tail is not None:
            self._kept.setdefault(line.stream, deque(maxlen=self.log_tail)).append(line)
