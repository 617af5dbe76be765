"""A terminal in which a scripted program runs: echo, lines, Ctrl-C, Ctrl-D, and CRLF, as Linux has them by default.

The program is a generator, see `ExecDialog`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Generator, Mapping
from typing import TypeAlias

import attrs

from ecskit._simulator.task_script import check_number

__all__ = ["ExecDialog", "Interrupted", "Item", "Killed", "Terminal"]

BUFFER = 4096
"""The size of the terminal's buffers in bytes. A line holds one byte less."""

_SIGNALS = {0x03: (b"^C", 2), 0x1C: (b"^\\", 3), 0x1A: (b"^Z", 0)}
"""Bytes that are signals: how they are echoed, and the number of the signal. Ctrl-Z has no effect here."""
_CTRL_D, _ERASE, _LF, _CR = 0x04, 0x7F, 0x0A, 0x0D


@attrs.frozen(kw_only=True)
class _Modes:
    """The modes of a terminal and its program, by default those of a new one."""

    echo: bool = True
    crlf: bool = True
    """Whether LF is written as CRLF."""
    lines: bool = True
    """Whether input comes in lines, with CR for LF, and Ctrl-D for its end."""
    signals: bool = True
    """Whether Ctrl-C is a signal, and the others as well."""
    interrupts: bool = True
    """Whether the program handles Ctrl-C."""


Item: TypeAlias = str | bytes | float | Mapping[str, bool] | None
ExecDialog: TypeAlias = Generator[Item, bytes, int]
"""What a program does. It yields what it writes, seconds that it takes, changes of modes, or None to read: it gets what
was typed, b"" at the end of input. It returns its exit code. Ctrl-C raises KeyboardInterrupt in it."""


class Interrupted(KeyboardInterrupt):
    """A byte was typed that is a signal, such as Ctrl-C."""

    def __init__(self, number: int) -> None:
        """Hold the number of the signal."""
        super().__init__(number)
        self.exit_code = 128 + number


class Killed(Exception):  # noqa: N818  # an end, not an error
    """All programs of the session are killed."""


class Terminal:
    """Runs a dialog. It is an `ExecProgram`."""

    def __init__(self, dialog: ExecDialog, now: float) -> None:
        self._dialog = dialog
        self._resume: Callable[[], Item] = lambda: next(dialog)
        self._wakes = now
        self._reads = False
        self._modes = _Modes()
        self._line = bytearray()
        self._typed: deque[bytes] = deque()
        self._held = 0
        """The number of bytes in `_typed`."""
        self._written = bytearray()
        self._rest = memoryview(b"")
        """What the program has yet to write, because the buffer is full."""
        self._ended = False

    def write(self, data: bytes, now: float) -> int:
        """Type into the terminal. Return the number of bytes that it took."""
        if self._ended:
            return len(data)
        position = 0
        while position < len(data):
            if self._held >= BUFFER:
                self._advance(now)  # it may read
            if self._held >= BUFFER:
                break
            if self._modes.lines or self._modes.signals:
                self._type(data[position], now)
                position += 1
            else:
                taken = data[position : position + BUFFER - self._held]
                self._put(taken, now)
                position += len(taken)
        return position

    def read(self, most: int, now: float) -> bytes | None:
        """Return up to `most` bytes that were written; None after the end."""
        self._advance(now)
        taken = bytes(self._written[:most])
        del self._written[:most]
        return None if self._ended and not taken else taken

    def _advance(self, now: float) -> None:
        """Run the program up to a moment, or until the buffer of its output is full."""
        if self._rest:
            self._wakes = max(self._wakes, now)  # it has waited for room
        while (room := BUFFER - len(self._written)) > 0:
            if self._rest:
                self._written += self._rest[:room]
                self._rest = self._rest[room:]
            elif not self._ended and self._wakes <= now:
                self._run()
            else:
                break

    def resize(self, columns: int, rows: int, now: float) -> None:
        """Do nothing: dialogs do not use the size."""

    def next_wakeup(self) -> float:
        """Return when it may write or end next."""
        return -math.inf if self._written or self._rest or self._ended else self._wakes

    def hang_up(self) -> None:
        """End the program."""
        self._end()
        self._written.clear()
        self._rest = memoryview(b"")

    def _run(self) -> None:
        """Run the dialog up to its next item. Its time is the moment at which it was to go on."""
        try:
            item = self._resume()
        except (StopIteration, Interrupted, Killed):
            self._end()
            return
        self._resume = lambda: next(self._dialog)
        if item is None:
            self._reads, self._resume = True, self._read_typed
            if not self._typed:
                self._wakes = math.inf
        elif isinstance(item, Mapping):
            self._modes = attrs.evolve(self._modes, **item)
        elif isinstance(item, str | bytes):
            data = item.encode() if isinstance(item, str) else item
            self._rest = memoryview(data.replace(b"\n", b"\r\n") if self._modes.crlf else data)
        else:
            kinds = "a program must yield str, bytes, seconds or None; what it yielded"
            check_number(item, kinds, (int, float), "a number of seconds")
            self._wakes += item

    def _read_typed(self) -> Item:
        self._reads = False
        data = self._typed.popleft()
        self._held -= len(data)
        return self._dialog.send(data)

    def _type(self, byte: int, now: float) -> None:
        """Handle one byte of input."""
        if self._modes.signals and byte in _SIGNALS:
            shown, number = _SIGNALS[byte]
            self._line.clear()
            self._typed.clear()
            self._held = 0
            self._echo(shown)
            if number and self._modes.interrupts:
                self._reads, self._wakes = False, now
                self._resume = lambda: self._dialog.throw(Interrupted(number))
        elif not self._modes.lines:
            self._put(bytes([byte]), now)
        elif byte == _CTRL_D:
            self._put(bytes(self._line), now)
            self._line.clear()
        elif byte == _ERASE:
            self._line[-1:] = b""
            self._echo(b"\b \b")
        elif byte in (_CR, _LF):
            self._echo(b"\r\n")
            self._put(bytes(self._line) + b"\n", now)
            self._line.clear()
        elif len(self._line) < BUFFER - 1:
            self._line.append(byte)
            self._echo(bytes([byte]))

    def _put(self, data: bytes, now: float) -> None:
        """Make input readable; b"" is the end of input."""
        self._typed.append(data)
        self._held += len(data)
        if self._reads:
            self._wakes = now

    def _echo(self, data: bytes) -> None:
        if self._modes.echo:
            self._written += data

    def _end(self) -> None:
        self._ended = True
        self._dialog.close()
