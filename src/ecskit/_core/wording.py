"""Parts of messages: plurals, and lists that end after some items."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["listed", "plural"]


def listed(items: Iterable[object], most: int = 10, *, separator: str = ", ") -> str:
    """Return the items in a line: at most `most` of them, and the number of the others."""
    texts = [str(item) for item in items]
    others = [f"and {len(texts) - most} more"] if len(texts) > most else []
    return separator.join([*texts[:most], *others])


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, such as `1 task` or `2 tasks`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
