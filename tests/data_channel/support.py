"""The two ends of a session without a network: a client's channel and a small agent."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import attrs

from ecskit._data_channel.channel import DataChannel
from ecskit._data_channel.encryption import Keys
from ecskit._data_channel.frames import ACKNOWLEDGE, OUTPUT, Frame, decode, encode
from ecskit._data_channel.stream import Stream

EPOCH = 1.7e9


def ids(seed: int) -> Iterator[int]:
    """Return random numbers of 128 bits."""
    return iter(random.Random(seed).getrandbits(128) for _ in iter(int, 1))


def client(*, encrypted: bool | None = None) -> DataChannel:
    """Return a channel that has sent the opening of its first connection."""
    channel = DataChannel(ids=ids(1), epoch=EPOCH, encrypted=encrypted)
    channel.connect("the token")
    assert len(channel.messages(0.0)) == 1
    return channel


def frame(number: int, payload: bytes = b"", payload_type: int = 1) -> Frame:
    """Return a message of the agent."""
    return Frame(
        message_type=OUTPUT,
        message_id=100 + number,
        created=1,
        number=number,
        payload_type=payload_type,
        payload=payload,
    )


def message(number: int, payload: bytes = b"", payload_type: int = 1) -> bytes:
    """Return a message of the agent as bytes."""
    return encode(frame(number, payload, payload_type))


def frames(messages: list[str | bytes]) -> list[Frame]:
    """Return what a client sends, decoded. The opening is left out."""
    decoded = [decode(data) for data in messages if isinstance(data, bytes)]
    assert all(found is not None and found.intact for found in decoded)
    return [found for found in decoded if found is not None]


def payloads(messages: list[str | bytes]) -> list[tuple[int | None, bytes]]:
    """Return type and payload of all stream messages that a client sends."""
    return [(found.payload_type, found.payload) for found in frames(messages) if found.message_type != ACKNOWLEDGE]


@attrs.define
class Agent:
    """The agent's end: it takes what arrives in order, and checks no digest."""

    keys: Keys | None = None
    take: Callable[[Frame], bool] | None = None
    stream: Stream = attrs.field(factory=lambda: Stream(sends=OUTPUT, ids=ids(2), epoch=EPOCH, syn=True))
    taken: list[tuple[int | None, bytes]] = attrs.field(factory=list)

    def receive(self, messages: list[str | bytes], now: float) -> None:
        for data in messages:
            found = decode(data) if isinstance(data, bytes) else None
            if found is None:
                continue
            if found.message_type == ACKNOWLEDGE:
                self.stream.acknowledged(found, now)
            else:
                self.stream.receive(found, self.take or self._take)

    def _take(self, found: Frame) -> bool:
        self.taken.append((found.payload_type, found.payload))
        return True
