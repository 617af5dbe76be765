"""What both drivers share: time limits, the state of a flow that is performed, and how a flow is closed."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from threading import RLock
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, runtime_checkable

from ecskit import _forks
from ecskit._core.effects import (
    CallbackRaised,
    DrawRandom,
    Effect,
    Flow,
    GetRegion,
    GetSpeed,
    GetTime,
    Observe,
    Read,
    Reply,
    Share,
    Sleep,
)
from ecskit._core.errors import ConfigurationError

if TYPE_CHECKING:
    from ecskit._drive.clock import Clock
    from ecskit._drive.namespace import Driver

__all__ = [
    "CLEAN_UP_TIMEOUT",
    "CLOSED_MESSAGE",
    "CLOSE_TIMEOUT",
    "FORKED_MESSAGE",
    "Aborted",
    "FlowState",
    "SharedValues",
    "at_once",
    "close",
    "log",
    "no_links",
    "paced",
]

log = logging.getLogger("ecskit")

CLEAN_UP_TIMEOUT = 10.0
"""Seconds that the clean-up of a flow may take."""
CLOSE_TIMEOUT = 60.0
"""Seconds that closing a client waits for its flows: for a request under way, a callback, and the clean-up."""
CLOSED_MESSAGE = "the client was closed"
FORKED_MESSAGE = "this call belongs to the process that started it, from which this one was forked; start another call"
_MAX_CLOSES = 10
"""How often to close a flow that goes on yielding: once for each level of nested clean-up."""


class Aborted(BaseException):
    """The driver stops performing a flow: the cancel event is set, or the clean-up has exceeded its time limit."""


class FlowState:
    """What a driver records about the flow that it performs."""

    __slots__ = ("cleaning", "forked", "interruption", "raised", "sent")

    def __init__(self) -> None:
        self.raised: CallbackRaised | None = None
        """What a callback raised, while the flow cleans up after it."""
        self.interruption: BaseException | None = None
        """What is raised at the next effect, because it arrived during a request that was to be completed."""
        self.cleaning = False
        """Whether the flow was interrupted and is cleaning up."""
        self.forked = False
        """Whether this process was forked from the one that performs the flow. A child leaves the clean-up to it."""
        self.sent = False
        """Whether the current effect is a request that has been sent, or is about to be."""

    def on_send(self) -> None:
        """Record that the request is about to be sent."""
        self.sent = True

    def interrupt(self) -> None:
        """Raise the interruption that waited for the end of a request."""
        interruption, self.interruption = self.interruption, None
        if interruption is not None:
            self.sent = False
            raise interruption


@runtime_checkable
class Forkable(Protocol):
    """A value that a forked child may still use."""

    def after_fork(self) -> None:
        """Replace the locks."""
        ...


class SharedValues:
    """The values that the flows of a client share, by the function that makes each. A forked child makes new ones."""

    def __init__(self, given: Sequence[Forkable] = ()) -> None:
        """Start with values that are in place of those that their classes make."""
        self._given = given
        self._values: dict[Callable[[], Any], Any] = {type(value): value for value in given}
        # Reentrant: the garbage collector may close an iterator, whose clean-up shares values, anywhere.
        self._lock = RLock()
        _forks.register(self)

    def after_fork(self) -> None:
        """Forget the values that were made: flows of the parent may be using them."""
        for value in self._values.values():
            if isinstance(value, Forkable):
                value.after_fork()
        self._values, self._lock = {type(value): value for value in self._given}, RLock()

    def perform(self, share: Share) -> Any:
        """Return the value that `make` returned first, or what `use` returns for it."""
        make, use = share.make, share.use
        value = self._values[make] if make in self._values else self._values.setdefault(make, make())
        if use is None:
            return value
        with self._lock:
            return use(value)


def no_links(_: str | None) -> NoReturn:
    """Raise ConfigurationError: the driver was made without a way to open WebSockets."""
    raise ConfigurationError("this driver opens no WebSockets")


def paced(link: Any, clock: Clock) -> Any:
    """Return a link whose waits pass at the speed of a clock. Links of the simulator use its clock themselves."""
    if hasattr(link, "speed"):
        link.speed = clock.speed
    return link


_AT_ONCE: Mapping[type[object], Callable[[Driver, Any], Any]] = {
    Share: lambda driver, share: driver.shared.perform(share),
    Observe: lambda *_: None,
    Read: lambda *_: None,
    DrawRandom: lambda driver, _: driver.random.getrandbits(128),
    GetRegion: lambda driver, _: driver.region,
    GetTime: lambda driver, _: driver.clock.epoch(),
    GetSpeed: lambda driver, _: driver.clock.speed,
}
"""The effects that take no time, and what is in the replies to them."""


def at_once(driver: Driver, effect: Effect, end: float) -> Reply[Any] | None:
    """Return the reply to an effect that takes no time, or None for an effect that may take some.

    Raises:
        Aborted: It is `end`, in monotonic seconds.
    """
    if end < math.inf and driver.clock.now() >= end:
        raise Aborted
    if isinstance(effect, Sleep):
        return Reply(driver.clock.now()) if effect.seconds <= 0 and effect.waker is None else None
    perform = _AT_ONCE.get(effect.__class__)
    return None if perform is None else Reply(driver.clock.now(), perform(driver, effect))


def close(flow: Flow[Any]) -> None:
    """Close a flow. Effects that it still yields are not performed."""
    for _ in range(_MAX_CLOSES):
        try:
            flow.close()
        except Exception:  # logged only: it must not hide the reason for closing
            log.debug("a flow raised an error while it was closed", exc_info=True)
        else:
            return
