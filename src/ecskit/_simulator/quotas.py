"""Throttle requests by token buckets, as ECS documents them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.errors import SimulatedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecskit._core.quotas import Quota


@attrs.define
class _Bucket:
    quota: Quota
    tokens: float
    filled_at: float

    def fill(self, now: float) -> None:
        gained = max(0.0, now - self.filled_at) * self.quota.per_second
        self.tokens, self.filled_at = min(self.quota.burst, self.tokens + gained), now


class Buckets:
    """The token buckets of an account.

    Args:
        quotas: The buckets. Operations in no bucket are not throttled.
        now: The moment at which they are full.
    """

    def __init__(self, quotas: Sequence[Quota], now: float) -> None:
        self._buckets = [_Bucket(quota, quota.burst, now) for quota in quotas]

    def take(self, what: str, now: float, tokens: int = 1) -> None:
        """Take tokens from every bucket that lists `what`, or from none if one of them has too few.

        Raises:
            SimulatedError: `ThrottlingException`.
        """
        buckets = [bucket for bucket in self._buckets if what in bucket.quota.operations]
        for bucket in buckets:
            bucket.fill(now)
        # A request for more tokens than the bucket holds passes if the bucket is full. The bucket is negative then.
        if any(bucket.tokens < min(tokens, bucket.quota.burst) for bucket in buckets):
            raise SimulatedError("ThrottlingException", "Rate exceeded")
        for bucket in buckets:
            bucket.tokens -= tokens
