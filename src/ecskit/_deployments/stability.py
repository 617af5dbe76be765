"""Whether the tasks of a deployment stay up after it has succeeded: the goal, and what polls have observed.

ECS reports a deployment as SUCCESSFUL when its tasks run, even if they exit a second later. A deployment is stable
after `stable_for` seconds in which all tasks run, none is unhealthy and none stops. It is unstable after too many
stopped tasks, or if three times this period passes without success. ECS shows stopped tasks for about an hour.
Tasks that stopped before the first poll that showed the success are not counted.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import attrs

__all__ = ["ObservedStability", "Stability", "StabilityGoal"]

Stability: TypeAlias = Literal["watching", "stable", "unstable", "unknown"]
"""Whether the tasks of a deployment stay up after it has succeeded."""

STRETCHES = 3
"""How many times `stable_for` may pass without a quiet period."""
STARTS_WITHIN = 60.0
"""The minimum number of seconds for ECS to replace tasks that stopped for causes outside the deployment."""
STEADY_FOR = 15.0
"""Seconds of a quiet period for `until="stable"`, unless `stable_for` is given."""


@attrs.frozen
class StabilityGoal:
    """What counts as stable."""

    stable_for: float
    """Seconds of a quiet period."""
    within: float
    """Seconds after the success within which the quiet period must end."""


@attrs.frozen(kw_only=True)
class ObservedStability:
    """What polls observed after a deployment had succeeded. Times are monotonic seconds."""

    goal: StabilityGoal
    began: float
    """When a poll first showed the success."""
    desired: int
    """The desired count at that time. Tasks that are added later may still be starting."""
    observed: float
    """When a poll last read everything that counts."""
    quiet_since: float | None = None
    """The first poll of the current quiet period; None if the last poll was not quiet."""
    stops: int = 0
    """Tasks that began to stop after the success and count against the deployment."""
    unhealthy: int = 0
    """Unhealthy tasks in the last poll."""
    was_unhealthy: bool = False
    """Whether any poll showed an unhealthy task."""
    most: int = 0
    """The number of stopped tasks from which the deployment is unstable."""
    tasks_refused: bool = False
    """Whether ECS refuses to list or describe tasks."""
    before: frozenset[str] = frozenset()
    """ARNs of tasks that had stopped before the wait began."""

    @property
    def quiet_for(self) -> float:
        """Seconds of the current quiet period."""
        return 0.0 if self.quiet_since is None else self.observed - self.quiet_since

    @property
    def elapsed(self) -> float:
        """Seconds from the success to the last poll."""
        return self.observed - self.began

    @property
    def is_quiet(self) -> bool:
        """Whether the current quiet period is long enough."""
        return self.quiet_since is not None and self.quiet_for >= self.goal.stable_for

    @property
    def within(self) -> float:
        """Seconds after the success within which a quiet period must end."""
        return self.goal.within if self.stops or self.was_unhealthy else max(self.goal.within, STARTS_WITHIN)

    @property
    def is_overdue(self) -> bool:
        """Whether the time for a quiet period is over, and none was long enough."""
        return not self.is_quiet and self.elapsed >= self.within

    @property
    def stability(self) -> Stability:
        """The result so far."""
        if self.tasks_refused:
            return "unknown"
        if self.stops >= self.most:
            return "unstable"
        if self.is_quiet:
            return "stable"
        return "unstable" if self.is_overdue and (self.stops or self.was_unhealthy) else "watching"

    @property
    def decided_at(self) -> float:
        """When the current quiet period is long enough, or the time for it is over."""
        ends = math.inf if self.quiet_since is None else self.quiet_since + self.goal.stable_for
        return min(ends, self.began + self.within)
