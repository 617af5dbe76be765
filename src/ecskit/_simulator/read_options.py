"""What reads show: how far behind the present they are, and by which policy deployments show their desired counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs

if TYPE_CHECKING:
    import random

Counting = Literal["zero_first", "at_once", "stepwise"]
"""How `desiredCount` of `deployments` is shown during a rollout.

`zero_first`: 0 for the new deployment and all for the old one until the first new task runs, then the reverse.
`at_once`: all for the new deployment from the start; all for the old one until the first of its tasks is stopped.
`stepwise`: for each deployment the tasks that the scheduler has started or may start, within minimumHealthyPercent and
maximumPercent.
"""


@attrs.frozen(kw_only=True)
class Lag:
    """Describe the eventual consistency of reads: of tasks, services, daemons, gateways and Express services.

    Args:
        visible_after: Seconds until reads show a new resource. Default 0.
        stale_by: The largest age of a stale read, in seconds. Default 0: every read is current.
        stale_share: The share of reads, 0 to 1, that are stale. Default 0.5; it has no effect without `stale_by`.
        current_deployment_after: Seconds during which `currentServiceDeployment` still names the deployment before a
            new one. Default 0.
        counts_behind: The age in seconds of the running and pending counts of services, deployments and task sets.
            Default 0.
        deployments_scale_after: Seconds until `desiredCount` of `deployments` follows a change of the service's.
            Default 0: both change at once, as recorded in 2021. Any other value is inferred.

    Raises:
        ValueError: A number is out of bounds.
    """

    visible_after: float = attrs.field(default=0.0, validator=attrs.validators.ge(0))
    stale_by: float = attrs.field(default=0.0, validator=attrs.validators.ge(0))
    stale_share: float = attrs.field(default=0.5, validator=[attrs.validators.ge(0), attrs.validators.le(1)])
    current_deployment_after: float = attrs.field(default=0.0, validator=attrs.validators.ge(0))
    counts_behind: float = attrs.field(default=0.0, validator=attrs.validators.ge(0))
    deployments_scale_after: float = attrs.field(default=0.0, validator=attrs.validators.ge(0))

    def read_moment(self, now: float, randomness: random.Random) -> float:
        """Return the moment whose state a read at `now` shows: `now`, or a moment up to `stale_by` seconds before."""
        if self.stale_by == 0 or randomness.random() >= self.stale_share:
            return now
        return now - randomness.uniform(0, self.stale_by)
