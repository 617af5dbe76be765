"""One request that is sent until ECS has said what it did, and whether it may have been done without an answer.

Fit for requests that may be sent twice: under a token, or such that once more changes nothing. What somebody has to do
who is cut short meanwhile, `open` tells.
"""

from __future__ import annotations

import re
from typing import Generic, TypeVar

import attrs

from ecskit._core.backing_off import ATTEMPTS, back_off
from ecskit._core.call import call
from ecskit._core.effects import Cancelled, Flow
from ecskit._core.errors import CredentialsError, EcsError, InvalidRequestError, ServerError, TransportError
from ecskit._core.model import Request, Response

__all__ = ["CLEAN_UP", "USUAL", "Persistence", "Retrying", "is_open", "is_throttle_in_disguise"]

ResponseT = TypeVar("ResponseT", bound=Response)

_THROTTLE = re.compile(r"rate exceeded|request limit exceeded|errorcode: throttling", re.IGNORECASE)


@attrs.frozen
class Persistence:
    """How often to send a request that may succeed later."""

    attempts: int = ATTEMPTS
    longest: float = 15.0
    """Seconds between two attempts at the most."""


USUAL = Persistence()
CLEAN_UP = Persistence(attempts=12, longest=2.0)
"""Behind something that was cut short: that may take 10 s altogether, and all of them should be used."""


@attrs.define
class Retrying(Generic[ResponseT]):
    """A request that is sent until ECS has said what it did."""

    request: Request[ResponseT]
    alone: bool = False
    """Send it through the client that makes one attempt: then no lost answer goes unnoticed."""
    open: bool = attrs.field(default=False, init=False)
    """Whether it may have been done without anybody having seen the answer."""
    answer: ResponseT | None = attrs.field(default=None, init=False)

    def send(self, persistence: Persistence = USUAL) -> Flow[ResponseT]:
        """Send it until there is an answer, or an error that does not pass."""
        attempt = 1
        while True:
            lost = self.open
            self.open = True
            try:
                self.answer = yield from call(self.request, single_attempt=self.alone)
            except Cancelled as cancelled:
                self.open = lost or cancelled.sent
                raise
            except EcsError as error:
                self.open = lost or is_open(error)
                again = error.retryable or is_throttle_in_disguise(error)
                if not again or attempt >= persistence.attempts:
                    raise
            else:
                self.open = False
                return self.answer
            yield from back_off(attempt, longest=persistence.longest)
            attempt += 1


def is_open(error: EcsError) -> bool:
    """Whether ECS may have done what it was asked for all the same."""
    return isinstance(error, (TransportError, ServerError)) and not isinstance(error, CredentialsError)


def is_throttle_in_disguise(error: EcsError) -> bool:
    """Whether an error that blames the parameters means that there were too many requests."""
    return isinstance(error, InvalidRequestError) and bool(_THROTTLE.search(error.message))
