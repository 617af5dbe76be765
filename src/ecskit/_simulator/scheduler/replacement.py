"""Compute how many tasks to start and which to stop while one deployment replaces the others.

The result depends on the desired count, minimumHealthyPercent, maximumPercent and the live tasks alone.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.records.service_tasks import ServiceTask

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@attrs.frozen
class Bounds:
    """The desired count of a service, its least number of healthy tasks and its largest number of tasks."""

    desired: int
    lower: int
    upper: int

    @classmethod
    def of(cls, desired: int, minimum_percent: int, maximum_percent: int) -> Bounds:
        """Return the bounds for percentages of the desired count: the minimum is rounded up, the maximum down."""
        return cls(desired, math.ceil(desired * minimum_percent / 100), desired * maximum_percent // 100)


@attrs.frozen
class TaskSplit:
    """The tasks that stay and the tasks that have to go. Tasks that are stopping are in neither."""

    staying: Sequence[ServiceTask]
    leaving: Sequence[ServiceTask]

    @classmethod
    def of(cls, tasks: Iterable[ServiceTask], started_by: str) -> TaskSplit:
        """Return the split in which the tasks of one deployment stay."""
        live = [task for task in tasks if not task.stopping]
        return cls(
            [task for task in live if task.started_by == started_by and task.fit],
            [task for task in live if not (task.started_by == started_by and task.fit)],
        )


def missing(bounds: Bounds, split: TaskSplit) -> int:
    """Return how many tasks are missing from the desired count."""
    return max(0, bounds.desired - len(split.staying))


def to_start(bounds: Bounds, split: TaskSplit, tasks: Iterable[ServiceTask]) -> int:
    """Return how many tasks may start now."""
    room = bounds.upper - sum(task.occupies for task in tasks)
    return min(missing(bounds, split), max(0, room))


def is_tight(bounds: Bounds, split: TaskSplit) -> bool:
    """Whether old tasks have to stop before all missing tasks can start."""
    return missing(bounds, split) > max(0, bounds.upper - len(split.staying) - len(split.leaving))


def to_stop(bounds: Bounds, split: TaskSplit, started_by: str, *, short: bool) -> list[ServiceTask]:
    """Return the tasks to stop now.

    Args:
        bounds: The bounds to keep.
        split: The tasks that stay and the tasks that go.
        started_by: The id of the deployment that stays.
        short: Whether the missing tasks have no room to start. Then fewer tasks may be healthy for a while.
    """
    extra = surplus(split.staying, bounds.desired)
    kept = [task for task in split.staying if task not in extra]
    complete = sum(task.healthy for task in kept) >= bounds.desired
    useless = [
        task
        for task in split.leaving
        if not task.healthy and (task.started_by != started_by or short or complete or task.misplaced)
    ]
    useful = [task for task in split.leaving if task.healthy and not task.protected]
    healthy = sum(task.healthy for task in (*kept, *split.leaving))
    spare = healthy - (bounds.lower if short else max(bounds.desired, bounds.lower))
    return [*extra, *useless, *useful[: max(0, spare)]]


def surplus(tasks: Sequence[ServiceTask], count: int) -> list[ServiceTask]:
    """Return the tasks to stop so that `count` stay: first those not running, then the unhealthy, then the newest."""
    candidates = [task for task in tasks if not task.protected]
    candidates.sort(key=lambda task: (task.running, task.healthy, -task.ordinal))
    return candidates[: max(0, len(tasks) - count)]
