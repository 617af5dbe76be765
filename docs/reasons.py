"""Writes the table of reasons in errors.md, from the table that ecskit uses."""

from __future__ import annotations

import re
from pathlib import Path

from ecskit._core.reasons import LASTING, PASSING, REASONS

PAGE = Path(__file__).with_name("errors.md")
BLOCK = re.compile(r"(<!-- Written by docs/reasons\.py\. -->\n).*?(<!-- End -->\n)", re.DOTALL)


def written(page: str) -> str:
    """Return the text of the page with the table of today."""
    lines = ["| kind | what ECS writes | known |", "|---|---|---|"]
    for kind in (*PASSING, *LASTING):
        for row in REASONS:
            if row.kind == kind:
                stopped = ", of stopped tasks only" if row.general else ""
                lines.append(f"| {kind} | {row.example} | [{row.known}]({row.source}){stopped} |")
    table = "".join(f"{line}\n" for line in lines)
    return BLOCK.sub(lambda found: f"{found[1]}\n{table}\n{found[2]}", page)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
