"""Frames: their bytes, in both directions, and what is accepted of others."""

from __future__ import annotations

import struct

import attrs
import pytest
from hypothesis import given, settings, strategies as st

from ecskit._data_channel.frames import Acknowledgement, Frame, decode, encode, random_uuid, uuid_text

from .vectors import ACKNOWLEDGED, CREATED, UUID, VECTORS


@pytest.mark.parametrize("name", VECTORS)
def test_frames_are_these_bytes(name: str) -> None:
    """The layout is exact: halves of UUIDs, pads, the short header."""
    data, frame = VECTORS[name]
    assert data.hex() == encode(frame).hex()
    assert frame == decode(data)


def test_an_acknowledgement_names_the_message() -> None:
    """Its id has hyphens and is not swapped."""
    acknowledgement = Acknowledgement(message_type="output_stream_data", message_id=UUID, number=7)
    assert ACKNOWLEDGED == acknowledgement.payload()
    assert ("output_stream_data", 7) == Acknowledgement.numbers(ACKNOWLEDGED)


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"{", b"\xff", b"{}", b'{"AcknowledgedMessageType":"output_stream_data"}', b"[" * 99_999]
)
def test_other_payloads_acknowledge_nothing(payload: bytes) -> None:
    """Neither JSON of another shape nor anything else does."""
    assert Acknowledgement.numbers(payload) is None


def test_a_random_uuid_has_version_4() -> None:
    """All other bits stay as they are; more than 128 are cut off."""
    assert "00000000-0000-4000-8000-000000000000" == uuid_text(random_uuid(0))
    assert "ffffffff-ffff-4fff-bfff-ffffffffffff" == uuid_text(random_uuid((1 << 140) - 1))


@settings(max_examples=50)
@given(
    st.builds(
        Frame,
        message_type=st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=32),
        message_id=st.integers(0, (1 << 128) - 1),
        created=st.integers(1, (1 << 64) - 1),
        number=st.integers(-(1 << 63), (1 << 63) - 1),
        flags=st.integers(0, 3),
        payload_type=st.none() | st.integers(0, (1 << 32) - 1),
        payload=st.binary(max_size=2000),
    )
)
def test_frames_are_read_as_they_were_written(frame: Frame) -> None:
    """All fields, at their limits too."""
    assert frame == decode(encode(frame))


@pytest.mark.parametrize("pads", [b"\0", b" ", b" \0", b"\0 "])
def test_pads_are_spaces_or_nuls_on_either_side(pads: bytes) -> None:
    """The type is what stands between them."""
    data, frame = VECTORS["output"]
    padded = (pads * 3 + b"output_stream_data").ljust(32, pads[:1])
    assert frame == decode(data[:4] + padded + data[36:])


def test_headers_of_the_future_are_longer() -> None:
    """Length and payload stand behind the header, wherever it ends."""
    data, frame = VECTORS["output"]
    longer = struct.pack(">I", 124) + data[4:116] + b"\1" * 8 + data[116:]
    assert frame == decode(longer)


@pytest.mark.parametrize("place", [80, 111, 119, 123])
def test_a_changed_digest_length_or_payload_is_found(place: int) -> None:
    """The payload is all that follows the header."""
    data, frame = VECTORS["output"]
    changed = decode(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    assert changed is not None
    assert not changed.intact
    assert frame == attrs.evolve(changed, intact=True, payload=frame.payload)


def test_the_digest_of_nothing_is_not_checked() -> None:
    """AWS's own client does not check it either."""
    empty = encode(Frame(message_type="output_stream_data", message_id=1, created=CREATED, payload_type=1))
    decoded = decode(empty[:80] + bytes(32) + empty[112:])
    assert decoded is not None
    assert decoded.intact


@settings(max_examples=200)
@given(st.binary(max_size=300) | st.tuples(st.integers(0, 400), st.binary(max_size=300)).map(lambda t: _headed(*t)))
def test_anything_is_decoded_without_an_error(data: bytes) -> None:
    """What is no frame is None."""
    decode(data)


def _headed(length: int, rest: bytes) -> bytes:
    return struct.pack(">I", length) + rest


@pytest.mark.parametrize("length", [0, 111, 1000, (1 << 32) - 1])
def test_impossible_headers_are_no_frames(length: int) -> None:
    """The payload would begin before the digest ends, or after the end."""
    assert decode(_headed(length, VECTORS["output"][0][4:])) is None
    assert decode(VECTORS["output"][0][:115]) is None
