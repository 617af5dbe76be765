"""Writes the findings in explain.md, from the table that `explain` uses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ecskit._explain.containers import CONTAINER_ROWS, EXIT_ROWS, UNKNOWN_CONTAINER_ROWS
from ecskit._explain.images import IMAGE_ROWS, UNKNOWN_IMAGE_ROWS
from ecskit._explain.placement import PLACEMENT_ROWS
from ecskit._explain.resources import RESOURCE_ROWS, UNKNOWN_RESOURCE_ROWS
from ecskit._explain.row import Row
from ecskit._explain.stops import SERVICE_ROWS, START_ROWS, STOP_ROWS

PAGE = Path(__file__).with_name("explain.md")
BLOCK = re.compile(r"(<!-- Written by docs/findings\.py\. -->\n).*?(<!-- End -->\n)", re.DOTALL)
SECTIONS: Mapping[str, Sequence[Row]] = {
    "The image cannot be pulled": (*IMAGE_ROWS, *UNKNOWN_IMAGE_ROWS),
    "Secrets, logs and file systems": (*RESOURCE_ROWS, *UNKNOWN_RESOURCE_ROWS),
    "The container cannot be started, or was killed": (*CONTAINER_ROWS, *UNKNOWN_CONTAINER_ROWS),
    "Exit codes": EXIT_ROWS,
    "No room, no instance, no permission": PLACEMENT_ROWS,
    "Health checks, and tasks that were stopped": STOP_ROWS,
    "What services, deployments and ECS Exec report": SERVICE_ROWS,
    "Tasks that do not run yet": START_ROWS,
}


def written(page: str) -> str:
    """Return the text of the page with the table of today."""
    lines = [line for title, rows in SECTIONS.items() for line in _section(title, rows)]
    text = "".join(f"{line}\n" for line in lines)
    return BLOCK.sub(lambda found: f"{found[1]}\n{text}{found[2]}", page)


def _section(title: str, rows: Sequence[Row]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(row)
    for name, same in by_name.items():
        yield f"### {same[0].what.removesuffix('.')}"
        yield ""
        yield "```text"
        yield from (f"exit code {row.example}" if row.places == ("exit code",) else row.example for row in same)
        yield "```"
        yield ""
        for cause in same[0].causes:
            yield f"- {cause.why} {cause.action}"
        reports = dict.fromkeys(f"[{row.seen}]({row.report})" for row in same)
        yield ""
        yield f"Finding `{name}`. [Source]({same[0].source}); the text was seen in {', '.join(reports)}."
        yield ""


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
