"""Repeat requests: which errors are temporary, how often and how long to retry, and what may have taken effect.

`retry` repeats any flow. `Retrying` repeats one request and records whether ECS may have carried it out although no
response arrived. Use it for requests that can be sent twice: those with a client token, and those that are idempotent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import attrs

from .call import call
from .effects import Cancelled, DrawRandom, Flow, Sleep
from .errors import CapacityError, ConflictError, EcsError, ServerError, TransportError
from .model import Request, Response
from .turns import await_turn

__all__ = [
    "ATTEMPTS",
    "CLEANUP_LIMITS",
    "DEFAULT_LIMITS",
    "RetryLimits",
    "Retrying",
    "back_off",
    "is_retryable",
    "may_have_taken_effect",
    "retry",
]

T = TypeVar("T")
ResponseT = TypeVar("ResponseT", bound=Response)

ATTEMPTS = 6
"""Attempts by default: about 30 s. The retries of botocore within each attempt are not counted."""
_FIRST_PAUSE = 1.0
_JITTER = 0.5
"""The random share of a pause: callers that were throttled together retry at different times."""


@attrs.frozen
class RetryLimits:
    """How often and how long to retry."""

    attempts: int = ATTEMPTS
    longest_pause: float = 15.0
    """The longest pause between two attempts, in seconds."""
    until: float = float("inf")
    """The monotonic time of the end: no attempt begins after it."""
    goes_first: bool = False
    """Whether the request goes before others that wait for their turn."""


DEFAULT_LIMITS = RetryLimits()
CLEANUP_LIMITS = RetryLimits(attempts=12, longest_pause=2.0, goes_first=True)
"""For the clean-up after a cancellation, which may take 10 s: short pauses allow several attempts."""


def is_retryable(error: EcsError, attempt: int = 1) -> bool:  # noqa: ARG001  # as `retry` calls it
    """Return whether the same request may succeed within seconds.

    Work under way and a lack of capacity may last for minutes. Whether to wait for them is the choice of the caller.
    """
    return error.retryable and not isinstance(error, (CapacityError, ConflictError))


def may_have_taken_effect(error: EcsError) -> bool:
    """Return whether ECS may have carried out a request that ended in this error."""
    return isinstance(error, ServerError) or (isinstance(error, TransportError) and error.sent)


def back_off(attempt: int, limits: RetryLimits = DEFAULT_LIMITS) -> Flow[float]:
    """Pause after an attempt, counted from 1; `limits.until` ends the pause early. Return the monotonic time."""
    drawn: int = (yield DrawRandom()).get()
    seconds = min(limits.longest_pause, _FIRST_PAUSE * 2 ** min(attempt - 1, 10)) * (1 - _JITTER * drawn / 2**128)
    now = (yield Sleep(0)).now
    return (yield Sleep(max(0.0, min(seconds, limits.until - now)))).now


def retry(
    attempt: Callable[[], Flow[T]],
    limits: RetryLimits = DEFAULT_LIMITS,
    *,
    may_pass: Callable[[EcsError, int], bool] = is_retryable,
) -> Flow[T]:
    """Repeat a flow until it returns a result.

    Args:
        attempt: Makes the flow of one attempt. It raises an EcsError to be called again.
        limits: How often and how long to retry.
        may_pass: Returns whether to retry after an error, given the error and the number of the attempt.

    Returns:
        The result of the attempt that succeeded.

    Raises:
        EcsError: The error of the last attempt.
    """
    count = 1
    while True:
        try:
            return (yield from attempt())
        except EcsError as error:
            if count >= limits.attempts or not may_pass(error, count):
                raise
            if (yield from back_off(count, limits)) >= limits.until:
                raise
        count += 1


@attrs.define
class Retrying(Generic[ResponseT]):
    """A request that is repeated until ECS responds or the error is permanent. Each attempt waits for its turn."""

    request: Request[ResponseT]
    single_attempt: bool = False
    """Send each attempt without botocore's retries, so that every lost response is recorded."""
    tokens: Mapping[str, float] = attrs.field(factory=dict[str, float])
    """What an attempt takes of quotas besides that of its operation, by their names."""
    may_have_taken_effect: bool = attrs.field(default=False, init=False)
    """Whether ECS may have carried out the request although no response arrived."""
    response: ResponseT | None = attrs.field(default=None, init=False)
    waited: float = attrs.field(default=0.0, init=False)
    """For how many seconds attempts have waited for their turns."""
    _repeated: bool = attrs.field(default=False, init=False)

    def send(
        self,
        limits: RetryLimits = DEFAULT_LIMITS,
        *,
        may_pass: Callable[[EcsError, int], bool] = is_retryable,
    ) -> Flow[ResponseT]:
        """Repeat the request as `retry` does, and return the response."""
        return retry(lambda: self._attempt(limits), limits, may_pass=may_pass)

    def _attempt(self, limits: RetryLimits) -> Flow[ResponseT]:
        """Send the request once, and record whether it may have taken effect."""
        tokens = {self.request._operation: 1.0, **self.tokens}
        self.waited += yield from await_turn(tokens, first=limits.goes_first or self._repeated)
        before, self._repeated = self.may_have_taken_effect, True
        self.may_have_taken_effect = True
        try:
            self.response = yield from call(self.request, single_attempt=self.single_attempt)
        except Cancelled as cancelled:
            self.may_have_taken_effect = before or cancelled.sent
            raise
        except EcsError as error:
            self.may_have_taken_effect = before or may_have_taken_effect(error)
            raise
        self.may_have_taken_effect = False
        return self.response
