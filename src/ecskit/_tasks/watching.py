"""The method `tasks.watch`: the tasks of a cluster, and each of their changes.

A round lists the tasks and describes those that may have changed. Between rounds, events show changes and new tasks, if
the client observes them. Rounds go on while it does, only less often.
"""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import attrs

from ecskit._core.call import call
from ecskit._core.documented import Documented
from ecskit._core.effects import DrawRandom, Emit, Emits, Flow, Observe, Reply, Sleep
from ecskit._core.errors import EcsError
from ecskit._polling.batches import Target, names_only
from ecskit._polling.conditions import VANISHED_AFTER, VANISHED_POLLS
from ecskit._polling.loop import JITTER, LONGEST_BACKOFF
from ecskit._polling.observations import Observations, ResourceState, is_newer_version
from ecskit._polling.received_events import ANY
from ecskit._polling.shared_polls import poll
from ecskit._tasks.filters import checked_filters, fits, list_request
from ecskit._waits.tasks import TASKS, is_final, is_stopped
from ecskit.models.literals import DesiredStatus, LaunchType
from ecskit.models.tasks import Task

__all__ = ["TaskChange", "watch"]

INTERVAL = 10.0
"""Seconds between rounds without events."""
_REMEMBERED = 600.0
"""Seconds for which a task that is gone is remembered, so that a late event does not bring it back."""
_STATUSES: Sequence[DesiredStatus] = ("RUNNING", "STOPPED")
"""In this order: a task that stops between the two lists is in both."""


@attrs.frozen
class TaskChange(Documented):
    """A task that was seen for the first time, has changed, or is gone."""

    task: Task
    """The task as it is now; if it is gone, as it was last seen."""
    before: Task | None = None
    """The task before the change; None if it was seen for the first time."""
    gone: bool = False
    """Whether ECS no longer shows the task. It deletes stopped tasks after about an hour."""

    @property
    def after(self) -> Task | None:
        """The task after the change; None if it is gone."""
        return None if self.gone else self.task

    def __str__(self) -> str:
        """Return the task and its statuses in one line."""
        before, after = (each.last_status if each else None for each in (self.before, self.after))
        return f"task {_id_of(self.task)}: {before or 'first seen'} -> {after or 'gone'}"


def watch(
    *,
    cluster: str | None = None,
    family: str | None = None,
    service: str | None = None,
    started_by: str | None = None,
    container_instance: str | None = None,
    launch_type: LaunchType | None = None,
) -> Emits[TaskChange]:
    """Yield the tasks of a cluster, stopped ones too, and then each change of them, until you close the stream.

    Without events, tasks are listed and described every 10 s, and states between two rounds are not seen. While the
    client observes events, changes and new tasks are yielded as their events arrive, and a round is made every 60 s.
    Requests are counted by `polls_per_second`. Those that fail and can be repeated are, after longer pauses.

    Args:
        cluster: Name or ARN of the cluster; ECS uses `default` if absent.
        family: Only tasks of this family of task definitions.
        service: Only tasks of this service.
        started_by: Only tasks that were started with this text.
        container_instance: Only tasks on this container instance.
        launch_type: Only tasks of this launch type.

    Yields:
        A `TaskChange` for each task that is first seen, with `before=None`; for each change of its status, version or
        health; and one with `gone=True` when ECS no longer shows it. If a higher version is seen after that, it is
        first seen again.

    Raises:
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refuses a call: no permission, no such cluster or service.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html
    """
    filters = checked_filters(
        "tasks.watch",
        cluster,
        service=service,
        started_by=started_by,
        container_instance=container_instance,
        family=family,
        launch_type=launch_type,
    )
    return _follow(_Round(cluster, filters))


@attrs.define(eq=False)
class _Round:
    """The query that lists tasks and describes those that may have changed. It is made for one stream."""

    cluster: str | None
    filters: Mapping[str, str]
    tasks: dict[str, ResourceState[Task]] = attrs.field(factory=dict)
    """The tasks that were seen, by id."""
    gone: dict[str, ResourceState[Task]] = attrs.field(factory=dict)
    """Tasks that are gone, the first one first. Only a higher version brings one back."""
    left_out: dict[str, None] = attrs.field(factory=dict)
    """Tasks that are listed and that the filters leave out for good: rounds do not describe them again."""
    began: float = 0.0
    """When the latest round began."""
    resource_type: ClassVar[Any] = TASKS
    by_events: ClassVar[bool] = True
    operation: ClassVar[str] = "ListTasks"
    batch_size: ClassVar[int] = 100

    @property
    def kind(self) -> object:
        """Rounds share requests with those of equal streams. A wait would have to wait for all pages of the lists."""
        return "tasks.watch", self.scope, frozenset(self.filters.items())

    @property
    def describes(self) -> object:
        """How tasks are read."""
        return TASKS.describe

    @property
    def scope(self) -> str:
        """The name of the cluster."""
        return names_only(self.cluster or "")

    def concerned(self, ids: Sequence[str]) -> Sequence[Target]:
        """Return all tasks of the cluster."""
        return [Target(self.scope, id_) for id_ in ids]

    def targets(self, ids: Sequence[str]) -> Sequence[Target]:
        """Return the tasks. Equal streams poll for the same: all of them."""
        return [Target(self.scope, id_) for id_ in ids]

    def wants(self, task: Task) -> bool:
        """Whether the filters are for a task."""
        others = {name: value for name, value in self.filters.items() if name != "service"}
        service = self.filters.get("service")
        return fits(others, task) and (service is None or task.group == f"service:{names_only(service)}")

    def merge(self, id_: str, one: Task | None, now: float, *, by_event: bool) -> TaskChange | None:
        """Merge what was seen of a task, and return the change."""
        gone = self.gone.get(id_)
        if gone is not None and not is_newer_version(one, gone.last, TASKS):
            return None
        before = self.tasks.get(id_, ResourceState[Task]())
        if one is None:
            after = before.merge_missing(now)
        else:
            after = before.merge_event(one, TASKS) if by_event else before.merge(one, TASKS)
        task = after.last
        assert task is not None  # only tasks that were seen can be missing
        if _is_gone(after):
            del self.tasks[id_]
            self.gone[id_] = after
            return TaskChange(task, before.last, gone=True)
        if not self.wants(task):
            self.tasks.pop(id_, None)
            # A task is placed on its instance later. The events of all others need no memory: each comes once.
            if not by_event and (task.container_instance_arn or is_stopped(task)):
                self.left_out[id_] = None
            return None
        self.gone.pop(id_, None)
        self.tasks[id_] = after
        return TaskChange(task, before.last) if _shown(task) != _shown(before.last) else None

    def forget_gone(self, now: float) -> None:
        """Forget the tasks that are gone for long."""
        while self.gone and now - (next(iter(self.gone.values())).missing_at or 0.0) > _REMEMBERED:
            del self.gone[next(iter(self.gone))]

    def poll(self, _: Sequence[str], by: float = math.inf) -> Flow[Observations[Task | None]]:
        """Make one round. The result has None for a task that is neither listed nor described."""
        self.began = (yield Sleep(0)).now
        try:
            listed = yield from self._list()
        except EcsError as error:
            if not error.retryable:
                raise
            return Observations({}, {ANY: error})
        tasks = dict(self.tasks)  # a stream that events wake goes on while another one polls for both
        final = {id_ for id_, state in tasks.items() if is_final(state)}
        self.left_out = {id_: None for id_ in [*self.left_out] if id_ in listed}
        skipped = final | self.left_out.keys()
        read = [id_ for id_ in dict.fromkeys([*tasks, *listed]) if id_ not in skipped]
        found = yield from TASKS.read([Target(self.cluster or "", id_) for id_ in read], by) if read else _nothing()
        observed: dict[str, Any] = {}
        unanswered: dict[str, EcsError] = {}
        for id_ in dict.fromkeys([*tasks, *read]):
            one = found.get(Target(self.cluster or "", id_))
            if isinstance(one, EcsError):
                if not one.retryable:
                    raise one
                unanswered[id_] = one
            elif id_ in final and id_ in listed:
                observed[id_] = tasks[id_].last
            elif one is not None or id_ not in listed:
                observed[id_] = one
        return Observations(observed, unanswered)

    def _list(self) -> Flow[dict[str, None]]:
        listed: dict[str, None] = {}
        for status in _STATUSES:
            request = list_request(self.cluster, self.filters, status)
            while True:
                page = yield from call(request, single_attempt=True)
                listed |= dict.fromkeys(arn.rpartition("/")[2] for arn in page.task_arns)
                if not page.next_token:
                    break
                request = attrs.evolve(request, next_token=page.next_token)
        return listed


def _follow(query: _Round) -> Emits[TaskChange]:
    born = due = (yield Sleep(0)).now
    merged = 0
    failures: int | None = None
    """Rounds that failed in a row; None before the first round, which does not wait, even if events come before it."""
    while True:
        after = due - (due - born) / 2
        known = ChainMap(query.tasks, query.gone)
        reply: Reply[Observations[Any]] = yield from poll(
            Observe(
                query=query,
                ids=[ANY],
                born=born,
                after=after,
                due=due,
                known=known,
                merged=merged,
                resync=failures == 0,
            )
        )
        shown, now = reply.get(), reply.now
        merged = max(merged, shown.merged)
        if not shown.by_event:
            failures = (failures or 0) + 1 if shown.unanswered else 0
            drawn: int = (yield DrawRandom()).get()
            pause = min(INTERVAL * 2.0**failures, max(INTERVAL, LONGEST_BACKOFF))
            born, due = query.began, now + pause * (1 + JITTER * (2 * drawn / 2**128 - 1))
        query.forget_gone(now)
        for id_, one in shown.observed.items():
            change = query.merge(id_, one, now, by_event=shown.by_event)
            if change is not None:
                yield Emit(change)


def _is_gone(state: ResourceState[Task]) -> bool:
    missing = (state.missing_at or 0.0) - (state.missing_since or 0.0)
    return state.missing_polls >= VANISHED_POLLS and missing >= VANISHED_AFTER


def _shown(task: Task | None) -> object:
    """Return what counts as a change. Events lack the health, which is UNKNOWN then."""
    if task is None:
        return None
    health = [task.health_status or "UNKNOWN", *(each.health_status or "UNKNOWN" for each in task.containers)]
    return task.version, task.last_status, task.desired_status, health


def _nothing() -> Flow[Mapping[Target, Any]]:
    yield from ()
    return {}


def _id_of(task: Task) -> str:
    return task.task_arn.rpartition("/")[2]
