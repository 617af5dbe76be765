"""The faults that one request can meet: an error answer, a lost answer, or a shortage of capacity.

`fault_injection` chooses the requests. `botocore_events` and `server` turn a lost answer into a connection error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs
from typing_extensions import Self

from ecskit._simulator.errors import LostAnswerError, SimulatedError
from ecskit._simulator.wire import Response

if TYPE_CHECKING:
    from ecskit._simulator.wire import Wire

Loss = Literal["reset", "timeout", "cut", "garbled"]

LAUNCHING = frozenset({"RunTask", "StartTask"})

_NOT_ECS = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


@attrs.frozen
class Shortage:
    """A shortage of capacity for some or all tasks of a launch.

    Args:
        reason: The reason of each failure.
        last: The number of tasks that are not launched. None: all.
    """

    reason: str
    last: int | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.ge(1)))

    def of(self, count: int) -> int:
        """Return how many of `count` tasks are not launched."""
        return count if self.last is None else min(self.last, count)


def _values(error: SimulatedError | None) -> object:
    """Return the values by which two errors are compared."""
    return error and (error.code, error.message, error.status, error.details)


@attrs.frozen(kw_only=True)
class Fault:
    """A fault of one request, for `Simulator.fail` and `Simulator.misbehave`.

    Use the named constructors: `Fault.reset(after_effect=True)`. To a client, a fault before the effect and the same
    fault after it are the same.

    Args:
        error: The error that ECS answers.
        loss: How the answer is lost: `reset` (the connection ends without an answer), `timeout` (no answer arrives),
            `cut` (half of the body arrives), `garbled` (the body is not from ECS).
        after_effect: Whether the request takes effect first. Default False.
        shortage: The shortage of capacity for the tasks to launch.

    Raises:
        ValueError: Not exactly one of error, loss and shortage is given.
    """

    error: SimulatedError | None = attrs.field(default=None, eq=_values)
    loss: Loss | None = None
    after_effect: bool = False
    shortage: Shortage | None = None

    def __attrs_post_init__(self) -> None:
        if sum(each is not None for each in (self.error, self.loss, self.shortage)) != 1:
            raise ValueError("a fault is one of error, loss and shortage")

    @classmethod
    def throttled(cls) -> Self:
        """Refuse with ThrottlingException: too many requests."""
        return cls(error=SimulatedError("ThrottlingException", "Rate exceeded"))

    @classmethod
    def disguised_throttle(cls) -> Self:
        """Refuse with InvalidParameterException because a request that ECS made for this one was throttled.

        This happens to RunTask on Fargate. Only the message shows it
        (https://github.com/dagster-io/dagster/issues/33439).
        """
        message = "Error retrieving subnet information for [subnet-1]: Rate exceeded (ErrorCode: Throttling)"
        return cls(error=SimulatedError("InvalidParameterException", message))

    @classmethod
    def access_denied(cls) -> Self:
        """Refuse with AccessDeniedException."""
        return cls(error=SimulatedError("AccessDeniedException", "User is not authorized to perform this action."))

    @classmethod
    def expired_credentials(cls) -> Self:
        """Refuse with ExpiredTokenException."""
        message = "The security token included in the request is expired"
        return cls(error=SimulatedError("ExpiredTokenException", message))

    @classmethod
    def server_error(cls, *, after_effect: bool = False) -> Self:
        """Answer 500 ServerException.

        Args:
            after_effect: Whether the request takes effect first. Default False.
        """
        error = SimulatedError("ServerException", "Service Unavailable. Please try again later.", 500)
        return cls(error=error, after_effect=after_effect)

    @classmethod
    def reset(cls, *, after_effect: bool = False) -> Self:
        """End the connection without an answer.

        Args:
            after_effect: Whether the request takes effect first. Default False.
        """
        return cls(loss="reset", after_effect=after_effect)

    @classmethod
    def timeout(cls, *, after_effect: bool = False) -> Self:
        """Send no answer, so that the client's read times out.

        In-process the client times out at once, over HTTP after its own read timeout.

        Args:
            after_effect: Whether the request takes effect first. Default False.
        """
        return cls(loss="timeout", after_effect=after_effect)

    @classmethod
    def cut(cls) -> Self:
        """Perform the request, and end the connection in the middle of the answer's body."""
        return cls(loss="cut", after_effect=True)

    @classmethod
    def garbled(cls) -> Self:
        """Perform the request, and answer 200 with a body that is not JSON, as a proxy might."""
        return cls(loss="garbled", after_effect=True)

    @classmethod
    def no_capacity(
        cls,
        reason: str = (
            "Capacity is unavailable at this time. Please try again later or in a different availability zone"
        ),
        *,
        last: int | None = None,
    ) -> Self:
        """Answer RunTask or StartTask with 200, and with failures in place of tasks.

        Args:
            reason: The reason of each failure, for example `RESOURCE:MEMORY`, `AGENT` or `ATTRIBUTE`. Default: the
                reason that Fargate gives when it has no capacity.
            last: The number of tasks that are not launched, counted from the end of the request; the others start.
                Default None: no task starts.

        Raises:
            ValueError: `last` is below 1.
        """
        return cls(shortage=Shortage(reason, last))

    def fits(self, operation: str) -> bool:
        """Whether the fault can happen to requests for an operation."""
        return self.shortage is None or operation in LAUNCHING

    def exception(self, answer: Wire) -> Exception:
        """Return the exception to raise in place of an answer. A shortage has none: it is an answer."""
        if self.loss is not None:
            return LostAnswerError(self.loss, answer)
        assert self.error is not None
        return SimulatedError(*self.error.args)


def arriving_part(response: Response, loss: str) -> Response | None:
    """Return the part of a lost answer that arrives, or None if nothing arrives.

    A cut answer is shorter than its Content-Length.
    """
    if loss == "cut":
        return attrs.evolve(response, body=response.body[: len(response.body) // 2])
    if loss == "garbled":
        headers = {**response.headers, "Content-Type": "text/html", "Content-Length": str(len(_NOT_ECS))}
        return Response(200, headers, _NOT_ECS)
    return None
