"""The two ends of a session without a service: a client's channel, a small agent, and a network with faults."""

from __future__ import annotations

import base64
import heapq
import itertools
import json
import random
from collections.abc import Callable, Iterator, Sequence

import attrs

from ecskit._data_channel.channel import DataChannel
from ecskit._data_channel.encryption import Keys
from ecskit._data_channel.events import Event, KeyRequested, Output
from ecskit._data_channel.frames import ACKNOWLEDGE, OUTPUT, Frame, decode, encode
from ecskit._data_channel.stream import Stream

EPOCH = 1.7e9
DATA_KEY = bytes(range(64))
CIPHERTEXT = b"the encrypted data key"
KEY_ACTIONS = [
    {"ActionType": "SessionType", "ActionParameters": {"SessionType": "InteractiveCommands", "Properties": None}},
    {"ActionType": "KMSEncryption", "ActionParameters": {"KMSKeyId": "arn:key", "Challenge": "Y2hhbGxlbmdl"}},
]


def ids(seed: int) -> Iterator[int]:
    """Return random numbers of 128 bits."""
    source = random.Random(seed)
    return iter(lambda: source.getrandbits(128), -1)


def client(*, encrypted: bool | None = None, speed: float = 1.0) -> DataChannel:
    """Return a channel that has sent the opening of its first connection."""
    channel = DataChannel(ids=ids(1), epoch=EPOCH, encrypted=encrypted, speed=speed)
    channel.connect("the token")
    assert len(channel.messages(0.0)) == 1
    return channel


def opened(output: bytes = b"$ ", *, speed: float = 1.0) -> DataChannel:
    """Return a channel that has received and acknowledged its first output."""
    channel = client(speed=speed)
    channel.receive([message(0, output)], 0.0)
    assert len(channel.messages(0.0)) == 1
    return channel


def message(number: int, payload: bytes = b"", payload_type: int = 1) -> bytes:
    """Return a message of the agent as bytes."""
    frame = Frame(
        message_type=OUTPUT,
        message_id=100 + number,
        created=1,
        number=number,
        payload_type=payload_type,
        payload=payload,
    )
    return encode(frame)


def request(actions: Sequence[object]) -> bytes:
    """Return the payload of a handshake request."""
    return json.dumps({"AgentVersion": "3.3.0.0", "RequestedClientActions": actions}).encode()


def frames(messages: Sequence[str | bytes]) -> list[Frame]:
    """Return what an end sends, decoded. The opening of a client is left out."""
    decoded = [decode(data) for data in messages if isinstance(data, bytes)]
    assert all(found is not None and found.intact for found in decoded)
    return [found for found in decoded if found is not None]


def stream_messages(messages: Sequence[str | bytes]) -> list[Frame]:
    """Return what an end sends but for acknowledgements."""
    return [found for found in frames(messages) if found.message_type != ACKNOWLEDGE]


def acknowledged(messages: Sequence[str | bytes]) -> list[int]:
    """Return the numbers of the messages that an end acknowledges."""
    return [
        json.loads(found.payload)["AcknowledgedMessageSequenceNumber"]
        for found in frames(messages)
        if found.message_type == ACKNOWLEDGE
    ]


def agent_stream(*, repeats: bool = False) -> Stream:
    """Return the stream of an agent. Agents acknowledge a message once."""
    return Stream(sends=OUTPUT, ids=ids(2), epoch=EPOCH, syn=True, repeats=repeats)


@attrs.define
class Agent:
    """The agent's end. It takes what arrives in order, and checks no digest.

    Attributes:
        takes: Whether it takes a message; otherwise the message is refused.
        taken: Type and payload of all that it took, decrypted.
    """

    takes: Callable[[Frame], bool] = lambda _: True
    stream: Stream = attrs.field(factory=agent_stream)
    taken: list[tuple[int | None, bytes]] = attrs.field(factory=list[tuple["int | None", bytes]])
    keys: Keys | None = None
    queued: list[bytes] = attrs.field(factory=list[bytes])
    """Output that waits for the end of the handshake."""
    nonces: Iterator[int] = attrs.field(factory=lambda: ids(3))

    def begin_handshake(self, actions: Sequence[object]) -> None:
        self.stream.queue(5, request(actions))

    def send(self, *outputs: bytes) -> None:
        """Send output: encrypted if there are keys."""
        for output in outputs:
            self.stream.queue(1, output if self.keys is None else self.keys.encrypt(output, bits=next(self.nonces)))

    def receive(self, messages: Sequence[str | bytes], now: float) -> None:
        for data in messages:
            found = decode(data) if isinstance(data, bytes) else None
            if found is not None and found.message_type == ACKNOWLEDGE:
                self.stream.acknowledged(found, now)
            elif found is not None:
                self.stream.receive(found, self._take)

    def _take(self, found: Frame) -> bool:
        if not self.takes(found):
            return False
        payload = found.payload
        if found.payload_type == 6:
            action = next(
                a for a in json.loads(payload)["ProcessedClientActions"] if a["ActionType"] == "KMSEncryption"
            )
            assert base64.b64encode(CIPHERTEXT).decode() == action["ActionResult"]["KMSCipherTextKey"]
            self.keys = Keys(DATA_KEY, agent=True)
            challenge = base64.b64encode(self.keys.encrypt(b"a challenge", bits=3)).decode()
            self.stream.queue(8, json.dumps({"Challenge": challenge}).encode())
        elif found.payload_type == 9:
            assert self.keys is not None
            assert b"a challenge" == self.keys.decrypt(base64.b64decode(json.loads(payload)["Challenge"]))
            self.stream.queue(7, b'{"HandshakeTimeToComplete":1,"CustomerMessage":""}')
            self.send(*self.queued)
        elif found.payload_type == 1 and self.keys is not None:
            decrypted = self.keys.decrypt(payload)
            assert decrypted is not None
            payload = decrypted
        self.taken.append((found.payload_type, payload))
        return True

    def input(self) -> bytes:
        """Return all input, joined."""
        return b"".join(payload for payload_type, payload in self.taken if payload_type == 1)


@attrs.define
class Network:
    """Client and agent with a network between them that has faults, on a clock of its own.

    Attributes:
        lost: The share of messages that is lost.
        repeated: The share that arrives twice.
        damaged: The share of the agent's messages that arrives with another payload.
        jitter: By how many seconds messages may be late; they overtake each other.
        cuts: The times at which the connections of both ends are cut: all that is under way is lost.
    """

    client: DataChannel
    agent: Agent
    source: random.Random
    lost: float = 0.0
    repeated: float = 0.0
    damaged: float = 0.0
    jitter: float = 0.0
    cuts: Sequence[float] = ()
    now: float = 0.0
    events: list[Event] = attrs.field(factory=list[Event])
    sent_at: list[float] = attrs.field(factory=list[float])
    """When the client sent each message."""
    on_event: Callable[[Event], None] = lambda _: None
    _arrivals: list[tuple[float, int, bool, str | bytes]] = attrs.field(
        factory=list[tuple[float, int, bool, "str | bytes"]]
    )
    _order: Iterator[int] = attrs.field(factory=itertools.count)

    def run(self, until: float = 3600.0) -> None:
        """Go on until nothing is due any more."""
        cuts = sorted(self.cuts)
        while True:
            self._flush()
            due = min(
                self._arrivals[0][0] if self._arrivals else float("inf"),
                self.client.next_wakeup(),
                self.agent.stream.next_wakeup(),
                cuts[0] if cuts else float("inf"),
            )
            if due > until:
                return
            self.now = max(self.now, due)
            if cuts and cuts[0] <= self.now:
                cuts.pop(0)
                self._arrivals.clear()
                self.client.connect(f"token {len(cuts)}")
                self.agent.stream.reconnected()
            arrived: list[str | bytes] = []
            while self._arrivals and self._arrivals[0][0] <= self.now:
                _, _, to_client, data = heapq.heappop(self._arrivals)
                if to_client:
                    arrived.append(data)
                else:
                    self.agent.receive([data], self.now)
            for event in self.client.receive(arrived, self.now):
                self.events.append(event)
                if isinstance(event, KeyRequested):
                    self.client.provide_key(DATA_KEY, CIPHERTEXT)
                self.on_event(event)

    def output(self) -> bytes:
        """Return all output that the client reported, joined."""
        return b"".join(event.data for event in self.events if isinstance(event, Output))

    def _flush(self) -> None:
        for data in self.client.messages(self.now):
            self.sent_at.append(self.now)
            self._send(data, to_client=False)
        for data in self.agent.stream.messages(self.now):
            self._send(self._damage(data) if self.source.random() < self.damaged else data, to_client=True)

    def _send(self, data: str | bytes, *, to_client: bool) -> None:
        copies = (self.source.random() >= self.lost) + (self.source.random() < self.repeated)
        for _ in range(copies):
            arrival = self.now + 0.02 + self.jitter * self.source.random()
            heapq.heappush(self._arrivals, (arrival, next(self._order), to_client, data))

    def _damage(self, data: bytes) -> bytes:
        """Change one byte of the digest or of the payload."""
        places = [*range(80, 112), *range(120, len(data))]
        place = self.source.choice(places)
        return data[:place] + bytes([data[place] ^ self.source.randrange(1, 256)]) + data[place + 1 :]
