"""The agent of ECS Exec in a container, as one session meets it. It has no I/O: messages and time in and out.

It has the traps of the real one. What arrives before it has decided about the handshake, or during one, is acknowledged
and thrown away. Input is refused until the terminal is up. It handles messages one after the other, so a program that
does not read its input stops it from acknowledging anything. It checks no digest.

Source: https://github.com/aws/amazon-ssm-agent, agent/session/datachannel and agent/session/shell
"""

from __future__ import annotations

import base64
import json
import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import attrs

from ecskit._data_channel.encryption import Keys
from ecskit._data_channel.frames import ACKNOWLEDGE, INPUT, OUTPUT, Frame, PayloadType, decode, read_json
from ecskit._data_channel.stream import Stream
from ecskit._simulator.exec.pace import RealPace
from ecskit._simulator.exec.utf8 import passed_on

if TYPE_CHECKING:
    from ecskit._simulator.exec.programs import ExecProgram

__all__ = ["Agent", "KeyTerms"]

_CONNECTS = 0.3
"""Seconds from ExecuteCommand until the agent is at its end of the channel."""
_DECIDES = 0.05
"""Seconds until it has decided whether there is a handshake."""
_STARTS = 0.15
"""Seconds until the terminal is up."""
_FIRST_READ = 1.0
"""Seconds that it sleeps before it reads the terminal."""
_HANDSHAKE = 15.0
"""Seconds that it waits for the response to its request, and again for that to its challenge."""
_DRAINS = 2.0
"""Seconds that it waits at the end for acknowledgements."""
_REPORTS = 2.0
"""Seconds until it reports that a command could not be started."""
_PIECE = 1024
_AT_ONCE = 64
"""Pieces that it reads before it looks at what has arrived."""
_BETWEEN_READS = 0.005
_VERSION = "3.3.2299.0"
_ERROR = "----------ERROR-------\n"


class _FailedError(Exception):
    """The session cannot go on."""


@attrs.frozen
class KeyTerms:
    """How a session is encrypted.

    Args:
        key_id: The ARN of the cluster's KMS key.
        context: The encryption context without the challenge.
        decrypt: Returns the data key of a ciphertext and a context. It raises ValueError with the reason if it cannot.
    """

    key_id: str
    context: Mapping[str, str]
    decrypt: Callable[[bytes, Mapping[str, str]], bytes]


class Agent:
    """The agent's side of one session.

    Args:
        start: Starts the program in a terminal, at a moment. It raises OSError if the container has no such program.
        ids: Random numbers of 128 bits.
        key: How the session is encrypted; None without a key.
        repeats_acknowledgements: Whether it acknowledges a message again that arrives again.
        pace: What differs for a fast clock.
    """

    def __init__(
        self,
        start: Callable[[float], ExecProgram],
        *,
        ids: Iterator[int],
        key: KeyTerms | None = None,
        repeats_acknowledgements: bool = False,
        pace: RealPace,
    ) -> None:
        self._pace = pace
        self.connected_at = math.inf
        self.closing_text: str | None = None
        """The text of `channel_closed` once the session has ended from this side."""
        self.typed = bytearray()
        """All input that has reached the terminal."""
        self.resized: tuple[int, int] | None = None
        """The latest size of the terminal."""
        self._start = start
        self._ids = ids
        self._key = key
        self._repeats = repeats_acknowledgements
        self._stream = Stream(sends=OUTPUT, ids=ids, epoch=0.0, syn=True)
        self._inbox: deque[Frame] = deque()
        self._seen: set[int] = set()
        self._program: ExecProgram | None = None
        self._reading_at = math.inf
        self._rest = b""
        """The beginning of a character that was read."""
        self._written = 0
        """Bytes of the first message of the inbox that the program has taken."""
        self._blocked = False
        """Whether the program does not take the first message of the inbox."""
        self._hangs = False
        """Whether a second response to the handshake has blocked it for good."""
        self._drained_by: float | None = None
        # The handshake.
        self._keys: Keys | None = None
        self._challenge = ""
        self._secret = b""
        self._began = math.inf
        self._deciding = True
        self._responded = False
        self._complete = False
        self._stage: Callable[[float], None] | None = self._decide
        self._stage_at = math.inf

    def begin(self, now: float) -> None:
        """Begin to connect: the service has passed on ExecuteCommand."""
        self.connected_at = now + _CONNECTS
        self._stage_at = self.connected_at + _DECIDES

    def receive(self, message: str | bytes) -> None:
        """Put a message into the inbox."""
        frame = decode(message) if isinstance(message, bytes) else None
        if frame is not None and frame.message_type in (INPUT, ACKNOWLEDGE):
            self._inbox.append(frame)

    def messages(self, now: float) -> list[bytes]:
        """Do what is due, and return what to send."""
        if self.closing_text is not None or now < self.connected_at:
            return []
        try:
            if self._stage is not None and self._stage_at <= now:
                self._stage(self._stage_at)
            self._handle_inbox(now)
            self._read(now)
            if self._blocked:  # the program may have room again
                self._handle_inbox(now)
        except _FailedError as failed:
            self._finish(f"{_ERROR}{failed}")
            return []
        if self._drained_by is not None and (not len(self._stream) or self._drained_by <= now):
            self._finish("")
        return self._stream.messages(now)

    def next_wakeup(self) -> float:
        """Return when to call `messages` if nothing arrives."""
        if self.closing_text is not None:
            return math.inf
        moments = [self._stage_at if self._stage is not None else math.inf, self._stream.next_wakeup()]
        if self._drained_by is not None:
            moments.append(self._drained_by if len(self._stream) else -math.inf)
        elif self._program is not None:
            moments.append(max(self._reading_at, self._program.next_wakeup()))
        if self._inbox and not self._blocked and not self._hangs:
            moments.append(-math.inf)
        return max(self.connected_at, min(moments))

    def hang_up(self) -> None:
        """End the session from outside."""
        self._finish("")

    def die(self) -> None:
        """End with the container: nothing is sent any more."""
        if self._program is not None:
            self._program.hang_up()

    def _finish(self, text: str) -> None:
        self.closing_text = text
        self.die()

    # The handshake and the start of the terminal.

    def _decide(self, now: float) -> None:
        self._deciding = False
        if self._key is None:
            self._then(self._open_terminal, now + _STARTS)
            return
        self._challenge = base64.b64encode(self._random(16)).decode("ascii")
        kms = {"KMSKeyId": self._key.key_id, "Challenge": self._challenge}
        session_type = {"SessionType": "InteractiveCommands", "Properties": None}
        actions = [
            {"ActionType": "SessionType", "ActionParameters": session_type},
            {"ActionType": "KMSEncryption", "ActionParameters": kms},
        ]
        self._began = now
        self._send_json(PayloadType.HANDSHAKE_REQUEST, {"AgentVersion": _VERSION, "RequestedClientActions": actions})
        text = "Handshake timed out. Please ensure that you have the latest version of the session manager plugin."
        self._then(lambda _: self._fail_handshake(text), now + self._pace.limit(_HANDSHAKE))

    def _take_response(self, payload: bytes, now: float) -> bool:
        assert self._key is not None
        self._responded = True
        processed = read_json(payload).get("ProcessedClientActions") or []
        results = {each.get("ActionType"): each for each in processed if isinstance(each, dict)}
        for kind in ("SessionType", "KMSEncryption"):
            action = results.get(kind, {})
            if action.get("ActionStatus") != 1:
                status, error = action.get("ActionStatus"), action.get("Error")
                self._fail_handshake(f"{kind} failed on client with status {status} error: {error}")
        answer = results["KMSEncryption"].get("ActionResult") or {}
        context = dict(self._key.context)
        if answer.get("ChallengeAcknowledgement"):
            context["aws:ssm:RandomChallenge"] = self._challenge
        try:
            sealed = base64.b64decode(answer.get("KMSCipherTextKey", ""), validate=True)
            self._keys = Keys(self._key.decrypt(sealed, context), agent=True)
        except ValueError as error:
            self._fail_handshake(f"Fetching data key failed: Unable to retrieve data key, {error}")
        self._secret = self._random(64)
        sealed = self._keys.encrypt(self._secret, bits=next(self._ids))
        self._send_json(PayloadType.CHALLENGE_REQUEST, {"Challenge": base64.b64encode(sealed).decode("ascii")})
        text = "Timed out waiting for encryption challenge."
        self._then(lambda _: self._fail_handshake(text), now + self._pace.limit(_HANDSHAKE))
        return True

    def _take_challenge(self, payload: bytes, now: float) -> bool:
        try:
            sealed = base64.b64decode(read_json(payload).get("Challenge", ""), validate=True)
        except ValueError:
            return False
        if self._keys is None or self._keys.decrypt(sealed) != self._secret:
            return False  # it waits until its time is over
        self._complete = True
        took = int((now - self._began) * 1e9)
        text = "This session is encrypted using AWS KMS."
        self._send_json(PayloadType.HANDSHAKE_COMPLETE, {"HandshakeTimeToComplete": took, "CustomerMessage": text})
        self._then(self._open_terminal, now + _STARTS)
        return True

    def _open_terminal(self, now: float) -> None:
        self._stage = None
        try:
            self._program = self._start(now)
        except OSError as error:
            text = f"Unable to start command: Failed to start pty: {error}"
            self._then(lambda _: self._fail(text), now + _REPORTS)
        self._reading_at = now + _FIRST_READ

    def _fail_handshake(self, text: str) -> NoReturn:
        self._fail(f"Encountered error while initiating handshake. {text}")

    def _fail(self, text: str) -> NoReturn:
        raise _FailedError(text)

    def _then(self, stage: Callable[[float], None], at: float) -> None:
        self._stage, self._stage_at = stage, at

    # What arrives.

    def _handle_inbox(self, now: float) -> None:
        """Handle messages in order, up to one that the program does not take."""
        was_blocked, self._blocked = self._blocked, False
        while self._inbox and not self._hangs:
            frame = self._inbox[0]
            if frame.message_type == ACKNOWLEDGE:
                self._stream.acknowledged(frame, now)
            elif self._repeats or was_blocked or frame.number not in self._seen:
                self._stream.receive(frame, lambda taken: self._take(taken, now))
            if self._blocked or self._hangs:
                return
            self._inbox.popleft()
            was_blocked = False

    def _take(self, frame: Frame, now: float) -> bool:
        """Take the next message in order; return False for one that is refused or not taken yet."""
        if frame.payload_type in (PayloadType.HANDSHAKE_RESPONSE, PayloadType.CHALLENGE_RESPONSE):
            taken = self._take_handshake(frame, now)
        elif self._handshake_under_way():
            if frame.payload_type == PayloadType.OUTPUT and self._began < math.inf and self._keys is None:
                raise _FailedError("Input arrived before the keys")
            taken = True
        elif self._program is None:
            taken = False
        else:
            taken = self._pass_on(frame, self._program, now)
        if taken and not self._repeats:
            self._seen.add(frame.number)
        return taken

    def _handshake_under_way(self) -> bool:
        """Return whether it has neither skipped nor completed the handshake."""
        return self._deciding or (self._key is not None and not self._complete)

    def _take_handshake(self, frame: Frame, now: float) -> bool:
        if frame.payload_type == PayloadType.CHALLENGE_RESPONSE:
            return self._take_challenge(frame.payload, now)
        if self._key is None or self._responded or not self._handshake_under_way():
            self._hangs = True
            return False
        return self._take_response(frame.payload, now)

    def _pass_on(self, frame: Frame, program: ExecProgram, now: float) -> bool:
        if frame.payload_type == PayloadType.SIZE:
            size = read_json(frame.payload)
            if isinstance(size.get("cols"), int) and isinstance(size.get("rows"), int):
                self.resized = size["cols"], size["rows"]
                program.resize(*self.resized, now)
            return True
        if frame.payload_type != PayloadType.OUTPUT:
            return True
        data = frame.payload if self._keys is None else self._keys.decrypt(frame.payload)
        if data is None:
            return False
        taken = program.write(data[self._written :], now)
        self.typed += data[self._written : self._written + taken]
        self._written += taken
        if self._written < len(data):
            self._blocked = True
            return False
        self._written = 0
        return True

    # What the program writes.

    def _read(self, now: float) -> None:
        if self._program is None or self._drained_by is not None or now < self._reading_at:
            return
        for _ in range(_AT_ONCE):
            data = self._program.read(_PIECE - len(self._rest), now)
            if data is None:  # what is left of a character is lost
                self._drained_by = now + self._pace.limit(_DRAINS)
                return
            if not data:
                break
            passed, self._rest = passed_on(self._rest + data)
            if passed:
                self._send(PayloadType.OUTPUT, passed)
        self._reading_at = now + _BETWEEN_READS

    def _send(self, kind: PayloadType, payload: bytes) -> None:
        if self._keys is not None and kind == PayloadType.OUTPUT:
            payload = self._keys.encrypt(payload, bits=next(self._ids))
        self._stream.queue(kind, payload)

    def _send_json(self, kind: PayloadType, content: Mapping[str, Any]) -> None:
        self._send(kind, json.dumps(content).encode())

    def _random(self, size: int) -> bytes:
        return b"".join(next(self._ids).to_bytes(16, "big") for _ in range(size // 16))
