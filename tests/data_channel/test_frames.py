"""Frames: their bytes, in both directions, and what is accepted of others."""

from __future__ import annotations

import pytest

from ecskit._data_channel.frames import Acknowledgement, decode, encode

from .vectors import ACKNOWLEDGED, UUID, VECTORS


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
