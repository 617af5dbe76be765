"""The reader of the output of wrapped commands."""

from __future__ import annotations

import pytest

from ecskit._exec.marks import Begun, Exited, OutputEvent, OutputReader
from ecskit._exec.wrapper import unwrap, wrap

WRAPPED = wrap("true", nonce=5)


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


def test_the_command_is_found_in_the_text() -> None:
    """And the options; other texts are not taken for wrapped ones."""
    wrapped = wrap(["a b", "#"], nonce=2**128 - 1, input=b"xyz", binary=True)
    found = unwrap(wrapped.command)
    assert found is not None
    assert (("a b", "#"), 3, True, False) == (found.argv, found.size, found.binary, found.interactive)
    assert wrapped.mark == found.mark
    assert unwrap("sh -c true") is None
