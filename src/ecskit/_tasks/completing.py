"""Running tasks to their end, and seeing them end one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias, get_args

import attrs

from ecskit._core.effects import Emit, Emits, Flow, Sleep
from ecskit._core.errors import RequestError
from ecskit._core.typing import OneOrMany, SequenceNotStr
from ecskit._polling.conditions import waiter
from ecskit._polling.errors import WaitStory
from ecskit._polling.guarding import guarded
from ecskit._polling.loop import Continue, Failed, Verdict
from ecskit._polling.observations import WaitState
from ecskit._polling.options import WaitOptions
from ecskit._tasks.ending import end
from ecskit._tasks.errors import TaskFailedError
from ecskit._tasks.launch import Launch, OnCancel, OnConflict, OnPartial
from ecskit._tasks.outcome import TaskOutcome
from ecskit._tasks.outcome_reader import OutcomeReader
from ecskit._tasks.running import run
from ecskit._waits.task_identifiers import Tasks, targets_of
from ecskit._waits.tasks import TaskGoal, is_final, stopped_goal
from ecskit.models.task_definitions import TaskDefinition
from ecskit.models.tasks import Task

__all__ = ["as_stopped", "run_to_completion"]

OnPoll: TypeAlias = Callable[[WaitStory], object]


def run_to_completion(
    task_definition: str | TaskDefinition,
    *,
    count: int | None = None,
    launch: Launch,
    essential: SequenceNotStr[str] | None = None,
    capacity_timeout: float | None = None,
    on_partial: OnPartial = "raise",
    on_conflict: OnConflict = "raise",
    wait_options: WaitOptions,
    on_timeout: OnCancel = "leave",
    on_cancel: OnCancel = "leave",
) -> Flow[OneOrMany[TaskOutcome]]:
    """Run a task, or several, wait until all have stopped, and raise unless all have succeeded.

    Args:
        task_definition: Family, family:revision or ARN, or a task definition that ECS described.
        count: How many tasks to run. With a number, even 1, the outcomes are in a list.
        launch: What to run and where.
        essential: Names of the containers whose exit codes count; by default the essential ones of the task definition.
        capacity_timeout: Seconds to go on asking for tasks that there is no room for. By default 60 with
            `on_partial="top_up"`, else 0, which asks once.
        on_partial: What to do when some tasks were started and others were not, and there is no more asking: "raise",
            "keep" what was started and wait for it, "stop_started" and raise. "top_up" raises as well, after more
            asking.
        on_conflict: "adopt" takes tasks that were started under the same tokens with other parameters for the ones
            asked for; "raise" does not.
        wait_options: How long to wait, once they are started, and how often to look.
        on_timeout: What to do with the tasks when time is up, or one of them does not become visible: "leave" them,
            "stop" them, or "stop_and_wait" until they have stopped, for at most 120 s more.
        on_cancel: The same for when this is cancelled or interrupted, or `on_poll` raises; when it is cancelled,
            "stop_and_wait" waits for at most 10 s.

    Returns:
        How the task ended; with `count`, how each ended.

    Raises:
        TaskFailedError: A task has not succeeded. `outcomes` has them all, and the message names the logs.
        TasksNotStarted: Fewer tasks were started than asked for. `result` has those that were.
        TaskNotVisible: A task was never seen.
        TaskPurged: A task was seen, but not to stop, and then forgotten by ECS.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
    """
    wait_options.check("tasks.run_to_completion")
    if on_timeout not in get_args(OnCancel):
        problem = f"expected one of {', '.join(get_args(OnCancel))}, got {on_timeout!r}"
        raise RequestError("tasks.run_to_completion", [("on_timeout", problem)])
    _check_names("tasks.run_to_completion", essential)
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
        latest: dict[str, Task] = dict(targets.observed)

        def to_the_end() -> Flow[tuple[list[TaskOutcome], WaitStory]]:
            _check_containers(essential, latest)
            reader = OutcomeReader.of(essential, task_definition, (yield Sleep(0)).now, wait_options.timeout)
            noted = attrs.evolve(wait_options, on_poll=_noting(latest, wait_options.on_poll))
            wait = waiter(stopped_goal(noted), targets, reader.prepare)
            wait_state = yield from wait.final_state(list(targets.by_name), targets.observed)
            outcomes = yield from _outcomes(latest, reader)
            return outcomes, wait.story(wait_state, {})

        def end_them(how: OnCancel) -> Flow[None]:
            return end(attrs.evolve(targets, observed=latest), how)

        outcomes, story = yield from guarded(
            to_the_end(), on_timeout=lambda: end_them(on_timeout), on_cancel=lambda: end_them(on_cancel)
        )
        if not all(outcome.succeeded for outcome in outcomes):
            raise TaskFailedError(outcomes, story)
        return outcomes[0] if count is None else outcomes

    return flow()


def _check_names(verb: str, essential: SequenceNotStr[str] | None) -> None:
    given: object = essential
    if isinstance(given, str) or (given is not None and not essential):
        problem = f"expected names of containers, got {given!r}; leave it out for those that are essential"
        raise RequestError(verb, [("essential", problem)])


def _check_containers(essential: SequenceNotStr[str] | None, tasks: Mapping[str, Task]) -> None:
    """Raise RequestError if a task has no container of a name that counts: at once, not when it has stopped."""
    for task in tasks.values():
        names = [container.name for container in task.containers]
        unknown = [name for name in essential or () if names and name not in names]
        if unknown:
            told = f"{unknown[0]!r} is not a container of what was started: {', '.join(tasks)}"
            raise RequestError("tasks.run_to_completion", [("essential", told)])


def _noting(latest: dict[str, Task], listener: OnPoll | None) -> OnPoll:
    """Return a listener that notes what is known, for whoever has to clean up behind the wait, and tells another."""

    def note(story: WaitStory) -> object:
        latest.update({id_: last for id_, last in story.last.items() if last is not None})
        return listener(story) if listener else None

    return note


def _outcomes(tasks: Mapping[str, Task], reader: OutcomeReader) -> Flow[list[TaskOutcome]]:
    outcomes: list[TaskOutcome] = []
    for task in tasks.values():
        outcomes.append((yield from reader.outcome(task)))  # noqa: PERF401  # a comprehension cannot yield
    return outcomes


def as_stopped(
    tasks: Tasks,
    *,
    cluster: str | None = None,
    allow_partial: bool = False,
    essential: SequenceNotStr[str] | None = None,
    wait_options: WaitOptions,
) -> Emits[TaskOutcome]:
    """Yield how each task ended, in the order in which they end.

    A task that is lost does not hide the others: the error comes when all of them have ended.

    Args:
        tasks: What `tasks.run`, `run_task` or `start_task` returned, or one or more tasks, ids or ARNs.
        cluster: Name or ARN of their cluster; needed only where neither ARNs nor tasks tell it.
        allow_partial: Wait for the tasks that were started although others were not.
        essential: Names of the containers whose exit codes count; by default the essential ones of the task definition.
        wait_options: How long to wait and how often to look.

    Yields:
        How a task ended, once for each; whether it succeeded is for the caller to see.

    Raises:
        TaskNotVisible: A task was never seen.
        TaskPurged: A task was seen, but not to stop, and then forgotten by ECS.
        FailuresError: The response holds failures; nothing was waited for.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
    """
    targets = targets_of("tasks.as_stopped", tasks, cluster, allow_partial=allow_partial)
    _check_names("tasks.as_stopped", essential)
    goal = EachStopped.of(stopped_goal(wait_options))
    waiter(goal, targets)  # tells what is wrong with the patience before anything is sent

    def flow() -> Emits[TaskOutcome]:
        reader = OutcomeReader.of(essential, None, (yield Sleep(0)).now, wait_options.timeout)
        told: set[str] = set()

        def announce(wait_state: WaitState[Task]) -> Emits[TaskOutcome]:
            yield from reader.prepare(wait_state)
            for id_, known in wait_state.resources.items():
                if id_ not in told and known.last is not None and is_final(known):
                    told.add(id_)
                    yield Emit((yield from reader.outcome(known.last)))

        yield from waiter(goal, targets, announce).final_state(list(targets.by_name), targets.observed)

    return flow()


@attrs.frozen(kw_only=True)
class EachStopped(TaskGoal):
    """All tasks have stopped, or are lost."""

    @classmethod
    def of(cls, goal: TaskGoal) -> EachStopped:
        """Return the same goal, but with more patience for the others when one is lost."""
        return cls(name=goal.name, condition=goal.condition, wait_options=goal.wait_options)

    def decide(self, wait_state: WaitState[Task], /) -> Verdict:
        """Decide as the goal does, but give up only when there is nobody left to wait for."""
        failed: Failed | None = None
        while True:
            verdict = super().decide(wait_state)
            if not isinstance(verdict, Failed):
                break
            lost = {**(failed.reasons if failed else {}), **verdict.reasons}
            failed = attrs.evolve(failed or verdict, reasons=lost)
            wait_state = attrs.evolve(
                wait_state, resources={id_: known for id_, known in wait_state.resources.items() if id_ not in lost}
            )
        if failed and isinstance(verdict, Continue):
            return attrs.evolve(verdict, reasons={**failed.reasons, **verdict.reasons})
        return failed or verdict
