"""What a verdict on a deployment is made of: it is there, it is on its way, or it will never be there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import attrs

from ecskit._polling.conditions import LONGEST_INTERVAL, Pace
from ecskit._polling.errors import WaitError
from ecskit._polling.loop import Done

if TYPE_CHECKING:
    from ecskit._deployments.progress import DeploymentProgress

__all__ = ["LATE", "SOON", "USUAL", "Ends", "Said", "Waits", "with_reason"]

SOON, USUAL, LATE = Pace(most=4.0, growth=1.2), Pace(growth=1.3), Pace(most=2 * LONGEST_INTERVAL, growth=1.4)
"""How often to poll what changes soon, what takes its time, and what is known to take long."""


@attrs.frozen
class Waits:
    """It is on its way."""

    why: str
    pace: Pace = USUAL
    until: float = math.inf
    """When something is to be decided at the latest, in monotonic seconds."""


@attrs.frozen
class Ends:
    """It will never be there."""

    error: type[WaitError]
    why: str


Said: TypeAlias = Done | Waits | Ends


def with_reason(why: str, progress: DeploymentProgress) -> str:
    """Return the state of a deployment with what ECS and its stopped tasks give as the reason."""
    return ": ".join(filter(None, (why, progress.reason)))
