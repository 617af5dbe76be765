from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ecskit.testing import TaskScript

PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"


def test_the_examples_of_the_page_run() -> None:
    """The Python blocks of the page run, one after the other."""
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)
    assert [call.operation for call in names["simulator"].calls] == ["ListClusters", "CreateCluster"]


def test_the_page_has_every_field_of_a_script() -> None:
    """The table of fields is complete."""
    page = PAGE.read_text(encoding="utf-8")
    missing = [field for field in TaskScript.__annotations__ if f"`{field}`" not in page]
    assert missing == []
