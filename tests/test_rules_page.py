"""The pages of rules and of findings say what the tables say."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def test_the_page_is_what_the_rules_say() -> None:
    """`python docs/rules.py` writes it anew."""
    assert runpy.run_path(str(DOCS / "rules.py"))["page"]() == (DOCS / "rules.md").read_text("utf-8")


def test_the_page_of_findings_is_what_the_table_says() -> None:
    """`python docs/findings.py` writes it anew."""
    page = (DOCS / "explain.md").read_text("utf-8")
    assert runpy.run_path(str(DOCS / "findings.py"))["written"](page) == page
