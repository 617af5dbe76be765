"""The text that ExecuteCommand gets: a command, wrapped so that its output shows where it begins and how it ends.

A session of ECS Exec has no exit code at any layer. So a shell runs the command and prints marks around its output:

- *begin*: `@BA+raw;`, or `+cooked;` if the terminal still turns LF into CRLF, because the image has no `stty`;
- *lacking*: `@BA-head;` instead, if the image lacks a program that the wrapper needs. Nothing was run;
- *end*: `@BA=3;` with the exit code.

A and B are random words, separate arguments of the shell. Printed, B precedes A. So no argument list holds a mark, and
`ps` prints none. Marks need no lower-case letters after the command began, and no end of line, so no setting of the
terminal changes them. `echo` prints them, because it is a builtin of every shell, which printf is not.

The scripts use positional parameters alone: a variable of the wrapper might be one of the container. Still, most shells
drop variables whose names are no identifiers, such as `a.b`, and bash drops PS1: the command does not get these.

Not tried on a live account, and so all in this module:

- The agent cuts the text into words by the rules of google/shlex. The quoting of `shlex.join` has one meaning there and
  in POSIX: single quotes, double quotes around single quotes, and no backslashes.
- The longest command is not documented. Some 36 kB are in use. Linux takes 128 kB in one word.
- Whether the service replaces `{{ }}` in commands, as it does in documents of Systems Manager.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

import attrs

from ecskit._core.errors import RequestError

__all__ = ["Unwrapped", "Wrapped", "unwrap", "wrap"]

_EMPTY = "expected a command, got an empty one"
_UNFIT = re.compile("[\0\ud800-\udfff]")

# INT and QUIT reach all processes in front of the terminal, TERM those of `kill 0`. The wrapper survives them to report
# the code. A variable SHELLOPTS of the container may set -e, -m and -x. Shells print `Killed` to standard error.
_SIGNALS = "INT QUIT TERM"
_START = "set +emx; trap {} {}; exec 2>/dev/null"
_RAW, _COOKED = (f'echo "@$2$1+{mode};"' for mode in ("raw", "cooked"))
_QUIET = f"if stty -echo -onlcr; then {_RAW}; else {_COOKED}; fi"
_RUN = f'(exec 2>&1; trap - {_SIGNALS}; shift 2; exec "$@")'
_END = 'echo "@$2$1=$?;"'
# With all input taken, Ctrl-C is a signal again. Before, a byte 3 of the input would be one.
_FEED = "{{ head -c {} && stty isig || :; }} | "
_ENCODE = f"{{{{ trap : {_SIGNALS}; {{}}; }}}} | base64"
_PROBES = {"stty": "stty raw -echo", "head": "head -c 0 </dev/null", "base64": "base64 </dev/null"}


def _script(*, size: int, binary: bool, interactive: bool) -> str:
    """Return the script of the wrapper, for `size` bytes of input."""
    feed, source = (_FEED.format(size), "") if size else ("", "" if interactive else " </dev/null")
    run = f"{feed}{_RUN}{source}; {_END}"
    begin = _COOKED if interactive else _RAW if size else _QUIET
    needed = [*(["stty", "head"] if size else []), *(["base64"] if binary else [])]
    return "\n".join(
        [
            _START.format("''" if binary else ":", _SIGNALS),  # base64 inherits what is ignored
            *(f'{_PROBES[name]} || {{ echo "@$2$1-{name};"; exit; }}' for name in needed),
            begin,
            _ENCODE.format(run) if binary else run,
        ]
    )


@attrs.frozen(kw_only=True)
class Wrapped:
    """A command as ExecuteCommand gets it, and what is needed to read its output."""

    command: str
    """The text for ExecuteCommand."""
    mark: bytes
    """What each mark begins with."""
    input: bytes = attrs.field(default=b"", repr=False)
    """What to send after the begin mark: exactly this, with no end of input."""
    binary: bool = False
    """Whether the output arrives as base64."""
    interactive: bool = False
    """Whether the terminal is the command's. Output is as it comes, without the marks."""


@attrs.frozen(kw_only=True)
class Unwrapped:
    """What `wrap` was given, read from the text that it made."""

    argv: tuple[str, ...]
    """The command; `sh -c` and the text for a string."""
    mark: bytes
    """What each mark begins with."""
    size: int
    """Number of bytes of input."""
    binary: bool
    interactive: bool


def wrap(
    command: str | Sequence[str],
    *,
    nonce: int,
    input: bytes | None = None,
    binary: bool = False,
    interactive: bool = False,
    verb: str = "tasks.execute",
) -> Wrapped:
    """Return a command with the wrapper around it.

    Args:
        command: A list is a program and its arguments: no shell sees them. A string is a text for `sh -c`.
        nonce: A random number of 128 bits, which makes the marks unlike all output.
        input: What the command reads. None and empty: it reads from `/dev/null`.
        binary: Whether the output is encoded as base64 in the container. It ends when all processes that hold it have
            closed it, so a process that the command leaves behind delays the end.
        interactive: Whether the command reads from the terminal, as a shell does. Excludes `input` and `binary`.
        verb: Who passes the command, for errors.

    Raises:
        RequestError: The command is empty, holds NUL or a lone surrogate, or its program begins with `-`.
    """
    problem = _problem(command)
    if problem:
        raise RequestError(verb, [("command", problem)])
    argv = ("sh", "-c", command) if isinstance(command, str) else tuple(command)
    digits = f"{nonce:040d}"
    first, second = digits[:20], digits[20:]
    script = _script(size=len(input or b""), binary=binary, interactive=interactive)
    return Wrapped(
        command=shlex.join(["sh", "-c", script, "sh", first, second, *argv]),
        mark=f"@{second}{first}".encode(),
        input=input or b"",
        binary=binary,
        interactive=interactive,
    )


def _problem(command: Any) -> str | None:
    """Return what is wrong with a command, for users without a type checker too; None if nothing is."""
    if isinstance(command, str):
        return _text_problem("the text", command) or (None if command.strip() else _EMPTY)
    if isinstance(command, bytes) or not isinstance(command, Sequence):
        return f"expected a str or a list of str, got {type(command).__name__}"
    problems = [_text_problem(f"word {index}", word) for index, word in enumerate(command)]
    if any(problems):
        return next(filter(None, problems))
    if not (command and command[0].strip()):
        return _EMPTY
    takes = f"the program {command[0]!r} begins with `-`; shells take it for an option, so give its path"
    return takes if command[0].startswith("-") else None


def _text_problem(where: str, text: Any) -> str | None:
    if not isinstance(text, str):
        return f"expected words that are str, but {where} is {type(text).__name__}"
    found = _UNFIT.search(text)
    if not found:
        return None
    what = "NUL, which no argument can hold" if found[0] == "\0" else "a lone surrogate, which UTF-8 cannot encode"
    return f"{where} holds {what}; pass such data as `input`"


_SIZE = re.compile(r"head -c ([1-9]\d*) &&")


def unwrap(command: str) -> Unwrapped | None:
    """Return what is in a text made by `wrap`; None for all other texts."""
    try:
        words = shlex.split(command)
    except ValueError:  # no closing quotation
        return None
    if len(words) < 7 or words[:2] != ["sh", "-c"] or words[3] != "sh":
        return None
    script, first, second = words[2], words[4], words[5]
    found = _SIZE.search(script)
    size, binary, interactive = int(found[1]) if found else 0, "base64" in script, "stty" not in script
    if script != _script(size=size, binary=binary, interactive=interactive):
        return None
    mark = f"@{second}{first}".encode()
    return Unwrapped(argv=tuple(words[6:]), mark=mark, size=size, binary=binary, interactive=interactive)
