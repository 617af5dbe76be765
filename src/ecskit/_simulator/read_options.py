"""How far behind the truth a read may be.

Decides, from one seeded source of randomness, at which moment of the past a read is answered. Does not know what is
read: whoever reads asks for a moment and shows the state of that moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    import random


@attrs.frozen(kw_only=True)
class Lag:
    """Describe the eventual consistency of reads: of tasks, services, daemons, gateways and Express services.

    Args:
        visible_after: Seconds during which something new is in no read. Default 0.
        stale_by: The largest age in seconds of a read that a replica answers. Default 0: every read is current.
        stale_share: The share of reads, 0 to 1, that a replica answers. Default 0.5; without `stale_by` it has no
            effect.
        current_deployment_after: Seconds during which `currentServiceDeployment` goes on to name the deployment before
            a new one. Default 0.
        counts_behind: Seconds by which running and pending counts of services, deployments and task sets are behind the
            tasks themselves. Default 0.
        deployments_scale_after: Seconds after which `desiredCount` of `deployments` follows a change of the service's.
            Default 0: both change at once, as recorded in 2021. Anything else is inferred.

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
        """Return the moment whose state a read at `now` shows: `now` itself, or one up to `stale_by` before it."""
        if self.stale_by == 0 or randomness.random() >= self.stale_share:
            return now
        return now - randomness.uniform(0, self.stale_by)
