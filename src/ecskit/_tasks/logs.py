"""Read the log lines of tasks from CloudWatch Logs."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from ecskit._core.effects import Emits, Flow, Sleep
from ecskit._logs.arguments import LogOptions
from ecskit._logs.described import definition_of, poll_tasks
from ecskit._logs.lines import LogLine
from ecskit._logs.tail import LogTail
from ecskit._polling.batches import Targets
from ecskit._tasks.errors import TasksMissing
from ecskit._waits.task_identifiers import Tasks, targets_of
from ecskit.models.tasks import Task

__all__ = ["logs"]

_GRACE = 60.0
"""Seconds that ECS may take to show a task that was just started."""


def logs(tasks: Tasks, *, cluster: str | None = None, log_options: LogOptions) -> Emits[LogLine]:
    """Yield the log lines of tasks that log to CloudWatch Logs with the driver `awslogs`.

    Lines come by time, those of several containers and tasks merged. With `follow`, the iterator ends when all
    tasks have stopped and their lines are in: at most about ten seconds after that.

    Of what CloudWatch Logs returned, each line is yielded once, for each stream in the order of time. A line that
    becomes visible after a later one was yielded follows it, with `late`. While following, a line that becomes
    visible more than 10 s after its time may be missed. Lines that are the same are all yielded. The order across
    streams is approximate. If the rest cannot be read, an error is raised.

    All lines that a client reads share one budget: `polls_per_second`. Many tasks that log to one group with one
    prefix are read together. A task that never started has no lines; the reason is logged as a warning.

    Args:
        tasks: What `tasks.run`, `run_task` or `start_task` returned, or one or more tasks, ids or ARNs.
        cluster: Name or ARN of their cluster; optional if ARNs or tasks include it.
        log_options: Which lines.

    Yields:
        Each line.

    Raises:
        LogsUnavailable: The credentials may not read the log group, it does not exist, or no container logs to
            CloudWatch Logs. The message has what to change, or where the lines are.
        TasksMissing: ECS does not show some of the tasks.
        ServiceError: ECS or CloudWatch Logs refuses a call.
        TransportError: The exchange with ECS or CloudWatch Logs failed.
        ConfigurationError: The client wraps another one, and `wrap` got none for CloudWatch Logs.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
    """
    targets = targets_of("tasks.logs", tasks, cluster)
    log_options.check("tasks.logs")

    def flow() -> Emits[LogLine]:
        begun = (yield Sleep(0)).now
        since, until = yield from log_options.window()
        tail = LogTail("tasks.logs", log_options, definition_of, since, until)
        first = yield from _first(targets, begun if log_options.follow else None)
        yield from tail.add(list(first.values()))
        tail.check()
        if not log_options.follow:
            yield from tail.read()
            return
        deadline = math.inf if log_options.timeout is None else begun + log_options.timeout
        by_arn = {task.task_arn: targets.by_name[name] for name, task in first.items()}

        def read_tasks(arns: Collection[str]) -> Flow[Mapping[str, Task]]:
            return poll_tasks(Targets(by_name={arn: by_arn[arn] for arn in arns}))

        yield from tail.follow(read_tasks, deadline)

    return flow()


def _first(targets: Targets[Task], grace_from: float | None) -> Flow[Mapping[str, Task]]:
    """Describe the tasks, by the names that the caller gave. One that was passed as a model may be too new for ECS.

    Raises:
        TasksMissing: ECS does not show a task.
    """
    while True:
        shown = yield from poll_tasks(targets)
        missing = [name for name in targets.by_name if name not in shown]
        if not missing:
            return {name: shown[name] for name in targets.by_name}
        now = (yield Sleep(0)).now
        unseen = [name for name in missing if name not in targets.observed]
        if unseen or grace_from is None or now >= grace_from + _GRACE:
            found = {name: shown[name] for name in targets.by_name if name in shown}
            raise TasksMissing(missing, found, [targets.by_name[name].scope for name in missing])
        yield Sleep(2.0)
