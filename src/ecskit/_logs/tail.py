"""Read the lines of tasks in rounds, merge them by time, and follow them until the tasks have stopped."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from ecskit._core.effects import Emit, Emits, Flow, Sleep, Waker
from ecskit._core.errors import AccessDeniedError, EcsError, RequestError, described
from ecskit._core.wording import escaped, listed
from ecskit._logs.arguments import LogOptions
from ecskit._logs.errors import LogsUnavailable
from ecskit._logs.lines import OVERLAP, Followed, LogLine, milliseconds
from ecskit._logs.places import LogsElsewhere, log_places
from ecskit._logs.queries import Query, joined, queries_of, read_tail, without
from ecskit._logs.requests import Requests
from ecskit.models.task_definitions import TaskDefinition
from ecskit.models.tasks import Task

__all__ = ["LogTail"]

log = logging.getLogger("ecskit")

_BEFORE = timedelta(seconds=60)
"""How long before the creation of a task its lines may be, by the clock of its host."""
_PAUSE, _LONGEST_PAUSE = 1.0, 5.0
"""Seconds between two rounds while lines come, and at most."""
_TASK_INTERVAL = 5.0
"""Seconds between two polls of the tasks."""
_LONGEST_END = 60.0
"""Seconds after the timeout in which lines are read: tasks that run may write faster than it reads."""
_QUIET_ROUNDS = 2
"""Rounds without lines that have to follow the end of a task."""

_STARTING = {"PROVISIONING", "PENDING", "ACTIVATING"}

ReadTasks = Callable[[Collection[str]], Flow[Mapping[str, Task]]]
"""Returns what ECS shows of some tasks, by ARN."""
ReadDefinition = Callable[[str], Flow[TaskDefinition]]


def _emit(line: LogLine) -> Flow[None]:
    yield Emit(line)


@attrs.define(eq=False)
class _Tailed:
    """A task whose lines are read."""

    task: Task
    definition: TaskDefinition
    streams: dict[str, Followed] = attrs.field(factory=dict[str, Followed])
    elsewhere: Sequence[LogsElsewhere] = ()
    stopped_at: float | None = None
    """The monotonic time at which it was seen stopped, or missing."""
    quiet: int = 0
    """The rounds without lines of it since then, or since the latest line."""
    quiet_at: float = -math.inf
    """When the last of these rounds began."""

    @property
    def released(self) -> int:
        """How many lines of it were yielded."""
        return sum(each.released for each in self.streams.values())

    @property
    def never_started(self) -> bool:
        """Whether it has stopped and was never started."""
        stopped = self.task.last_status in ("STOPPED", "DELETED")
        exited = any(container.exit_code is not None for container in self.task.containers)
        return stopped and self.task.started_at is None and not exited

    def settle_seconds(self) -> float:
        """Return how long after its end lines may become visible: a part may have passed before ECS showed the end."""
        ended, stopped = self.task.execution_stopped_at, self.task.stopped_at
        passed = (stopped - ended).total_seconds() if ended and stopped else 0.0
        return max(0.0, OVERLAP / 1000 - max(0.0, passed))

    @property
    def is_over(self) -> bool:
        """Whether all its lines are in: a round that began when they were visible has shown none."""
        if self.stopped_at is None:
            return False
        return self.quiet >= _QUIET_ROUNDS and self.quiet_at >= self.stopped_at + self.settle_seconds()


@attrs.define(eq=False)
class LogTail:
    """Reads the lines of some tasks."""

    verb: str
    options: LogOptions
    read_definition: ReadDefinition
    since: int | None = None
    until: int | None = None
    tasks: dict[str, _Tailed] = attrs.field(factory=dict[str, _Tailed])
    queries: list[Query] = attrs.field(factory=list[Query])
    requests: Requests = attrs.field(factory=Requests)
    emit: Callable[[LogLine], Flow[None]] = _emit
    """Returns a flow that passes a line on."""
    task_interval: float = _TASK_INTERVAL
    """Seconds between two reads of the tasks."""
    grows: bool = False
    """Whether tasks come and go. Then only the deadline ends it. It may be reset while lines are followed."""
    logs_never_started: bool = True
    """Whether to log why tasks were never started."""
    over: set[str] = attrs.field(factory=set[str])
    """The tasks whose lines are in, if tasks come and go."""
    _waker: Waker = attrs.field(factory=Waker)
    _cut_at: float = math.inf
    """The monotonic time after which no further page is read."""
    _cut: bool = False
    """Whether lines were left out because the time is up."""
    _logged: set[str] = attrs.field(factory=set[str])
    """Why tasks were never started, as far as it was logged."""

    def add(self, tasks: Sequence[Task]) -> Flow[None]:
        """Add tasks, or what was read of them since."""
        for task in tasks:
            tailed = self.tasks.get(task.task_arn)
            if tailed is None:
                definition = yield from self.read_definition(task.task_definition_arn or "")
                self.tasks[task.task_arn] = _Tailed(task, definition)
            else:
                tailed.task = task
        self._add_streams([self.tasks[task.task_arn] for task in tasks])

    def _add_streams(self, tasks: Sequence[_Tailed]) -> None:
        """Add the streams of tasks that are new. A stream may be named by the container runtime, when it starts."""
        wanted = self.options.containers
        new: list[Followed] = []
        for tailed in tasks:
            places = log_places(tailed.task, tailed.definition)
            places = [place for place in places if wanted is None or place.container in wanted]
            tailed.elsewhere = [place for place in places if isinstance(place, LogsElsewhere)]
            for place in places:
                if not isinstance(place, LogsElsewhere) and place.container not in tailed.streams:
                    tailed.streams[place.container] = Followed(place, tailed.task.task_arn)
                    new.append(tailed.streams[place.container])
        if new:
            created = [self.tasks[each.task_arn].task.created_at for each in new]
            start = self.since if self.since is not None else _start(created)
            self.queries += queries_of(new, start, self.until)

    def check(self) -> None:
        """Check that the lines can be read, and log which cannot.

        Raises:
            RequestError: No task has a container of a name that was passed.
            LogsUnavailable: No container has lines in CloudWatch Logs.
        """
        names = [each.name for tailed in self.tasks.values() for each in tailed.definition.container_definitions]
        unknown = [name for name in self.options.containers or () if name not in names]
        if unknown:
            known = listed(dict.fromkeys(filter(None, names)))
            problem = f"{unknown[0]!r} is not a container of the tasks; they have {known}"
            raise RequestError(self.verb, [("containers", problem)])
        elsewhere = list(dict.fromkeys(map(str, (each for task in self.tasks.values() for each in task.elsewhere))))
        readable = any(_may_be_read(task, self.options.containers) for task in self.tasks.values())
        if elsewhere and (not readable or self.options.containers):
            raise LogsUnavailable(elsewhere)
        if elsewhere:
            log.warning("%s: some logs cannot be read: %s", self.verb, listed(elsewhere, separator="; "))

    def read(self) -> Emits[LogLine]:
        """Emit all lines that are there."""
        yield from self._begin()
        yield from self._round()
        self._log_never_started(list(self.tasks))
        self._check_groups()

    def follow(self, read_tasks: ReadTasks, deadline: float = math.inf) -> Emits[LogLine]:
        """Emit the lines until all tasks have stopped and their lines are in, or until the deadline.

        Args:
            read_tasks: Reads the tasks that have not stopped; what it returns beyond these is followed, too.
            deadline: The monotonic time of the end.
        """
        self.end_by(deadline)
        try:
            yield from self._follow(read_tasks)
        except EcsError as error:
            if not error.retryable or (yield Sleep(0)).now < self.requests.until:
                raise
            log.warning("%s: the last lines could not be read in time: %s", self.verb, described(error))
        self._log_never_started(list(self.tasks))
        self._check_groups()

    def begin(self, *, grows: bool) -> None:
        """Make it follow, also once more after an end: then it continues with the lines that it has not yielded."""
        self.grows, self._cut = grows, False
        self.requests.until = self._cut_at = math.inf

    def end_by(self, deadline: float, *, stopped: bool = False) -> None:
        """End following at a monotonic time, or earlier. Another thread may call this while lines are followed.

        Args:
            deadline: The time. Lines that are there then are read.
            stopped: Whether all tasks have stopped. Then these are few enough to read all of them.
        """
        self._cut_at = math.inf if stopped else min(self._cut_at, deadline + _LONGEST_END)
        self.requests.until = min(self.requests.until, deadline)
        self._waker.rouse()

    def _follow(self, read_tasks: ReadTasks) -> Emits[LogLine]:
        yield from self._begin()
        pause, due = _PAUSE, (yield Sleep(0)).now
        now = due
        while True:
            self._waker.roused = False
            last = now >= self.requests.until
            if now >= due and not last:
                now = yield from self._poll(read_tasks, now)
                due = now + self.task_interval
            released = yield from self._round()
            now = (yield Sleep(0)).now
            if last or self._cut:
                return
            if self.grows:
                self._leave()
            elif all(tailed.is_over for tailed in self.tasks.values()):
                return
            ending = all(tailed.stopped_at is not None for tailed in self.tasks.values()) and not self.grows
            pause = _PAUSE if released or ending else min(_LONGEST_PAUSE, pause * 1.5)
            now = (yield Sleep(max(0.0, min(pause, self.requests.until - now)), self._waker)).now

    def _poll(self, read_tasks: ReadTasks, now: float) -> Flow[float]:
        """Poll the tasks that have not stopped, and return the time."""
        running = [arn for arn, tailed in self.tasks.items() if tailed.stopped_at is None]
        shown = yield from read_tasks(running)
        now = (yield Sleep(0)).now
        yield from self.add(list(shown.values()))
        for arn, tailed in self.tasks.items():
            # ECS has stopped showing a task that is missing.
            missing = arn in running and arn not in shown
            if tailed.stopped_at is None and (missing or tailed.task.last_status in ("STOPPED", "DELETED")):
                tailed.stopped_at = now
        return now

    def _leave(self) -> None:
        """Stop to read tasks whose lines are in, and read new ones together with others."""
        over = [arn for arn, tailed in self.tasks.items() if tailed.is_over]
        self._log_never_started(over)
        for arn in over:
            del self.tasks[arn]
        self.over.update(over)
        self.queries = joined(without(self.queries, over) if over else self.queries)

    def _begin(self) -> Emits[LogLine]:
        """Read the last lines of each container, and emit them, if the caller has asked for these only."""
        tail = self.options.tail
        if tail is None:
            return
        began = (yield Sleep(0)).now
        for query in self.queries:
            refusal = yield from read_tail(query, self.requests, tail, began)
            if refusal is not None:
                yield from self._pass_over(query, tail, began, refusal)
        lines = [each for query in self.queries for each in query.buffer]
        for query in self.queries:
            query.buffer.clear()
        for event, followed in sorted(lines, key=lambda each: each[0]["timestamp"]):
            yield from self.emit(followed.release(event))

    def _pass_over(self, query: Query, tail: int, began: float, refusal: AccessDeniedError) -> Flow[None]:
        """Read a pass, and leave the last lines of each stream in the buffer."""
        query.begin(began)
        while not query.done:
            if (yield from query.read_page(self.requests)):
                raise query.refused(refusal) from refusal
            kept: dict[int, int] = {}
            for each in reversed(list(query.buffer)):
                kept[id(each[1])] = kept.get(id(each[1]), 0) + 1
                if kept[id(each[1])] > tail:
                    query.buffer.remove(each)

    def _round(self) -> Flow[int]:
        """Read a pass of each query, emit the new lines by time, and return their number."""
        if self.options.tail is not None and not self.options.follow:
            return 0
        before = {arn: tailed.released for arn, tailed in self.tasks.items()}
        began = (yield Sleep(0)).now
        for query in self.queries:
            query.begin(began)
        under_way = yield from self._fill(self.queries)
        while under_way:
            # Each pass that has not ended has a line: the earliest one is next.
            query = min(under_way, key=lambda each: each.buffer[0][0]["timestamp"])
            event, followed = query.buffer.popleft()
            yield from self.emit(followed.release(event))
            if not query.buffer:
                under_way = yield from self._fill(under_way)
        for arn, tailed in self.tasks.items():
            if tailed.stopped_at is not None:
                tailed.quiet, tailed.quiet_at = 0 if tailed.released > before[arn] else tailed.quiet + 1, began
        return sum(tailed.released - before[arn] for arn, tailed in self.tasks.items())

    def _fill(self, queries: Sequence[Query]) -> Flow[list[Query]]:
        """Read pages until each query has lines, and return those that do. The others have ended their passes."""
        filled: list[Query] = []
        remaining = deque(queries)
        if (yield from self._is_too_late(queries)):
            return [query for query in queries if query.buffer]
        while remaining:
            query = remaining.popleft()
            instead: Sequence[Query] = ()
            while not query.buffer and not query.done and not instead:
                instead = yield from query.read_page(self.requests)
            if instead:
                place = self.queries.index(query)
                self.queries[place : place + 1] = instead
                remaining.extendleft(reversed(instead))
            elif query.buffer:
                filled.append(query)
        return filled

    def _is_too_late(self, queries: Sequence[Query]) -> Flow[bool]:
        """Return whether to read no more of some passes, and log that once."""
        now = (yield Sleep(0)).now
        if not self._cut and now > self._cut_at:
            self._cut = not all(query.done for query in queries)
            if self._cut:
                text = "%s: lines were left out, because reading them takes %.0f s longer than the timeout"
                log.warning(text, self.verb, _LONGEST_END)
        return self._cut

    def _log_never_started(self, arns: Sequence[str]) -> None:
        """Log why tasks were never started and have no lines: each reason once."""
        for tailed in [self.tasks[arn] for arn in arns if self.logs_never_started]:
            if tailed.never_started and not tailed.released:
                task = tailed.task
                reasons = [task.stopped_reason, *(container.reason for container in task.containers)]
                text = "; ".join(dict.fromkeys(filter(None, reasons))) or "ECS gave no reason"
                if text not in self._logged:
                    log.warning("task %s never started, so it has no log lines: %s", task.task_arn, escaped(text))
                self._logged.add(text)

    def _check_groups(self) -> None:
        """Check that the log groups exist.

        Raises:
            LogsUnavailable: The log group of a task that was started does not exist.
        """
        missing: dict[str, str] = {}
        for query in self.queries:
            for followed in query.streams.values():
                tailed = self.tasks[followed.task_arn]
                if query.missing and not tailed.never_started and tailed.task.last_status not in _STARTING:
                    region = f" in {query.region}" if query.region else ""
                    missing[query.group] = (
                        f"the log group {query.group} does not exist{region}: it was deleted, or it was never created;"
                        " create it, or add the option awslogs-create-group"
                    )
        if missing:
            raise LogsUnavailable(list(missing.values()))


def _may_be_read(tailed: _Tailed, containers: Collection[str] | None) -> bool:
    """Return whether a task has streams, or may have one when its container has started."""
    defined = [
        each.name
        for each in tailed.definition.container_definitions
        if each.name is not None and (containers is None or each.name in containers)
    ]
    return len(tailed.elsewhere) < len(defined)


def _start(created: Sequence[datetime | None]) -> int:
    """Return the moment at which the lines of tasks begin at the earliest."""
    known = [moment for moment in created if moment is not None]
    return milliseconds(min(known) - _BEFORE) if len(known) == len(created) else 0
