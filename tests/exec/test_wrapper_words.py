"""Words of commands: what the agent makes of the text, what programs get, and which commands are refused."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from support.google_shlex import google_split

from ecskit._exec.wrapper import unwrap, wrap
from ecskit.errors import RequestError

from .wrapped_commands import Shell, each_shell

CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
TEXTS = st.text(st.one_of(st.sampled_from(" \t\r\n'\"\\#$`*?~!&|;<>(){}[]=%@é\x7f\x03"), CHARACTERS), max_size=12)
"""All texts that can be arguments, more of the special characters than there are by chance."""


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, max_size=6), st.binary(max_size=3), st.booleans(), st.integers(0, 2**128 - 1))
def test_the_agent_cuts_the_text_into_the_same_words(words: list[str], data: bytes, binary: bool, nonce: int) -> None:  # noqa: FBT001  # drawn
    """By its rules and by those of POSIX; the mark is not in the text."""
    argv = ("program", *words)
    wrapped = wrap(argv, nonce=nonce, input=data, binary=binary)
    assert shlex.split(wrapped.command) == google_split(wrapped.command)
    assert wrapped.mark.decode() not in wrapped.command
    found = unwrap(wrapped.command)
    assert found is not None
    assert (argv, wrapped.mark, len(data), binary) == (found.argv, found.mark, found.size, found.binary)


@each_shell
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(TEXTS, min_size=1, max_size=6), text=TEXTS)
def test_programs_get_the_words(shell: Shell, words: list[str], text: str) -> None:
    """A list byte for byte, and a text as the argument of `sh -c`."""
    ran = shell.run(["printf", r"%s\0", *words], binary=True)
    assert (0, "".join(f"{word}\0" for word in words).encode()) == ran.outcome
    quoted = shlex.quote(text)
    assert (5, text.encode()) == shell.run(f"printf %s {quoted}; exit 5", binary=True).outcome


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" a\tb\r\nc ", ["a", "b", "c"]),
        ("a # b c\nd", ["a", "d"]),
        ("a #", ["a"]),
        ("a#b ''#c \\#d", ["a#b", "#c", "#d"]),
        ("'a b'\"c d\"e\\ f", ["a bc de f"]),
        (r"'a\b' '' " + '""', [r"a\b", "", ""]),
        (r'"\a\"\$\\"', [r'a"$' + "\\"]),
        ("a\\\nb", ["a\nb"]),
        ("a\u00a0b\u2003c\vd", ["a\u00a0b\u2003c\vd"]),
    ],
)
def test_the_words_of_the_agent(text: str, words: list[str]) -> None:
    """Quotes and comments as in POSIX; backslashes are dropped, and Unicode has no spaces."""
    assert words == google_split(text)


@pytest.mark.parametrize("text", ["'a", '"a', '"a\\', "a\\"])
def test_the_agent_refuses_what_is_not_complete(text: str) -> None:
    """So it is never started."""
    with pytest.raises(ValueError, match="end of text"):
        google_split(text)


NUL = "holds NUL, which no argument can hold; pass such data as `input`"
SURROGATE = "holds a lone surrogate, which UTF-8 cannot encode; pass such data as `input`"
REFUSED: list[tuple[Any, str]] = [
    ("", "expected a command, got an empty one"),
    (" \n", "expected a command, got an empty one"),
    ([], "expected a command, got an empty one"),
    ([""], "expected a command, got an empty one"),
    ("a\0b", f"the text {NUL}"),
    (["a", "b\0"], f"word 1 {NUL}"),
    (["a", "\ud800"], f"word 1 {SURROGATE}"),
    (["a", 1], "expected words that are str, but word 1 is int"),
    (["-x"], "the program '-x' begins with `-`; shells take it for an option, so give its path"),
    (b"ls", "expected a str or a list of str, got bytes"),
    (None, "expected a str or a list of str, got NoneType"),
]


@pytest.mark.parametrize(("command", "problem"), REFUSED, ids=str)
def test_commands_that_cannot_run_are_refused(command: Any, problem: str) -> None:
    """Before anything is sent, by the name of the argument."""
    with pytest.raises(RequestError) as refused:
        wrap(command, nonce=1)
    assert f"tasks.execute: command: {problem}" == str(refused.value)


def test_only_wrapped_commands_are_unwrapped() -> None:
    """Other texts are what the user wrote, also if they resemble a wrapped command."""
    wrapped = wrap("true", nonce=7).command
    assert unwrap(wrapped) is not None
    for text in "", "sh", "'", wrapped.replace("trap", "tarp"), f"{wrapped} '", "sh -c x", "sh -c x sh 1 2 3":
        assert unwrap(text) is None, text
    terminal = unwrap(wrap(["bash", "-l"], nonce=7, interactive=True).command)
    assert terminal is not None
    assert (("bash", "-l"), True) == (terminal.argv, terminal.interactive)
