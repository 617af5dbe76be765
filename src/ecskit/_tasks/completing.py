"""Run tasks until they have stopped, and yield outcomes in the order in which tasks stop."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import get_args

import attrs

from ecskit._core.effects import Emit, Emits, Flow, Sleep
from ecskit._core.errors import RequestError
from ecskit._core.typing import OneOrMany, SequenceNotStr
from ecskit._core.wording import listed
from ecskit._logs.arguments import AsyncOnLog
from ecskit._polling.bulk import AsyncOnProgress, Progress, check_on_progress
from ecskit._polling.conditions import waiter
from ecskit._polling.errors import WaitStory
from ecskit._polling.guarding import guarded
from ecskit._polling.loop import Continue, Failed, Verdict
from ecskit._polling.observations import WaitState
from ecskit._polling.options import WaitOptions
from ecskit._tasks.attempts import Attempts, Retries
from ecskit._tasks.errors import TaskFailedError
from ecskit._tasks.launch import Launch, OnCancel, OnConflict, OnPartial
from ecskit._tasks.outcome import TaskOutcome
from ecskit._tasks.outcome_reader import OutcomeReader
from ecskit._tasks.run_lines import RunLines
from ecskit._tasks.running import run, run_each
from ecskit._tasks.stop_requests import clean_up
from ecskit._waits.task_identifiers import Tasks, targets_of
from ecskit._waits.tasks import TaskGoal, is_final, stopped_goal
from ecskit.models.task_definitions import TaskDefinition
from ecskit.models.tasks import Task

__all__ = ["as_stopped", "run_to_completion"]

_SECONDS_OF_CLEAN_UP = 8.0
"""How long lines are followed while tasks stop after a cancellation. The driver ends the clean-up after 10 s."""


def run_to_completion(
    task_definition: str | TaskDefinition,
    *,
    count: int | None = None,
    launch: Launch,
    essential: SequenceNotStr[str] | None = None,
    on_log: AsyncOnLog | None = None,
    log_tail: int | None = None,
    start_timeout: float | None = None,
    retries: int = 0,
    retry_interrupted: bool = False,
    capacity_timeout: float | None = None,
    on_partial: OnPartial = "raise",
    on_conflict: OnConflict = "raise",
    on_progress: AsyncOnProgress | None = None,
    wait_options: WaitOptions,
    on_timeout: OnCancel = "leave",
    on_cancel: OnCancel = "leave",
) -> Flow[OneOrMany[TaskOutcome]]:
    """Run one or more tasks, wait until they have stopped, and raise an error unless all succeeded.

    Args:
        task_definition: Family, family:revision or ARN, or a task definition that ECS described.
        count: How many tasks to run. With a number, even 1, the method returns a list.
        launch: What to run and where.
        essential: Names of the containers whose exit codes count; by default the essential containers of the task
            definition.
        on_log: Called with each `LogLine` while the tasks run, as `tasks.logs` yields them: by time, each once. A sync
            client calls it in a thread of its own, once at a time. With an async client it may be a coroutine function.
            After the tasks have stopped, lines that still arrive are awaited, for about ten seconds. With
            "stop_and_wait" it is called while the tasks stop, too: after a timeout up to their end, after a
            cancellation for at most 8 s. It never changes the outcome: if lines cannot be read, or it raises an
            exception, a warning is logged, and it is not called again.
        log_tail: How many of the last log lines of each container of a failed task TaskFailedError has in `log_lines`,
            and shows below its traceback. They are awaited for up to 20 s, and may hold secrets. None for none.
        start_timeout: Seconds after which a task that is not RUNNING yet is stopped. None for no limit but `timeout`.
        retries: How often each task is run again at most, if it did not run: it failed to start for a reason that may
            pass, was interrupted before it was RUNNING, or was stopped after `start_timeout`. The next task is started
            some seconds after the one before has STOPPED, under a client token of its own. A task that ran and failed
            is never run again.
        retry_interrupted: Whether `retries` also applies to tasks that were interrupted after they were RUNNING. Their
            work is done twice, at least in part.
        capacity_timeout: Seconds to retry tasks that lack capacity. By default 60 with `on_partial="top_up"`, else 0:
            no retry.
        on_partial: What to do when only some tasks were started, after all retries: "raise" an error, "keep" the
            started tasks and wait for them, or "stop_started" tasks and raise. "top_up" retries for 60 s by default,
            then raises.
        on_conflict: What to do when the client tokens were used before with other parameters: "raise" an error, or
            "adopt" the tasks that were started then.
        on_progress: Called when a task has stopped and is not run again, with the `BulkProgress` of the started tasks
            so far; its error is a TaskFailedError if the task did not succeed. With an async client it may be a
            coroutine function. An exception that it raises ends the call, and `on_cancel` applies; its cause is a
            `BulkError`, whose `results` has the outcomes.
        wait_options: How long to wait after the tasks were started, and how often to poll.
        on_timeout: What to do with the tasks when the wait times out, or a task does not become visible: "leave" them,
            "stop" them, or "stop_and_wait" until they have stopped, for at most 120 s more.
        on_cancel: What to do with the tasks when this method is cancelled or interrupted, or `on_poll` raises: the same
            choices. After a cancellation, "stop_and_wait" waits for at most 10 s.

    Returns:
        The outcome of the task; with `count`, the outcome of each task. `attempts` of an outcome has those of the tasks
        before it.

    Raises:
        TaskFailedError: A task did not succeed, at its last attempt. If that attempt started no task, its error is the
            cause. `outcomes` has all outcomes, and the message names the logs.
        TasksNotStarted: Fewer tasks were started than requested; `result` has those that were.
        TaskNotVisible: A task did not become visible within the grace period.
        TaskPurged: ECS stopped showing a task before a poll showed that it had stopped.
        WaitTimeout: The wait timed out, or made `max_polls` polls. The time counts for all attempts together.
        TasksNotStopped: ECS refused to stop a task that was not RUNNING after `start_timeout`.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
    """
    wait_options.check("tasks.run_to_completion")
    again = Retries(start_timeout=start_timeout, retries=retries, retry_interrupted=retry_interrupted)
    again.check("tasks.run_to_completion")
    check_on_progress("tasks.run_to_completion", on_progress)
    if on_timeout not in get_args(OnCancel):
        problem = f"expected one of {', '.join(get_args(OnCancel))}, got {on_timeout!r}"
        raise RequestError("tasks.run_to_completion", [("on_timeout", problem)])
    _check_names("tasks.run_to_completion", essential)
    lines = RunLines(on_log, log_tail)
    lines.check("tasks.run_to_completion")
    if isinstance(task_definition, TaskDefinition):
        names = [c.name for c in task_definition.container_definitions]
        if unknown := [name for name in essential or () if name not in names]:
            problem = f"{unknown[0]!r} is not a container of the task definition"
            raise RequestError("tasks.run_to_completion", [("essential", problem)])
    launched = run(
        task_definition,
        count=1 if count is None else count,
        launch=launch,
        capacity_timeout=capacity_timeout,
        on_partial=on_partial,
        on_conflict=on_conflict,
        on_cancel=on_cancel,
    )

    def flow() -> Flow[OneOrMany[TaskOutcome]]:
        result = yield from launched
        targets = targets_of("tasks.run_to_completion", result, launch.cluster)
        attempts = Attempts(
            retries=again,
            cluster=launch.cluster,
            wait_options=wait_options,
            progress=Progress(len(targets.by_name), on_progress),
            tasks=dict(targets.observed),
            launch_each=lambda keys: run_each(
                {key: arn or task_definition for key, arn in keys.items()}, launch, on_conflict, on_cancel
            ),
        )

        def wait_for_outcomes() -> Flow[tuple[list[TaskOutcome], WaitStory]]:
            _check_containers(essential, attempts.tasks)
            now = (yield Sleep(0)).now
            return (
                yield from attempts.complete(OutcomeReader.of(essential, task_definition, now, wait_options.timeout))
            )

        def stop_all(how: OnCancel) -> Flow[None]:
            targets = targets_of("tasks.run_to_completion", attempts.live, launch.cluster)
            stopped = yield from clean_up(targets, how)
            attempts.tasks.update({task.task_arn: task for task in stopped})

        def stop(how: OnCancel, seconds: float = math.inf) -> Flow[None]:
            stopping = stop_all(how)
            return lines.beside(stopping, attempts.tasks, seconds) if how == "stop_and_wait" else stopping

        outcomes, story = yield from guarded(
            lines.beside(wait_for_outcomes(), attempts.tasks),
            on_timeout=lambda: stop(on_timeout),
            on_cancel=lambda: stop(on_cancel, seconds=_SECONDS_OF_CLEAN_UP),
        )
        if not all(outcome.succeeded for outcome in outcomes):
            failed = TaskFailedError(outcomes, story, (yield from lines.last(outcomes)))
            if attempts.error is not None:
                raise failed from attempts.error
            raise failed
        return outcomes[0] if count is None else outcomes

    return flow()


def _check_names(verb: str, essential: SequenceNotStr[str] | None) -> None:
    given: object = essential
    if isinstance(given, str) or (given is not None and not essential):
        problem = f"expected names of containers, got {given!r}; leave it out to use the task definition"
        raise RequestError(verb, [("essential", problem)])


def _check_containers(essential: SequenceNotStr[str] | None, tasks: Mapping[str, Task]) -> None:
    """Raise RequestError if a task has no container of a name in `essential`, before the wait instead of after it."""
    for task in tasks.values():
        names = [container.name for container in task.containers]
        unknown = [name for name in essential or () if names and name not in names]
        if unknown:
            problem = f"{unknown[0]!r} is not a container of the started tasks: {listed(tasks)}"
            raise RequestError("tasks.run_to_completion", [("essential", problem)])


def as_stopped(
    tasks: Tasks,
    *,
    cluster: str | None = None,
    allow_partial: bool = False,
    essential: SequenceNotStr[str] | None = None,
    wait_options: WaitOptions,
) -> Emits[TaskOutcome]:
    """Wait for tasks to stop, and yield the outcome of each as soon as it has stopped.

    If ECS does not show a task, the error is raised after the outcomes of all other tasks.

    Args:
        tasks: What `tasks.run`, `run_task` or `start_task` returned, or one or more tasks, ids or ARNs.
        cluster: Name or ARN of their cluster; optional if ARNs or tasks include it.
        allow_partial: Accept a response that holds failures, and wait for the tasks that were started.
        essential: Names of the containers whose exit codes count; by default the essential containers of the task
            definition.
        wait_options: How long to wait and how often to poll.

    Yields:
        The outcome of each task, also without success; `raise_for_outcome()` raises for those.

    Raises:
        TaskNotVisible: A task did not become visible within the grace period.
        TaskPurged: ECS stopped showing a task before a poll showed that it had stopped.
        WaitTimeout: The wait timed out, or made `max_polls` polls.
        FailuresError: The response that was passed holds failures; nothing was sent.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
    """
    targets = targets_of("tasks.as_stopped", tasks, cluster, allow_partial=allow_partial)
    _check_names("tasks.as_stopped", essential)
    goal = EachStopped.of(stopped_goal(wait_options))
    waiter(goal, targets)  # raises RequestError for wrong options now, not at the first item

    def flow() -> Emits[TaskOutcome]:
        reader = OutcomeReader.of(essential, None, (yield Sleep(0)).now, wait_options.timeout)
        emitted: set[str] = set()

        def emit_outcomes(wait_state: WaitState[Task]) -> Emits[TaskOutcome]:
            yield from reader.prepare(wait_state)
            for id_, resource in wait_state.resources.items():
                if id_ not in emitted and resource.last is not None and is_final(resource):
                    emitted.add(id_)
                    yield Emit((yield from reader.outcome(resource.last)))

        yield from waiter(goal, targets, emit_outcomes).final_state(list(targets.by_name), targets.observed)

    return flow()


@attrs.frozen(kw_only=True)
class EachStopped(TaskGoal):
    """All tasks have stopped, except those that ECS does not show."""

    @classmethod
    def of(cls, goal: TaskGoal) -> EachStopped:
        """Return this goal with the name, condition and options of another."""
        return cls(name=goal.name, condition=goal.condition, wait_options=goal.wait_options)

    def decide(self, wait_state: WaitState[Task], /) -> Verdict:
        """Decide as the other goal does, but fail only after all other tasks have stopped."""
        failed: Failed | None = None
        while True:
            verdict = super().decide(wait_state)
            if not isinstance(verdict, Failed):
                break
            lost = {**(failed.reasons if failed else {}), **verdict.reasons}
            failed = attrs.evolve(failed or verdict, reasons=lost)
            wait_state = attrs.evolve(
                wait_state, resources={id_: each for id_, each in wait_state.resources.items() if id_ not in lost}
            )
        if failed and isinstance(verdict, Continue):
            return attrs.evolve(verdict, reasons={**failed.reasons, **verdict.reasons})
        return failed or verdict
