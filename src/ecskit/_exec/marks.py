"""The output of a wrapped command: what arrives in pieces of any size, cut at the marks of the wrapper."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from typing import TypeAlias

import attrs

from ecskit._exec.wrapper import Wrapped

__all__ = ["Begun", "Exited", "Garbled", "Lacking", "OutputEvent", "OutputReader"]

_LINE = 100_000
"""Bytes of the longest line of base64. Most programs write 76."""
_LONGEST = 80
"""Bytes of the longest mark, with its end of line."""


@attrs.frozen
class Begun:
    """The command begins. What is sent from here on is its input."""


@attrs.frozen
class Lacking:
    """The image lacks a program that the wrapper needs. The command was not run."""

    program: str
    """`stty`, `head` or `base64`."""


@attrs.frozen
class Exited:
    """The command ended. Nothing after this belongs to it."""

    code: int
    """Its exit code; 128 and the number of the signal if one ended it."""


@attrs.frozen
class Garbled:
    """Something else wrote to the terminal, between the lines of base64. Output and exit code cannot be known."""


OutputEvent: TypeAlias = Begun | Lacking | Exited | Garbled | str | bytes
"""What is found in output. Texts are `str`, with U+FFFD for what is no UTF-8; binary and interactive output `bytes`."""


class OutputReader:
    """Reads the output of one wrapped command."""

    def __init__(self, wrapped: Wrapped) -> None:
        """Read what `wrapped` prints."""
        self.begun = False
        """Whether the command has begun."""
        self._ended = False
        self._held = b""
        self._mark = wrapped.mark
        self._begin = re.compile(re.escape(wrapped.mark) + rb"(?:\+(raw|cooked)|-([a-z0-9]+));\r?\n")
        self._end = re.compile(re.escape(wrapped.mark) + rb"=(\d{1,3});")
        self._base64 = _Base64Lines() if wrapped.binary else None
        texts = not (wrapped.binary or wrapped.interactive)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace") if texts else None
        self._cooked = False

    def feed(self, data: bytes) -> list[OutputEvent]:
        """Take what has arrived, and return what is in it. What could begin a mark is held back."""
        events: list[OutputEvent] = []
        if not (self.begun or self._ended):
            data = self._preceding(data, events)
        if self._ended or not self.begun:
            return events
        if self._base64:
            try:
                data = self._base64.feed(data)
            except binascii.Error:
                self._ended = True
                return [*events, Garbled()]
        self._held += data
        found = self._end.search(self._held)
        output = self._take(found.start() if found else self._free(), last=bool(found))
        if output:
            events.append(output)
        if found:
            self._ended, self._held = True, b""
            code = int(found[1])
            # ksh93 counts signals from 256 on, and yash from 384 on.
            events.append(Exited(code if code < 256 else 128 + code % 128))
        return events

    def end(self) -> str | bytes:
        """Return what was held back, after the last piece of a session that ended without a mark."""
        return self._take(len(self._held) if self.begun else 0, last=True)

    def _preceding(self, data: bytes, events: list[OutputEvent]) -> bytes:
        """Add what the begin mark shows, and return what is behind it."""
        self._held += data
        found = self._begin.search(self._held)
        if not found:
            self._held = self._held[-_LONGEST:]
            return b""
        rest, self._held = self._held[found.end() :], b""
        if found[2]:
            self._ended = True
            events.append(Lacking(found[2].decode()))
        else:
            self.begun = True
            # Inverting it would change binary data and what an interactive program sends.
            self._cooked = found[1] == b"cooked" and self._decoder is not None
            events.append(Begun())
        return rest

    def _free(self) -> int:
        """Return how much of what is held can belong to no mark. Marks contain `@` at their beginning alone."""
        held = self._held
        start = held.rfind(b"@")
        tail = held[start:] if start >= 0 else b""
        if tail and (self._mark.startswith(tail) or _CUT.fullmatch(tail.removeprefix(self._mark))):
            held = held[:start]
        return len(held) - (self._cooked and held.endswith(b"\r"))

    def _take(self, size: int, *, last: bool) -> str | bytes:
        """Return so much of what is held, as the command wrote it."""
        taken, self._held = self._held[:size], self._held[size:]
        if self._cooked:
            taken = taken.replace(b"\r\n", b"\n")
        return self._decoder.decode(taken, last) if self._decoder else taken


_CUT = re.compile(rb"(=\d{0,3})?")
"""What can follow the mark where a piece ends."""


class _Base64Lines:
    """Decodes base64 line by line. All lines but the last one have the same length, so that other output is noticed."""

    def __init__(self) -> None:
        self._rest = b""
        self._width = 0
        self._last = False

    def feed(self, data: bytes) -> bytes:
        """Return what complete lines hold.

        Raises:
            binascii.Error: A line is no base64, or has not the length of a line here.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LINE:
            raise binascii.Error("no line of base64")
        return b"".join(map(self._decoded, lines))

    def _decoded(self, line: bytes) -> bytes:
        line = line.removesuffix(b"\r")
        if not line:
            return b""
        self._width = self._width or len(line)
        if self._last or len(line) > self._width:
            raise binascii.Error("not the next line of base64")
        self._last = len(line) < self._width or line.endswith(b"=")
        return base64.b64decode(line, validate=True)
