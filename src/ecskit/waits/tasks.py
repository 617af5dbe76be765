"""Waits over tasks: how they are looked at, and when they are what was waited for.

Source of what the states mean:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import attrs
from tenacity.wait import wait_base, wait_exponential

from ecskit._core.call import call
from ecskit._core.effects import Flow, Parallel, Reply
from ecskit._core.errors import EcsError, RequestError
from ecskit._core.sightings import Book, Known, Look
from ecskit._core.wait_errors import TaskNotVisible, TaskPurged, TaskStoppedEarly, WaitStory
from ecskit._core.waiter import Again, Done, Failed, Verdict, Waiter
from ecskit._generated.operations import OPERATIONS
from ecskit.models.tasks import DescribeTasksRequest, DescribeTasksResponse, Task
from ecskit.waits.task_ids import TaskKey, Tasks, asked_for

__all__ = ["tasks_running", "tasks_stopped"]

T = TypeVar("T")

log = logging.getLogger("ecskit")

AT_ONCE = 100
"""Tasks that one DescribeTasks takes."""

RANKS = {
    "PROVISIONING": 0,
    "PENDING": 1,
    "ACTIVATING": 2,
    "RUNNING": 3,
    "DEACTIVATING": 4,
    "STOPPING": 5,
    "DEPROVISIONING": 6,
    "STOPPED": 7,
    "DELETED": 8,
}
RUNNING, STOPPED = RANKS["RUNNING"], RANKS["STOPPED"]

PACE = 5.0
"""Seconds between looks, at the most and give or take the jitter, while a task starts or stops."""
PURGED_AFTER, PURGED_READS = 30.0, 3
"""A task that was seen is purged when this many looks over this many seconds do not show it any more."""
SHORTLY = 1.0
"""Seconds until the next look at a stopped task whose stop details are not there yet."""
DETAIL_READS = 2
"""How often to look for them."""


def tasks_running(
    tasks: Tasks,
    *,
    cluster: str | None = None,
    timeout: float | None = 600.0,
    max_polls: int | None = None,
    poll: wait_base | None = None,
    visibility_grace: float = 60.0,
    allow_partial: bool = False,
    on_poll: Callable[[WaitStory], object] | None = None,
) -> Flow[list[Task]]:
    """Wait until all tasks are RUNNING.

    A task that ECS does not show yet is waited for. One that is past RUNNING ends the wait at once, whatever its exit
    code: it does not run.

    Args:
        tasks: The response of `run_task` or `start_task`, or one or more tasks, ids or ARNs.
        cluster: Name or ARN of their cluster; needed only where neither ARNs nor tasks tell it.
        timeout: Seconds to wait at the most; None waits for ever. The last look is made exactly when time is up.
        max_polls: Looks to take at the most.
        poll: A tenacity wait strategy, in seconds; its attempt number counts the looks since something changed. By
            default 2 s, growing to 5 s while tasks start.
        visibility_grace: Seconds after which a task that was never seen is given up.
        allow_partial: Wait for the tasks of a response although it also holds failures.
        on_poll: Called after each look with what is known; an async client also takes a coroutine function. What it
            raises ends the wait.

    Returns:
        The tasks as they were last seen, in the order given.

    Raises:
        TaskStoppedEarly: A task is stopping or has stopped.
        TaskNotVisible: A task was never seen.
        TaskPurged: A task was seen and then forgotten by ECS.
        WaitTimeout: Time or polls are up.
        FailuresError: The response holds failures; nothing was waited for.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS does not let us look: no permission, no such cluster.
        CredentialsError: There are no credentials to look with.
        ConfigurationError: The client is closed.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
    """
    goal = Running("tasks_running", visibility_grace, PACE if poll is None else float("inf"))
    return _wait(
        goal,
        tasks,
        cluster=cluster,
        timeout=timeout,
        max_polls=max_polls,
        poll=poll,
        allow_partial=allow_partial,
        on_poll=on_poll,
    )


def tasks_stopped(
    tasks: Tasks,
    *,
    cluster: str | None = None,
    timeout: float | None = 600.0,
    max_polls: int | None = None,
    poll: wait_base | None = None,
    visibility_grace: float = 60.0,
    allow_partial: bool = False,
    on_poll: Callable[[WaitStory], object] | None = None,
) -> Flow[list[Task]]:
    """Wait until all tasks have STOPPED, each seen to have done so.

    How a task ended is for the caller to judge: look at `stop_code`, `stopped_reason` and the exit codes of its
    containers.

    Args:
        tasks: The response of `run_task` or `start_task`, or one or more tasks, ids or ARNs.
        cluster: Name or ARN of their cluster; needed only where neither ARNs nor tasks tell it.
        timeout: Seconds to wait at the most; None waits for ever. The last look is made exactly when time is up.
        max_polls: Looks to take at the most.
        poll: A tenacity wait strategy, in seconds; its attempt number counts the looks since something changed. By
            default 2 s, growing to 5 s while tasks start or stop and to 15 s while they run.
        visibility_grace: Seconds after which a task that was never seen is given up.
        allow_partial: Wait for the tasks of a response although it also holds failures.
        on_poll: Called after each look with what is known; an async client also takes a coroutine function. What it
            raises ends the wait.

    Returns:
        The tasks as they were last seen, in the order given.

    Raises:
        TaskNotVisible: A task was never seen.
        TaskPurged: A task was seen, but not to stop, and then forgotten by ECS.
        WaitTimeout: Time or polls are up.
        FailuresError: The response holds failures; nothing was waited for.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS does not let us look: no permission, no such cluster.
        CredentialsError: There are no credentials to look with.
        ConfigurationError: The client is closed.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
    """
    goal = Stopped("tasks_stopped", visibility_grace, PACE if poll is None else float("inf"))
    return _wait(
        goal,
        tasks,
        cluster=cluster,
        timeout=timeout,
        max_polls=max_polls,
        poll=poll,
        allow_partial=allow_partial,
        on_poll=on_poll,
    )


def _wait(
    goal: TaskGoal,
    tasks: Tasks,
    *,
    cluster: str | None,
    timeout: float | None,
    max_polls: int | None,
    poll: wait_base | None,
    allow_partial: bool,
    on_poll: Callable[[WaitStory], object] | None,
) -> Flow[list[Task]]:
    _check(goal, timeout, max_polls, poll, on_poll)
    keys, seen = asked_for(goal.name, tasks, cluster, allow_partial=allow_partial)
    strategy = poll or wait_exponential(multiplier=2, exp_base=1.5, max=15)
    return Waiter(TaskSubject(), TaskQuery(keys), goal, timeout, max_polls, strategy, on_poll).flow(list(keys), seen)


def _check(goal: TaskGoal, timeout: object, max_polls: object, poll: object, on_poll: object) -> None:
    problems: list[tuple[str, str]] = []
    if timeout is not None and not _is_seconds(timeout):
        problems.append(("timeout", f"expected seconds, 0 or more, or None to wait for ever, got {timeout!r}"))
    if max_polls is not None and (isinstance(max_polls, bool) or not isinstance(max_polls, int) or max_polls < 1):
        problems.append(("max_polls", f"expected a whole number, 1 or more, got {max_polls!r}"))
    if not _is_seconds(goal.grace):
        problems.append(("visibility_grace", f"expected seconds, 0 or more, got {goal.grace!r}"))
    if poll is not None and not isinstance(poll, wait_base):
        problems.append(("poll", f"expected a tenacity wait strategy, got {type(poll).__name__}"))
    if on_poll is not None and not callable(on_poll):
        problems.append(("on_poll", f"expected a function, got {type(on_poll).__name__}"))
    if problems:
        raise RequestError(goal.name, problems)


def _is_seconds(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


class TaskSubject:
    """Tasks, as far as merging observations of them goes."""

    noun = "task"
    final = STOPPED

    def rank(self, seen: Task) -> tuple[int | None, int]:
        """Return version and rank; a status that nobody knows yet comes before all others."""
        rank = RANKS.get(seen.last_status)
        if rank is None:
            _warn_unknown(seen.last_status)
        return seen.version, -1 if rank is None else rank

    def state(self, seen: Task) -> str:
        """Return the last status."""
        return seen.last_status


@functools.cache
def _warn_unknown(status: str) -> None:
    log.warning("ECS sent the task status %r, which this version of ecskit does not know; waiting goes on", status)


@attrs.frozen
class TaskQuery:
    """Looks at tasks: each cluster separately, as many as one call takes at once."""

    keys: Mapping[str, TaskKey]

    def look(self, ids: Sequence[str]) -> Flow[Look[Task]]:
        """Look once at the tasks given by `ids`."""
        batches = list(self._batches(ids))
        flows = [_describe(cluster, list(batch)) for cluster, batch in batches]
        answers: list[DescribeTasksResponse | EcsError]
        if len(flows) == 1:
            answers = [(yield from _answer(flows[0]))]  # no thread for one
        else:
            replies: Reply[list[Reply[DescribeTasksResponse]]] = yield Parallel(flows)
            answers = [reply.error or reply.get() for reply in replies.get()]
        seen: dict[str, Task] = {}
        unanswered: dict[str, EcsError] = {}
        for (_, batch), answer in zip(batches, answers, strict=True):
            if not isinstance(answer, EcsError):
                found = {task.task_arn.rsplit("/", 1)[-1]: task for task in answer.tasks}
                seen |= {name: found[id_] for id_, names in batch.items() if id_ in found for name in names}
            elif answer.retryable:
                unanswered |= {name: answer for names in batch.values() for name in names}
            else:
                raise answer
        return Look(seen, unanswered)

    def _batches(self, ids: Sequence[str]) -> Iterator[tuple[str, dict[str, list[str]]]]:
        """Yield a cluster and, by the id of each task in it, the names (id or ARN) under which it was asked for."""
        clusters: dict[str, dict[str, list[str]]] = {}
        for name in ids:
            clusters.setdefault(self.keys[name].cluster, {}).setdefault(self.keys[name].id, []).append(name)
        for cluster, tasks in clusters.items():
            pairs = list(tasks.items())
            for start in range(0, len(pairs), AT_ONCE):
                yield cluster, dict(pairs[start : start + AT_ONCE])


def _describe(cluster: str, ids: list[str]) -> Flow[DescribeTasksResponse]:
    return call(OPERATIONS["DescribeTasks"], DescribeTasksRequest(cluster=cluster, tasks=ids), poll=True)


def _answer(flow: Flow[T]) -> Flow[T | EcsError]:
    try:
        return (yield from flow)
    except EcsError as error:
        return error


@attrs.frozen
class TaskGoal:
    """What all waits over tasks have in common: tasks that are not visible yet, or not any more."""

    name: str
    grace: float
    pace: float

    def settled(self, known: Known[Task]) -> bool:
        """A stopped task never changes again; its stop details may come a little later than the status."""
        if known.last is None or RANKS.get(known.last.last_status, -1) < STOPPED:
            return False
        complete = known.last.stop_code is not None and known.last.stopped_at is not None
        return complete or known.repeats >= DETAIL_READS or known.missing_reads > 0

    def judge(self, book: Book[Task]) -> Verdict:
        """Decide: what cannot be seen first, then what the particular wait is for."""
        lost = {
            id_: f"was {known.last.last_status}, then unknown to ECS for {known.missing_at - known.missing_since:.0f} s"
            for id_, known in book.known.items()
            if known.last is not None and not self.settled(known)
            if known.missing_at is not None and known.missing_since is not None
            if known.missing_at - known.missing_since >= PURGED_AFTER and known.missing_reads >= PURGED_READS
        }
        if lost:
            return Failed(TaskPurged, lost)
        unseen = {
            id_: f"was not visible within the grace of {self.grace:.0f} s"
            for id_, known in book.known.items()
            if known.last is None and known.missing_at is not None and known.missing_at >= book.started + self.grace
        }
        return Failed(TaskNotVisible, unseen) if unseen else self.judge_seen(book)

    def judge_seen(self, book: Book[Task]) -> Verdict:
        """Decide about what can be seen."""
        raise NotImplementedError

    def too_late(self, book: Book[Task]) -> Failed | None:
        """Time is up before the grace: what was never seen is not late but not visible."""
        unseen = {
            id_: "is not visible yet"
            for id_, known in book.known.items()
            if known.last is None and known.missing_at is not None
        }
        return Failed(TaskNotVisible, unseen) if unseen else None

    def again(self, book: Book[Task], lacking: Mapping[str, str], pace: float = float("inf")) -> Again:
        """Return what is lacking, to be looked at again in time for the grace, and soon while things change."""
        soon = float("inf")
        for known in book.known.values():
            if known.last is None:
                pace = min(pace, self.pace)
                soon = book.started + self.grace - book.now
            elif not self.settled(known) and RANKS.get(known.last.last_status, -1) != RUNNING:
                pace = min(pace, self.pace)
        return Again(lacking, pace, soon if soon > 0 else float("inf"))


class Running(TaskGoal):
    """All tasks run."""

    def judge_seen(self, book: Book[Task]) -> Verdict:
        """Decide about what can be seen."""
        seen = {id_: known.last for id_, known in book.known.items()}
        past = {id_: _ended(task) for id_, task in seen.items() if task and RANKS.get(task.last_status, -1) > RUNNING}
        if past:
            return Failed(TaskStoppedEarly, past)
        lacking = {id_: _status(task) for id_, task in seen.items() if not task or task.last_status != "RUNNING"}
        return self.again(book, lacking) if lacking else Done()


class Stopped(TaskGoal):
    """All tasks have stopped."""

    def judge_seen(self, book: Book[Task]) -> Verdict:
        """Decide about what can be seen."""
        lacking = {id_: known for id_, known in book.known.items() if not self.settled(known)}
        if not lacking:
            return Done()
        stopped = [k for k in lacking.values() if k.last and RANKS.get(k.last.last_status, -1) >= STOPPED]
        return self.again(
            book, {id_: _status(k.last) for id_, k in lacking.items()}, SHORTLY if stopped else float("inf")
        )


def _status(task: Task | None) -> str:
    return f"is {task.last_status}" if task else "is not visible yet"


def _ended(task: Task) -> str:
    why = ": ".join(filter(None, [task.stop_code, task.stopped_reason]))
    exits = [f"container {c.name} exited with {c.exit_code}" for c in task.containers if c.exit_code is not None]
    failed = [f"container {c.name}: {c.reason}" for c in task.containers if c.reason]
    return ", ".join([f"is {task.last_status}{f' ({why})' if why else ''}", *exits, *failed])
