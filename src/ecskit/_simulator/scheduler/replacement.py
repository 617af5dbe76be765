"""How many tasks to start and which to stop, so that one deployment takes over from the others.

Decides by desired count, minimumHealthyPercent and maximumPercent alone, as a pure function of who is there. Where
tasks go and how they stop is decided in `staffing`.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.scheduler.live_tasks import ServiceTask

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@attrs.frozen
class Bounds:
    """How many tasks there are to be, may be at most, and must be healthy at least."""

    desired: int
    lower: int
    upper: int

    @classmethod
    def of(cls, desired: int, minimum_percent: int, maximum_percent: int) -> Bounds:
        """Return the bounds that percentages mean: the minimum is rounded up, the maximum down."""
        return cls(desired, math.ceil(desired * minimum_percent / 100), desired * maximum_percent // 100)


@attrs.frozen
class TaskSplit:
    """The tasks that are to stay, and those that are to go; those that stop already are on neither side."""

    staying: Sequence[ServiceTask]
    leaving: Sequence[ServiceTask]

    @classmethod
    def of(cls, members: Iterable[ServiceTask], started_by: str) -> TaskSplit:
        """Return the sides when one deployment is to stay."""
        live = [member for member in members if not member.stopping]
        return cls(
            [member for member in live if member.started_by == started_by and member.fit],
            [member for member in live if not (member.started_by == started_by and member.fit)],
        )


def missing(bounds: Bounds, split: TaskSplit) -> int:
    """Return how many tasks are not there yet."""
    return max(0, bounds.desired - len(split.staying))


def to_start(bounds: Bounds, split: TaskSplit, members: Iterable[ServiceTask]) -> int:
    """Return how many tasks may be started now."""
    room = bounds.upper - sum(member.occupies for member in members)
    return min(missing(bounds, split), max(0, room))


def is_tight(bounds: Bounds, split: TaskSplit) -> bool:
    """Whether old tasks have to go before all the missing ones can be started."""
    return missing(bounds, split) > max(0, bounds.upper - len(split.staying) - len(split.leaving))


def to_stop(bounds: Bounds, split: TaskSplit, started_by: str, *, short: bool) -> list[ServiceTask]:
    """Return which tasks are to be stopped now.

    Args:
        bounds: What must be kept.
        sides: Who stays and who goes.
        unit: The deployment that is to stay.
        short: Whether there is no room for what is missing: then there may be fewer healthy ones for a while.
    """
    surplus = superfluous(split.staying, bounds.desired)
    kept = [member for member in split.staying if member not in surplus]
    all_well = sum(member.healthy for member in kept) >= bounds.desired
    useless = [
        member
        for member in split.leaving
        if not member.healthy and (member.started_by != started_by or short or all_well or member.misplaced)
    ]
    useful = [member for member in split.leaving if member.healthy and not member.protected]
    healthy = sum(member.healthy for member in (*kept, *split.leaving))
    spare = healthy - (bounds.lower if short else max(bounds.desired, bounds.lower))
    return [*surplus, *useless, *useful[: max(0, spare)]]


def superfluous(members: Sequence[ServiceTask], wanted: int) -> list[ServiceTask]:
    """Return those to stop if only some may stay: first who does not run yet, then who is not well, then the newest."""
    candidates = [member for member in members if not member.protected]
    candidates.sort(key=lambda member: (member.running, member.healthy, -member.ordinal))
    return candidates[: max(0, len(members) - wanted)]
