"""Placeholders that a tool should have filled, such as `<IMAGE>`, `${TAG}`, `$TAG`, `{{ must_env "X" }}`, `%TAG%`."""

from __future__ import annotations

import re

__all__ = ["has_placeholder", "is_impossible_name", "is_placeholder"]

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_PLACEHOLDER = re.compile(
    rf"\$\{{[^}}]*\}}|\$\((?:{_NAME}\.)*{_NAME}\)|\$\[[^\]]*\]|\${_NAME}"  # shells, make, pipelines
    r"|\{\{.*?\}\}|\{%.*?%\}|<%.*?%>"  # Go templates, Jinja, ERB
    r"|<[A-Za-z][\w .:/-]*>"
    rf"|%[A-Z][A-Z0-9_]*%|#\{{[^}}]*\}}|@{_NAME}@|(?<![A-Za-z0-9])__[A-Z][A-Z0-9_]*__(?![A-Za-z0-9])",
    re.DOTALL,
)


def has_placeholder(text: str) -> bool:
    """Return whether a text contains what looks like a placeholder."""
    return _PLACEHOLDER.search(text) is not None


def is_impossible_name(text: str) -> bool:
    """Return whether a text contains a placeholder with characters that no name has: all but `__TAG__`."""
    return any(not found[0].startswith("__") for found in _PLACEHOLDER.finditer(text))


def is_placeholder(text: str) -> bool:
    """Return whether a text is nothing but a placeholder."""
    return _PLACEHOLDER.fullmatch(text.strip()) is not None
