"""How deployments of services go in the simulator, as far as tasks do not decide it.

Decides default durations. Holds the wishes of whoever writes a test; which statuses they lead to is decided in
`rollouts` and `stages`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

# Seconds from entering a stage until it is over, if its hooks are. SCALE_UP and CLEAN_UP last as long as tasks take,
# BAKE_TIME as long as the deployment configuration says.
STAGE_SECONDS: Mapping[str, float] = {
    "RECONCILE_SERVICE": 3.0,
    "PRE_SCALE_UP": 2.0,
    "SCALE_UP": 0.0,
    "POST_SCALE_UP": 2.0,
    "TEST_TRAFFIC_SHIFT": 5.0,
    "POST_TEST_TRAFFIC_SHIFT": 2.0,
    "PRE_PRODUCTION_TRAFFIC_SHIFT": 2.0,
    "PRODUCTION_TRAFFIC_SHIFT": 10.0,
    "POST_PRODUCTION_TRAFFIC_SHIFT": 2.0,
    "BAKE_TIME": 0.0,
    "CLEAN_UP": 0.0,
}


def _stage(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if value is not None and value not in STAGE_SECONDS:
        raise ValueError(f"{field.name} must be one of {', '.join(STAGE_SECONDS)}: {value!r}")


def _seconds(_: object, field: attrs.Attribute[Any], value: Mapping[str, float]) -> None:
    for stage, seconds in value.items():
        if stage not in STAGE_SECONDS:
            raise ValueError(f"{field.name} has an unknown stage: {stage!r}")
        if not seconds >= 0:
            raise ValueError(f"{field.name}[{stage!r}] must not be negative: {seconds!r}")


@attrs.frozen(kw_only=True)
class DeploymentScript:
    """Describe how the deployments of a service go. All durations are seconds of the simulator's clock.

    Whether tasks start is said by the `TaskScript` of their family.

    Args:
        pending_seconds: How long a deployment is PENDING. Default 2; one of no tasks is never.
        stopping_seconds: How long it is STOP_REQUESTED. Default 3.
        rollback_requested_seconds: How long it is ROLLBACK_REQUESTED. Default 2.
        rollback_seconds: How long it is ROLLBACK_IN_PROGRESS at least. Default 5.
        rollback_fails: Why the rollback fails after that time: ROLLBACK_FAILED. Default None: tasks decide.
        stage_seconds: How long stages of BLUE_GREEN, LINEAR and CANARY last at least. Default: `STAGE_SECONDS`.
        fails_at: The stage at whose end the deployment fails. Default None.
        fails: Why it fails there.

    Raises:
        ValueError: There is no such stage, or a duration is negative.
        TypeError: A duration is not a number.
    """

    pending_seconds: float = attrs.field(default=2.0, validator=attrs.validators.ge(0))
    stopping_seconds: float = attrs.field(default=3.0, validator=attrs.validators.ge(0))
    rollback_requested_seconds: float = attrs.field(default=2.0, validator=attrs.validators.ge(0))
    rollback_seconds: float = attrs.field(default=5.0, validator=attrs.validators.ge(0))
    rollback_fails: str | None = None
    stage_seconds: Mapping[str, float] = attrs.field(factory=dict, validator=_seconds)
    fails_at: str | None = attrs.field(default=None, validator=_stage)
    fails: str = "A lifecycle stage failed."

    def seconds_in(self, stage: str) -> float:
        """Return how long a stage lasts at least."""
        return self.stage_seconds.get(stage, STAGE_SECONDS[stage])
