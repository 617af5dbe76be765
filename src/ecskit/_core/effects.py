"""What a flow can ask for, and what it gets in reply.

A flow is a generator. It yields effects, receives a `Reply` to each, and returns its result; it holds no clock, no
socket and no colour. `ecskit._drive` has the only two loops that perform effects, one sync and one async.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

import attrs

from .errors import EcsError

__all__ = [
    "INTERRUPTS",
    "CallbackRaised",
    "Cancelled",
    "Draw",
    "Effect",
    "Emit",
    "Emits",
    "Flow",
    "Observe",
    "Parallel",
    "RawResponse",
    "Reply",
    "Send",
    "Sleep",
    "Tell",
]

T = TypeVar("T")


@attrs.frozen
class RawResponse:
    """An answer as it came: the body's bytes and botocore's `ResponseMetadata`."""

    body: bytes
    metadata: Mapping[str, Any]


@attrs.frozen
class Send:
    """Send one operation; the reply holds a `RawResponse`."""

    operation: str
    params: Mapping[str, Any]
    single_attempt: bool = False
    """Send it through the client that makes one attempt: the flow repeats it itself."""


@attrs.frozen
class Sleep:
    """Wait for some seconds; the reply holds None."""

    seconds: float


@attrs.frozen
class Draw:
    """Draw a random integer of 128 bits; the reply holds it."""


@attrs.frozen
class Observe:
    """Tell what can be seen of `ids`, at the latest at the monotonic time `until`.

    Who looks, a poller of this flow alone, one shared by many or a stream of events, is the driver's business. The
    reply holds what `query` makes of what was seen.
    """

    query: Any
    ids: Sequence[str]
    until: float
    by: float = float("inf")
    """Requests that would begin after this are left out: they could come late, one after the other."""


@attrs.frozen
class Parallel:
    """Run flows side by side, at most `limit` at once; the reply holds one `Reply` for each, in order.

    A flow that fails does not stop the others: its error is in its reply.
    """

    flows: Sequence[Generator[Any, Any, Any]]
    limit: int = attrs.field(default=4, validator=attrs.validators.ge(1))


@attrs.frozen
class Tell:
    """Call a listener with a value; the reply holds what it returned, awaited if that is awaitable.

    Only the async driver awaits. An Exception of the listener is raised in the flow as `CallbackRaised`.
    """

    listener: Callable[[Any], object]
    value: Any


@attrs.frozen
class Emit(Generic[T]):
    """Hand an item to whoever iterates over the flow."""

    item: T


Effect: TypeAlias = Send | Sleep | Draw | Observe | Parallel | Tell | Emit[Any]


@attrs.frozen
class Reply(Generic[T]):
    """The reply to an effect, with the monotonic time at which it came."""

    now: float
    value: T | None = None
    error: EcsError | None = None

    def get(self) -> T:
        """Return the value, or raise the error in its place."""
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]  # None only where T is None


Flow: TypeAlias = Generator[Effect, Reply[Any], T]
"""A flow that results in a T."""
Emits: TypeAlias = Generator[Effect | Emit[T], Reply[Any], None]
"""A flow that emits each T."""


INTERRUPTS = (KeyboardInterrupt, SystemExit)
"""How a program is told to end: by Ctrl-C, and by handlers of signals, such as the SIGTERM that containers get."""


class Cancelled(BaseException):
    """Thrown into a flow that nobody waits for any more: it may yield clean-up effects, then has to end."""

    def __init__(self, *, begun: bool = True) -> None:
        """Hold whether the request at which the flow is cut short had left: then what became of it is unknown."""
        super().__init__()
        self.begun = begun


class CallbackRaised(BaseException):
    """An Exception of a callback, on its way through a flow: the driver raises `error` itself where the flow was run.

    It is no Exception, so that no handler in a flow takes the error of a callback for one of ECS or of ecskit: a
    callback may raise any class, WaitTimeout and DeploymentFailed among them.
    """

    def __init__(self, error: Exception) -> None:
        """Hold what the callback raised."""
        super().__init__(error)
        self.error = error
