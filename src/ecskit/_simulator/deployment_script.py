"""Scripts for service deployments: the durations and failures that do not depend on tasks.

`scheduler.rollouts` and `scheduler.stages` turn a script into statuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

# The least duration of a stage in seconds. A stage also waits for its hooks, SCALE_UP and CLEAN_UP wait for tasks, and
# bakeTimeInMinutes of the deployment configuration is added to BAKE_TIME.
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
    """Describe the deployments of a service. All durations are seconds of the simulator's clock.

    The `TaskScript` of a family describes whether its tasks start.

    Args:
        pending_seconds: How long a deployment is PENDING. Default 2; 0 if the desired count is 0.
        stopping_seconds: How long it is STOP_REQUESTED. Default 3.
        rollback_requested_seconds: How long it is ROLLBACK_REQUESTED. Default 2.
        rollback_seconds: The least time in ROLLBACK_IN_PROGRESS. Default 5.
        rollback_fails: The reason why the rollback fails after that time: ROLLBACK_FAILED. Default None: the result
            depends on the tasks.
        stage_seconds: The least durations of stages of BLUE_GREEN, LINEAR and CANARY. Default: `STAGE_SECONDS`.
        fails_at: The stage at whose end the deployment fails. Default None: it does not fail in a stage.
        fails: The reason of that failure. Default: a sentence.

    Raises:
        ValueError: A stage does not exist, or a duration is negative.
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
        """Return the least duration of a stage."""
        return self.stage_seconds.get(stage, STAGE_SECONDS[stage])
