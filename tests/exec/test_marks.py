"""The reader of the output of wrapped commands."""

from __future__ import annotations

import base64

import pytest

from ecskit._exec.marks import Begun, Exited, Garbled, OutputEvent, OutputReader
from ecskit._exec.wrapper import wrap

WRAPPED = wrap("true", nonce=5)
MARK = WRAPPED.mark


def joined(pieces: list[bytes]) -> list[OutputEvent]:
    """Return what a reader finds in pieces, texts joined."""
    reader = OutputReader(WRAPPED)
    events: list[OutputEvent] = []
    for event in (event for piece in pieces for event in reader.feed(piece)):
        if isinstance(event, str) and events and isinstance(events[-1], str):
            events[-1] += event
        else:
            events.append(event)
    return [*events, *([reader.end()] if reader.end() else [])]


@pytest.mark.parametrize("ends", ["raw;\n", "cooked;\r\n"])
def test_a_mark_may_be_cut_at_every_byte(ends: str) -> None:
    """Marks are looked for in what was joined."""
    line = "\r\n" if "cooked" in ends else "\n"
    mark = WRAPPED.mark.decode()
    output = f"before{line}{mark}+{ends}é@{mark[:-1]}{line}{mark}=x;{line}{mark}=3;{line}late".encode()
    expected = [Begun(), f"é@{mark[:-1]}\n{mark}=x;\n", Exited(3)]
    for cut in range(len(output)):
        assert expected == joined([output[:cut], output[cut:]])
    assert expected == joined([output[at : at + 1] for at in range(len(output))])


def test_shells_that_count_signals_from_elsewhere_mean_the_same() -> None:
    """ksh93 adds 256 to the number of the signal, yash 384."""
    for code, shown in {"137": 137, "255": 255, "265": 137, "393": 137, "258": 130}.items():
        assert [Begun(), Exited(shown)] == joined([MARK + b"+raw;\n" + MARK + b"=" + code.encode() + b";"])


def test_no_more_is_held_back_than_could_begin_a_mark() -> None:
    """So what a command prints is seen at once."""
    reader = OutputReader(WRAPPED)
    assert [Begun()] == reader.feed(MARK + b"+raw;\n")
    assert ["a"] == reader.feed(b"a@")
    assert ["@@b"] == reader.feed(b"@b")
    assert [] == reader.feed(MARK)
    assert [] == reader.feed(b"=12")
    assert [f"{MARK.decode()}=12 "] == reader.feed(b" ")
    assert ["\r"] == reader.feed(b"\r")  # only cooked terminals turn CRLF into LF
    assert [f"{MARK.decode()}=1234"] == reader.feed(MARK + b"=1234")


def test_what_was_held_back_is_the_end_of_an_output_without_a_mark() -> None:
    """The session ended: the shell was killed."""
    reader = OutputReader(WRAPPED)
    events = reader.feed(MARK + b"+cooked;\r\na\xc3")
    assert [Begun(), "a"] == events
    assert [] == reader.feed(b"\r")
    assert "\ufffd\r" == reader.end()
    assert OutputReader(WRAPPED).end() == ""


def test_little_is_kept_of_what_precedes_the_command() -> None:
    """No more than can begin a mark, however much a shell writes that cannot run."""
    reader = OutputReader(WRAPPED)
    assert [] == [event for _ in range(100) for event in reader.feed(b"error\r\n" * 100)]
    assert len(reader._held) <= 80
    assert [Begun(), "x"] == reader.feed(MARK[:7]) + reader.feed(MARK[7:] + b"+raw;\nx")


def test_nothing_follows_the_end() -> None:
    """Neither output of children, nor another mark."""
    reader = OutputReader(WRAPPED)
    assert [Begun(), "x", Exited(3)] == reader.feed(MARK + b"+raw;\nx" + MARK + b"=3;\n")
    assert [] == reader.feed(b"late" + MARK + b"=0;\n")
    assert "" == reader.end()


@pytest.mark.parametrize("width", [4, 60, 76, 10**5])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_base64_is_decoded_in_lines_of_any_length(width: int, end: bytes) -> None:
    """Cut anywhere; marks are inside, but for the first."""
    wrapped = wrap("true", nonce=5, binary=True)
    encoded = base64.b64encode(bytes(range(200)) + MARK + b"=7;\n")
    lines = end.join(encoded[at : at + width] for at in range(0, len(encoded), width)) + end
    reader = OutputReader(wrapped)
    data = MARK + b"+raw;\n" + lines
    events = [event for at in range(0, len(data), 7) for event in reader.feed(data[at : at + 7])]
    assert [Begun(), Exited(7)] == [events[0], events[-1]]
    assert bytes(range(200)) == b"".join(event for event in events if isinstance(event, bytes))


@pytest.mark.parametrize(
    "lines",
    [
        [b"A" * 76, b"A" * 40, b"A" * 76],
        [b"A" * 76, b"A" * 77],
        [b"A" * 75 + b"=", b"A" * 76],
        [b"A" * 76, b"hello!"],
        [b"A" * 76, b"A" * 75],
        [b"A" * 76, b"\xff" * 76],
        [b"A" * 100_001],
    ],
)
def test_other_lines_between_base64_are_noticed(lines: list[bytes]) -> None:
    """All lines but the last one have the same length."""
    reader = OutputReader(wrap("true", nonce=5, binary=True))
    *_, last = reader.feed(MARK + b"+raw;\n" + b"".join(line + b"\n" for line in lines))
    assert Garbled() == last
    assert [] == reader.feed(b"AAAA\n")


def test_reading_takes_linear_time() -> None:
    """Ten megabytes in pieces of a kilobyte, each of which ends like a mark."""
    reader = OutputReader(WRAPPED)
    reader.feed(MARK + b"+raw;\n")
    piece = b"x" * (1024 - len(MARK)) + MARK
    read = sum(len(event) for _ in range(10_000) for event in reader.feed(piece) if isinstance(event, str))
    assert 10_000 * 1024 == read + len(reader.end())
