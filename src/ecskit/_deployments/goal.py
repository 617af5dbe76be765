"""What a deployment is followed for, and the verdicts that there can be on it."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import attrs

from ecskit._deployments.stability import StabilityGoal
from ecskit._polling.conditions import LONGEST_INTERVAL, Pace
from ecskit._polling.errors import WaitError
from ecskit._polling.loop import Done
from ecskit.models.literals import ServiceDeploymentLifecycleStage

__all__ = ["LATE", "SOON", "USUAL", "DeploymentGoal", "DeploymentVerdict", "Ends", "Goal", "InProgress", "Until"]

Until: TypeAlias = (
    Literal["deployed", "stable", "paused", "PRE_PRODUCTION_TRAFFIC_SHIFT"] | ServiceDeploymentLifecycleStage
)
"""How far a deployment is followed."""
Goal: TypeAlias = Until | Literal["rolled_back", "stopped"]
"""The same, and the ends that follow a request to roll the deployment back or to stop it."""

SOON, USUAL, LATE = Pace(most=4.0, growth=1.2), Pace(growth=1.3), Pace(most=2 * LONGEST_INTERVAL, growth=1.4)
"""How often to poll: before a change that is due, usually, and during a stage that takes long."""


@attrs.frozen(kw_only=True)
class DeploymentGoal:
    """What a deployment is followed for."""

    until: Goal
    raise_on_pause: bool = False
    stalled_after: float | None = None
    max_failed_tasks: int | None = None
    stable_for: float | None = None
    pause_timeout: float | None = None
    visibility_grace: float = 60.0

    @property
    def stability(self) -> StabilityGoal | None:
        """What counts as stable; None if the wait ends when the deployment succeeds."""
        return StabilityGoal.of(self.stable_for, until_stable=self.until == "stable")


@attrs.frozen
class InProgress:
    """The goal is not reached yet."""

    why: str
    pace: Pace = USUAL
    decided_at: float = math.inf
    """When the verdict changes at the latest, in monotonic seconds."""


@attrs.frozen
class Ends:
    """The goal will not be reached."""

    error: type[WaitError]
    why: str


DeploymentVerdict: TypeAlias = Done | InProgress | Ends
