"""Wrapped commands on real shells and real terminals: the exit code is right, or unknown, and never a guessed 0."""

from __future__ import annotations

import pytest

from ecskit._exec.marks import Begun, Exited

from .wrapped_commands import Shell, each_shell

pytestmark = each_shell

CODES: dict[str, tuple[str | list[str], int, str]] = {
    "success": ("echo hi", 0, "hi\n"),
    "exit": ("echo hi; exit 3", 3, "hi\n"),
    "largest code": ("exit 255", 255, ""),
    "list": (
        ["sh", "-c", 'printf "%s\\n" "$@"; exit 7', "sh", "a b", "#c", "'\"", "é\n$x"],
        7,
        "a b\n#c\n'\"\né\n$x\n",
    ),
    "killed": ("printf x; kill -9 $$", 137, "x"),
}


@pytest.mark.parametrize("case", CODES)
def test_the_exit_code_is_that_of_the_command(shell: Shell, case: str) -> None:
    """Whatever ends it, and what it printed is all that is returned."""
    command, code, output = CODES[case]
    ran = shell.run(command)
    assert (code, output) == (ran.code, ran.output)
    assert [Begun(), Exited(code)] == ran.events


def test_a_shell_that_is_killed_leaves_the_code_unknown(shell: Shell) -> None:
    """The command goes on without a parent, or ends: in no case is there a code."""
    ran = shell.run("echo before; kill -9 $PPID")
    assert ([Begun()], None) == (ran.events, ran.code)


def test_input_arrives_as_it_is(shell: Shell) -> None:
    """No byte has a meaning, none is echoed, and the command reads the end of its input behind the last one."""
    data = bytes(range(256)) * 3
    ran = shell.run("cat; exit 4", input=data, binary=True)
    assert (data, 4) == (ran.output, ran.code)
