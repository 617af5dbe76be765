"""Frames, the binary messages of the data channel: their layout, and the payload of acknowledgements.

Decoding accepts what the service sends: pads of spaces or NULs, headers without a payload type, digests that are wrong
where nothing checks them. `Frame.intact` is for those types whose length and digest are reliable.

Source: https://github.com/aws/session-manager-plugin, src/message
"""

from __future__ import annotations

import hashlib
import json
import struct
from enum import IntEnum
from typing import Any, Final, cast

import attrs

__all__ = [
    "ACKNOWLEDGE",
    "CHANNEL_CLOSED",
    "FIN",
    "INPUT",
    "OUTPUT",
    "SYN",
    "Acknowledgement",
    "Frame",
    "PayloadType",
    "decode",
    "encode",
    "random_uuid",
    "read_json",
    "uuid_text",
]

INPUT: Final = "input_stream_data"
OUTPUT: Final = "output_stream_data"
ACKNOWLEDGE: Final = "acknowledge"
CHANNEL_CLOSED: Final = "channel_closed"

SYN: Final = 1
FIN: Final = 2

_SHORT_HEADER = struct.Struct(">I32sIQqQ16s32s")
_HEADER = struct.Struct(">I32sIQqQ16s32sI")
_LENGTH = struct.Struct(">I")
_SCHEMA_VERSION = 1
_MOST = (1 << 128) - 1


class PayloadType(IntEnum):
    """What the payload of a stream message is."""

    ACKNOWLEDGEMENT = 0
    OUTPUT = 1
    SIZE = 3
    HANDSHAKE_REQUEST = 5
    HANDSHAKE_RESPONSE = 6
    HANDSHAKE_COMPLETE = 7
    CHALLENGE_REQUEST = 8
    CHALLENGE_RESPONSE = 9
    STDERR = 11


@attrs.frozen(kw_only=True)
class Frame:
    """One binary message.

    Attributes:
        message_type: What the message is, without pads.
        message_id: Its UUID as a number.
        created: When it was created, in milliseconds since the epoch.
        number: The sequence number.
        payload_type: A `PayloadType` or any other number; None for headers without one, as in `channel_closed`.
        payload: The content. Not part of the repr, because it may be secret.
        intact: Whether length and digest match the payload. `encode` writes matching ones.
    """

    message_type: str
    message_id: int
    created: int
    number: int = 0
    flags: int = 0
    payload_type: int | None = None
    payload: bytes = attrs.field(default=b"", repr=False)
    intact: bool = True


def encode(frame: Frame) -> bytes:
    """Return the bytes of a frame. Types are padded with spaces; with NULs if there is no payload type."""
    short = frame.payload_type is None
    fields = (
        frame.message_type.encode("ascii").ljust(32, b"\0" if short else b" "),
        _SCHEMA_VERSION,
        frame.created,
        frame.number,
        frame.flags,
        _swapped(frame.message_id.to_bytes(16, "big")),
        hashlib.sha256(frame.payload).digest(),
    )
    if short:
        header = _SHORT_HEADER.pack(_SHORT_HEADER.size, *fields)
    else:
        header = _HEADER.pack(_HEADER.size, *fields, frame.payload_type)
    return header + _LENGTH.pack(len(frame.payload)) + frame.payload


def decode(data: bytes) -> Frame | None:
    """Return the frame that the bytes hold, or None if they are no frame."""
    if len(data) < _SHORT_HEADER.size + _LENGTH.size:
        return None
    header_length, message_type, _, created, number, flags, message_id, digest = _SHORT_HEADER.unpack_from(data)
    start = header_length + _LENGTH.size
    if header_length < _SHORT_HEADER.size or start > len(data):
        return None
    payload_type = None
    if header_length >= _HEADER.size:
        (payload_type,) = _LENGTH.unpack_from(data, _SHORT_HEADER.size)
    payload = data[start:]
    (length,) = _LENGTH.unpack_from(data, header_length)
    return Frame(
        message_type=message_type.strip(b" \0").decode("ascii", "replace"),
        message_id=int.from_bytes(_swapped(message_id), "big"),
        created=created,
        number=number,
        flags=flags,
        payload_type=payload_type,
        payload=payload,
        intact=length == len(payload) and (not payload or digest == hashlib.sha256(payload).digest()),
    )


@attrs.frozen(kw_only=True)
class Acknowledgement:
    """The payload of a frame that acknowledges another one."""

    message_type: str
    message_id: int
    number: int

    def payload(self) -> bytes:
        """Return it as JSON."""
        return (
            f'{{"AcknowledgedMessageType":"{self.message_type}","AcknowledgedMessageId":"{uuid_text(self.message_id)}",'
            f'"AcknowledgedMessageSequenceNumber":{self.number},"IsSequentialMessage":true}}'
        ).encode("ascii")

    @staticmethod
    def numbers(payload: bytes) -> tuple[str, int] | None:
        """Return type and sequence number of the message that a payload acknowledges; None if it is no such payload."""
        content = read_json(payload)
        message_type = content.get("AcknowledgedMessageType")
        number = content.get("AcknowledgedMessageSequenceNumber")
        return (message_type, number) if isinstance(message_type, str) and isinstance(number, int) else None


def read_json(payload: bytes) -> dict[str, Any]:
    """Return the JSON object that a payload holds; an empty one if it holds none."""
    try:
        content = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", content) if isinstance(content, dict) else {}


def random_uuid(bits: int) -> int:
    """Return the random UUID (version 4) that has these 128 bits, but for the six that are fixed."""
    return bits & _MOST & ~(0xF << 76) & ~(0x3 << 62) | 4 << 76 | 2 << 62


def uuid_text(value: int) -> str:
    """Return a UUID with its hyphens."""
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _swapped(uuid: bytes) -> bytes:
    """Return a UUID with its halves swapped, as frames hold it."""
    return uuid[8:] + uuid[:8]
