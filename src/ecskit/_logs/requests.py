"""Requests for CloudWatch Logs: one budget for all of a client, and how they are repeated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import attrs

from ecskit._core.effects import Flow, RawResponse, Reply, Send, Share, Sleep
from ecskit._core.errors import EcsError, ThrottledError
from ecskit._core.retrying import DEFAULT_LIMITS, RetryLimits, back_off
from ecskit._polling.budget import LOGS, PollBudget

__all__ = ["Requests"]

_FAILURES = 10
"""How many failures in a row end the reading. Throttles do not count: they only slow it down."""
_SILENCE = 30.0
"""Seconds since the latest answer in which requests are repeated after the end: what is there is read all the same."""
_LAST_PAUSE = 5.0
"""The longest pause after a failure once the time of the end is known: more attempts before it."""


@attrs.define
class Requests:
    """Sends the requests of one reader."""

    until: float = math.inf
    """The monotonic time of the end: after it, a request is repeated only if others were answered shortly before."""
    _answered: float = -math.inf

    def send(self, operation: str, params: Mapping[str, Any], region: str | None) -> Flow[Mapping[str, Any]]:
        """Send a request when the budget allows, and repeat it after throttles and errors that may pass.

        Raises:
            EcsError: It was refused, failed too often in a row, or `until` is over.
        """
        budget: PollBudget = (yield Share(PollBudget)).get()
        attempt = failures = 0
        while True:
            sent_at = yield from _turn(budget)
            request = Send(operation, {n: v for n, v in params.items() if v is not None}, service="logs", region=region)
            reply: Reply[RawResponse] = yield request
            if reply.error is None:
                self._answered = reply.now
                return reply.get().parsed or {}
            error: EcsError = reply.error
            attempt += 1
            if isinstance(error, ThrottledError):
                budget.throttled(LOGS, sent_at, reply.now)
            else:
                failures += 1
            until = max(self.until, self._answered + _SILENCE)
            if not error.retryable or failures >= _FAILURES or reply.now >= until:
                raise error
            longest = DEFAULT_LIMITS.longest_pause if until == math.inf else _LAST_PAUSE
            yield from back_off(attempt, RetryLimits(until=until, longest_pause=longest))


def _turn(budget: PollBudget) -> Flow[float]:
    """Wait until the budget allows a request, and return the time."""
    now = (yield Sleep(0)).now
    seconds, taken = budget.take(LOGS, now), False
    at = now + seconds
    try:
        if seconds:
            now = (yield Sleep(seconds)).now
        taken = True
        return now
    finally:
        if not taken:
            budget.give_back(LOGS, at)
