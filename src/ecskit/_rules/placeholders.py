"""Placeholders that a tool should have filled, such as `<IMAGE>`, `${TAG}`, `$TAG`, `{{ must_env "X" }}`, `%TAG%`."""

from __future__ import annotations

import re

__all__ = [
    "has_placeholder",
    "holds_placeholder",
    "is_impossible_name",
    "is_of_program",
    "is_placeholder",
    "is_unfilled_tag",
]

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


def is_unfilled_tag(where: str, text: str) -> bool:
    """Return whether the text is the value of a tag and nothing but a variable that `load` fills, such as `$COMMIT`."""
    return where == "tags.value" and re.fullmatch(rf"\${_NAME}|\$\{{[^}}]*\}}", text.strip()) is not None


_LOGS = r"(containerDefinitions|serviceConnectConfiguration)\.logConfiguration\.options"
_TEXTS_OF_PROGRAMS = re.compile(
    r"containerDefinitions\.(command|entryPoint|healthCheck\.command|firelensConfiguration\.options\..*)"
    rf"|{_LOGS}\.(?!awslogs-)[^.]*|{_LOGS}\.awslogs-(datetime-format|multiline-pattern)"
)
"""Texts that a shell or a log router reads, in which what looks like a placeholder has a meaning."""
_FREE_TEXTS = re.compile(
    r"containerDefinitions\.(dockerLabels\..*|dockerSecurityOptions)"
    r"|volumes\.dockerVolumeConfiguration\.(labels|driverOpts)\..*|placementConstraints\.expression|tags\.(key|value)"
)
"""Texts in which anything may stand."""
_WHOLE = re.compile(r"containerDefinitions\.environment\.value|proxyConfiguration\..*")
"""Texts that a program may read: only a text that is nothing but a placeholder is reported."""


def is_of_program(where: str) -> bool:
    """Return whether a shell or a log router reads the text of the member `where`, a path without indexes."""
    return _TEXTS_OF_PROGRAMS.fullmatch(where) is not None


def holds_placeholder(where: str, text: str) -> bool:
    """Return whether the text of a member holds a placeholder that a tool should have filled.

    `where` is the path of the member without indexes.
    """
    if is_of_program(where) or _FREE_TEXTS.fullmatch(where):
        return False
    return is_placeholder(text) if _WHOLE.fullmatch(where) else has_placeholder(text)
