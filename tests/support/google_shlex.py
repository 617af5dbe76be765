"""Cut a command into words as the agent of ECS Exec does, by the rules of the Go package google/shlex.

They differ from POSIX in three places: a backslash before an end of line keeps the end of line; in double quotes, a
backslash takes any next character literally and is dropped; spaces are blank, tab, CR and LF alone.
"""

from __future__ import annotations

__all__ = ["google_split"]

_SPACES = " \t\r\n"


def google_split(text: str) -> list[str]:
    """Return the words of a command.

    Raises:
        ValueError: A quotation or an escape is not complete.
    """
    words: list[str] = []
    word: str | None = None  # None between words
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if char in _SPACES:
            if word is not None:
                words.append(word)
            word = None
        elif char == "#" and word is None:
            at = text.find("\n", at) % (len(text) + 1)
        elif char == "\\":
            word = (word or "") + _one(text, at)
            at += 1
        elif char == "'":
            end = text.find("'", at)
            if end < 0:
                raise ValueError("end of text in single quotes")
            word = (word or "") + text[at:end]
            at = end + 1
        elif char == '"':
            word = word or ""
            while (char := _one(text, at)) != '"':
                at += 1
                if char == "\\":
                    char = _one(text, at)
                    at += 1
                word += char
            at += 1
        else:
            word = (word or "") + char
    return words if word is None else [*words, word]


def _one(text: str, at: int) -> str:
    if at >= len(text):
        raise ValueError("end of text in double quotes or after a backslash")
    return text[at]
