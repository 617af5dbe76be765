"""Shells and programs that have the terminal to themselves: nothing changes but that the exit code is known."""

from __future__ import annotations

import time
from collections.abc import Callable

from support.pty_program import PtyProgram

from ecskit._exec.marks import Begun, Exited

from .wrapped_commands import Keys, Shell, each_shell

pytestmark = each_shell

PROMPT = b"<#>"
SH = ["env", f"PS1={PROMPT.decode()}", "sh", "-i"]
BASH = ["env", f"PS1={PROMPT.decode()}", "bash", "--norc", "-i"]


def dialogue(*steps: tuple[bytes, bytes | Callable[[PtyProgram], None]]) -> Keys:
    """Type each text, or act, after what precedes it was printed since the step before."""
    done: dict[int, tuple[int, int]] = {}

    def type_next(program: PtyProgram, raw: bytearray) -> None:
        step, seen = done.get(id(program), (0, 0))
        if step < len(steps) and steps[step][0] in raw[seen:]:
            done[id(program)] = (step + 1, len(raw))
            action = steps[step][1]
            time.sleep(0.01)  # an interactive shell prints its prompt before it reads
            program.write(action) if isinstance(action, bytes) else action(program)

    return type_next


def started(shell: Shell) -> bytes:
    """Return a file for `cat`, which shows that it was started: a shell may lose keys that are typed before."""
    path = shell.folder / "file"
    path.write_text("started\n")
    return bytes(path)


def test_a_shell_reads_from_the_terminal(shell: Shell) -> None:
    """Its lines are echoed, Ctrl-D ends it, and the code is that of its last command."""
    ran = shell.run(SH, interactive=True, seconds=5, keys=dialogue((PROMPT, b"(exit 4)\n"), (PROMPT, b"\x04")))
    assert 4 == ran.code
    assert [Begun(), Exited(4)] == ran.events


def test_ctrl_c_and_resizing_reach_what_runs_in_the_shell(shell: Shell) -> None:
    """The shell goes on after Ctrl-C."""
    steps = dialogue(
        (PROMPT, b"cat %s -\n" % started(shell)),
        (b"started", b"\x03"),
        (PROMPT, lambda program: program.resize(100, 40)),
        (b"", b"stty size\n"),
        (PROMPT, b"exit 5\n"),
    )
    ran = shell.run(SH, interactive=True, seconds=5, keys=steps)
    assert (5, True) == (ran.code, b"40 100" in bytes(ran.raw))


def test_jobs_are_stopped_and_continued(shell: Shell) -> None:
    """Ctrl-Z stops a job of the shell inside, whatever `sh` the wrapper runs on."""
    steps = dialogue(
        (PROMPT, b"cat %s -\n" % started(shell)),
        (b"started", b"\x1a"),
        (PROMPT, b"fg\n"),
        (b"cat ", b"echoed\n"),
        (b"echoed\r\nechoed", b"\x03"),
        (PROMPT, b"exit 6\n"),
    )
    ran = shell.run(BASH, interactive=True, seconds=5, keys=steps)
    assert (6, True) == (ran.code, b"Stopped" in ran.raw)


def test_an_interactive_shell_that_is_killed_has_a_code(shell: Shell) -> None:
    """It had made itself the foreground of the terminal, which the wrapper does not need."""
    ran = shell.run(BASH, interactive=True, seconds=5, keys=dialogue((PROMPT, b"kill -9 $$\n")))
    assert 137 == ran.code


def test_output_is_as_it_comes(shell: Shell) -> None:
    """With CRLF, and what looks like the beginning of a mark."""
    ran = shell.run(["printf", "%s\\n", "a@", "@1"], interactive=True)
    assert (0, b"a@\r\n@1\r\n") == (ran.code, ran.output)
