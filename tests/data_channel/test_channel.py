"""The client's end: the opening, the gate for input, tolerance, and what ends the channel."""

from __future__ import annotations

import json
import math

import pytest

from ecskit._data_channel.channel import DataChannel
from ecskit._data_channel.events import Broken, Ended, Event, Opened, Output
from ecskit._data_channel.frames import Frame, encode

from .support import (
    CIPHERTEXT,
    DATA_KEY,
    EPOCH,
    KEY_ACTIONS,
    Agent,
    acknowledged,
    client,
    frames,
    ids,
    message,
    opened,
    request,
    stream_messages,
)
from .vectors import VECTORS


def closing(payload: bytes) -> bytes:
    """Return the service's last message."""
    return encode(Frame(message_type="channel_closed", message_id=1, created=1, flags=3, payload=payload))


def sent(channel: DataChannel, now: float) -> list[tuple[int | None, bytes]]:
    """Return type and payload of what the channel sends but for acknowledgements."""
    return [(frame.payload_type, frame.payload) for frame in stream_messages(channel.messages(now))]


def test_a_connection_begins_with_a_text_frame() -> None:
    """It has the token, and is sent once."""
    channel = DataChannel(ids=ids(1), epoch=EPOCH)
    assert [] == channel.messages(0.0)
    channel.connect("the token")
    assert channel.next_wakeup() < 0
    (opening,) = channel.messages(0.0)
    assert isinstance(opening, str)
    content = json.loads(opening)
    assert ("1.0", "the token", "1.2.650.0") == (
        content["MessageSchemaVersion"],
        content["TokenValue"],
        content["ClientVersion"],
    )
    assert content.keys() == {"MessageSchemaVersion", "RequestId", "TokenValue", "ClientId", "ClientVersion"}
    assert ["4", "4"] == [content[name].split("-")[2][0] for name in ("RequestId", "ClientId")]
    assert [] == channel.messages(0.0)


def test_the_first_output_opens_the_gate() -> None:
    """Input and size wait for it; all of it arrives, in pieces."""
    channel, agent = client(), Agent()
    channel.send_input(b"x" * 1000)
    channel.send_input(b"y" * 500)
    channel.resize(1, 1)
    channel.resize(80, 24)
    assert (1500, False) == (channel.pending, channel.opened)
    assert [] == channel.messages(0.0)
    agent.send(b"$ ")
    assert [Opened(), Output(b"$ ")] == channel.receive(agent.stream.messages(0.1), 0.1)
    agent.receive(channel.messages(0.1), 0.2)
    assert [(3, b'{"cols":80,"rows":24}'), (1, b"x" * 1000 + b"y" * 24), (1, b"y" * 476)] == agent.taken
    assert 0 == agent.stream.bytes_under_way
    channel.receive(agent.stream.messages(0.2), 0.3)
    assert 0 == channel.pending


def test_during_a_handshake_output_does_not_open_the_gate() -> None:
    """The agent would throw input away until the handshake is complete."""
    channel = client()
    channel.send_input(b"ls\n")
    channel.receive([message(0, request(KEY_ACTIONS[:1]), 5)], 0.0)
    assert [6] == [payload_type for payload_type, _ in sent(channel, 0.0)]
    assert [Output(b"early")] == channel.receive([message(1, b"early")], 0.1)
    assert [] == sent(channel, 0.1)
    assert [Opened()] == channel.receive([message(2, b"{}", 7)], 0.1)
    assert [(1, b"ls\n")] == sent(channel, 0.1)


def test_with_a_key_only_the_end_of_the_handshake_opens_the_gate() -> None:
    """Input before the keys exist would end the session."""
    channel = client(encrypted=True)
    channel.send_input(b"ls\n")
    assert [Output(b"early")] == channel.receive([message(0, b"early")], 0.0)
    assert [] == sent(channel, 0.0)
    channel.receive([message(1, request(KEY_ACTIONS), 5)], 0.1)
    assert [] == sent(channel, 0.1)
    channel.provide_key(DATA_KEY, CIPHERTEXT)
    assert [6] == [payload_type for payload_type, _ in sent(channel, 0.1)]
    assert [Opened()] == channel.receive([message(2, b"{}", 7)], 0.2)
    assert [1] == [payload_type for payload_type, _ in sent(channel, 0.2)]


def test_silence_opens_the_gate() -> None:
    """A program may write nothing before it reads. It gets its input 5 s after the first connection."""
    channel = DataChannel(ids=ids(1), epoch=EPOCH)
    channel.connect("the token")
    channel.messages(10.0)
    assert math.inf == channel.next_wakeup()
    channel.send_input(b"ls\n")
    assert 15.0 == channel.next_wakeup()
    channel.connect("the next token")
    channel.messages(14.0)
    assert [] == channel.receive([], 14.9)
    assert [] == channel.messages(14.9)
    assert [Opened()] == channel.receive([], 15.0)
    assert [(1, b"ls\n")] == sent(channel, 15.0)
    assert [Output(b"$ ")] == channel.receive([message(0, b"$ ")], 15.1)


@pytest.mark.parametrize("encrypted", [True, None])
def test_silence_opens_no_gate_of_a_session_with_a_key(encrypted: bool | None) -> None:  # noqa: FBT001  # a case
    """Neither if the cluster has one, nor during a handshake."""
    channel = client(encrypted=encrypted)
    channel.resize(80, 24)
    if encrypted is None:
        channel.receive([message(0, request(KEY_ACTIONS), 5)], 1.0)
        channel.messages(1.0)
    assert math.inf == channel.next_wakeup()
    assert [] == channel.receive([], 100.0)
    assert [] == channel.messages(100.0)


def test_a_late_handshake_closes_the_gate() -> None:
    """What follows waits for its end."""
    channel = client()
    assert [Opened()] == channel.receive([], 5.0)
    channel.receive([message(0, request(KEY_ACTIONS[:1]), 5)], 6.0)
    channel.send_input(b"ls\n")
    assert [6] == [payload_type for payload_type, _ in sent(channel, 6.0)]
    assert [Opened()] == channel.receive([message(1, b"{}", 7)], 6.1)
    assert [(1, b"ls\n")] == sent(channel, 6.1)


def test_the_size_is_sent_again_after_the_first_output() -> None:
    """One that arrived before the terminal existed may be lost."""
    channel = client()
    channel.resize(80, 24)
    size = (3, b'{"cols":80,"rows":24}')
    channel.receive([message(0, request(KEY_ACTIONS[:1]), 5), message(1, b"{}", 7)], 0.0)
    assert [size] == sent(channel, 0.0)[1:]
    channel.receive([message(2, b"$ ")], 0.1)
    assert [size] == sent(channel, 0.1)
    channel.receive([message(3, b"$ ")], 0.15)
    assert [] == sent(channel, 0.15)


def test_much_input_waits_in_the_channel() -> None:
    """At most 256 messages are without acknowledgement."""
    channel = opened()
    channel.send_input(b"i" * 1_000_000)
    numbers: set[int] = set()
    for step in range(100):
        numbers |= {frame.number for frame in stream_messages(channel.messages(1.0 + step / 10))}
    assert set(range(256)) == numbers
    assert channel.next_wakeup() > 10.9
    assert 1_000_000 == channel.pending


@pytest.mark.parametrize(
    "ignored",
    [
        "text",
        b"",
        b"garbage",
        bytes(200),
        b"\xff" * 200,
        message(0)[:119],
        encode(Frame(message_type="start_publication", message_id=1, created=1, payload_type=0, payload=b"{}")),
        encode(Frame(message_type="pause_publication", message_id=1, created=1, payload_type=0))[:-4] + b"\0\0\0\7",
        encode(Frame(message_type="of_the_future", message_id=1, created=1, payload_type=77, payload=b"?")),
        encode(Frame(message_type="input_stream_data", message_id=1, created=1, payload_type=1, payload=b"mine")),
    ],
)
def test_what_is_unknown_is_ignored(ignored: str | bytes) -> None:
    """Text frames, garbage, hints and types of the future, however often."""
    channel = client()
    assert [] == channel.receive([ignored] * 50, 0.0)
    assert [] == channel.messages(0.0)
    assert [Opened(), Output(b"$ ")] == channel.receive([ignored, message(0, b"$ "), ignored], 0.1)


@pytest.mark.parametrize("payload_type", [0, 2, 3, 4, 10, 12, 77])
def test_unknown_payloads_are_acknowledged_and_ignored(payload_type: int) -> None:
    """They have a number in the stream."""
    channel = client()
    assert [] == channel.receive([message(0, b"?", payload_type)], 0.0)
    assert [0] == acknowledged(channel.messages(0.0))
    assert [Opened(), Output(b"$ ")] == channel.receive([message(1, b"$ ")], 0.1)


@pytest.mark.parametrize("name", ["output", "acknowledge", "channel_closed"])
@pytest.mark.parametrize("part", ["digest", "length"])
def test_a_wrong_digest_or_length_counts_where_it_is_reliable(name: str, part: str) -> None:
    """Output is not acknowledged then, an acknowledgement does not count; the end of the channel is the end."""
    data, frame = VECTORS[name]
    place = 80 if part == "digest" else 112 + (frame.payload_type is not None) * 4 + 3
    wrong = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
    channel = client()
    events = channel.receive([wrong], 0.0)
    assert ([Ended("")] if name == "channel_closed" else []) == events
    assert [] == channel.messages(0.0)
    if name == "output":
        channel.receive([data], 0.1)
        assert [7] == acknowledged(channel.messages(0.1))


def test_damaged_messages_end_the_channel_if_nothing_else_arrives() -> None:
    """20 in a row do; an intact one between them begins the count again."""
    channel = client()
    damaged = message(1, b"x")[:-1] + b"y"
    assert [] == channel.receive([damaged] * 19 + [message(1)] + [damaged] * 19, 0.0)
    reason = "The service sends damaged messages: their length or digest is wrong"
    assert [Broken(reason)] == channel.receive([damaged] * 2, 0.1)
    assert channel.ended
    empty = encode(Frame(message_type="acknowledge", message_id=1, created=1, payload_type=0, payload=b"{}"))
    assert [Broken(reason)] == client().receive([empty] * 20, 0.0)


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (VECTORS["channel_closed"][1].payload, ""),
        (
            b'{"Output":"Plugin with name InteractiveCommands not found"}',
            "Plugin with name InteractiveCommands not found",
        ),
        (b'{"Output":null}', ""),
        (b"", ""),
        (b"no JSON\xff", "no JSON\ufffd"),
    ],
)
def test_the_service_closes_the_channel(payload: bytes, text: str) -> None:
    """The text says why. Nothing is taken in after it; what was received before is still acknowledged."""
    channel = client()
    channel.resize(80, 24)
    events = channel.receive([message(0, b"$ "), closing(payload), message(1, b"late"), closing(payload)], 1.0)
    assert [Opened(), Output(b"$ "), Ended(text)] == events
    assert channel.ended
    channel.send_input(b"late")
    assert [] == channel.receive([message(1, b"late")], 1.1)
    left = channel.messages(1.1)
    assert [0] == acknowledged(left)
    assert 1 == len(left)


def test_silence_after_the_end_is_nothing() -> None:
    """The gate stays closed."""
    channel = client()
    assert [Ended("")] == channel.receive([closing(b"{}")], 1.0)
    assert [] == channel.receive([], 10.0)


def test_nothing_secret_is_shown() -> None:
    """Token, keys, input and output are in no repr."""
    channel = client()
    channel.send_input(b"a secret")
    events: list[Event] = channel.receive([message(0, request(KEY_ACTIONS), 5)], 0.0)
    channel.provide_key(DATA_KEY, b"a secret")
    output = Output(b"a secret")
    frame = frames([message(0, b"a secret")])
    shown = [
        repr(value)
        for value in (
            channel,
            channel._stream,  # type: ignore[attr-defined, unused-ignore]
            channel._keys,
            channel._actions,
            events,
            output,
            frame,
        )
    ]
    assert not [text for text in shown if "secret" in text or "token" in text or "Y2hhbGxlbmdl'}" in text]
