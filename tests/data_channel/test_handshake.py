"""The handshake: with and without a key, with a challenge, and with what the client does not support."""

from __future__ import annotations

import base64
import json
import sys
from typing import Any, cast

import pytest

from ecskit._data_channel.channel import DataChannel
from ecskit._data_channel.encryption import Keys
from ecskit._data_channel.events import Broken, KeyRequested, Opened, Output
from ecskit.errors import MissingExtraError

from .support import (
    CIPHERTEXT,
    DATA_KEY,
    KEY_ACTIONS,
    Agent,
    acknowledged,
    client,
    frames,
    message,
    request,
    stream_messages,
)

SESSION, KEY = KEY_ACTIONS
OLD_KEY = {"ActionType": "KMSEncryption", "ActionParameters": {"KMSKeyId": "arn:key"}}
PORT = {"ActionType": "SessionType", "ActionParameters": {"SessionType": "Port", "Properties": {"portNumber": "80"}}}
AGENT_KEYS = Keys(DATA_KEY, agent=True)


def sent_response(channel: DataChannel) -> dict[str, Any]:
    """Return the handshake response that the channel sends."""
    (frame,) = stream_messages(channel.messages(1.0))
    assert (0, 6) == (frame.number, frame.payload_type)
    content = json.loads(frame.payload)
    return cast("dict[str, Any]", content)


def test_without_a_key_the_response_is_sent_at_once() -> None:
    """The request is acknowledged first. The end of the handshake opens the gate."""
    channel = client()
    channel.send_input(b"ls\n")
    assert [] == channel.receive([message(0, request([SESSION]), 5)], 0.0)
    sent = channel.messages(0.0)
    assert [0] == acknowledged(sent[:1])
    (response,) = stream_messages(sent)
    assert (0, 6) == (response.number, response.payload_type)
    assert {
        "ClientVersion": "1.2.650.0",
        "ProcessedClientActions": [
            {"ActionType": "SessionType", "ActionStatus": 1, "ActionResult": None, "Error": ""},
        ],
        "Errors": [],
    } == json.loads(response.payload)
    assert [Opened()] == channel.receive([message(1, b"{}", 7)], 0.1)
    assert [(1, 1, b"ls\n")] == [
        (frame.number, frame.payload_type, frame.payload) for frame in stream_messages(channel.messages(0.1))
    ]


@pytest.mark.parametrize(("action", "challenge"), [(KEY, "Y2hhbGxlbmdl"), (OLD_KEY, None)])
def test_with_a_key_the_response_waits_for_it(action: dict[str, object], challenge: str | None) -> None:
    """It has the encrypted key, and acknowledges the challenge if there is one."""
    channel = client(encrypted=True)
    assert [KeyRequested("arn:key", challenge)] == channel.receive([message(0, request([SESSION, action]), 5)], 0.0)
    assert [] == stream_messages(channel.messages(0.5))
    channel.provide_key(DATA_KEY, CIPHERTEXT)
    assert {
        "ClientVersion": "1.2.650.0",
        "ProcessedClientActions": [
            {"ActionType": "SessionType", "ActionStatus": 1, "ActionResult": None, "Error": ""},
            {
                "ActionType": "KMSEncryption",
                "ActionStatus": 1,
                "ActionResult": {
                    "KMSCipherTextKey": base64.b64encode(CIPHERTEXT).decode(),
                    "KMSCipherTextHash": None,
                    "ChallengeAcknowledgement": challenge is not None,
                },
                "Error": "",
            },
        ],
        "Errors": [],
    } == sent_response(channel)


def test_challenge_and_encrypted_streams() -> None:
    """Both ends prove that they have the key; then output and input are encrypted, sizes are not."""
    channel, agent = client(), Agent(queued=[b"$ "])
    channel.send_input(b"ls\n")
    channel.resize(80, 24)
    agent.begin_handshake(KEY_ACTIONS)
    events = []
    for now in (0.1, 0.2, 0.3, 0.4):
        events += channel.receive(agent.stream.messages(now), now)
        if now == 0.1:
            channel.provide_key(DATA_KEY, CIPHERTEXT)
        sent = channel.messages(now)
        agent.receive(sent, now)
    assert [KeyRequested("arn:key", "Y2hhbGxlbmdl"), Opened(), Output(b"$ ")] == events
    assert [6, 9, 3, 1] == [payload_type for payload_type, _ in agent.taken]
    assert [(3, b'{"cols":80,"rows":24}'), (1, b"ls\n")] == agent.taken[2:]
    assert all(b"ls" not in frame.payload for frame in frames(sent))


def test_a_refused_key_is_reported_to_the_agent() -> None:
    """It then ends the session."""
    channel = client()
    channel.receive([message(0, request(KEY_ACTIONS), 5)], 0.0)
    channel.refuse_key("kms:GenerateDataKey is not permitted")
    response = sent_response(channel)
    assert ["kms:GenerateDataKey is not permitted"] == response["Errors"]
    assert [1, 2] == [action["ActionStatus"] for action in response["ProcessedClientActions"]]


@pytest.mark.parametrize(
    ("actions", "statuses", "name"),
    [
        ([SESSION, {"ActionType": "Dance", "ActionParameters": {}}], [1, 3], "Dance"),
        ([{"ActionType": "Dance"}, KEY], [3, 2], "Dance"),
        ([PORT], [3], "SessionType"),
        ([{"ActionType": "KMSEncryption", "ActionParameters": {"KMSKeyId": 7}}], [3], "KMSEncryption"),
        ([{"ActionType": "SessionType", "ActionParameters": None}], [3], "SessionType"),
    ],
)
def test_an_unsupported_action_ends_the_channel(actions: list[object], statuses: list[int], name: str) -> None:
    """The response says so, too: there is an answer to each action."""
    channel = client()
    assert [Broken(f"The agent requests an action that ecskit does not support: {name}")] == channel.receive(
        [message(0, request(actions), 5)], 0.0
    )
    response = sent_response(channel)
    assert statuses == [action["ActionStatus"] for action in response["ProcessedClientActions"]]
    assert f"Unsupported action {name}" in response["Errors"]


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b'{"RequestedClientActions":[7]}', request([{}])])
def test_a_request_that_cannot_be_read_ends_the_channel(payload: bytes) -> None:
    """It is acknowledged all the same."""
    channel = client()
    assert [Broken("The handshake request of the agent cannot be read")] == channel.receive(
        [message(0, payload, 5)], 0.0
    )
    assert [0] == acknowledged(channel.messages(0.0))


def test_a_second_request_is_not_answered() -> None:
    """A second answer would block the agent."""
    channel = client()
    channel.receive([message(0, request([SESSION]), 5), message(1, request([SESSION]), 5)], 0.0)
    assert 1 == len(stream_messages(channel.messages(0.0)))


@pytest.mark.parametrize("challenge", ["", "no base64", 7, base64.b64encode(b"other bytes than these").decode()])
def test_a_wrong_challenge_ends_the_channel(challenge: object) -> None:
    """One without keys does, too."""
    channel = client()
    channel.receive([message(0, request(KEY_ACTIONS), 5)], 0.0)
    channel.provide_key(DATA_KEY, CIPHERTEXT)
    payload = json.dumps({"Challenge": challenge}).encode()
    reason = Broken("The challenge of the agent cannot be decrypted with the key of this session")
    assert [reason] == channel.receive([message(1, payload, 8)], 0.1)
    assert [reason] == client().receive([message(0, payload, 8)], 0.1)


@pytest.mark.parametrize("payload_type", [1, 11])
def test_output_that_is_not_encrypted_ends_an_encrypted_session(payload_type: int) -> None:
    """Nothing of it is reported."""
    channel = client()
    channel.receive([message(0, request(KEY_ACTIONS), 5)], 0.0)
    channel.provide_key(DATA_KEY, CIPHERTEXT)
    encrypted = AGENT_KEYS.encrypt(b"$ ", bits=9)
    clear = b"in the clear"
    events = channel.receive([message(n, encrypted, payload_type) for n in (1, 3)], 0.1)
    events += channel.receive([message(2, clear, payload_type), message(4, encrypted, payload_type)], 0.1)
    assert [Output(b"$ "), Broken("The output cannot be decrypted with the key of this session")] == events


def test_a_missing_extra_is_reported_with_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The response is not sent."""
    channel = client()
    channel.receive([message(0, request(KEY_ACTIONS), 5)], 0.0)
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    with pytest.raises(MissingExtraError, match="exec"):
        channel.provide_key(DATA_KEY, CIPHERTEXT)
    assert [] == stream_messages(channel.messages(1.0))
