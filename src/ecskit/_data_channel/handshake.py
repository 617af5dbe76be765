"""The handshake: which actions the agent requests, and the response, which answers each of them.

Source: https://github.com/aws/session-manager-plugin, src/datachannel/streaming.go
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import attrs

from .encryption import Keys
from .frames import read_json

__all__ = ["CLIENT_VERSION", "Action", "KeyAnswer", "answer_challenge", "read_actions", "response"]

CLIENT_VERSION: Final = "1.2.650.0"
"""A version of AWS's own client with the same abilities. Agents choose by it what they request."""
_SUCCESS, _FAILED, _UNSUPPORTED = 1, 2, 3
_SESSION_TYPES = frozenset({"InteractiveCommands", "NonInteractiveCommands", "Standard_Stream"})


@attrs.frozen
class Action:
    """What the agent requests of the client."""

    type: str
    parameters: Mapping[str, Any] = attrs.field(repr=False)

    @property
    def key_id(self) -> str | None:
        """The KMS key that data are to be encrypted with; None for other actions."""
        if self.type != "KMSEncryption":
            return None
        key_id = self.parameters.get("KMSKeyId")
        return key_id if isinstance(key_id, str) else ""

    @property
    def challenge(self) -> str | None:
        """What the encryption context has to contain; None for older agents."""
        challenge = self.parameters.get("Challenge")
        return challenge if isinstance(challenge, str) and challenge else None

    @property
    def supported(self) -> bool:
        """Whether the client can do it."""
        if self.type == "SessionType":
            return self.parameters.get("SessionType") in _SESSION_TYPES
        return bool(self.key_id)


@attrs.frozen
class KeyAnswer:
    """What became of the request for a key: its ciphertext, or why there is none."""

    ciphertext: bytes = attrs.field(default=b"", repr=False)
    refused: str = ""


def read_actions(payload: bytes) -> Sequence[Action] | None:
    """Return what a handshake request contains; None if it cannot be read."""
    requested = read_json(payload).get("RequestedClientActions")
    if not isinstance(requested, list):
        return None
    actions: list[Action] = []
    for item in requested:
        if not isinstance(item, dict):
            return None
        fields = cast("dict[str, Any]", item)
        action_type, parameters = fields.get("ActionType"), fields.get("ActionParameters")
        if not isinstance(action_type, str):
            return None
        known = cast("dict[str, Any]", parameters) if isinstance(parameters, dict) else {}
        actions.append(Action(action_type, known))
    return actions


def response(actions: Sequence[Action], key: KeyAnswer) -> bytes:
    """Return the handshake response: one processed action for each requested one."""
    processed = [_processed(action, key) for action in actions]
    errors = [action["Error"] for action in processed if action["Error"]]
    return _json({"ClientVersion": CLIENT_VERSION, "ProcessedClientActions": processed, "Errors": errors})


def _processed(action: Action, key: KeyAnswer) -> dict[str, Any]:
    status, result, error = _SUCCESS, None, ""
    if not action.supported:
        status, error = _UNSUPPORTED, f"Unsupported action {action.type}"
    elif action.key_id is not None and key.refused:
        status, error = _FAILED, key.refused
    elif action.key_id is not None:
        result = {
            "KMSCipherTextKey": base64.b64encode(key.ciphertext).decode("ascii"),
            "KMSCipherTextHash": None,
            "ChallengeAcknowledgement": action.challenge is not None,
        }
    return {"ActionType": action.type, "ActionStatus": status, "ActionResult": result, "Error": error}


def answer_challenge(payload: bytes, keys: Keys, *, bits: int) -> bytes | None:
    """Return the response to a challenge: its plaintext, encrypted with the key of this end. None if it has none."""
    challenge = read_json(payload).get("Challenge")
    try:
        encrypted = base64.b64decode(challenge if isinstance(challenge, str) else "", validate=True)
    except ValueError:
        return None
    plaintext = keys.decrypt(encrypted)
    if plaintext is None:
        return None
    answer = keys.encrypt(plaintext, bits=bits)
    return _json({"Challenge": base64.b64encode(answer).decode("ascii")})


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
