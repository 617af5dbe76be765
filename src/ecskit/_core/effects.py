"""Effects: what a flow requests from a driver, and the replies.

A flow is a generator. It yields effects, receives a `Reply` to each, and returns its result. It uses no clock and no
socket, and is the same for sync and async. `ecskit._drive` has the only two loops that perform effects, one for each.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

import attrs

from .errors import EcsError

__all__ = [
    "INTERRUPTS",
    "Beside",
    "CallbackRaised",
    "Cancelled",
    "Connect",
    "DrawRandom",
    "Effect",
    "Emit",
    "Emits",
    "Flow",
    "GetRegion",
    "GetTime",
    "Invoke",
    "Joint",
    "Observe",
    "Parallel",
    "RawResponse",
    "Read",
    "Reply",
    "Send",
    "Share",
    "Sleep",
    "Waker",
]

T = TypeVar("T")

# Effects are neither compared nor shown, and each method that attrs writes lengthens the import. Nothing changes them,
# but they are not frozen: attrs needs twice as long to make an instance that is, and each poll makes a dozen.


@attrs.define(eq=False, repr=False)
class RawResponse:
    """A response before it is decoded: the bytes of its body, and botocore's `ResponseMetadata`."""

    body: bytes
    metadata: Mapping[str, Any]
    region: str | None = None
    """The region of the client, for the messages of errors."""
    parsed: dict[str, Any] | None = None
    """What a double of the botocore client answered with, in place of `body`."""


@attrs.define(eq=False, repr=False)
class Send:
    """Send one request; the reply holds a `RawResponse`."""

    operation: str
    params: Mapping[str, Any]
    single_attempt: bool = False
    """Whether the transport makes one attempt only, because the flow repeats the request itself."""
    service: str = "ecs"
    """The service that gets the request. Requests for others make one attempt; their replies are parsed."""
    region: str | None = None
    """The region of another service; None for that of the client."""
    completes: bool = False
    """Whether a cancellation after the request was sent waits for the response: the flow gets it, and is cancelled at
    its next effect. Without the response, the flow could not end what the request has begun. Threads always do so."""


class Waker:
    """Ends a sleep early. It may be roused by any thread, before the sleep begins or during it."""

    __slots__ = ("roused", "wake")

    def __init__(self) -> None:
        self.roused = False
        """Whether it was roused. The flow that sleeps resets this before it decides whether to sleep."""
        self.wake: Callable[[], object] | None = None
        """Set by the clock during a sleep."""

    def rouse(self) -> None:
        """End the sleep that is under way, or that begins next."""
        # The clock sets `wake` and then reads `roused`. Of two threads, at least one sees what the other has set.
        self.roused = True
        wake = self.wake
        if wake is not None:
            wake()


@attrs.define(eq=False, repr=False)
class Sleep:
    """Sleep for some seconds; the reply holds None. A waker that is roused ends the sleep early.

    `Sleep(0)` returns at once, with the time. With a waker, others that are ready run first, in an event loop.
    """

    seconds: float
    waker: Waker | None = None


@attrs.define(eq=False, repr=False)
class DrawRandom:
    """Draw a random integer of 128 bits. The reply holds it."""


@attrs.define(eq=False, repr=False, kw_only=True)
class Joint:
    """What an outer flow can do for several flows together. Drivers reply None: then the flow does it by itself."""


@attrs.define(eq=False, repr=False, kw_only=True)
class Observe(Joint):
    """Poll the resources `ids` at the monotonic time `due`; the reply holds what `query` returns.

    A poll of another flow that reads the same resources counts, if it begins at `after` or later.
    """

    query: Any
    ids: Sequence[str]
    born: float
    """The monotonic time of the poll before, or of the start of the wait."""
    after: float
    due: float
    deadline: float = float("inf")
    """The monotonic time after which no further request of the poll is sent, so that slow requests do not add up."""
    known: Mapping[str, Any] = attrs.field(factory=dict)
    """The `ResourceState` of each resource, by id. The reply may be an event that shows a newer version."""
    merged: int = 0
    """The number of the latest event that is merged in what is known of all resources of a scope."""
    resync: bool = False
    """Whether the poll may come later than `due` while events show each change."""


@attrs.define(eq=False, repr=False, kw_only=True)
class Read(Joint):
    """Read resources of one type; the reply holds, by target, those that ECS shows, and the errors of the others."""

    resource_type: Any
    targets: Sequence[Any]
    by: float = float("inf")
    """The monotonic time after which no further request is sent, except the first ones."""


@attrs.define(eq=False, repr=False)
class Parallel:
    """Run flows in parallel, at most `limit` at once; the reply holds one `Reply` for each, in order.

    A flow that fails does not stop the others. Its error is in its reply.
    """

    flows: Sequence[Generator[Any, Any, Any]]
    limit: int = attrs.field(default=4, validator=attrs.validators.ge(1))


@attrs.define(eq=False, repr=False)
class Invoke:
    """Call the user's callback with a value; the reply holds its result. The async driver awaits an awaitable result.

    If the callback raises an Exception, the flow receives it as `CallbackRaised`.
    """

    callback: Callable[[Any], object]
    value: Any
    caught: bool = False
    """Whether an Exception that the callback raises is the value of the reply, and the flow goes on."""
    apart: bool = False
    """Whether a virtual clock does not count the flow meanwhile: it waits for what the clock counts by itself."""
    wake: Callable[[], object] | None = None
    """Ends the callback early. The sync driver calls it when the flow is cancelled meanwhile, from another thread."""


@attrs.define(eq=False, repr=False)
class Connect:
    """Open a WebSocket with the TLS settings, proxies and time limits of the client. The reply holds a `Link`."""

    url: str | None
    """None to check only that links can be opened: the reply has a MissingExtraError if the extra is missing."""


@attrs.define(eq=False, repr=False)
class Beside:
    """Perform a flow beside this one, in a thread or task of its own. The reply holds its `Background`.

    The flow has begun then, and counts on a virtual clock. It goes on after the end of this one, until it ends, is
    stopped, or the client is closed.
    """

    flow: Generator[Any, Any, None]
    name: str
    """The name of the thread or task."""


@attrs.define(eq=False, repr=False)
class Share:
    """Get a value that all flows of a client share; the reply holds what `make` returned when it was first needed."""

    make: Callable[[], Any]
    use: Callable[[Any], Any] | None = None
    """Called with the value, for one flow at a time; the reply holds its result instead."""


@attrs.define(eq=False, repr=False)
class GetRegion:
    """Get the region of the client; the reply holds its name, or None if the client has none yet."""


@attrs.define(eq=False, repr=False)
class GetTime:
    """Get the time of day, for what a caller counts from now; the reply holds it in seconds since the epoch."""


@attrs.define(eq=False, repr=False)
class GetSpeed:
    """Get how many seconds of the clock pass in a real second: 1, or the speed of a served simulator.

    Time limits of real requests and connections are multiplied by it, or they would be over before a request is done.
    """


@attrs.define(eq=False, repr=False)
class Emit(Generic[T]):
    """Pass an item to the consumer of a flow that is iterated over."""

    item: T


Effect: TypeAlias = (
    Send
    | Connect
    | Sleep
    | DrawRandom
    | Joint
    | Parallel
    | Beside
    | Invoke
    | Share
    | GetRegion
    | GetTime
    | GetSpeed
    | Emit[Any]
)


@attrs.define(repr=False)
class Reply(Generic[T]):
    """The reply to an effect, with the monotonic time of the reply."""

    now: float
    value: T | None = None
    error: EcsError | None = None

    def get(self) -> T:
        """Return the value, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]  # None only where T is None


Flow: TypeAlias = Generator[Effect, Reply[Any], T]
"""A flow that returns a T."""
Emits: TypeAlias = Generator[Effect | Emit[T], Reply[Any], None]
"""A flow that emits each T."""


INTERRUPTS = (KeyboardInterrupt, SystemExit)
"""What ends a program: Ctrl-C, and signal handlers that call `sys.exit`, such as one for the SIGTERM of containers."""


class Cancelled(BaseException):
    """Thrown into a flow that is cancelled. The flow may yield effects that clean up, then it has to end."""

    def __init__(self, *, sent: bool = True) -> None:
        """Hold whether the request that was cancelled may have been sent: then its effect is unknown."""
        super().__init__()
        self.sent = sent


class CallbackRaised(BaseException):
    """Wraps an Exception of a callback on its way through a flow. The driver raises the wrapped `error` to the caller.

    It is a BaseException, so that no handler in a flow takes the error of a callback for one of ECS or ecskit: a
    callback may raise any class, including WaitTimeout and DeploymentFailed.
    """

    def __init__(self, error: Exception) -> None:
        """Hold what the callback raised."""
        super().__init__(error)
        self.error = error
