"""Running tasks to their end, and seeing them end one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import attrs

from ecskit._core.effects import Cancelled, Emit, Emits, Flow
from ecskit._core.errors import EcsError, RequestError
from ecskit._core.sightings import Book
from ecskit._core.task_errors import TaskFailedError
from ecskit._core.typing import OneOrMany, SequenceNotStr
from ecskit._core.wait_errors import WaitTimeout
from ecskit._core.waiter import Again, Failed, Verdict
from ecskit.models.task_definitions import TaskDefinition
from ecskit.models.tasks import Task
from ecskit.tasks.ending import end
from ecskit.tasks.judging import Judge
from ecskit.tasks.launch import Launch, OnCancel, OnConflict, OnPartial
from ecskit.tasks.outcome import TaskOutcome
from ecskit.tasks.running import run
from ecskit.waits.goals import waiter
from ecskit.waits.patience import Patience
from ecskit.waits.task_ids import Tasks, asked_for
from ecskit.waits.tasks import TaskGoal, is_settled, stopped

__all__ = ["as_stopped", "run_to_completion"]


def run_to_completion(
    task_definition: str | TaskDefinition,
    *,
    count: int | None = None,
    launch: Launch,
    essential: SequenceNotStr[str] | None = None,
    capacity_timeout: float | None = None,
    on_partial: OnPartial = "raise",
    on_conflict: OnConflict = "raise",
    patience: Patience,
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
        patience: How long to wait, once they are started, and how often to look.
        on_timeout: What to do with the tasks when time is up: "leave" them, "stop" them, or "stop_and_wait" until they
            have stopped.
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
    patience.check("tasks.run_to_completion")
    if on_timeout not in get_args(OnCancel):
        problem = f"expected one of {', '.join(get_args(OnCancel))}, got {on_timeout!r}"
        raise RequestError("tasks.run_to_completion", [("on_timeout", problem)])
    if isinstance(essential, str):
        problem = f"expected names of containers, got a str; pass [{essential!r}]"
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
        asked = asked_for("tasks.run_to_completion", result, launch.cluster)
        latest: dict[str, Task] = dict(asked.seen)

        def note(book: Book[Task]) -> Flow[None]:
            latest.update({id_: known.last for id_, known in book.known.items() if known.last is not None})
            yield from ()

        wait = waiter(stopped(patience), asked, note)
        try:
            book = yield from wait.watch(list(asked.places), asked.seen)
            outcomes = yield from _outcomes(latest, Judge(essential))
        except WaitTimeout as late:
            try:
                yield from end(attrs.evolve(asked, seen=latest), on_timeout)
            except EcsError as error:
                raise late from error
            raise
        except EcsError:
            raise  # ECS has the say, not the caller: the tasks go on, and so can whoever has the handle
        except (Exception, Cancelled, KeyboardInterrupt):  # what `on_poll` raises is a way to cancel
            yield from end(attrs.evolve(asked, seen=latest), on_cancel)
            raise
        if not all(outcome.succeeded for outcome in outcomes):
            raise TaskFailedError(outcomes, wait.story(book, {}))
        return outcomes[0] if count is None else outcomes

    return flow()


def _outcomes(tasks: Mapping[str, Task], judge: Judge) -> Flow[list[TaskOutcome]]:
    outcomes: list[TaskOutcome] = []
    for task in tasks.values():
        outcomes.append((yield from judge.outcome(task)))  # noqa: PERF401  # a comprehension cannot yield
    return outcomes


def as_stopped(
    tasks: Tasks,
    *,
    cluster: str | None = None,
    allow_partial: bool = False,
    essential: SequenceNotStr[str] | None = None,
    patience: Patience,
) -> Emits[TaskOutcome]:
    """Yield how each task ended, in the order in which they end.

    A task that is lost does not hide the others: the error comes when all of them have ended.

    Args:
        tasks: What `tasks.run`, `run_task` or `start_task` returned, or one or more tasks, ids or ARNs.
        cluster: Name or ARN of their cluster; needed only where neither ARNs nor tasks tell it.
        allow_partial: Wait for the tasks that were started although others were not.
        essential: Names of the containers whose exit codes count; by default the essential ones of the task definition.
        patience: How long to wait and how often to look.

    Yields:
        How a task ended, once for each; whether it succeeded is for the caller to see.

    Raises:
        TaskNotVisible: A task was never seen.
        TaskPurged: A task was seen, but not to stop, and then forgotten by ECS.
        FailuresError: The response holds failures; nothing was waited for.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
    """
    asked = asked_for("tasks.as_stopped", tasks, cluster, allow_partial=allow_partial)
    if isinstance(essential, str):
        problem = f"expected names of containers, got a str; pass [{essential!r}]"
        raise RequestError("tasks.as_stopped", [("essential", problem)])
    judge = Judge(essential)
    told: set[str] = set()

    def announce(book: Book[Task]) -> Emits[TaskOutcome]:
        for id_, known in book.known.items():
            if id_ not in told and known.last is not None and is_settled(known):
                told.add(id_)
                yield Emit((yield from judge.outcome(known.last)))

    wait = waiter(EachStopped.of(stopped(patience)), asked, announce)

    def flow() -> Emits[TaskOutcome]:
        yield from wait.watch(list(asked.places), asked.seen)

    return flow()


@attrs.frozen(kw_only=True)
class EachStopped(TaskGoal):
    """All tasks have stopped, or are lost."""

    @classmethod
    def of(cls, goal: TaskGoal) -> EachStopped:
        """Return the same goal, but with more patience for the others when one is lost."""
        return cls(name=goal.name, aim=goal.aim, patience=goal.patience)

    def judge(self, book: Book[Task], /) -> Verdict:
        """Decide as the goal does, but give up only when there is nobody left to wait for."""
        failed: Failed | None = None
        while True:
            verdict = super().judge(book)
            if not isinstance(verdict, Failed):
                break
            lost = {**(failed.reasons if failed else {}), **verdict.reasons}
            failed = attrs.evolve(failed or verdict, reasons=lost)
            book = attrs.evolve(book, known={id_: known for id_, known in book.known.items() if id_ not in lost})
        if failed and isinstance(verdict, Again):
            return attrs.evolve(verdict, reasons={**failed.reasons, **verdict.reasons})
        return failed or verdict
