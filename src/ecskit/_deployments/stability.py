"""Whether the tasks of a deployment stay up after it has succeeded.

ECS calls a deployment SUCCESSFUL when its tasks run, also if they exit a second later. Here the polls after that are
merged: a stretch of `stable_for` seconds in which all tasks run, none is unhealthy and none has stopped is stable; too
many stopped tasks, or no such stretch for three times as long, are not. Stopped tasks are visible for about an hour:
what stopped before the first poll that showed the success is not counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from ecskit._deployments.evidence import began_to_stop, counts_against, rebalanced
from ecskit.models.tasks import Task

if TYPE_CHECKING:
    from ecskit._deployments.progress import DeploymentProgress

__all__ = ["AfterSuccess", "Stability", "StabilityAim", "seconds_to_last", "stopped_later", "with_observation"]

Stability: TypeAlias = Literal["watching", "stable", "unstable", "unknown"]
"""Whether the tasks of a deployment stay up after it has succeeded."""

STRETCHES = 3
"""How many times `stable_for` may pass without a quiet stretch."""
STARTS_WITHIN = 60.0
"""Seconds that tasks which ended for no fault of their own have at least to be replaced."""
STEADY_FOR = 15.0
"""Seconds of a quiet stretch for `until="stable"`, unless `stable_for` is given."""


@attrs.frozen
class StabilityAim:
    """What counts as stable."""

    stable_for: float
    """Seconds of a quiet stretch."""
    within: float
    """Seconds after which there must have been one."""

    @classmethod
    def of(cls, stable_for: float | None, *, until_stable: bool) -> StabilityAim | None:
        """Return the aim of a wait; None if it ends when the deployment succeeds."""
        if stable_for:
            return cls(stable_for, STRETCHES * stable_for)
        return cls(STEADY_FOR, math.inf) if until_stable else None


@attrs.frozen(kw_only=True)
class AfterSuccess:
    """What polls observed after a deployment had succeeded. Times are monotonic seconds."""

    aim: StabilityAim
    began: float
    """The first poll that showed the success."""
    wanted: int
    """The desired count then: tasks that are added later may start meanwhile."""
    observed: float
    """The last poll that showed everything that counts."""
    quiet_since: float | None = None
    """The first poll of the present stretch without anything bad."""
    stops: int = 0
    """Tasks whose end began after the success, and counts against the deployment."""
    unhealthy: int = 0
    """Tasks that the last poll showed as unhealthy."""
    was_ill: bool = False
    """Whether a poll showed an unhealthy task."""
    most: int = 0
    """How many stopped tasks are too many."""
    blind: bool = False
    """Whether reading stopped tasks is refused."""
    before: frozenset[str] = frozenset()
    """ARNs of tasks that had stopped before the wait began."""

    @property
    def quiet_for(self) -> float:
        """How long the present stretch without anything bad was observed."""
        return 0.0 if self.quiet_since is None else self.observed - self.quiet_since

    @property
    def elapsed(self) -> float:
        """Seconds that were observed since the success."""
        return self.observed - self.began

    @property
    def is_quiet(self) -> bool:
        """Whether the present stretch is long enough."""
        return self.quiet_since is not None and self.quiet_for >= self.aim.stable_for

    @property
    def within(self) -> float:
        """Seconds after which there must have been a stretch that is long enough."""
        return self.aim.within if self.stops or self.was_ill else max(self.aim.within, STARTS_WITHIN)

    @property
    def is_overdue(self) -> bool:
        """Whether there was no stretch that is long enough in time."""
        return not self.is_quiet and self.elapsed >= self.within

    @property
    def stability(self) -> Stability:
        """What the observations mean."""
        if self.blind:
            return "unknown"
        if self.stops >= self.most:
            return "unstable"
        if self.is_quiet:
            return "stable"
        return "unstable" if self.is_overdue and (self.stops or self.was_ill) else "watching"

    @property
    def next_at(self) -> float:
        """When the stretch of now is long enough, or time is up."""
        ends = math.inf if self.quiet_since is None else self.quiet_since + self.aim.stable_for
        return min(ends, self.began + self.within)


def stopped_later(progress: DeploymentProgress) -> list[Task]:
    """Return the tasks whose end began after the deployment had succeeded, by the times of ECS, and counts against it.

    What had stopped before the first poll of a wait, if that showed the success already, is left out.
    """
    succeeded, moved = progress.succeeded_at, rebalanced(progress.events)
    before = progress.after_success.before if progress.after_success else frozenset[str]()
    ends = [(task, began_to_stop(task)) for task in progress.stopped_tasks if task.task_arn not in before]
    later = [task for task, began in ends if succeeded is None or began is None or began > succeeded]
    return [task for task in later if counts_against(task, moved)]


def seconds_to_last(progress: DeploymentProgress, stopped: Sequence[Task]) -> float | None:
    """Return the seconds from the success to the last of some tasks that began to stop; None if ECS shows no times."""
    ends = [began for began in map(began_to_stop, stopped) if began is not None]
    if progress.succeeded_at is None or not ends:
        return None
    return math.ceil((max(ends) - progress.succeeded_at).total_seconds())


def with_observation(
    progress: DeploymentProgress,
    aim: StabilityAim,
    *,
    most: int,
    unhealthy: int,
    blind: bool,
    now: float,
) -> DeploymentProgress:
    """Return the progress after a poll that showed the service, its stopped tasks and the health of the others.

    Args:
        progress: What was observed, of a deployment that has succeeded.
        aim: What counts as stable.
        most: How many stopped tasks are too many.
        unhealthy: How many tasks are unhealthy.
        blind: Whether reading stopped tasks is refused.
        now: The monotonic time.
    """
    deployment, known = progress.deployment, progress.after_success
    running = (deployment.running_count or 0) if deployment else 0
    if known is None:
        late = not progress.signs.preceded
        before = frozenset(task.task_arn for task in progress.stopped_tasks) if late else frozenset[str]()
        known = AfterSuccess(aim=aim, began=now, wanted=progress.desired, observed=now, before=before)
        progress = attrs.evolve(progress, after_success=known)
    stops = len(stopped_later(progress))
    lacking = deployment is not None and running < min(known.wanted, progress.desired)
    is_quiet = stops == known.stops and not unhealthy and not lacking
    quiet_since = (now if known.quiet_since is None else known.quiet_since) if is_quiet else None
    observed = attrs.evolve(
        known,
        observed=now,
        quiet_since=quiet_since,
        stops=stops,
        unhealthy=unhealthy,
        was_ill=known.was_ill or unhealthy > 0,
        most=most,
        blind=blind,
    )
    return attrs.evolve(progress, after_success=observed)
