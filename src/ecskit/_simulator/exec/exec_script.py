"""Scripts for the commands that ECS Exec runs: what they write, how long they take, how they end."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, Literal, get_args

import attrs
from typing_extensions import Self

from ecskit._simulator.exec.programs import ExecProgram
from ecskit._simulator.exec.terminal import ExecDialog, Killed
from ecskit._simulator.task_script import check_number

__all__ = ["ExecScript", "ExecTool", "ScriptedCommands"]

Text = str | bytes
ExecTool = Literal["sh", "stty", "head", "base64"]


def _pieces(output: Text | Sequence[tuple[float, Text]]) -> tuple[tuple[float, Text], ...]:
    return ((0.0, output),) if isinstance(output, str | bytes) else tuple(output)


def _check_pieces(_: object, field: attrs.Attribute[Any], value: Sequence[Any]) -> None:
    for each in value:
        if not (isinstance(each, tuple) and len(each) == 2 and isinstance(each[1], str | bytes)):
            raise TypeError(f"{field.name} must be str, bytes, or pairs of seconds and str or bytes, got {each!r}")
        check_number(each[0], f"a moment of {field.name}", (int, float), "a number of seconds")
    moments = [after for after, _ in value]
    if moments != sorted(moments):
        raise ValueError(f"the moments of {field.name} must not decrease: {moments}")


def _tools(lacks: ExecTool | Collection[ExecTool]) -> tuple[ExecTool, ...]:
    return (lacks,) if isinstance(lacks, str) else tuple(lacks)


def _check_tools(_: object, field: attrs.Attribute[Any], value: Collection[str]) -> None:
    unknown = [each for each in value if each not in get_args(ExecTool)]
    if unknown:
        raise ValueError(f"{field.name} must be some of {', '.join(get_args(ExecTool))}: {', '.join(unknown)}")


def _seconds(_: object, field: attrs.Attribute[Any], value: object) -> None:
    check_number(value, field.name, (int, float), "a number of seconds")


@attrs.frozen
class ExecScript:
    """Describe how a command behaves that ECS Exec runs in a container. All durations are seconds of the clock.

    Scripts are for `Simulator.script_exec`. For a command that reads input, use `echoing` or `running`.

    Args:
        output: What it writes to stdout or stderr: one text at its start, or pairs of the seconds since its start and
            a text. Default: nothing.
        exit_code: Its exit code. With None, all programs of the session are killed at its end, also a shell that would
            report the exit code. Default 0.
        seconds: From its start to its end. `math.inf`: it runs until Ctrl-C. Default: it ends with its last output.
        lingers: Seconds for which the terminal stays open after its end, as by a child in the background. Default 0.
        ignores_interrupts: Whether Ctrl-C has no effect. Default False: it ends with 130.
        lacks: The programs that the image lacks, of `sh`, `stty`, `head` and `base64`, which `execute` uses. Default:
            none.
        dialog: Returns a generator for its arguments that decides everything above, see `running`. Default None.
        program: Returns a program for the whole command line in the terminal, see `in_terminal`. Default None.

    Raises:
        TypeError: A duration is no number, or the output is no text.
        ValueError: A duration is negative, or moments decrease.
    """

    output: Sequence[tuple[float, Text]] = attrs.field(default=(), converter=_pieces, validator=_check_pieces)
    exit_code: int | None = attrs.field(default=0, kw_only=True)
    seconds: float = attrs.field(default=0.0, validator=_seconds, kw_only=True)
    lingers: float = attrs.field(default=0.0, validator=_seconds, kw_only=True)
    ignores_interrupts: bool = attrs.field(default=False, kw_only=True)
    lacks: Collection[ExecTool] = attrs.field(default=(), converter=_tools, validator=_check_tools, kw_only=True)
    dialog: Callable[[Sequence[str]], ExecDialog] | None = attrs.field(default=None, kw_only=True)
    program: Callable[[Sequence[str], float], ExecProgram] | None = attrs.field(default=None, kw_only=True)

    @classmethod
    def silent(cls, seconds: float = math.inf, *, exit_code: int = 0) -> Self:
        """Write nothing.

        Args:
            seconds: From its start to its end. Default: it runs until Ctrl-C.
            exit_code: The exit code. Default 0.
        """
        return cls(seconds=seconds, exit_code=exit_code)

    @classmethod
    def endless(cls, line: Text = "y\n", *, every: float = 0.01) -> Self:
        """Write a line again and again, until Ctrl-C.

        Args:
            line: The line. Default "y".
            every: Seconds between two lines. Default 0.01.

        Raises:
            ValueError: `every` is not positive.
        """
        if not every > 0:
            raise ValueError(f"every must be positive: {every!r}")
        return cls(dialog=partial(_write_lines, line, every))

    @classmethod
    def killed(cls, output: Text = "", *, after: float = 0.0) -> Self:
        """Write, and be killed together with the shell around it: the session ends without an exit code.

        Args:
            output: What it writes first. Default: nothing.
            after: Seconds from its start to its end. Default 0.
        """
        return cls(output, seconds=after, exit_code=None)

    @classmethod
    def echoing(cls, *, every: float = 0.0) -> Self:
        """Write what it reads, as `cat` does, until the end of input.

        Args:
            every: Seconds that it takes for each line or piece of input: a slow reader. Default 0.
        """
        return cls(dialog=partial(_echo, every))

    @classmethod
    def running(cls, dialog: Callable[[Sequence[str]], ExecDialog]) -> Self:
        """Do what a generator does.

        Args:
            dialog: Called with the arguments of the command. The generator yields a str or bytes to write, a number of
                seconds to let pass, or None to read: it gets the next line as bytes, or b"" at the end of input. It
                returns the exit code. Ctrl-C raises KeyboardInterrupt in it.
        """
        return cls(dialog=dialog)

    @classmethod
    def in_terminal(cls, program: Callable[[Sequence[str], float], ExecProgram]) -> Self:
        """Run a program of yours in the terminal, such as a real shell.

        Args:
            program: Called with the arguments of the whole command line as the container gets it, and the time. ecskit
                puts its own shell script around the command of `execute`; this includes it.
        """
        return cls(program=program)

    def run(self, arguments: Sequence[str]) -> ExecDialog:
        """Do what the command does."""
        if self.dialog is not None:
            return (yield from self.dialog(arguments)) or 0
        yield {"interrupts": not self.ignores_interrupts}
        before = 0.0
        for after, text in self.output:
            yield after - before
            yield text
            before = after
        yield max(0.0, self.seconds - before)
        if self.exit_code is None:
            raise Killed
        return self.exit_code


def _write_lines(line: Text, every: float, _: Sequence[str]) -> ExecDialog:
    while True:
        yield line
        yield every


def _echo(every: float, _: Sequence[str]) -> ExecDialog:
    while data := (yield None):
        yield every
        yield data
    return 0


_ANY = "*"
"""All commands. It is no tuple of arguments, as `_normal` makes of a command."""


@attrs.define
class ScriptedCommands:
    """The scripts of commands, and how often each was used."""

    _scripts: dict[str | tuple[str, ...], list[ExecScript]] = attrs.field(factory=dict, init=False)

    def set(self, command: str | Sequence[str], scripts: Sequence[ExecScript]) -> None:
        """Set the scripts of a command: for its first run, the second and so on; the last one for all others."""
        self._scripts[_normal(command)] = list(scripts)

    def next(self, command: str | Sequence[str]) -> ExecScript | None:
        """Return the script for the next run of a command; None if it has none."""
        scripts = self._scripts.get(_normal(command)) or self._scripts.get(_ANY)
        if scripts is None:
            return None
        return scripts.pop(0) if len(scripts) > 1 else scripts[0]


def _normal(command: str | Sequence[str]) -> str | tuple[str, ...]:
    """Return a command as a tuple of arguments, or as a str if only a shell can run it."""
    if not isinstance(command, str) and len(command) == 3 and tuple(command[:2]) == ("sh", "-c"):
        return _normal(command[2])
    if not isinstance(command, str):
        return tuple(command)
    try:
        arguments = shlex.split(command)
    except ValueError:
        return command
    return tuple(arguments) if shlex.join(arguments) == command else command
