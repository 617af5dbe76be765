"""The stream between client and agent as one end has it: both ends number, acknowledge, reorder and resend alike.

A stream outlives its connections. It has no limit for what is queued: `under_way` is for whoever queues.

Agents acknowledge a message once. If that acknowledgement is lost with a connection, the message stays here and is
sent again from time to time, but nothing waits for it: it is not under way any more.

Source: https://github.com/aws/session-manager-plugin, src/datachannel/streaming.go
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator

import attrs

from .frames import ACKNOWLEDGE, FIN, INPUT, OUTPUT, SYN, Acknowledgement, Frame, PayloadType, encode, random_uuid
from .pacing import Pace, RoundTrip

__all__ = ["HELD", "Stream"]

HELD = 10_000
"""How many messages from the future are held until those before them arrive."""
_BETWEEN_RESENDS = 0.1
"""Seconds between two messages that are sent again."""
_TOGETHER = 20
"""Packets that are worth waking up for, while the pace holds back that many."""


@attrs.define(eq=False, repr=False)
class _Sent:
    """A message that waits for its turn or for its acknowledgement."""

    number: int
    payload_type: int
    payload: bytes
    data: bytes = b""
    """The frame, once it was sent first. It is the same when it is sent again."""
    times: int = 0
    since: float = math.inf
    """When it was first sent."""
    last: float = math.inf
    """When it was last sent over the present connection."""
    under_way: bool = True
    """Whether its acknowledgement is still expected."""


class Stream:
    """One end of a stream.

    Args:
        sends: The type of the messages that this end sends: `INPUT` for the client, `OUTPUT` for the agent.
        ids: Random numbers of 128 bits.
        epoch: Seconds since the epoch at time 0 of the clock that `now` is taken from.
        pace: How many packets a second are sent; None sends all at once.
        syn: Whether the first message has the flag SYN, as those of the agent have.
        repeats: Whether a message that arrives again is acknowledged again. The client does so, agents do not.
    """

    def __init__(
        self,
        *,
        sends: str,
        ids: Iterator[int],
        epoch: float,
        pace: Pace | None = None,
        syn: bool = False,
        repeats: bool = True,
    ) -> None:
        self.sends = sends
        self.receives = INPUT if sends == OUTPUT else OUTPUT
        self.under_way = 0
        """Messages that are queued or sent, and whose acknowledgement is still expected."""
        self.bytes_under_way = 0
        """Bytes of their payload."""
        self._ids = ids
        self._epoch = epoch
        self._pace = pace
        self._syn = syn
        self._repeats = repeats
        self._round_trip = RoundTrip()
        # What is sent.
        self._next_number = 0
        self._sent: OrderedDict[int, _Sent] = OrderedDict()
        """What was not acknowledged; what was last sent is last."""
        self._unsent: deque[_Sent] = deque()
        self._awaited: deque[_Sent] = deque()
        """What was first sent over the present connection, and has not been overtaken by an acknowledgement."""
        self._resendable_at = -math.inf
        # What is received.
        self._expected = 0
        self._held: dict[int, Frame] = {}
        self._acknowledgements: OrderedDict[int, Acknowledgement] = OrderedDict()

    def __len__(self) -> int:
        """Return how many messages are queued or not acknowledged."""
        return len(self._sent)

    @property
    def has_gap(self) -> bool:
        """Whether a message has arrived before one that precedes it."""
        return bool(self._held)

    def queue(self, payload_type: int, payload: bytes) -> None:
        """Give a payload the next number, and send it in its turn."""
        message = _Sent(self._next_number, payload_type, payload)
        self._next_number += 1
        self._sent[message.number] = message
        self._unsent.append(message)
        self.under_way += 1
        self.bytes_under_way += len(payload)

    def reconnected(self) -> None:
        """Send all again that was not acknowledged: the message or its acknowledgement may be lost."""
        self._sent = OrderedDict(sorted(self._sent.items()))
        self._unsent = deque(self._sent.values())
        self._awaited.clear()
        for message in self._unsent:
            message.last = math.inf
            if message.times:
                self._forget(message)

    def receive(self, frame: Frame, take: Callable[[Frame], bool]) -> None:
        """Acknowledge a message of the other end and take what is now in order.

        Args:
            frame: A message of the type that this end receives.
            take: Takes the next message in order. It returns False for one that it refuses: that one is not
                acknowledged, and taken when it arrives again.
        """
        number = frame.number
        if number > self._expected:
            if number not in self._held:
                if len(self._held) >= HELD:
                    return
                self._held[number] = frame
        elif number == self._expected:
            if not take(frame):
                return
            self._expected += 1
        elif not self._repeats:
            return
        self._acknowledgements[number] = Acknowledgement(
            message_type=frame.message_type, message_id=frame.message_id, number=number
        )
        while self._held and (held := self._held.get(self._expected)) is not None and take(held):
            del self._held[self._expected]
            self._expected += 1

    def acknowledged(self, frame: Frame, now: float) -> bool:
        """Take in an acknowledgement by the other end. Return whether the frame holds one."""
        found = Acknowledgement.numbers(frame.payload)
        if found is None:
            return False
        message_type, number = found
        if message_type == self.sends and number in self._sent and self._sent[number].times:
            message = self._sent.pop(number)
            self._forget(message)
            while self._awaited and self._awaited[0].number <= number:
                self._forget(self._awaited.popleft())
            if message.times == 1 and message.last <= now:
                self._round_trip.measure(now - message.last)
        return True

    def messages(self, now: float) -> list[bytes]:
        """Return what to send now: acknowledgements, the message that was sent longest ago if it is due, new ones."""
        room = HELD if self._pace is None else self._pace.granted(now)
        messages: list[bytes] = []
        while self._acknowledgements and len(messages) < room:
            _, acknowledgement = self._acknowledgements.popitem(last=False)
            messages.append(self._acknowledge(acknowledgement, now))
        if len(messages) < room and now >= self._resend_at():
            oldest = next(iter(self._sent.values()))
            messages.append(self._send(oldest, now))
            self._sent.move_to_end(oldest.number)
            self._resendable_at = now + _BETWEEN_RESENDS
        while self._unsent and len(messages) < room:
            message = self._unsent.popleft()
            if message.number in self._sent:
                messages.append(self._send(message, now))
        if self._pace is not None:
            self._pace.take(len(messages), now)
        return messages

    def next_wakeup(self) -> float:
        """Return when `messages` has something to send, if nothing arrives before; `math.inf` for never."""
        waiting = len(self._acknowledgements) + len(self._unsent)
        if self._pace is None:
            return -math.inf if waiting else self._resend_at()
        if waiting:
            return self._pace.ready_at(min(waiting, _TOGETHER))
        return max(self._resend_at(), self._pace.ready_at(1))  # a message that is due again waits for its turn, too

    def awaited_since(self) -> float:
        """Return when the oldest message was first sent whose acknowledgement has to arrive; `math.inf` for none."""
        return self._awaited[0].since if self._awaited else math.inf

    def _resend_at(self) -> float:
        oldest = next(iter(self._sent.values()), None)
        return math.inf if oldest is None else max(oldest.last + self._round_trip.timeout, self._resendable_at)

    def _send(self, message: _Sent, now: float) -> bytes:
        if not message.data:
            message.data = encode(
                Frame(
                    message_type=self.sends,
                    message_id=random_uuid(next(self._ids)),
                    created=self._created(now),
                    number=message.number,
                    flags=SYN if self._syn and message.number == 0 else 0,
                    payload_type=message.payload_type,
                    payload=message.payload,
                )
            )
            message.since = now
            self._awaited.append(message)
        message.times += 1
        message.last = now
        return message.data

    def _forget(self, message: _Sent) -> None:
        """Expect no acknowledgement of a message any more."""
        if message.under_way:
            message.under_way = False
            self.under_way -= 1
            self.bytes_under_way -= len(message.payload)

    def _acknowledge(self, acknowledgement: Acknowledgement, now: float) -> bytes:
        return encode(
            Frame(
                message_type=ACKNOWLEDGE,
                message_id=random_uuid(next(self._ids)),
                created=self._created(now),
                flags=SYN | FIN,
                payload_type=PayloadType.ACKNOWLEDGEMENT,
                payload=acknowledgement.payload(),
            )
        )

    def _created(self, now: float) -> int:
        """Return the date of a frame, which must not be 0."""
        return max(1, int((self._epoch + now) * 1000))
