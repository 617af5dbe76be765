"""Input and binary output of wrapped commands, byte for byte, on real shells and real terminals."""

from __future__ import annotations

import random

from ecskit._exec.marks import Begun, Exited, Garbled, Lacking

from .wrapped_commands import Shell, each_shell, typing

pytestmark = each_shell

MEGABYTE = random.Random(1).randbytes(1_000_000)
BYTES = bytes(range(256)) * 3


def test_a_megabyte_passes_both_ways(shell: Shell) -> None:
    """No byte has a meaning, none is echoed, and the command reads the end of its input behind the last one."""
    ran = shell.run("cat; exit 4", input=MEGABYTE, binary=True)
    assert (4, True) == (ran.code, ran.output == MEGABYTE)


def test_input_passes_with_output_as_text(shell: Shell) -> None:
    """The terminal neither cuts long lines nor turns CR and LF into each other."""
    text = "é\r\n" + "x" * 9000 + "\r\x03\x04\x1a\x00\n"
    ran = shell.run("cat; exit 4", input=text.encode())
    assert (4, text) == (ran.code, ran.output)


def test_input_need_not_be_read(shell: Shell) -> None:
    """What the command leaves is discarded: it is neither a signal nor an input of what comes later."""
    left = b"\x03\x1c\x1a" * 100_000
    commands = [
        "exit 3",
        "head -c 10 >/dev/null; sleep .02; exit 3",
        "exec <&-; sleep .02; exit 3",
        "sleep .02; exit 3",
    ]
    assert [(3, "")] * 4 == [shell.run(command, input=left).outcome for command in commands]


def test_empty_input_is_no_input(shell: Shell) -> None:
    """The command reads from /dev/null."""
    assert (4, "") == shell.run("cat; exit 4", input=b"").outcome


def test_ctrl_c_is_a_signal_once_all_input_is_taken(shell: Shell) -> None:
    """Before that, its byte would be input."""
    (shell.folder / "go").write_text("go\n")
    ran = shell.run(f"cat - {shell.folder}/go /dev/tty", input=b"\x03", keys=typing(b"go", b"\x03"))
    assert (130, "\x03go\n") == ran.outcome


def test_binary_output_is_what_the_command_wrote(shell: Shell) -> None:
    """Standard error too, without the conversions of the terminal; with the code, whatever ends the command."""
    printed = "".join(rf"\{byte:03o}" for byte in BYTES)
    assert (3, BYTES) == shell.run(f"printf '{printed}'; exit 3", binary=True).outcome
    assert (3, b"") == shell.run("exit 3", binary=True).outcome
    assert (1, b"oops\n") == shell.run("echo oops >&2; exit 1", binary=True).outcome
    assert (137, b"x") == shell.run("printf x; kill -9 $$", binary=True).outcome
    assert (143, b"x") == shell.run("printf x; kill 0; sleep 1", binary=True).outcome
    assert (130, b"x") == shell.run("printf x; kill -INT 0; sleep 1", binary=True).outcome
    assert (3, b"") == shell.run("sleep 3 >/dev/null 2>&1 & exit 3", binary=True, seconds=2.9).outcome
    assert (3, b"a\r\n") == shell.run(
        r"printf 'a\r\n'; exit 3", binary=True, path=shell.path("base64", "printf")
    ).outcome


def test_binary_output_ends_when_its_last_holder_closes_it(shell: Shell) -> None:
    """As the output of a pipe does."""
    ran = shell.run("(sleep .02; echo late) & exit 3", binary=True)
    assert (3, b"") == ran.outcome  # what comes after the mark is not the command's


def test_a_large_binary_output_is_whole(shell: Shell) -> None:
    """In lines of base64 that are cut anywhere."""
    ran = shell.run("head -c 3000000 /dev/zero; exit 3", binary=True)
    assert (3, True) == (ran.code, ran.output == bytes(3_000_000))


def test_what_others_write_between_binary_output_is_noticed(shell: Shell) -> None:
    """The output is not what the command wrote, so neither it nor a code is made up."""
    for other in "password: ", "four\n", "\n", "A" * 80 + "\n":
        ran = shell.run(f"head -c 100 /dev/zero; printf '{other}' >/dev/tty; exit 3", binary=True)
        assert ran.code is None or (3, bytes(100)) == ran.outcome
        assert [Begun(), Garbled() if ran.code is None else Exited(3)] == ran.events
    assert (None, b"") == shell.run("exec >/dev/null 2>&1; kill -9 $PPID", binary=True).outcome


def test_the_command_is_not_run_if_the_image_lacks_a_program(shell: Shell) -> None:
    """The wrapper needs `stty` and `head` for input, `base64` for binary output, and reports which one is absent."""
    run = shell.run
    lacking = [
        run("echo ran >/dev/tty", input=b"x", path=shell.path("head")),
        run("echo ran >/dev/tty", input=b"x", path=shell.path("stty")),
        run("echo ran >/dev/tty", binary=True, path=shell.path("stty")),
        run("echo ran >/dev/tty", input=b"x", binary=True, path=shell.path("stty", "head")),
    ]
    programs = ["stty", "head", "base64", "base64"]
    assert [[Lacking(program)] for program in programs] == [ran.events for ran in lacking]
    assert not any(b"ran" in ran.raw for ran in lacking)
