"""Messages that arrive at their own moments, and again if they are not deleted."""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from ecskit._simulator.wire import Wire

__all__ = ["Mailbox", "Message"]


@attrs.define(eq=False)
class Message:
    """One message."""

    envelope: Wire
    sent: float
    """When it arrived first."""
    deleted: bool = False
    receipt: str = ""
    """What deletes it: the receipt of the latest time that it was received, as in SQS."""


class Mailbox:
    """Messages by the moments from which they can be received."""

    def __init__(self) -> None:
        self._messages: list[tuple[float, int, Message]] = []
        self._order = itertools.count()

    def put(self, moment: float, message: Message) -> None:
        """Let a message arrive at a moment."""
        heapq.heappush(self._messages, (moment, next(self._order), message))

    def next_moment(self) -> float | None:
        """Return the moment of the next arrival, or None if nothing is on the way."""
        while self._messages and self._messages[0][2].deleted:
            heapq.heappop(self._messages)
        return self._messages[0][0] if self._messages else None

    def take(self, now: float, most: float = float("inf")) -> list[Message]:
        """Remove and return what has arrived, in the order of arrival."""
        taken: list[Message] = []
        while len(taken) < most and (moment := self.next_moment()) is not None and moment <= now:
            taken.append(heapq.heappop(self._messages)[2])
        return taken
