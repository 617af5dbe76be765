"""How running, judging, finding and stopping tasks ends badly. The errors hold values of `ecskit.tasks`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from ecskit._core.errors import EcsError, FailuresError

if TYPE_CHECKING:
    from ecskit._polling.errors import WaitStory
    from ecskit._tasks.outcome import TaskOutcome
    from ecskit._tasks.result import RunTaskResult
    from ecskit.models.tasks import Task

__all__ = ["TaskFailedError", "TasksMissing", "TasksNotStarted", "TasksNotStopped"]

_TOLD = 10
"""How many things a message names at the most."""


class TasksNotStarted(FailuresError):  # read as what happened
    """ECS did not start all the tasks that were asked for.

    Attributes:
        result: What was started, and why the rest was not. The tasks in it run, unless they were to be stopped.
        failures: Why tasks were not started.
    """

    def __init__(self, result: RunTaskResult, *, stopped: bool = False) -> None:
        """Hold what was started; `stopped` says whether it was stopped again."""
        super().__init__("RunTask", result.failures, result)
        self.result = result
        self.stopped = stopped

    def __str__(self) -> str:
        arns, wanted = self.result.task_arns, self.result.requested
        told = f"{len(arns)} of {wanted} tasks started{', and stopped again' if arns and self.stopped else ''}"
        why = list(dict.fromkeys(f"{f.reason}{f' ({f.detail})' if f.detail else ''}" for f in self.failures))
        why += [str(error) for error in self.result.errors]
        started = ", ".join(arns[:_TOLD]) + (f" and {len(arns) - _TOLD} more" if len(arns) > _TOLD else "")
        told += f": {'; '.join(why) or 'ECS gave no reason'}{f'; started: {started}' if arns else ''}"
        # Nobody knows what became of these: asking again under the same token tells.
        tokens = [error.client_token for error in self.result.errors if error.client_token and error.retryable]
        lost = f"; the calls under these tokens may have started more: {', '.join(tokens)}" if tokens else ""
        return f"RunTask: {told}{lost}"


class TaskFailedError(EcsError):
    """A task ended, and not well.

    Attributes:
        outcome: How the first of those that failed ended.
        outcomes: How all the tasks ended that were waited for, in order.
        retryable: Whether trying again is sensible for each that failed.
    """

    def __init__(self, outcomes: Sequence[TaskOutcome], story: WaitStory | None = None) -> None:
        """Hold how the tasks ended, and what the wait for it knew."""
        super().__init__(outcomes, story)
        failed = [outcome for outcome in outcomes if not outcome.succeeded]
        self.outcomes = tuple(outcomes)
        self.outcome = failed[0]
        self.retryable = all(outcome.retryable for outcome in failed)
        self.story = story

    def __str__(self) -> str:
        failed = [outcome for outcome in self.outcomes if not outcome.succeeded]
        told = [outcome.told for outcome in islice(failed, _TOLD)]
        if len(failed) > _TOLD:
            told.append(f"and {len(failed) - _TOLD} more")
        if len(self.outcomes) > 1:
            told[0] = f"{len(failed)} of {len(self.outcomes)} tasks failed: {told[0]}"
        after = [f" after {self.story.elapsed:.0f} s; {self.story.poll_summary}"] if self.story else []
        logs = [f"; logs: {'; '.join(map(str, self.outcome.logs))}"] if self.outcome.logs else []
        return "".join(["; ".join(told), *after, *logs])


class TasksMissing(EcsError):
    """ECS does not know some of the tasks that were asked about.

    They may not exist, may be in another cluster, may not be visible yet, or may have stopped more than an hour ago.

    Attributes:
        missing: What was asked for and is not there, by id or ARN.
        tasks: The tasks that are there.
    """

    def __init__(self, missing: Sequence[str], tasks: Sequence[Task]) -> None:
        """Hold what was not found, and what was."""
        super().__init__(missing, tasks)
        self.missing = tuple(missing)
        self.tasks = tuple(tasks)

    def __str__(self) -> str:
        told = ", ".join(self.missing[:_TOLD])
        more = f" and {len(self.missing) - _TOLD} more" if len(self.missing) > _TOLD else ""
        return f"ECS does not show {len(self.missing)} of {len(self.missing) + len(self.tasks)} tasks: {told}{more}"


class TasksNotStopped(EcsError):
    """Some tasks could not be told to stop.

    Attributes:
        errors: Why, by the id or ARN of each task.
        told: The ids or ARNs of the tasks that were told.
    """

    def __init__(self, errors: Mapping[str, EcsError], told: Sequence[str]) -> None:
        """Hold why some tasks were not told to stop, and which were."""
        super().__init__(errors, told)
        self.errors: Mapping[str, Any] = dict(errors)
        self.told = tuple(told)
        self.retryable = all(error.retryable for error in errors.values())

    def __str__(self) -> str:
        told = "; ".join(f"{id_}: {error}" for id_, error in islice(self.errors.items(), _TOLD))
        more = f"; and {len(self.errors) - _TOLD} more" if len(self.errors) > _TOLD else ""
        return f"{len(self.errors)} of {len(self.errors) + len(self.told)} tasks were not told to stop: {told}{more}"
