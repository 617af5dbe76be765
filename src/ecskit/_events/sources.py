"""What a source of events is: the protocols, and the values that pass through them."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol

import attrs
from typing_extensions import Self

from ecskit._core.documented import Documented

from .events import EcsEvent

__all__ = ["AsyncEventReceiver", "EventBatch", "EventCounts", "EventReceiver", "EventSource"]


@attrs.frozen(kw_only=True)
class EventBatch(Documented):
    """Events that were received together. They are delivered again unless they are acknowledged."""

    events: Sequence[EcsEvent] = ()
    """The events, in the order in which they were received, which is not that in which they happened."""
    receipts: Sequence[str] = attrs.field(default=(), repr=False)
    """What the source needs to acknowledge the events."""
    age: float = 0.0
    """Seconds for which the oldest message was in the queue, by the clock of the queue; 0 if that is unknown."""
    foreign: int = 0
    """Events of other sources than ECS that were received with them, and deleted."""
    undecodable: int = 0
    """Messages that were received with them, and left because they hold no event that can be decoded."""


@attrs.frozen(kw_only=True)
class EventCounts(Documented):
    """What a receiver has received so far. A message that is delivered again is counted again."""

    events: int = 0
    """Events that were returned in batches."""
    acknowledged: int = 0
    """Events that were acknowledged, and are not delivered again."""
    foreign: int = 0
    """Events of other sources than ECS, or of another region than the client that observes them. They were deleted."""
    undecodable: int = 0
    """Messages without an event that can be decoded, which were left to the dead-letter queue."""


class EventReceiver(Protocol):
    """An open source of events for threads."""

    def __enter__(self) -> Self:
        """Open the source, and check that it can be used."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Close the source."""
        ...

    def receive(self) -> EventBatch:
        """Wait for events for some seconds, and return those that came. The batch may be empty."""
        ...

    def acknowledge(self, batch: EventBatch, /) -> None:
        """Report that the events of a batch were processed, so that they are not delivered again."""
        ...


class AsyncEventReceiver(Protocol):
    """An open source of events for tasks of asyncio."""

    async def __aenter__(self) -> Self:
        """Open the source, and check that it can be used."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Close the source."""
        ...

    async def receive(self) -> EventBatch:
        """Wait for events for some seconds, and return those that came. The batch may be empty."""
        ...

    async def acknowledge(self, batch: EventBatch, /) -> None:
        """Report that the events of a batch were processed, so that they are not delivered again."""
        ...


class EventSource(Protocol):
    """Where events come from, such as `SqsSource`."""

    def open(self) -> EventReceiver:
        """Return a receiver, which connects when it is entered."""
        ...

    def open_async(self) -> AsyncEventReceiver:
        """Return a receiver for asyncio, which connects when it is entered."""
        ...
