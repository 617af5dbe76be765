"""How many polls a client sends: a part of the quotas that all programs of an account and region share.

ECS counts calls in token buckets, one for each group of operations.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html
"""

from __future__ import annotations

import math
from threading import RLock

from ecskit._core.errors import ConfigurationError
from ecskit._core.quotas import QUOTA_OF

__all__ = ["DEFAULT_POLLS_PER_SECOND", "LOGS", "PollBudget", "given_budget"]

DEFAULT_POLLS_PER_SECOND = 5.0
"""A quarter of what ECS accepts per second for reads of an account and region."""
LOGS = "CloudWatch Logs"
"""The group of the reads of log lines, whose quotas are low: its bucket holds one second of its rate."""
_LOWEST_SHARE = 1 / 20
"""The part of the rate that is left, at the least, after throttles."""
_RECOVERY = 60.0
"""Seconds in which the full rate is recovered from none."""
_BURST = 2.5
"""How many seconds of its rate the bucket of an operation holds for which ECS documents no quota."""


class _Bucket:
    """The calls of one group of operations. Calls for which there is no token yet are promised, one after the other."""

    __slots__ = ("at", "before", "burst", "current_rate", "halved_at", "promised", "rate", "tokens")

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = self.current_rate = rate
        self.burst = self.tokens = burst
        self.at = self.halved_at = -math.inf
        self.promised = -math.inf
        """When the last promised call is sent."""
        self.before = -math.inf, 0.0
        """What it was before this call was promised, and the tokens then."""

    def move(self, now: float) -> None:
        if now <= self.at:
            return
        if self.at > -math.inf:
            self.tokens += max(0.0, now - max(self.at, self.promised)) * self.current_rate
            self.tokens = min(self.burst, self.tokens)
            self.current_rate = min(self.rate, self.current_rate + (now - self.at) * self.rate / _RECOVERY)
        self.at = now

    def take(self, now: float) -> float:
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        self.before = max(now, self.promised), self.tokens
        self.promised = self.before[0] + (1 - self.tokens) / self.current_rate
        self.tokens = 0.0
        return self.promised - now

    def give_back(self, at: float) -> None:
        if self.promised <= self.at:
            self.tokens = min(self.burst, self.tokens + 1)
        elif at >= self.promised:
            self.promised, tokens = self.before
            self.tokens = min(self.burst, tokens + max(0.0, self.at - self.promised) * self.current_rate)
        # Otherwise other calls keep their later times, and this one is lost.


class PollBudget:
    """How many polls per second the waits and verbs of one or more clients send. Threads and clients may share it.

    It counts each group of operations that ECS counts together, such as the reads of tasks and container instances. In
    any period, at most `polls_per_second` times its seconds are sent, plus a burst of five seconds' worth for tasks,
    container instances and services, and of half of that for others. After a throttle the rate is halved; it recovers
    within a minute. Only polls are counted: calls that your code makes are not delayed.

    Args:
        polls_per_second: Calls per second. Default 5: a quarter of what ECS accepts from an account in a region.

    Raises:
        ConfigurationError: `polls_per_second` is not a number above 0.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html
    """

    def __init__(self, polls_per_second: float = DEFAULT_POLLS_PER_SECOND) -> None:
        given: object = polls_per_second  # users without a type checker pass anything
        if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 < given < math.inf:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(f"polls_per_second must be a number above 0, not {given!r}")
        self._rate = float(polls_per_second)
        self._buckets: dict[object, _Bucket] = {}
        self._lock = RLock()  # the garbage collector may close a flow, which gives a call back, anywhere

    @property
    def polls_per_second(self) -> float:
        """Calls per second of each group of operations, at most."""
        return self._rate

    def __reduce__(self) -> tuple[type[PollBudget], tuple[float]]:
        """Copy and pickle the rate: what was used up stays here."""
        return PollBudget, (self._rate,)

    def __repr__(self) -> str:
        return f"PollBudget({self._rate:g})"

    def after_fork(self) -> None:
        """Replace the lock, which another thread may have held."""
        self._lock = RLock()

    def take(self, operation: str, now: float) -> float:
        """Take one call of an operation, and return the seconds until it may be sent."""
        with self._lock:
            return self._bucket(operation, now).take(now)

    def give_back(self, operation: str, at: float) -> None:
        """Give back a call that was to be sent at some time, and is not."""
        with self._lock:
            self._bucket(operation, -math.inf).give_back(at)

    def throttled(self, operation: str, sent_at: float, now: float) -> None:
        """Halve the rate because ECS throttled a call, once for the calls that were under way at the same time."""
        with self._lock:
            bucket = self._bucket(operation, now)
            if sent_at >= bucket.halved_at:
                bucket.halved_at = now
                bucket.current_rate = max(bucket.rate * _LOWEST_SHARE, bucket.current_rate / 2)

    def _bucket(self, operation: str, now: float) -> _Bucket:
        quota = QUOTA_OF.get(operation)
        key = operation if quota is None else quota
        bucket = self._buckets.get(key)
        if bucket is None:
            unknown = 1.0 if operation == LOGS else _BURST
            seconds = unknown if quota is None else quota.burst / quota.per_second
            bucket = self._buckets[key] = _Bucket(self._rate, max(1.0, self._rate * seconds))
        bucket.move(now)
        return bucket


def given_budget(polls_per_second: object, budget: object) -> list[PollBudget]:
    """Return the budget that the arguments of a client name, or none, for the default.

    Raises:
        ConfigurationError: An argument is wrong, or both are given.
    """
    if budget is not None and not isinstance(budget, PollBudget):
        raise ConfigurationError(f"budget must be an ecskit.waits.PollBudget, not {type(budget).__name__}")
    if polls_per_second is None:
        return [] if budget is None else [budget]
    if budget is not None:
        raise ConfigurationError("pass polls_per_second= or budget=, not both: a budget has a rate already")
    return [PollBudget(polls_per_second)]  # type: ignore[arg-type]  # it checks this
