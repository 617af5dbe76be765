"""The terminal of a process in raw mode, on a real pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import sys
import termios
import threading
from collections.abc import Iterator

import pytest

from ecskit._exec.terminal import Terminal, own_terminal
from ecskit.errors import ConfigurationError


class Typed:
    """Collects what is typed."""

    def __init__(self) -> None:
        self.data = b""
        self.has_room = True
        self.came = threading.Semaphore(0)
        self.resized = threading.Event()

    def type(self, data: bytes, /) -> None:
        self.data += data
        self.came.release()

    def resize(self) -> None:
        self.resized.set()


@pytest.fixture
def pair() -> Iterator[tuple[int, int]]:
    """Return both ends of a pseudo-terminal: that of the person, and that of the program."""
    person, program = pty.openpty()
    yield person, program
    os.close(person)
    os.close(program)


def modes(program: int) -> list[object]:
    return termios.tcgetattr(program)[:4]


def test_every_key_is_data_until_the_terminal_is_restored(pair: tuple[int, int]) -> None:
    person, program = pair
    before, typed = modes(program), Typed()
    shown = Terminal(program, program)
    shown.enter(typed)
    try:
        os.write(person, b"ls\r\x03\x1a")
        while typed.data != b"ls\r\x03\x1a":
            assert typed.came.acquire(timeout=10)
        shown.write(b"a\nb")
        assert os.read(person, 100) == b"a\nb"  # no echo, and no CR in front of LF
    finally:
        shown.leave()
    assert modes(program) == before
    shown.leave()  # does nothing
    assert "ecskit-terminal" not in {thread.name for thread in threading.enumerate()}


def test_typing_stops_while_the_session_has_no_room(pair: tuple[int, int]) -> None:
    person, program = pair
    typed = Typed()
    typed.has_room = False
    shown = Terminal(program, program)
    shown.enter(typed)
    try:
        os.write(person, b"held")
        assert not typed.came.acquire(timeout=0.2)
        typed.has_room = True
        assert typed.came.acquire(timeout=10)
        assert typed.data == b"held"
    finally:
        shown.leave()


def test_a_terminal_that_is_gone_is_the_end_of_input() -> None:
    person, program = pty.openpty()
    typed = Typed()
    shown = Terminal(program, program)
    shown.enter(typed)
    os.close(person)
    assert typed.came.acquire(timeout=10)
    assert typed.data == b"\x04"
    shown.leave()  # no error, though there is nothing to restore
    os.close(program)


def test_the_size_is_that_of_the_terminal(pair: tuple[int, int]) -> None:
    _, program = pair
    shown = Terminal(program, program)
    assert shown.size == (80, 24)  # a pseudo-terminal has none at first
    fcntl.ioctl(program, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 132, 0, 0))
    assert shown.size == (132, 50)


def test_signals_of_the_terminal(pair: tuple[int, int]) -> None:
    """A new size is reported, a continued process makes the terminal raw again, and SIGTERM raises SystemExit."""
    _, program = pair
    typed = Typed()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGWINCH, signal.SIGCONT)}
    plain = termios.tcgetattr(program)
    shown = Terminal(program, program)
    shown.__enter__()
    shown.enter(typed)
    try:
        raw = modes(program)
        signal.raise_signal(signal.SIGWINCH)
        assert typed.resized.wait(10)
        termios.tcsetattr(program, termios.TCSANOW, plain)
        signal.raise_signal(signal.SIGCONT)
        assert modes(program) == raw
        with pytest.raises(SystemExit) as ended:
            signal.raise_signal(signal.SIGTERM)
        assert ended.value.code == 143
    finally:
        shown.leave()
    assert {number: signal.getsignal(number) for number in before} == before


def test_a_handler_of_the_program_stays(pair: tuple[int, int]) -> None:
    _, program = pair
    own: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: own.append(number))
    shown = Terminal(program, program)
    try:
        shown.__enter__()
        shown.enter(Typed())
        signal.raise_signal(signal.SIGTERM)
        assert own == [signal.SIGTERM]
    finally:
        shown.leave()
        signal.signal(signal.SIGTERM, before)


def test_a_signal_while_the_terminal_is_restored_ends_the_process_after_that(
    pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, program = pair
    before, handlers = modes(program), [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGCONT)]
    shown, restore = Terminal(program, program), termios.tcsetattr
    shown.__enter__()
    shown.enter(Typed())

    def interrupted(*arguments: object) -> None:
        for each in (signal.SIGWINCH, signal.SIGTERM):
            signal.raise_signal(each)
        restore(*arguments)  # type: ignore[arg-type]
        signal.raise_signal(signal.SIGCONT)

    monkeypatch.setattr(termios, "tcsetattr", interrupted)
    with pytest.raises(SystemExit) as ended:
        shown.leave()
    assert ended.value.code == 143
    assert modes(program) == before
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGCONT)] == handlers
    assert "ecskit-terminal" not in {thread.name for thread in threading.enumerate()}


def test_a_terminal_that_cannot_be_entered_is_restored(pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    _, program = pair
    before, shown = modes(program), Terminal(program, program)

    def start(_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError, match="start"):
            shown.enter(Typed())
    shown.leave()
    assert modes(program) == before


def test_a_handler_that_python_has_not_set(pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot be restored, and the default takes its place."""
    _, program = pair
    set_, shown = signal.signal, Terminal(program, program)
    monkeypatch.setattr(signal, "signal", lambda number, handler: set_(number, handler) and None)
    shown.enter(Typed())
    monkeypatch.undo()
    shown.leave()
    assert signal.getsignal(signal.SIGCONT) is signal.SIG_DFL
    assert "ecskit-terminal" not in {thread.name for thread in threading.enumerate()}


def test_another_thread_than_the_main_one_handles_no_signals(pair: tuple[int, int]) -> None:
    _, program = pair
    shown, before = Terminal(program, program), signal.getsignal(signal.SIGTERM)

    def use() -> None:
        shown.__enter__()
        shown.enter(Typed())
        shown.leave()

    thread = threading.Thread(target=use)
    thread.start()
    thread.join(10)
    assert signal.getsignal(signal.SIGTERM) is before


def test_redirected_output_is_no_terminal(monkeypatch: pytest.MonkeyPatch, pair: tuple[int, int]) -> None:
    _, program = pair
    with os.fdopen(os.dup(program), "r") as typed, open(os.devnull, "w", encoding="utf-8") as redirected:
        monkeypatch.setattr(sys, "stdin", typed)
        monkeypatch.setattr(sys, "stdout", redirected)
        with pytest.raises(
            ConfigurationError, match=r"tasks.shell: standard output is not a terminal; .* tasks\.execute"
        ):
            own_terminal()
        monkeypatch.setattr(sys, "stdout", None)
        with pytest.raises(ConfigurationError, match="standard output"):
            own_terminal()
