"""The errors of running, describing and stopping tasks. They hold values of `ecskit.tasks`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ecskit._core.bulk_errors import BulkError, MissingError
from ecskit._core.errors import EcsError, FailuresError, described
from ecskit._core.retrying import may_have_taken_effect
from ecskit._core.wording import listed

if TYPE_CHECKING:
    from ecskit._logs.lines import LogLine
    from ecskit._polling.errors import WaitStory
    from ecskit._tasks.outcome import TaskOutcome
    from ecskit._tasks.result import RunTaskResult
    from ecskit.models.tasks import ProtectedTask, Task

__all__ = ["TaskFailedError", "TasksMissing", "TasksNotProtected", "TasksNotStarted", "TasksNotStopped"]


class TasksNotStarted(FailuresError):
    """ECS started fewer tasks than requested.

    Attributes:
        result: The tasks that were started, and why the others were not.
        stopped: Whether the tasks in `result` were stopped again.
        ended_early: Whether an exception of `on_progress` ended the call. This error is its `__cause__`.
        failures: Why tasks were not started.
        retryable: Whether the tasks that were not started may be started later: all reasons are ones that pass.
    """

    def __init__(self, result: RunTaskResult, *, stopped: bool = False, ended_early: bool = False) -> None:
        """Hold the result, whether the tasks in it were stopped again, and whether the call was ended early."""
        super().__init__("RunTask", result.failures, result)
        self.result = result
        self.stopped = stopped
        self.ended_early = ended_early
        may_pass = [error.retryable for error in result.errors] + ([self.retryable] if self.failures else [])
        self.retryable = bool(may_pass) and all(may_pass)

    def _text(self) -> str:
        arns, requested = self.result.task_arns, self.result.requested
        reasons = list(dict.fromkeys(f"{f.reason}{f' ({f.detail})' if f.detail else ''}" for f in self.failures))
        reasons += [described(error) for error in self.result.errors]
        reasons += ["an exception of `on_progress` ended the call"] if self.ended_early else []
        stopped = ", and stopped again" if arns and self.stopped else ""
        reason = "; ".join(reasons) or "ECS gave no reason"
        parts = [f"RunTask: {len(arns)} of {requested} tasks started{stopped}: {reason}"]
        if arns:
            parts.append(f"started: {listed(arns)}")
        # These calls have no response. Sending one again under its token returns what it started.
        lost = [error for error in self.result.errors if may_have_taken_effect(error)]
        tokens = [error.client_token for error in lost if error.client_token]
        if tokens:
            parts.append(f"the calls with these client tokens may have started more: {', '.join(tokens)}")
        return "; ".join(parts)


class TaskFailedError(EcsError):
    """A task stopped without success.

    Attributes:
        outcome: The first outcome without success.
        outcomes: The outcomes of all tasks, in order.
        log_lines: The last log lines of failed tasks, by time, if `log_tail` was passed. Tracebacks show them, from
            Python 3.11 on; the message does not.
        retryable: Whether each failed task may succeed when it is run again with nothing else changed.
    """

    def __init__(
        self, outcomes: Sequence[TaskOutcome], story: WaitStory | None = None, log_lines: Sequence[LogLine] = ()
    ) -> None:
        """Hold the outcomes, what the wait for them observed, and the last log lines."""
        super().__init__(outcomes, story, log_lines)
        self.log_lines = tuple(log_lines)
        if log_lines:
            self.__notes__ = ["\n".join(["The last log lines:", *map(str, log_lines)])]
        failed = [outcome for outcome in outcomes if not outcome.succeeded]
        self.outcomes = tuple(outcomes)
        self.outcome = failed[0]
        self.retryable = all(outcome.retryable for outcome in failed)
        self.story = story

    def _text(self) -> str:
        failed = [outcome.summary for outcome in self.outcomes if not outcome.succeeded]
        count = f"{len(failed)} of {len(self.outcomes)} tasks failed: " if len(self.outcomes) > 1 else ""
        after = f" after {self.story.elapsed:.0f} s; {self.story.poll_summary}" if self.story else ""
        logs = f"; logs: {'; '.join(map(str, self.outcome.logs))}" if self.outcome.logs else ""
        return f"{count}{listed(failed, separator='; ')}{after}{self._finding()}{logs}"

    def _finding(self) -> str:
        """Return the first finding about the first task without success, in one sentence."""
        if self.outcome.kind == "STOPPED_BY_USER" and self.outcome.retryable:
            return ""  # this program stopped it, and the reason is there already
        from ecskit._explain.finding import in_message  # most programs end without this table
        from ecskit._explain.task import findings_of_task

        task, essential = self.outcome.task, self.outcome.essential
        optional = {container.name for container in task.containers if container.name} - {*essential}
        lines = [line.message for line in self.log_lines if line.task_arn == task.task_arn]
        return in_message(findings_of_task(task, optional=optional, log_lines=lines))


class TasksMissing(MissingError):
    """ECS does not show some of the tasks that were named.

    They may not exist, may be in another cluster, may not be visible yet, or may have stopped more than an hour ago.
    """

    noun = "task"
    found: tuple[Task, ...]


class TasksNotProtected(BulkError):
    """The protection of some tasks was not changed. `errors` has the reasons, `results` the others."""

    operation = "UpdateTaskProtection"
    noun = "task"
    results: Mapping[str, ProtectedTask]


class TasksNotStopped(BulkError):
    """StopTask failed for some of the tasks. ECS stops the others.

    Attributes:
        errors: The error for each of these tasks, by id or ARN.
        results: The others, as the responses showed them.
        retryable: Whether all the errors are temporary.
    """

    operation = "StopTask"
    noun = "task"
    results: Mapping[str, Task]

    @property
    def requested(self) -> tuple[str, ...]:
        """The ids or ARNs of the tasks that ECS stops."""
        return tuple(self.results)
