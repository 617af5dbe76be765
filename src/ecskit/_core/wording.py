"""Parts of messages: plurals, lists that end after some items, nearest names, and text of others on one line."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["bounded", "escaped", "listed", "nearest", "plural", "restyled", "shortened"]

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line separators, characters that change the direction of text, and lone surrogates."""


def escaped(text: str) -> str:
    """Return a text that others wrote as one line: what moves the cursor or reorders text is escaped, as in a repr.

    Reasons, service events and error messages end in terminals and in logs. They must not write lines of their own.
    """
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def bounded(text: str, longest: int = 4000) -> str:
    """Return a text without what is beyond its longest length, and the number of characters left out."""
    return text if len(text) <= longest else f"{text[:longest]}... and {len(text) - longest} more characters"


def shortened(name: str) -> str:
    """Return a name that others gave, on one line and not too long."""
    return bounded(escaped(name), 60)


def listed(items: Iterable[object], most: int = 10, *, separator: str = ", ") -> str:
    """Return the items in a line: at most `most` of them, and the number of the others."""
    texts = [str(item) for item in items]
    others = [f"and {len(texts) - most} more"] if len(texts) > most else []
    return separator.join([*texts[:most], *others])


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, such as `1 task` or `2 tasks`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` is meant to be: the same in another case or style, or else a similar one."""
    from difflib import get_close_matches  # only messages need it

    by_folded = {_folded(each): each for each in known}
    folded = _folded(name[:100])  # the comparison takes the square of the length
    similar = [folded] if folded in by_folded else get_close_matches(folded, by_folded, n=1)
    return by_folded[similar[0]] if similar else None


def restyled(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` is in another case or style, such as `taskRoleArn` for `task_role_arn`."""
    folded = _folded(name)
    return next((each for each in known if _folded(each) == folded), None)


def _folded(name: str) -> str:
    return re.sub("[-_ ]", "", name).casefold()
