"""The terminal of scripted programs, and what programs do in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from ecskit._exec.marks import Begun, Exited, Lacking, OutputReader
from ecskit._exec.wrapper import unwrap, wrap
from ecskit._simulator.exec.exec_script import ExecTool, ScriptedCommands
from ecskit._simulator.exec.shell import shell
from ecskit._simulator.exec.terminal import ExecDialog, Terminal
from ecskit._simulator.exec.wrapped import in_wrapper, lingering
from ecskit.testing import ExecScript


def shown(dialog: ExecDialog, *typed: bytes, at: float = 0.0) -> bytes:
    """Return all that a terminal shows while input is typed and an hour passes."""
    terminal = Terminal(dialog, 0.0)
    parts: list[bytes] = []

    def read(now: float) -> None:
        while part := terminal.read(1024, now):
            parts.append(part)

    read(at)
    for data in typed:
        rest = data
        while rest:
            taken = terminal.write(rest, at)
            rest = rest[taken:]
            read(at)
            assert taken or rest == b"", "nothing is read"
    read(at + 3600.0)
    return b"".join(parts)


def lines(_: Sequence[str] = ()) -> ExecDialog:
    """Show each piece of input in angles."""
    while data := (yield None):
        yield b"<" + data + b">"
    return 0


@pytest.mark.parametrize(
    ("typed", "shows"),
    [
        ([b"ab\n"], b"ab\r\n<ab\r\n>"),
        ([b"a", b"b\r"], b"ab\r\n<ab\r\n>"),
        ([b"ax\x7fb\n"], b"ax\b \bb\r\n<ab\r\n>"),
        ([b"ab\x04"], b"ab<ab>"),
        ([b"a\nb\n\x04c\n"], b"a\r\nb\r\nc\r\n<a\r\n><b\r\n>"),
        ([b"ab\x03", b"c\n"], b"ab^C"),
        ([b"ab\x1ac\n"], b"ab^Zc\r\n<c\r\n>"),
        ([b"ab\x1c", b"c\n"], b"ab^\\"),
        ([b"x" * 5000 + b"\n"], b"x" * 4095 + b"\r\n<" + b"x" * 4095 + b"\r\n>"),
    ],
)
def test_input(typed: list[bytes], shows: bytes) -> None:
    """Input is echoed and read in lines of 4095 bytes at most. There are erase, end of input, and signals."""
    assert shown(lines(), *typed) == shows


def test_raw_input() -> None:
    """In raw mode all bytes are data."""

    def dialog() -> ExecDialog:
        yield {"lines": False, "signals": False, "echo": False, "crlf": False}
        return (yield from lines())

    assert shown(dialog(), b"a\x03\r\n\x04") == b"<a\x03\r\n\x04>"


def test_output_is_unlimited_only_while_it_is_read() -> None:
    """A program waits while the buffer is full. Its time goes on from when it can write."""

    def dialog() -> ExecDialog:
        for _ in range(3):
            yield b"x" * 5000
            yield 1.0
        return 0

    terminal = Terminal(dialog(), 0.0)
    assert terminal.next_wakeup() == 0.0
    assert len(terminal.read(10000, 0.0) or b"") == 4096
    assert terminal.next_wakeup() == -math.inf
    assert len(terminal.read(10000, 100.0) or b"") == 904
    assert terminal.next_wakeup() == 101.0


def test_a_program_that_handles_ctrl_c() -> None:
    """It is a KeyboardInterrupt, wherever the program is."""

    def dialog() -> ExecDialog:
        try:
            yield "working\n"
            yield 60.0
        except KeyboardInterrupt:
            yield "stopping\n"
        return 0

    assert shown(dialog(), b"\x03") == b"working\r\n^Cstopping\r\n"


@pytest.mark.parametrize(("item", "error"), [(["x"], TypeError), (-1.0, ValueError)])
def test_what_a_program_yields_is_checked(item: Any, error: type[Exception]) -> None:
    """The error shows what it may be."""

    def dialog() -> ExecDialog:
        yield item
        return 0

    with pytest.raises(error, match="a program must yield str, bytes, seconds or None; what it yielded must"):
        shown(dialog())


def test_a_closed_terminal_ends_the_program() -> None:
    """Its `finally` runs."""
    ended: list[bool] = []

    def dialog() -> ExecDialog:
        try:
            yield "x"
            yield None
        finally:
            ended.append(True)
        return 0

    terminal = Terminal(dialog(), 0.0)
    assert terminal.read(10, 0.0) == b"x"
    terminal.hang_up()
    terminal.hang_up()
    assert (ended, terminal.read(10, 0.0)) == ([True], None)


def events(
    script: ExecScript, typed: Sequence[bytes] = (), *, lacks: Sequence[ExecTool] = (), at: float = 0.0, **options: Any
) -> list[object]:
    """Return what the reader of `execute` finds in the output of a scripted command."""
    wrapped = wrap("cmd", nonce=7, **options)
    command = unwrap(wrapped.command)
    assert command is not None
    output = shown(in_wrapper(command, script.run(command.argv), lacks=lacks), *typed, at=at)
    reader = OutputReader(wrapped)
    found: list[object] = []
    for start in range(0, len(output), 7):
        found += reader.feed(output[start : start + 7])
    texts: list[Any] = [each for each in found if isinstance(each, str | bytes)]
    joined: object = b"".join(texts) if options.get("binary") else "".join(texts)
    rest = [each for each in found if not isinstance(each, str | bytes)]
    return [*rest, joined] if texts else rest


def test_marks_around_a_command() -> None:
    """The simulated wrapper prints what the reader of `execute` expects."""
    assert events(ExecScript("ä\n1\r\n", exit_code=3)) == [Begun(), Exited(3), "ä\n1\r\n"]
    assert events(ExecScript("ä\n1\r\n", lacks=["stty"]), lacks=["stty"]) == [Begun(), Exited(0), "ä\n1\r\n"]
    assert events(ExecScript(b"\xff\0" * 200), binary=True) == [Begun(), Exited(0), b"\xff\0" * 200]
    assert events(ExecScript.killed("so far\n")) == [Begun(), "so far\n"]
    assert events(ExecScript.echoing()) == [Begun(), Exited(0)]  # it reads from /dev/null


def test_input_of_a_command() -> None:
    """It reads as many bytes as `input` has, and then the end. All bytes are data until then."""
    data = b"\x03\x04\r\n\0" * 2000
    found = events(ExecScript.echoing(), [data], input=data, binary=True)
    assert found == [Begun(), Exited(0), data]
    assert events(ExecScript.echoing(), [b"abcd"], input=b"ab") == [Begun(), Exited(0), "ab"]


@pytest.mark.parametrize(
    ("tool", "options"), [("stty", {"input": b"x"}), ("head", {"input": b"x"}), ("base64", {"binary": True})]
)
def test_programs_that_the_image_lacks(tool: ExecTool, options: dict[str, Any]) -> None:
    """The command does not run without what the wrapper needs."""
    assert events(ExecScript("never"), lacks=[tool], **options) == [Lacking(tool)]


def test_ctrl_c_in_the_wrapper() -> None:
    """It interrupts the command, and the wrapper reports 130; but not one that ignores it."""
    assert events(ExecScript.silent(), [b"\x03"]) == [Begun(), Exited(130)]
    assert events(ExecScript.silent(60.0), [b"\x03"]) == [Begun(), Exited(130)]
    assert events(ExecScript("x\n", seconds=60.0, ignores_interrupts=True), [b"\x03"]) == [Begun(), Exited(0), "x\n"]
    assert events(ExecScript.silent(), [b"\x1c"]) == [Begun(), Exited(131)]
    after_input = events(ExecScript.running(reads_one_line_and_waits), [b"x\n", b"\x03"], input=b"x\n")
    assert after_input == [Begun(), Exited(130)]


def test_a_terminal_that_stays_open() -> None:
    """A child in the background keeps it open after the end mark."""
    terminal = Terminal(lingering(ExecScript("x").run([]), 60.0), 0.0)
    assert [terminal.read(10, moment) for moment in (0.0, 59.0, 60.0)] == [b"x", b"", None]


def reads_one_line_and_waits(_: Sequence[str]) -> ExecDialog:
    yield None
    yield 600.0
    return 0


def test_a_shell_runs_scripted_commands() -> None:
    """It prompts, runs what has a script, and ends with `exit` or at the end of input."""
    scripts = ScriptedCommands()
    scripts.set("ls -l", [ExecScript("total 0\n"), ExecScript("total 1\n")])
    scripts.set("sleep 60", [ExecScript.silent(60.0)])
    typed = [b"ls -l\n", b"ls -l\n", b"nope a\n", b"sleep 60\n", b"\x03", b"exit\n"]
    assert shown(shell(scripts), *typed, at=0.0) == (
        b"# ls -l\r\ntotal 0\r\n# ls -l\r\ntotal 1\r\n# nope a\r\nsh: nope: not found\r\n# sleep 60\r\n^C\r\n# exit\r\n"
    )
    assert shown(shell(scripts), b"\x04") == b"# "


@pytest.mark.parametrize(
    ("scripted", "run", "matches"),
    [
        ("ls -l", ["ls", "-l"], True),
        ("ls -l", "ls -l", True),
        (["ls", "-l"], "ls -l", True),
        (["sh", "-c", "ls -l"], "ls -l", True),
        ("a && b", ["a", "&&", "b"], False),
        ("a && b", "a && b", True),
        ("a 'b c'", ["a", "b c"], True),
        ("it's", "it's", True),
        ("*", "anything", True),
        ("ls", "ls -l", False),
    ],
)
def test_which_script_a_command_has(scripted: str | list[str], run: str | list[str], *, matches: bool) -> None:
    """A text and a list match if they mean the same."""
    scripts = ScriptedCommands()
    scripts.set(scripted, [ExecScript()])
    assert (scripts.next(run) is not None) == matches


def test_scripts_are_checked() -> None:
    """Each error names the field."""
    with pytest.raises(TypeError, match=r"output must be str, bytes, or pairs of seconds and str or bytes, got 'x'"):
        ExecScript(["x"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="the moments of output must not decrease"):
        ExecScript([(2, "a"), (1, "b")])
    with pytest.raises(TypeError, match="seconds must be a number of seconds, got str"):
        ExecScript(seconds="1")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="lacks must be some of sh, stty, head, base64: bash"):
        ExecScript(lacks=["bash"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="every must be positive"):
        ExecScript.endless(every=0)
