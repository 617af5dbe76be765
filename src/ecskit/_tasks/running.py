"""Run any number of tasks without duplicates.

A call starts at most ten tasks, so a launch is cut into chunks. Each call has a client token. A call without a response
is repeated under the same token; a new token is used only after ECS has responded.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

import attrs

from ecskit._api.service_errors import ConflictException
from ecskit._core.absent import ABSENT_LIST
from ecskit._core.call import call
from ecskit._core.effects import CallbackRaised, DrawRandom, Flow, Parallel, Reply, Sleep
from ecskit._core.errors import (
    CapacityError,
    ConflictError,
    EcsError,
    FailuresError,
    MalformedResponseError,
    RequestError,
    described,
)
from ecskit._core.reasons import passes
from ecskit._core.retrying import Retrying, RetryLimits, back_off, retry
from ecskit._core.wording import plural
from ecskit._polling.bulk import AsyncOnProgress, Progress, add_cause, check_on_progress
from ecskit._polling.guarding import guarded
from ecskit._polling.options import is_count, is_seconds
from ecskit._tasks.errors import TasksNotStarted, TasksNotStopped
from ecskit._tasks.fargate import note_launch_types, tokens_of
from ecskit._tasks.launch import Launch, OnCancel, OnConflict, OnPartial, request_for
from ecskit._tasks.result import RunTaskResult
from ecskit._tasks.stop_requests import clean_up as stop, request_stop
from ecskit._waits.task_identifiers import targets_of
from ecskit.models.common import Failure
from ecskit.models.task_definitions import TaskDefinition
from ecskit.models.tasks import DescribeTasksRequest, RunTaskRequest, RunTaskResponse, Task

__all__ = ["run"]

log = logging.getLogger("ecskit")

TASKS_PER_CALL = 10
"""How many tasks one RunTask starts at most."""
PARALLEL_CALLS = 4
"""How many RunTask calls run at the same time."""
READS = 5
"""How often to read tasks that were started under the same token before."""
TOP_UP_TIMEOUT = 60.0
"""The default of `capacity_timeout` with "top_up", in seconds."""


def run(
    task_definition: str | TaskDefinition,
    *,
    count: int = 1,
    launch: Launch,
    capacity_timeout: float | None = None,
    on_partial: OnPartial = "raise",
    on_conflict: OnConflict = "raise",
    on_cancel: OnCancel = "leave",
    on_progress: AsyncOnProgress | None = None,
) -> Flow[RunTaskResult]:
    """Run any number of tasks without duplicates.

    One call starts up to ten tasks. All launches of a client are sent at the pace that ECS takes: 100 calls at once,
    then 40 per second; on Fargate 100 tasks at once, then 20 per second. A throttled call, or one without a response,
    is repeated under the same client token. Tasks that lack capacity are requested again under a new token, until
    `capacity_timeout` ends.

    Args:
        task_definition: Family, family:revision or ARN, or a task definition that ECS described.
        count: How many tasks to run.
        launch: What to run and where.
        capacity_timeout: Seconds from the start of the call to retry tasks that lack capacity: CPU, memory, ports,
            network interfaces, connected agents, container instances, Fargate capacity, or quotas of tasks at the same
            time. Time in which requests wait for their turn does not count. By default 60 with `on_partial="top_up"`,
            else 0: no retry. Tasks that fail for other reasons are not retried.
        on_partial: What to do when only some tasks were started, after all retries: "raise" an error, "keep" the
            started tasks and return them, or "stop_started" tasks and raise. "top_up" retries for 60 s by default, then
            raises. If no task was started, an error is raised in every case.
        on_conflict: What to do when the client tokens were used before with other parameters: "raise" an error, or
            "adopt" the tasks that were started then.
        on_cancel: What to do with the tasks when this method is cancelled or interrupted: "leave" them, "stop" them, or
            "stop_and_wait" until they have stopped, for at most 10 s.
        on_progress: Called for each task with the `BulkProgress` so far: when it was started, or when it is not
            requested again. A sync client calls it in the threads that launch, once at a time. With an async client it
            may be a coroutine function. An exception that it raises ends the call, and `on_cancel` applies; its cause
            is TasksNotStarted, whose `result` has the tasks.

    Returns:
        The tasks that were started, in no particular order, and why others were not.

    Raises:
        TasksNotStarted: Fewer tasks were started than requested; `result` has those that were.
        CapacityError: ECS refused the first request for lack of capacity; no task was started.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
    """
    problems: list[tuple[str, str]] = []
    if not is_count(count):
        problems.append(("count", f"expected a whole number, 1 or more, got {count!r}"))
    if capacity_timeout is not None and not is_seconds(capacity_timeout):
        problems.append(("capacity_timeout", f"expected seconds, 0 or more, got {capacity_timeout!r}"))
    choices = (("on_partial", on_partial, OnPartial), ("on_conflict", on_conflict, OnConflict))
    for name, value, allowed in (*choices, ("on_cancel", on_cancel, OnCancel)):
        if value not in get_args(allowed):
            problems.append((name, f"expected one of {', '.join(get_args(allowed))}, got {value!r}"))
    if problems:
        raise RequestError("tasks.run", problems)
    check_on_progress("tasks.run", on_progress)
    if capacity_timeout is None:
        capacity_timeout = TOP_UP_TIMEOUT if on_partial == "top_up" else 0.0
    return _run(
        task_definition,
        launch,
        count=count,
        capacity_timeout=capacity_timeout,
        on_partial=on_partial,
        on_conflict=on_conflict,
        on_cancel=on_cancel,
        progress=Progress(count, on_progress),
    )


def _run(
    task_definition: str | TaskDefinition,
    launch: Launch,
    *,
    count: int,
    capacity_timeout: float,
    on_partial: OnPartial,
    on_conflict: OnConflict,
    on_cancel: OnCancel,
    progress: Progress,
) -> Flow[RunTaskResult]:
    request = yield from request_for(task_definition, launch)
    key = launch.client_token or f"{(yield DrawRandom()).get():032x}"
    until = (yield Sleep(0)).now + capacity_timeout
    places = [range(start, min(start + TASKS_PER_CALL, count)) for start in range(0, count, TASKS_PER_CALL)]
    chunks = [
        _Chunk(request, some, f"{key}-{i}", until, on_conflict, progress, capacity_timeout)
        for i, some in enumerate(places)
    ]

    def launch_all() -> Flow[RunTaskResult]:
        # The first call goes alone: if it starts nothing, the others are not sent.
        yield from chunks[0].start()
        if chunks[0].error is None and chunks[0].tasks and len(chunks) > 1:
            replies: Reply[list[Reply[None]]] = yield Parallel([each.start() for each in chunks[1:]], PARALLEL_CALLS)
            for reply in replies.get():
                reply.get()
        return (yield from _checked(_result(count, chunks), on_partial, launch.cluster))

    stopped = False

    def clean_up() -> Flow[None]:
        nonlocal stopped
        yield from _clean_up(chunks, on_cancel)
        stopped = on_cancel != "leave"

    try:
        return (yield from guarded(launch_all(), on_cancel=clean_up))
    except CallbackRaised as raised:
        try:
            if not stopped:
                yield from _find_started(chunks)
        finally:
            add_cause(raised.error, TasksNotStarted(_result(count, chunks), stopped=stopped, ended_early=True))
        raise


def _result(count: int, chunks: Sequence[_Chunk]) -> RunTaskResult:
    return RunTaskResult(
        requested=count,
        tasks=[task for chunk in chunks for task in chunk.tasks],
        failures=[failure for chunk in chunks for failure in chunk.failures],
        errors=[chunk.error for chunk in chunks if chunk.error is not None],
        client_tokens=[token for chunk in chunks for token in chunk.tokens],
    )


# Not in __all__, whose names become methods of clients.
def run_each(
    definitions: Mapping[str, str | TaskDefinition], launch: Launch, on_conflict: OnConflict, on_cancel: OnCancel
) -> Flow[list[Task | EcsError]]:
    """Run one task for each key, and return the task, or the error if none was started.

    Args:
        definitions: The task definition of each task, by the key from which its client token is made.
        launch: What to run and where.
        on_conflict: As in `run`.
        on_cancel: As in `run`.
    """
    chunks: list[_Chunk] = []
    for key, definition in definitions.items():
        request = yield from request_for(definition, launch)
        chunks.append(_Chunk(request, range(1), key, 0.0, on_conflict, Progress(1, None)))

    def launch_all() -> Flow[list[Task | EcsError]]:
        replies: Reply[list[Reply[None]]] = yield Parallel([each.start() for each in chunks], PARALLEL_CALLS)
        for reply in replies.get():
            reply.get()
        return [each.tasks[0] if each.tasks else each.error or _not_started(each) for each in chunks]

    return (yield from guarded(launch_all(), on_cancel=lambda: _clean_up(chunks, on_cancel)))


def _not_started(chunk: _Chunk) -> TasksNotStarted:
    return TasksNotStarted(
        RunTaskResult(requested=1, tasks=[], failures=chunk.failures, client_tokens=list(chunk.tokens))
    )


def _checked(result: RunTaskResult, on_partial: OnPartial, cluster: str | None) -> Flow[RunTaskResult]:
    """Return the result if it is complete or partial results are kept; otherwise raise."""
    if result.complete or (result.tasks and on_partial == "keep"):
        return result
    conflict = next((error for error in result.errors if isinstance(error, ConflictException)), None)
    if conflict is not None:
        # The tasks under the other tokens may belong to another launch, so they are not stopped.
        raise conflict from (TasksNotStarted(result) if result.tasks else conflict.__cause__)
    if not result.tasks and result.errors:
        raise result.errors[0]
    if result.tasks and on_partial == "stop_started":
        yield from _stop_started(result, cluster)
    return result.raise_for_failures()


def _stop_started(result: RunTaskResult, cluster: str | None) -> Flow[None]:
    try:
        yield from request_stop(targets_of("tasks.run", result.tasks, cluster).by_name, "not all were started")
    except TasksNotStopped as error:
        raise TasksNotStarted(result) from error
    raise TasksNotStarted(result, stopped=True) from (result.errors[0] if result.errors else None)


@attrs.define
class _Chunk:
    """Up to ten of the tasks, with the results so far, which the clean-up reads."""

    request: RunTaskRequest
    places: range
    """Which of the tasks, by their numbers from 0."""
    key: str
    until: float
    on_conflict: OnConflict
    progress: Progress
    capacity_timeout: float = 0.0
    tasks: list[Task] = attrs.field(factory=list[Task])
    failures: list[Failure] = attrs.field(factory=list[Failure])
    error: EcsError | None = None
    tokens: list[str] = attrs.field(factory=list[str])
    unanswered: Retrying[RunTaskResponse] | None = None
    """The latest request, until it has a response."""

    def start(self) -> Flow[None]:
        """Start the tasks; errors and failures are kept, not raised."""
        missing = self.places
        began, until = (yield Sleep(0)).now, self.until
        while True:
            token = f"{self.key}-{len(self.tokens)}"
            self.tokens.append(token)
            reasons: Sequence[Failure | EcsError]
            self.failures, self.error = [], None
            request = attrs.evolve(self.request, count=len(missing), client_token=token)
            self.unanswered = launch = Retrying(request, tokens=(yield from tokens_of(request)))
            started = len(self.tasks)
            try:
                yield from self.complete(launch)
                reasons = self.failures
            except EcsError as error:
                self.error = error
                reasons = [error]
            yield from self.progress.report({task.task_arn: None for task in self.tasks[started:]})
            until += launch.waited
            if launch.waited and len(self.tokens) == 1:  # calls that wait for their turns begin later and later
                until = max(until, began + launch.waited + self.capacity_timeout)
            now = (yield Sleep(0)).now
            missing = self.places[len(self.tasks) :]
            if not missing or now >= until or not any(map(_passes, reasons)):
                yield from self.progress.report(dict(self.not_started(missing)))
                return
            yield from back_off(len(self.tokens) + 1, RetryLimits(until=until))

    def not_started(self, missing: range) -> Iterator[tuple[str, EcsError]]:
        """Yield the place of each task that was not started, with its error."""
        for number, place in enumerate(missing):
            reasons = self.failures[number:] or self.failures
            unnamed = MalformedResponseError("RunTask", "the response does not name the task")
            yield f"tasks[{place}]", self.error or (FailuresError("RunTask", reasons[:1]) if reasons else unnamed)

    def complete(self, launch: Retrying[RunTaskResponse]) -> Flow[None]:
        """Send a request until ECS responds, always under the same token, so that no task is started twice."""
        try:
            response = yield from launch.send()
        except ConflictException as conflict:
            if self.on_conflict != "adopt":
                raise
            response = yield from _adopted(self.request.cluster, conflict)
        if response.failures is ABSENT_LIST and response.tasks is ABSENT_LIST:
            # ECS sends both, even if they are empty. Tasks may have been started.
            error = MalformedResponseError("RunTask", "the response has neither tasks nor failures; tasks may run")
            error.client_token = self.tokens[-1]
            raise error
        self.tasks += response.tasks
        self.failures = list(response.failures)
        self.unanswered = None
        yield from note_launch_types(self.request, response.tasks)


def _passes(reason: Failure | EcsError) -> bool:
    """Whether tasks that were not started may be started minutes later, as when capacity was lacking."""
    if isinstance(reason, Failure):
        return passes(reason.reason, reason.detail)
    return reason.retryable and isinstance(reason, (CapacityError, ConflictError))


def _adopted(cluster: str | None, conflict: ConflictException) -> Flow[RunTaskResponse]:
    """Return the tasks that were started under a token before; raise the conflict if ECS does not show all of them."""
    arns = list(conflict.resource_ids)

    def attempt() -> Flow[RunTaskResponse]:
        try:
            found = yield from call(DescribeTasksRequest(cluster=cluster, tasks=arns))
        except EcsError as error:
            if error.retryable:
                raise conflict from error
            raise
        if len(found.tasks) != len(arns):
            raise conflict  # reads may lag behind
        return RunTaskResponse(tasks=found.tasks, failures=[])

    if not arns:
        raise conflict
    return (yield from retry(attempt, RetryLimits(attempts=READS), may_pass=lambda error, _: error is conflict))


def _find_started(chunks: Sequence[_Chunk]) -> Flow[dict[str, EcsError]]:
    """Repeat each request without a response under its token, which returns its tasks. Return errors, by token."""
    errors: dict[str, EcsError] = {}
    for chunk in chunks:
        if chunk.unanswered is not None and chunk.unanswered.may_have_taken_effect:
            try:
                yield from chunk.complete(chunk.unanswered)
            except EcsError as error:
                errors[chunk.tokens[-1]] = chunk.error = error
    return errors


def _clean_up(chunks: list[_Chunk], on_cancel: OnCancel) -> Flow[None]:
    """Stop all tasks, or log which are left."""
    if on_cancel == "leave":
        arns = [task.task_arn for chunk in chunks for task in chunk.tasks]
        lost = [chunk.tokens[-1] for chunk in chunks if chunk.unanswered and chunk.unanswered.may_have_taken_effect]
        text = "a launch ended early; %s were started: %s; calls that may have started more have the client tokens: %s"
        log.info(text, plural(len(arns), "task"), ", ".join(arns) or "none", ", ".join(lost) or "none")
        return
    for token, error in (yield from _find_started(chunks)).items():
        log.warning("tasks with client token %s may run and are not stopped: %s", token, described(error))
    tasks = {task.task_arn: task for chunk in chunks for task in chunk.tasks}
    if tasks:
        yield from stop(targets_of("tasks.run", list(tasks.values()), chunks[0].request.cluster), on_cancel)
