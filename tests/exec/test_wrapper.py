"""Wrapped commands on real shells and real terminals: the exit code is right, or unknown, and never a guessed 0."""

from __future__ import annotations

from ecskit._exec.marks import Begun, Exited
from ecskit._exec.wrapper import wrap

from .wrapped_commands import NONCE, Shell, each_shell, typing

pytestmark = each_shell

Commands = dict[str, tuple["str | list[str]", "int | None", str]]

ENDS: Commands = {
    "success": ("echo hi", 0, "hi\n"),
    "exit": ("echo hi; exit 3", 3, "hi\n"),
    "no line end": ("printf hi; exit 255", 255, "hi"),
    "last of a pipe": ("false | true; false | exit 8", 8, ""),
    "set -e": ("set -e; echo a; (exit 4); echo no", 4, "a\n"),
    "cd": ("cd /usr/bin && pwd; exit 2", 2, "/usr/bin\n"),
    "exec": ("exec sh -c 'exit 9'", 9, ""),
    "list": (["sh", "-c", 'printf "%s|" "$@"; exit 7', "sh", "a b", "#c", "'\"", "é\n$x"], 7, "a b|#c|'\"|é\n$x|"),
    "list without a shell": (["env", "-i", "sh", "-c", "exit 6"], 6, ""),
    "closed output": ("exec >&- 2>&-; exit 5", 5, ""),
    "standard error": ("echo oops >&2; exit 1", 1, "oops\n"),
    "no input": ("cat; exit 2", 2, ""),
    "read": ("read line || exit 4", 4, ""),
    "trap at the end": ("trap 'echo bye' EXIT; exit 3", 3, "bye\n"),
    "trapped signal": ("trap 'echo got; exit 12' TERM; kill $$; exit 1", 12, "got\n"),
    "no UTF-8": (r"printf 'a\377\376b\342\202'", 0, "a��b�"),
    "what no argument may be": (["printf", "%s", "--;$(exit 9)`exit 8`\\\\n*~"], 0, "--;$(exit 9)`exit 8`\\\\n*~"),
}
SIGNALS: Commands = {
    "kill -9 of the command": ("printf x; kill -9 $$", 137, "x"),
    "kill -9 of a list": (["sh", "-c", "kill -9 $$"], 137, ""),
    "kill of the command": ("kill $$", 143, ""),
    "the whole group": ("kill 0; sleep 1", 143, ""),
    "Ctrl-C for the whole group": ("trap 'echo got' INT; kill -INT 0; exit 3", 3, "got\n"),
    "kill of the wrapper": ("kill $PPID; kill -INT $PPID; sleep .02; exit 3", 3, ""),
    # The command may live on, so there is no code.
    "kill -9 of the wrapper": ("echo before; kill -9 $PPID", None, "before\n"),
    "a signal that the wrapper does not trap": ("echo before; kill -USR1 $PPID", None, "before\n"),
}
BACKGROUND: Commands = {
    "holds the terminal": ("sleep 3 & exit 3", 3, ""),
    "in another session": ("setsid sleep 3 & exit 3", 3, ""),
    "writes later": ("(sleep .02; echo late) & exit 3", 3, ""),
}
MODES = ["sane", "raw", "echo", "onlcr", "-opost", "olcuc", "ocrnl", "onlret", "tostop", "-isig"]
"""Settings of a terminal that commands leave behind."""


def check(shell: Shell, commands: Commands, *, seconds: float = 20) -> None:
    """Compare code and output of each command with what is expected."""
    expected = {name: (code, output) for name, (_, code, output) in commands.items()}
    found = {name: shell.run(command, seconds=seconds) for name, (command, *_) in commands.items()}
    assert expected == {name: ran.outcome for name, ran in found.items()}


def test_the_exit_code_is_that_of_the_command(shell: Shell) -> None:
    """The output is what the command printed, and nothing else."""
    check(shell, ENDS)


def test_signals_end_a_command_with_128_and_their_number(shell: Shell) -> None:
    """Signals to the wrapper do not end it; without a wrapper, the code is unknown."""
    check(shell, SIGNALS)


def test_the_end_is_that_of_the_command_and_not_of_its_children(shell: Shell) -> None:
    """What they print later is not the command's."""
    check(shell, BACKGROUND, seconds=2.9)
    ran = shell.run("while echo x; do :; done & sleep .02; exit 3")  # prints while the mark is printed
    assert (3, {"x"}) == (ran.code, set(str(ran.output).split()))


def test_programs_that_cannot_run_are_126_and_127(shell: Shell) -> None:
    """The output has the message of the shell, with the name of the program."""
    for command, code in (["/absent/program"], 127), (["absent"], 127), (["/etc/passwd"], 126), (["/etc"], 126):
        ran = shell.run(command)
        assert (code, True) == (ran.code, command[0] in str(ran.output))


def test_no_process_shows_the_mark(shell: Shell) -> None:
    """Arguments and environments hold its words, but not the mark: what prints them ends nothing."""
    ran = shell.run("ps axwwe -o args; tr '\\0' ' ' </proc/$PPID/cmdline; cat /proc/[0-9]*/environ; exit 3")
    words = f"{NONCE:040d}"
    assert f" {words[:20]} {words[20:]} " in str(ran.output)
    assert (3, 2) == (ran.code, ran.raw.count(words[20:].encode() + words[:20].encode()))
    assert [Begun(), Exited(3)] == ran.events


def test_no_setting_of_the_terminal_changes_marks(shell: Shell) -> None:
    """The command reaches the terminal by its name; what it prints then is changed as it asked for."""
    text = "a\nb\tc\n"
    crlf, upper = text.replace("\n", "\r\n"), text.upper()
    expected = dict.fromkeys(MODES, text) | {"sane": crlf, "onlcr": crlf, "olcuc": upper}
    found = {mode: shell.run(rf"stty {mode} </dev/tty; printf 'a\nb\tc\n'; exit 3") for mode in MODES}
    assert {mode: (3, output) for mode, output in expected.items()} == {m: r.outcome for m, r in found.items()}


def test_keys_reach_the_command(shell: Shell) -> None:
    r"""Ctrl-C and Ctrl-\ are signals for it; Ctrl-Z has no effect, because nothing could continue it."""
    (shell.folder / "go").write_text("go\n")
    waits = f"cat {shell.folder}/go /dev/tty"  # a shell may lose what is typed before it has started a program
    cases: dict[str, tuple[bytes, int]] = {
        waits: (b"\x03", 130),
        f"ulimit -c 0; exec {waits}": (b"\x1c", 131),
        "trap 'exit 5' INT; echo go; while :; do :; done": (b"\x03", 5),
        "trap '' INT; echo go; sleep .05; exit 6": (b"\x03", 6),
        "echo go; sleep .05; exit 7": (b"\x1a", 7),
    }
    found = {command: shell.run(command, keys=typing(b"go", key)) for command, (key, _) in cases.items()}
    assert {c: (code, "go\n") for c, (_, code) in cases.items()} == {c: r.outcome for c, r in found.items()}


def test_output_that_is_read_late_is_whole(shell: Shell) -> None:
    """The agent reads after a second. By then the command, its shell and the terminal's other end may be gone."""
    ran = shell.run("printf %1000s x; exit 3", late=True)
    assert (3, " " * 999 + "x") == ran.outcome


def test_environments_are_large_and_strange(shell: Shell) -> None:
    """The wrapper needs no variable and changes none; options of bash that a container sets do not stop it."""
    large = {f"VARIABLE_{number}": "x" * 1000 for number in range(500)}
    options = "errexit:monitor:nounset:pipefail:xtrace"
    strange = {"IFS": "1@=;", "SHELLOPTS": options, "A": "a", "B": "b", "code": "0", "CDPATH": "/"}
    show = 'echo "$A$B$code${#VARIABLE_7}"; exit 3'
    ran = shell.run(["sh", "-c", show], env={**large, **strange}, input=b"x" * 9999)
    assert (3, "ab01000\n") == ran.outcome


def test_commands_may_be_long(shell: Shell) -> None:
    """Tens of kilobytes, as text and as arguments."""
    assert 3 == shell.run(f": {'x' * 60_000}; exit 3").code
    ran = shell.run(["sh", "-c", "echo $#; exit 3", "sh", *(["é'\n"] * 8000)])
    assert (3, "8000\n") == ran.outcome


def test_ten_megabytes_of_output_are_whole(shell: Shell) -> None:
    """In pieces of a kilobyte, with lines and without."""
    ran = shell.run("head -c 5000000 /dev/zero | tr '\\0' x; yes | head -c 5000000; exit 3")
    assert (3, True) == (ran.code, "x" * 5_000_000 + "y\n" * 2_500_000 == ran.output)


def test_images_without_stty_have_cooked_terminals(shell: Shell) -> None:
    """Each LF arrives as CRLF, which is inverted exactly: also where the command prints CRLF."""
    ran = shell.run("printf 'a\\n\\r\\nb\\r'; exit 3", path=shell.path("printf"))
    assert (3, "a\n\r\nb\r") == ran.outcome
    assert b"+cooked;" in ran.raw


def test_a_shell_that_cannot_run_leaves_what_it_printed(shell: Shell) -> None:
    """There is no begin mark, so nothing was run."""
    wrapped = wrap("echo ran", nonce=NONCE)
    ran = shell.run_text(wrapped, wrapped.command.replace("set +emx;", "echo broken; exit 2;"))
    assert ("", None, b"broken\r\n") == (ran.output, ran.code, ran.raw)
