"""The checks that most rules are made of: tests of the single values at the places of a rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ecskit._rules.placeholders import has_placeholder
from ecskit._rules.rule import Check, Places, Problem, S_contra, Subject

__all__ = ["absent", "below", "between", "by_name", "fits", "matches", "most", "reachable", "repeated", "when"]


def fits(test: Callable[[Any], bool], text: str) -> Check[Subject]:
    """Check that each value passes a test. Texts with a placeholder are left to the rule about those."""

    def check(_: Subject, places: Places) -> Iterator[Problem]:
        for path, value in places:
            if not (isinstance(value, str) and has_placeholder(value)) and not test(value):
                yield Problem(path, text)

    return check


def between(low: float, high: float, unit: str = "") -> Check[Subject]:
    """Check that each number is in a range."""
    return fits(lambda value: low <= value <= high, f"expected {low} to {high}{unit and f' {unit}'}, got {{value}}")


def matches(pattern: str, text: str) -> Check[Subject]:
    """Check that each text matches a pattern as a whole."""
    compiled = re.compile(pattern)
    return fits(lambda value: compiled.fullmatch(value) is not None, f"expected {text}, got {{value}}")


def most(count: int, what: str) -> Check[Subject]:
    """Check that each list or text is not too long."""

    def check(_: Subject, places: Places) -> Iterator[Problem]:
        for path, value in places:
            if len(value) > count:
                yield Problem(path, f"expected at most {count} {what}, got {len(value)}")

    return check


def absent(text: str) -> Check[Subject]:
    """Check that nothing is given. Empty lists and texts, and what is off, count as nothing; 0 does not."""

    def check(_: Subject, places: Places) -> Iterator[Problem]:
        for path, value in places:
            if value or isinstance(value, Mapping) or (isinstance(value, int) and value is not False):
                yield Problem(path, text)

    return check


def repeated(name: str, text: str) -> Check[Subject]:
    """Check that the items of each list have different names; `{name}` in the text is the name."""

    def check(_: Subject, places: Places) -> Iterator[Problem]:
        for where, items in places:
            for key, paths in by_name([(f"{where}[{i}]", item) for i, item in enumerate(items)], name).items():
                for path in paths[1:]:
                    yield Problem(f"{path}.{name}", text.replace("{name}", key), about=key)

    return check


def when(condition: Callable[[S_contra], bool], *checks: Check[S_contra]) -> Check[S_contra]:
    """Apply checks to some requests only."""

    def check(subject: S_contra, places: Places) -> Iterator[Problem]:
        if condition(subject):
            for each in checks:
                yield from each(subject, places)

    return check


def below(prefix: str, names: str) -> tuple[str, ...]:
    """Return the paths of members of one structure."""
    return tuple(f"{prefix}.{name}" for name in names.split())


def by_name(items: Places, name: str = "name") -> Mapping[str, list[str]]:
    """Return the paths of items by their names. Items without a name are left out."""
    found: dict[str, list[str]] = {}
    for path, item in items:
        if item.get(name):
            found.setdefault(item[name], []).append(path)
    return found


def reachable(after: Mapping[str, Sequence[str]], start: str) -> set[str]:
    """Return the names that come after a name, directly or not."""
    found: set[str] = set()
    todo = [*after[start]]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += after.get(name, ())
    return found
