"""Scripts for the changes of daemons, gateways and Express services: how long they take, and whether they fail.

The operations turn a script into statuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

ResourceType = Literal["daemon", "daemon-task-definition", "gateway", "gateway-route", "express-gateway-service"]

# Seconds from the request to the end of any change.
DEFAULT_SECONDS: Mapping[ResourceType, float] = {
    "daemon": 60.0,
    "daemon-task-definition": 10.0,
    "gateway": 30.0,
    "gateway-route": 20.0,
    "express-gateway-service": 60.0,
}

# How long a daemon deployment is PENDING: this, or half of its whole duration if that is less.
PENDING_SECONDS = 5.0
# How long a daemon deployment is STOP_REQUESTED after another one has replaced it.
STOPPING_SECONDS = 3.0


@attrs.frozen(kw_only=True)
class Progress:
    """Describe the changes of a resource. All durations are seconds of the simulator's clock.

    Args:
        seconds: From the request to success or failure. Default None: the default of the resource type. `math.inf`
            never ends.
        fails: The reason of a failure. Default None: the change succeeds.
        rollback_seconds: The duration of the rollback of a failed daemon deployment. Default 30.
        rollback_fails: The reason why the rollback fails. Default None: it succeeds.

    Raises:
        TypeError: A duration is not a number.
        ValueError: A duration is negative.
    """

    seconds: float | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.ge(0)))
    fails: str | None = None
    rollback_seconds: float = attrs.field(default=30.0, validator=attrs.validators.ge(0))
    rollback_fails: str | None = None

    def seconds_for(self, resource_type: ResourceType) -> float:
        """Return the duration of a change, in seconds."""
        return DEFAULT_SECONDS[resource_type] if self.seconds is None else self.seconds
