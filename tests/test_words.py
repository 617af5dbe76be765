"""Programs return, report, request and log: no line of source, docs, examples or tests uses words for people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GENERATED = tuple(ROOT / "src" / "ecskit" / name for name in ("_api", "_facades", "models"))
WORDS = re.compile(r"\b(?:told|tells?|telling|nobody|somebody)\b", re.IGNORECASE)
AT_MOST = 40

PERMITTED: dict[tuple[str, str], str] = {}
"""File and text of each line that may contain one of the words, and the reason."""


def lines() -> Iterator[tuple[str, str]]:
    """Yield file and text of each line that contains one of the words, generated files aside."""
    paths = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    for folder in ("src", "docs", "examples", "tests", "benchmarks"):
        paths += sorted(
            path
            for path in (ROOT / folder).rglob("*")
            if path.suffix in {".py", ".toml", ".md", ".json"} and path != Path(__file__)
        )
    for path in paths:
        if "_build" not in path.parts and not any(path.is_relative_to(folder) for folder in GENERATED):
            for line in path.read_text("utf-8").splitlines():
                if WORDS.search(line):
                    yield path.relative_to(ROOT).as_posix(), line.strip()


def test_programs_report_and_do_not_talk() -> None:
    """Every line with one of these words is in the list of permitted lines, and each of those still exists."""
    found = set(lines())
    assert [] == sorted(found - PERMITTED.keys())
    assert [] == sorted(PERMITTED.keys() - found)


def test_few_lines_are_permitted() -> None:
    """Each has its reason."""
    assert len(PERMITTED) <= AT_MOST
    assert all(PERMITTED.values())


@pytest.mark.parametrize("line", ["ECS told us", "It tells why.", "Nobody waits", "for somebody else"])
def test_the_words_are_found(line: str) -> None:
    """Whole words, in any case."""
    assert WORDS.search(line)
