"""How long a change of a daemon, a gateway or an express service takes in the simulator, and whether it fails.

Decides the default durations. Holds the wishes of whoever writes a test; which statuses they lead to is decided by the
operations that begin the change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

ResourceKind = Literal["daemon", "daemon-task-definition", "gateway", "gateway-route", "express-gateway-service"]

# Seconds from the request to the end of the change, whatever the change is.
DEFAULT_SECONDS: Mapping[ResourceKind, float] = {
    "daemon": 60.0,
    "daemon-task-definition": 10.0,
    "gateway": 30.0,
    "gateway-route": 20.0,
    "express-gateway-service": 60.0,
}

# A daemon deployment is PENDING that long, or for the first half of it when it is shorter than twice that.
PENDING_SECONDS = 5.0
# A daemon deployment that another one replaces is STOP_REQUESTED that long.
STOPPING_SECONDS = 3.0


@attrs.frozen(kw_only=True)
class Progress:
    """Describe how the changes of a resource go. All durations are seconds of the simulator's clock.

    Args:
        seconds: From the request to the end of the change, good or bad. Default None: the default of the kind.
            `math.inf` never ends.
        fails: Why the change fails. Default None: it succeeds.
        rollback_seconds: How long the rollback takes, of a daemon deployment that fails. Default 30.
        rollback_fails: Why the rollback fails too. Default None: it succeeds.

    Raises:
        TypeError: A duration is not a number.
        ValueError: A duration is negative.
    """

    seconds: float | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.ge(0)))
    fails: str | None = None
    rollback_seconds: float = attrs.field(default=30.0, validator=attrs.validators.ge(0))
    rollback_fails: str | None = None

    def seconds_for(self, kind: ResourceKind) -> float:
        """Return the seconds that a change of a resource of this kind takes."""
        return DEFAULT_SECONDS[kind] if self.seconds is None else self.seconds
