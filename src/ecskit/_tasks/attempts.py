"""The attempts of tasks that run to completion: which tasks are stopped because they do not start, which run again.

A task is run again only after ECS has shown that the one before has stopped, and under a client token that is made from
the id of that one. So one task is started in its place, also if several programs do this, or one program does it again.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from ecskit._core.bulk_errors import BulkError
from ecskit._core.effects import CallbackRaised, DrawRandom, Flow, Sleep
from ecskit._core.errors import EcsError, RequestError, described
from ecskit._core.retrying import may_have_taken_effect
from ecskit._polling.bulk import Progress, add_cause, parted
from ecskit._polling.conditions import waiter
from ecskit._polling.errors import WaitStory, WaitTimeout
from ecskit._polling.loop import Continue, Done, Failed, Verdict
from ecskit._polling.observations import WaitState
from ecskit._polling.options import AsyncOnPoll, WaitOptions, is_seconds
from ecskit._tasks.errors import TaskFailedError
from ecskit._tasks.outcome import TaskOutcome
from ecskit._tasks.outcome_reader import OutcomeReader
from ecskit._tasks.stop_requests import request_stop
from ecskit._waits.task_identifiers import targets_of
from ecskit._waits.tasks import TaskGoal, has_run, is_final, stopped_goal
from ecskit.models.tasks import Task

__all__ = ["Attempts", "LaunchEach", "Place", "Retries"]

log = logging.getLogger("ecskit")

LaunchEach: TypeAlias = Callable[[Mapping[str, "str | None"]], Flow[Sequence["Task | EcsError"]]]
"""Starts one task for each client token, of the task definition that it maps to; results in an error if it does not."""

_PAUSE, _LONGEST_PAUSE = 5.0, 60.0
"""Seconds between the end of an attempt and the next one: twice as many each time, up to the second number."""
_JITTER = 0.5
"""The random share of a pause."""
_LATE = "not RUNNING within"
"""The beginning of the reason of these stops. Another run of the same program recognises them by it."""
_STARTING = frozenset({"PROVISIONING", "PENDING", "ACTIVATING"})


@attrs.define(eq=False)
class Place:
    """One of the tasks that the caller requested: its attempts."""

    task: Task
    """The task of the latest attempt that started one, as last observed."""
    start_by: float = math.inf
    """The monotonic time at which this task has to be RUNNING."""
    attempts: int = 1
    """The number of attempts, with those that started no task."""
    earlier: list[TaskOutcome] = attrs.field(factory=list[TaskOutcome])
    """The outcomes of the tasks before this one."""
    ran: bool = False
    """Whether an observation showed that this task ran."""
    late: bool = False
    """Whether the stop of this task was requested because it did not start in time."""
    again_at: float | None = None
    """The monotonic time of the next attempt, once this task has stopped."""
    over: bool = False
    """Whether this task has stopped, and there is no next attempt."""
    error: EcsError | None = None
    """Why the latest attempt started no task."""
    reported: bool = False
    """Whether `on_progress` was called for it."""

    @property
    def live(self) -> bool:
        """Whether this task may run."""
        return not self.over and self.again_at is None


@attrs.frozen(kw_only=True)
class Retries:
    """Which tasks are stopped because they do not start, and which are run again."""

    start_timeout: float | None
    retries: int
    retry_interrupted: bool

    def check(self, verb: str) -> None:
        """Raise RequestError if an argument is wrong."""
        problems: list[tuple[str, str]] = []
        timeout: Any = self.start_timeout  # users without a checker
        retries: Any = self.retries
        if timeout is not None and not (is_seconds(timeout) and timeout > 0):
            problems.append(("start_timeout", f"expected seconds, more than 0, or None, got {timeout!r}"))
        if not isinstance(retries, int) or isinstance(retries, bool) or retries < 0:
            problems.append(("retries", f"expected a whole number, 0 or more, got {retries!r}"))
        elif self.retry_interrupted and not retries:
            problems.append(
                ("retry_interrupted", "has no effect without `retries`; pass how often to run a task again")
            )
        if problems:
            raise RequestError(verb, problems)

    def allow(self, place: Place, task: Task) -> bool:
        """Whether a task that has stopped is run again.

        Args:
            place: Its place.
            task: The latest observation of the task.
        """
        if place.attempts > self.retries:
            return False
        outcome = TaskOutcome.of(task)
        if place.ran or has_run(task):
            return self.retry_interrupted and (_was_late(outcome) or outcome.kind == "INTERRUPTED")
        return _was_late(outcome) or outcome.retryable


@attrs.frozen(kw_only=True)
class _Round(TaskGoal):
    """All tasks have stopped, or something is due: a task did not start in time, or one has to be run again."""

    places: Mapping[str, Place]
    retries: Retries
    next_at: float
    """The monotonic time of the next attempt of a task that is not in this round."""
    final: set[str] = attrs.field(factory=set[str])
    """The tasks that have stopped and are not run again."""

    def decide(self, wait_state: WaitState[Task], /) -> Verdict:
        """Decide as the wait for stopped tasks does, and end the round early if something is due."""
        verdict = super().decide(wait_state)
        if isinstance(verdict, Failed):
            return verdict
        if wait_state.polls and (wait_state.now >= self.next_at or self.late(wait_state) or self._again(wait_state)):
            return Done()
        if isinstance(verdict, Continue):
            times = [self.next_at, *(place.start_by for place in self.places.values() if not place.ran)]
            due = min((at - wait_state.now for at in times if at > wait_state.now), default=math.inf)
            return attrs.evolve(verdict, no_later_than=min(verdict.no_later_than, due))
        return verdict

    def late(self, wait_state: WaitState[Task]) -> list[str]:
        """Return the tasks that a poll has shown before RUNNING after their time was up."""
        return [
            name
            for name, place in self.places.items()
            if not (place.late or place.ran)
            and place.start_by <= wait_state.polled_at
            and (resource := wait_state.resources[name]).last is not None
            and resource.last.last_status in _STARTING
            and resource.last.desired_status != "STOPPED"
            and (resource.shown and not resource.missing_polls and name not in wait_state.unanswered)
            and not has_run(resource.last)
        ]

    def _again(self, wait_state: WaitState[Task]) -> bool:
        for name, resource in wait_state.resources.items():
            if name not in self.final and resource.last is not None and is_final(resource):
                if self.retries.allow(self.places[name], resource.last):
                    return True
                self.final.add(name)
        return False


@attrs.define(eq=False, kw_only=True)
class Attempts:
    """All attempts of the tasks of one call."""

    retries: Retries
    cluster: str | None
    wait_options: WaitOptions
    launch_each: LaunchEach
    progress: Progress
    tasks: dict[str, Task]
    """The last observation of each task of all attempts, by ARN. At first these are the tasks that were started."""
    places: Sequence[Place] = attrs.field(init=False)
    began: float = attrs.field(default=0.0, init=False)
    """The monotonic time at which the wait began."""
    story: WaitStory | None = attrs.field(default=None, init=False)
    """What was observed in the rounds so far."""

    def __attrs_post_init__(self) -> None:
        self.places = [Place(task) for task in self.tasks.values()]

    @property
    def live(self) -> list[Task]:
        """The last observations of the tasks that may run."""
        return [place.task for place in self.places if place.live]

    @property
    def error(self) -> EcsError | None:
        """Why a task that should run again was not started."""
        return next((place.error for place in self.places if place.error is not None), None)

    def complete(self, reader: OutcomeReader) -> Flow[tuple[list[TaskOutcome], WaitStory]]:
        """Wait until all tasks have stopped and none is run again. Return the outcomes and what was observed.

        Args:
            reader: Determines the outcomes.

        Raises:
            WaitError: A wait failed, or the time is up.
            TasksNotStopped: A task that did not start in time could not be stopped.
        """
        self.began = (yield Sleep(0)).now
        self._set_start_by(self.places, self.began)
        while not all(place.over for place in self.places):
            now = (yield Sleep(0)).now
            next_at = min((place.again_at for place in self.places if place.again_at is not None), default=math.inf)
            if self.live:
                yield from self._round(reader, now, next_at)
            else:
                yield Sleep(next_at - now)
            yield from self._start_again(reader)
            yield from self._report(reader)
        outcomes: list[TaskOutcome] = []
        for place in self.places:
            outcomes.append((yield from _outcome(place, reader)))  # noqa: PERF401  # a comprehension cannot yield
        assert self.story is not None  # there was a round
        return outcomes, self.story

    def _round(self, reader: OutcomeReader, now: float, next_at: float) -> Flow[None]:
        """Wait until something is due, and do what does not start a task."""
        places = {place.task.task_arn: place for place in self.places if place.live}
        options = self._options(now)
        goal = stopped_goal(options)
        goal = _Round(
            name=goal.name,
            condition=goal.condition,
            wait_options=options,
            places=places,
            retries=self.retries,
            next_at=next_at,
        )
        targets = targets_of("tasks.run_to_completion", [place.task for place in places.values()], self.cluster)

        def after_poll(wait_state: WaitState[Task]) -> Flow[None]:
            yield from reader.prepare(wait_state)
            for name, resource in wait_state.resources.items():
                if resource.last is not None and is_final(resource):
                    places[name].task = resource.last
                    places[name].over = places[name].over or not self.retries.allow(places[name], resource.last)
            yield from self._report(reader)

        wait = waiter(goal, targets, after_poll)
        try:
            wait_state = yield from wait.final_state(list(targets.by_name), targets.observed)
        except EcsError as error:
            if isinstance(error.story, WaitStory):
                error.story = self._with_earlier(error.story, now)
            raise
        self.story = self._with_earlier(wait.story(wait_state, {}), now)
        late = {name: targets.by_name[name] for name in goal.late(wait_state)}
        if late:
            reason = f"{_LATE} {self.retries.start_timeout:g} s"
            for name, task in (yield from request_stop(late, reason)).items():
                places[name].late, places[name].ran = True, has_run(task)
        for name, resource in wait_state.resources.items():
            if resource.last is not None and is_final(resource) and not places[name].over:
                yield from self._schedule(places[name], wait_state.now)

    def _report(self, reader: OutcomeReader) -> Flow[None]:
        """Report the tasks that have stopped and are not run again."""
        if self.progress.on_progress is None:
            return
        ended = [place for place in self.places if place.over and not place.reported]
        for place in ended:
            place.reported = True
        ends = yield from self._ends(ended, reader)
        try:
            yield from self.progress.report(
                {arn: end if isinstance(end, EcsError) else None for arn, end in ends.items()}
            )
        except CallbackRaised as raised:
            all_ends = yield from self._ends([place for place in self.places if place.over], reader)
            names = [place.task.task_arn for place in self.places]
            unfinished = [name for name in names if name not in all_ends]
            add_cause(raised.error, BulkError(*parted(all_ends, names), unfinished, operation="RunTask", noun="task"))
            raise

    def _ends(self, places: Sequence[Place], reader: OutcomeReader) -> Flow[dict[str, TaskOutcome | EcsError]]:
        """Return the outcome of each task, or its error if it did not succeed, by ARN."""
        ends: dict[str, TaskOutcome | EcsError] = {}
        for place in places:
            outcome = yield from _outcome(place, reader)
            ends[place.task.task_arn] = outcome if outcome.succeeded else place.error or TaskFailedError([outcome])
        return ends

    def _options(self, now: float) -> WaitOptions:
        """Return the wait options of the next round."""
        options, polls = self.wait_options, self.story.polls if self.story else 0
        if options.max_polls is not None and polls >= options.max_polls and self.story is not None:
            reasons = {task.task_arn: f"is {task.last_status}" for task in self.live}
            raise WaitTimeout(attrs.evolve(self.story, reasons=reasons))
        return attrs.evolve(
            options,
            timeout=None if options.timeout is None else max(0.0, self.began + options.timeout - now),
            max_polls=None if options.max_polls is None else options.max_polls - polls,
            on_poll=self._recording(options.on_poll, now),
        )

    def _recording(self, on_poll: AsyncOnPoll | None, began: float) -> AsyncOnPoll:
        """Return a callback that records the last observations, and calls `on_poll`."""
        places = {place.task.task_arn: place for place in self.places}

        def record(story: WaitStory) -> Awaitable[object] | None:
            for arn, task in story.last.items():
                if task is not None:
                    self.tasks[arn] = places[arn].task = task
                    places[arn].ran = places[arn].ran or has_run(task)
            return on_poll(self._with_earlier(story, began)) if on_poll else None

        return record

    def _with_earlier(self, story: WaitStory, began: float) -> WaitStory:
        """Return the story of a round that began at a monotonic time, with those of the rounds before it."""
        before = self.story
        if before is None:
            return story
        return attrs.evolve(
            story,
            last={**{place.task.task_arn: place.task for place in self.places}, **story.last},
            elapsed=began - self.began + story.elapsed,
            polls=before.polls + story.polls,
            states=dict(Counter(before.states) + Counter(story.states)),
            stale=before.stale + story.stale,
            late=before.late + story.late,
            errors=(*before.errors, *story.errors),
        )

    def _schedule(self, place: Place, now: float) -> Flow[None]:
        """Set the time of the next attempt; there is none if the time is up before."""
        drawn: int = (yield DrawRandom()).get()
        pause = min(_LONGEST_PAUSE, _PAUSE * 2 ** min(place.attempts - 1, 10)) * (1 - _JITTER * drawn / 2**128)
        timeout = self.wait_options.timeout
        place.over = timeout is not None and now + pause >= self.began + timeout
        place.again_at = None if place.over else now + pause

    def _start_again(self, reader: OutcomeReader) -> Flow[None]:
        """Start the next attempts that are due."""
        if all(place.again_at is None for place in self.places):
            return
        now = (yield Sleep(0)).now
        due = [place for place in self.places if place.again_at is not None and place.again_at <= now]
        if not due:
            return
        tokens = {f"again{place.attempts}-{_id(place.task)}": place.task.task_definition_arn for place in due}
        outcomes: list[TaskOutcome] = []
        for place in due:
            outcomes.append((yield from _outcome(place, reader)))  # noqa: PERF401  # a comprehension cannot yield
        results = yield from self.launch_each(tokens)
        # Nothing is yielded until the new tasks are in their places: from then on, a clean-up stops them.
        for place, outcome, result in zip(due, outcomes, results, strict=True):
            place.again_at, place.error = None, None
            place.attempts += 1
            if isinstance(result, Task):
                place.earlier = list(outcome.attempts)
                place.task, place.start_by, place.late, place.ran = result, math.inf, False, False
                self.tasks[result.task_arn] = result
                log.info("task %s was started (attempt %d): %s", _id(result), place.attempts, outcome.summary)
            else:
                place.error, place.over = result, True
                text = "task %s was not started again (attempt %d): %s"
                log.warning(text, _id(place.task), place.attempts, described(result))
        now = (yield Sleep(0)).now
        self._set_start_by([place for place in due if place.live], now)
        for place in due:
            error = place.error
            # After a lost response a task may have been started, so a further attempt could start a second one.
            lost = error is not None and may_have_taken_effect(error)
            if error is not None and error.retryable and not lost and place.attempts <= self.retries.retries:
                yield from self._schedule(place, now)

    def _set_start_by(self, places: Sequence[Place], now: float) -> None:
        for place in places:
            place.start_by = now + (self.retries.start_timeout or math.inf)


def _outcome(place: Place, reader: OutcomeReader) -> Flow[TaskOutcome]:
    outcome = yield from reader.outcome(place.task)
    late = _was_late(outcome) and not (place.ran or has_run(place.task))
    return attrs.evolve(outcome, earlier=tuple(place.earlier), retryable=outcome.retryable or late)


def _was_late(outcome: TaskOutcome) -> bool:
    return outcome.kind == "STOPPED_BY_USER" and _LATE in (outcome.task.stopped_reason or "")


def _id(task: Task) -> str:
    return task.task_arn.rsplit("/", 1)[-1]
