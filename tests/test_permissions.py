"""The page of permissions says what the verbs send."""

from __future__ import annotations

import runpy
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "permissions.md"


def test_the_page_is_what_its_generator_writes() -> None:
    """`python docs/permissions.py` writes it anew."""
    assert runpy.run_path(str(PAGE.with_suffix(".py")))["page"]() == PAGE.read_text("utf-8")
