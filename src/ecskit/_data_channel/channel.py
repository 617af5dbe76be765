"""The client's end of a data channel: what it sends and when, and what the other end sends.

It has neither socket nor clock. Messages and times come in; messages, events and the next time to wake up go out.

The agent loses input that arrives too early: during a handshake it acknowledges it and throws it away. So input and
sizes are queued until the gate opens, with the end of the handshake, with the first output, or after some silence.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence

from .encryption import Keys
from .events import Broken, Ended, Event, KeyRequested, Opened, Output
from .frames import ACKNOWLEDGE, CHANNEL_CLOSED, INPUT, Frame, PayloadType, decode, random_uuid, uuid_text
from .handshake import CLIENT_VERSION, Action, KeyAnswer, answer_challenge, read_actions, response
from .pacing import Pace
from .stream import Stream

__all__ = ["DataChannel"]

_PIECE = 1024
"""Bytes of input in one message."""
_UNDER_WAY = 256
"""Messages of this end that may be without acknowledgement. More input waits in the channel."""
_DAMAGED = 20
"""Damaged messages, one after the other, that end the channel. The other end sends them again until then."""
_GIVEN_UP_AFTER = 300.0
"""Seconds after which the agent counts as gone if an acknowledgement is due, and nothing at all arrives."""
_SILENCE = 5.0
"""Seconds after the first connection until the gate opens for a program that writes nothing.

Inferred from the source of the agent, which decides about the handshake before it starts the program.
"""


class DataChannel:
    """The client's end of one session, over all its connections.

    After each change (`connect`, `receive`, `send_input` and so on), send what `messages` returns.

    Args:
        ids: Numbers of 128 bits for the ids of messages and the nonces of encryption. The first is random; none repeats
            in its lowest 96 bits.
        epoch: Seconds since the epoch at time 0 of the clock that `now` is taken from.
        encrypted: Whether the cluster has a KMS key; None if this is unknown. With a key, only the end of the handshake
            opens the gate.
        speed: Seconds of the clock per real second. The agent takes real time to answer.
    """

    def __init__(self, *, ids: Iterator[int], epoch: float, encrypted: bool | None = None, speed: float = 1.0) -> None:
        self.opened = False
        """Whether the gate is open: input and sizes are sent."""
        self.ended = False
        """Whether the channel has reported `Ended` or `Broken`. It takes nothing in after this."""
        self._ids = ids
        self._client_id = uuid_text(random_uuid(next(ids)))
        self._pace = Pace()
        self._stream = Stream(sends=INPUT, ids=ids, epoch=epoch, pace=self._pace)
        self._opening: str | None = None
        self._silent_until = math.inf
        self._encrypted = bool(encrypted)
        self._actions: Sequence[Action] | None = None
        self._keys: Keys | None = None
        self._input = bytearray()
        self._size: tuple[int, int] | None = None
        self._size_due = False
        self._output_seen = False
        self._damaged = 0
        self._heard_at = -math.inf
        self._given_up_after = _GIVEN_UP_AFTER * speed
        self._events: list[Event] = []

    @property
    def pending(self) -> int:
        """Bytes that are queued, or sent and not acknowledged. Those that are sent again after a cut do not count."""
        return len(self._input) + self._stream.bytes_under_way

    @property
    def has_gap(self) -> bool:
        """Whether output has arrived after output that is still missing."""
        return self._stream.has_gap

    def connect(self, token: str) -> None:
        """Begin a connection, the first one or the next one after a cut.

        Args:
            token: The token of ExecuteCommand, or of ResumeSession after a cut.
        """
        self._opening = json.dumps(
            {
                "MessageSchemaVersion": "1.0",
                "RequestId": uuid_text(random_uuid(next(self._ids))),
                "TokenValue": token,
                "ClientId": self._client_id,
                "ClientVersion": CLIENT_VERSION,
            }
        )
        self._stream.reconnected()

    def send_input(self, data: bytes) -> None:
        """Queue bytes for the standard input of the program."""
        self._input += data

    def resize(self, columns: int, rows: int) -> None:
        """Queue the size of the terminal. It replaces one that was not sent yet."""
        self._size = columns, rows
        self._size_due = True

    def provide_key(self, plaintext: bytes, ciphertext: bytes) -> None:
        """Answer `KeyRequested` with the data key that KMS made: 64 bytes, and the same encrypted.

        Raises:
            MissingExtraError: The extra `exec` is not installed.
        """
        self._keys = Keys(plaintext)
        self._respond(KeyAnswer(ciphertext))

    def refuse_key(self, reason: str) -> None:
        """Answer `KeyRequested` with the reason why there is no key. The agent then ends the session."""
        self._respond(KeyAnswer(refused=reason))

    def receive(self, messages: Sequence[str | bytes], now: float) -> list[Event]:
        """Take in what arrived, and that time has passed.

        Args:
            messages: All that arrived, in order; empty if nothing did.
            now: The present time, in seconds.

        Returns:
            What follows from it, in order.
        """
        for message in messages:
            # Text frames are ignored, as AWS's own client ignores them.
            frame = decode(message) if isinstance(message, bytes) else None
            if frame is not None and not self.ended:
                self._receive(frame, now)
        if not self.ended and now - max(self._stream.awaited_since(), self._heard_at) >= self._given_up_after:
            self._break(f"The agent has acknowledged nothing for {_GIVEN_UP_AFTER / 60:.0f} minutes")
        if not self.ended and now >= self._silent_until and self._actions is None:
            self._open()
        events, self._events = self._events, []
        return events

    def messages(self, now: float) -> list[str | bytes]:
        """Return what to send now, in order: the opening of a connection, acknowledgements, then the rest."""
        messages: list[str | bytes] = []
        if self._opening is not None:
            messages.append(self._opening)
            self._opening = None
            if not self._encrypted:
                self._silent_until = min(self._silent_until, now + _SILENCE)
            self._pace.take(1, now)
        if self.opened and not self.ended:
            self._queue_input()
        messages += self._stream.messages(now)
        return messages

    def next_wakeup(self) -> float:
        """Return when to call `receive` and `messages` if nothing arrives before; `math.inf` for never."""
        if self._opening is not None:
            return -math.inf
        if self.ended:
            return math.inf
        is_silent = not self.opened and self._actions is None and (self._input or self._size_due)
        return min(self._stream.next_wakeup(), self._silent_until if is_silent else math.inf)

    def _receive(self, frame: Frame, now: float) -> None:
        if frame.message_type == CHANNEL_CLOSED:
            self._end(Ended(_closing_text(frame.payload)))
        elif frame.message_type in (ACKNOWLEDGE, self._stream.receives):
            if frame.intact and self._taken(frame, now):
                self._damaged, self._heard_at = 0, now
                return
            self._damaged += 1
            if self._damaged >= _DAMAGED:
                self._break("The service sends damaged messages: their length or digest is wrong")

    def _taken(self, frame: Frame, now: float) -> bool:
        if frame.message_type == ACKNOWLEDGE:
            return self._stream.acknowledged(frame, now)
        self._stream.receive(frame, self._take)
        return True

    def _take(self, frame: Frame) -> bool:
        """Take the next message of the agent. None is refused; unknown ones are ignored."""
        if self.ended:
            return True
        match frame.payload_type:
            case PayloadType.OUTPUT | PayloadType.STDERR:
                self._take_output(frame.payload)
            case PayloadType.HANDSHAKE_REQUEST:
                self._take_request(frame.payload)
            case PayloadType.HANDSHAKE_COMPLETE:
                self._open()
            case PayloadType.CHALLENGE_REQUEST:
                self._take_challenge(frame.payload)
            case _:
                pass
        return True

    def _take_output(self, payload: bytes) -> None:
        data = payload if self._keys is None else self._keys.decrypt(payload)
        if data is None:
            self._break("The output cannot be decrypted with the key of this session")
            return
        if not self._output_seen:
            self._output_seen = True
            # A size that was sent before the terminal existed may be lost.
            self._size_due = self._size is not None
        if self._actions is None and not self._encrypted:
            self._open()
        self._events.append(Output(data))

    def _take_request(self, payload: bytes) -> None:
        if self._actions is not None:
            return  # A second answer blocks the agent.
        self.opened = False  # If the silence was long, what follows waits for the end of the handshake.
        self._actions = read_actions(payload)
        if self._actions is None:
            self._break("The handshake request of the agent cannot be read")
            return
        unsupported = [action.type for action in self._actions if not action.supported]
        request = next((action for action in self._actions if action.key_id), None)
        if unsupported:
            self._respond(KeyAnswer(refused="The handshake failed"))
            self._break(f"The agent requests an action that ecskit does not support: {', '.join(unsupported)}")
        elif request is not None and request.key_id:
            self._events.append(KeyRequested(request.key_id, request.challenge))
        else:
            self._respond(KeyAnswer())

    def _respond(self, key: KeyAnswer) -> None:
        self._stream.queue(PayloadType.HANDSHAKE_RESPONSE, response(self._actions or (), key))

    def _take_challenge(self, payload: bytes) -> None:
        keys = self._keys
        answer = None if keys is None else answer_challenge(payload, keys, bits=next(self._ids))
        if answer is None:
            self._break("The challenge of the agent cannot be decrypted with the key of this session")
        else:
            self._stream.queue(PayloadType.CHALLENGE_RESPONSE, answer)

    def _open(self) -> None:
        if not self.opened:
            self.opened = True
            self._events.append(Opened())

    def _queue_input(self) -> None:
        """Move input to the stream, as much as may be under way."""
        if self._size_due and self._size is not None:
            columns, rows = self._size
            self._stream.queue(PayloadType.SIZE, f'{{"cols":{columns},"rows":{rows}}}'.encode("ascii"))
            self._size_due = False
        while self._input and self._stream.under_way < _UNDER_WAY:
            piece = bytes(self._input[:_PIECE])
            del self._input[:_PIECE]
            if self._keys is not None:
                piece = self._keys.encrypt(piece, bits=next(self._ids))
            self._stream.queue(PayloadType.OUTPUT, piece)

    def _break(self, reason: str) -> None:
        self._end(Broken(reason))

    def _end(self, event: Event) -> None:
        self.ended = True
        self._events.append(event)


def _closing_text(payload: bytes) -> str:
    """Return why the service closed the channel; empty after a normal end."""
    try:
        text = json.loads(payload)["Output"]
    except (ValueError, RecursionError):
        return payload.decode("utf-8", "replace")
    except (LookupError, TypeError):
        return ""
    return text if isinstance(text, str) else ""
