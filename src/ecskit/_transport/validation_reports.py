"""Reads the reports of botocore's validation: where the problems are, without the values in them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecskit import models
from ecskit._core.members import members
from ecskit._core.model import Model

__all__ = ["problems", "wire_problems"]

_REPORTED = re.compile(
    r"(?P<what>Missing required parameter|Invalid type|Invalid value|Invalid length) (?:in|for parameter)"
    r' (?P<path>[\w.\[\]]+)(?:: "(?P<missing>\w+)"$)?'
)
_LIMIT = re.compile(r"valid (?:min|max)[\w ]*: [\d.]+$|valid types: [^,]+(?:, <class '\w+'>)*$")


def problems(operation: str, report: str) -> list[tuple[str, str]]:
    """Return the problems in a request to ECS by their path, in Python names."""
    named = [(_python_path(operation, path), problem) for path, problem in wire_problems(report)]
    # A line without a member belongs to a printed value.
    found = [(path, problem) for path, problem in named if path is not None]
    return found or [("", "botocore does not accept its parameters")]


def wire_problems(report: str) -> Iterator[tuple[str, str]]:
    """Yield path and description of each problem in a request to any service."""
    for line in report.splitlines():
        match, limit = _REPORTED.match(line), _LIMIT.search(line)
        if match:
            whole = match["path"] == "input"
            path = ".".join(filter(None, ["" if whole else match["path"], match["missing"]]))
            yield path, match["what"].lower() + (f", {limit[0]}" if limit else "")


def _python_path(operation: str, wire: str) -> str | None:
    """Return a path of wire names as Python names; None if its first name is not a member of the request."""
    cls: type[Model] | None = getattr(models, f"{operation}Request")
    names: list[str] = []
    for name, index in re.findall(r"(\w+)([^.]*)", wire):
        member = next((m for m in members(cls) if m.wire == name), None) if cls else None
        if member is None and not names:
            return None
        names.append((member.name if member else name) + index)
        cls = member.kind.type if member and member.kind.shape == "model" else None
    return ".".join(names)
