"""What one arm needed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs

from benchmarks.scale import account as accounts
from benchmarks.timelines import percentile


@attrs.frozen
class Figures:
    """What one arm needed. Delays are in seconds of the virtual clock, CPU in seconds of the machine."""

    arm: str
    count: int
    calls: int
    peak: int
    """The most calls in any minute."""
    beyond: int
    """Calls that the published quotas would refuse, or have refused."""
    delays: Sequence[float]
    """Seconds from the truth to each verdict, in no order."""
    cpu: float
    """Of the process without the simulator."""
    simulator: float
    looked_at: int
    """Identifiers in the requests, over all calls."""
    after_event: float | None = None
    """The most seconds from the arrival of the event of STOPPED to the verdict, for waits with events."""
    operations: dict[str, int] = attrs.field(factory=dict[str, int])

    @property
    def gave_up(self) -> int:
        """The number of waits without a verdict."""
        return self.count - len(self.delays)

    def delay(self, share: float) -> float:
        """Return a percentile of the delays; NaN without any."""
        return percentile(self.delays, share) if self.delays else math.nan

    @property
    def microseconds(self) -> float:
        """CPU per identifier looked at, in microseconds."""
        return self.cpu / max(1, self.looked_at) * 1e6


def figures(arm: str, count: int, account: accounts.Account, delays: Sequence[float], *, quotas: bool) -> Figures:
    """Return the figures of an account since its `begin`."""
    calls, cpu, simulator = account.measured()
    return Figures(
        arm=arm,
        count=count,
        calls=len(calls),
        peak=accounts.peak_per_minute(calls),
        beyond=sum(call.throttled for call in calls) if quotas else accounts.beyond_quotas(calls),
        delays=delays,
        cpu=cpu,
        simulator=simulator,
        looked_at=sum(call.identifiers for call in calls),
        operations=accounts.by_operation(calls),
    )
