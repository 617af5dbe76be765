"""The terminal of this process, for `shell`: raw mode, what is typed, what is shown, and its size. POSIX only."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from importlib.util import find_spec
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

from ecskit._core.errors import ConfigurationError

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Terminal", "Typing", "own_terminal"]

_PIECE = 4096
"""Bytes that are read at once."""
_PAUSE = 0.05
"""Seconds between checks of whether the session has room again."""
_ENDING = ("SIGTERM", "SIGHUP")
"""Signals that end a process which does not handle them, and would leave its terminal in raw mode."""
_END_OF_INPUT = b"\x04"


class Typing(Protocol):
    """Where keys and sizes go. A thread calls it."""

    def type(self, data: bytes, /) -> None:
        """Pass bytes on. It does not wait."""

    def resize(self) -> None:
        """Note that the terminal has another size."""

    @property
    def has_room(self) -> bool:
        """Whether more may be typed."""
        ...


def own_terminal() -> Terminal:
    """Return the terminal of this process.

    Raises:
        ConfigurationError: The system has none, or standard input or output is redirected.
    """
    if find_spec("termios") is None:
        raise ConfigurationError(
            "tasks.shell: it needs a POSIX terminal; on Windows, use tasks.execute or tasks.open_session"
        )
    for stream, name in ((sys.stdin, "standard input"), (sys.stdout, "standard output")):
        try:
            connected = stream.isatty()
        except (AttributeError, ValueError):  # absent, or closed
            connected = False
        if not connected:
            raise ConfigurationError(
                f"tasks.shell: {name} is not a terminal; run a command with tasks.execute, or open a session with"
                " tasks.open_session"
            )
    return Terminal(sys.stdin.fileno(), sys.stdout.fileno())


class Terminal:
    """A terminal that is in raw mode between `enter` and `leave`: every key is data, Ctrl-C and Ctrl-Z too.

    Args:
        source: The file descriptor to read.
        target: The file descriptor to write.
    """

    def __init__(self, source: int, target: int) -> None:
        self._source, self._target = source, target
        self._before: list[Any] | None = None
        self._handlers: dict[int, Any] = {}
        self._reader: threading.Thread | None = None
        self._signals: tuple[int, int] | None = None
        """A pipe: a byte for each new size, and its end is the end of the reader."""
        self._leaving = False
        """Set first when the terminal is restored: signals change nothing any more."""
        self._ending: int | None = None
        """A signal that has to end the process once the terminal is restored."""

    @property
    def size(self) -> tuple[int, int]:
        """The number of columns and rows; 80 and 24 if it is unknown."""
        with contextlib.suppress(OSError):
            columns, rows = os.get_terminal_size(self._target)
            if columns and rows:
                return columns, rows
        return 80, 24

    def __enter__(self) -> Self:
        """Let signals that would end the process raise SystemExit until `leave`, so that what runs is cleaned up.

        Python allows this in the main thread only. A signal that the program handles stays with its handler.
        """
        for name in _ENDING if _is_main_thread() else ():
            number = getattr(signal, name)
            if signal.getsignal(number) is signal.SIG_DFL:
                self._handlers[number] = signal.signal(number, self._end)
        return self

    def __exit__(self, *_: object) -> None:
        """Do what `leave` does."""
        self.leave()

    def enter(self, typing: Typing) -> None:
        """Begin raw mode, and pass keys and sizes on, from a thread of its own."""
        import termios

        sys.stdout.flush()
        self._before = termios.tcgetattr(self._source)
        self._signals = os.pipe()
        if _is_main_thread():
            # A shell that continues this process has changed the mode of the terminal.
            self._handlers[signal.SIGCONT] = signal.signal(signal.SIGCONT, lambda *_: self._continue())
            self._handlers[signal.SIGWINCH] = signal.signal(signal.SIGWINCH, lambda *_: self._note_size())
        self._make_raw()
        reader = threading.Thread(
            target=self._read, args=(typing, self._signals[0]), name="ecskit-terminal", daemon=True
        )
        reader.start()
        self._reader = reader

    def leave(self) -> None:
        """End raw mode, and stop reading. A second call does nothing."""
        import termios

        self._leaving = True
        if self._before is not None:
            with contextlib.suppress(termios.error):  # the terminal is gone
                # At once: to wait for output could take for ever, or be interrupted by a signal.
                termios.tcsetattr(self._source, termios.TCSANOW, self._before)
            self._before = None
        reader, self._reader = self._reader, None
        signals, self._signals = self._signals, None
        if signals is not None:
            os.close(signals[1])
            if reader is not None:
                reader.join()
            os.close(signals[0])
        while self._handlers:
            number, handler = self._handlers.popitem()
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: not set by Python
        if self._ending is not None:
            raise SystemExit(128 + self._ending)

    def write(self, data: bytes) -> None:
        """Show bytes. It waits for a slow terminal."""
        while data:
            try:
                data = data[os.write(self._target, data) :]
            except BlockingIOError:  # another program has made it non-blocking
                select.select([], [self._target], [])

    def _make_raw(self) -> None:
        import termios
        import tty

        tty.setraw(self._source, termios.TCSADRAIN)  # what was typed ahead stays

    def _end(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self._leaving:
            self._ending = number
        else:
            raise SystemExit(128 + number)

    def _continue(self) -> None:
        if not self._leaving:
            self._make_raw()

    def _note_size(self) -> None:
        # A handler may run in the middle of anything, so the thread does the rest.
        if self._signals is not None and not self._leaving:
            os.write(self._signals[1], b"r")

    def _read(self, typing: Typing, signals: int) -> None:
        source = [self._source]
        while True:
            has_room = typing.has_room
            ready, _, _ = select.select([signals, *(source if has_room else [])], [], [], None if has_room else _PAUSE)
            if signals in ready:
                if not os.read(signals, _PIECE):
                    return
                typing.resize()
            if self._source not in ready:
                continue
            try:
                data = os.read(self._source, _PIECE)
            except OSError:  # the terminal is gone
                data = b""
            typing.type(data or _END_OF_INPUT)
            if not data:
                source = []


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
