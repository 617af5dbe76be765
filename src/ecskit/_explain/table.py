"""The table of findings, in order: the first row that matches a text decides."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from ecskit._core.reasons import without_names
from ecskit._explain.containers import CONTAINER_ROWS, EXIT_ROWS, UNKNOWN_CONTAINER_ROWS
from ecskit._explain.finding import EvidencePlace
from ecskit._explain.images import IMAGE_ROWS, UNKNOWN_IMAGE_ROWS
from ecskit._explain.placement import PLACEMENT_ROWS
from ecskit._explain.resources import RESOURCE_ROWS, UNKNOWN_RESOURCE_ROWS
from ecskit._explain.row import Row
from ecskit._explain.stops import SERVICE_ROWS, START_ROWS, STOP_ROWS

__all__ = ["REFINED", "ROWS", "row_of"]

ROWS: Sequence[Row] = (
    *IMAGE_ROWS,
    *RESOURCE_ROWS,
    *CONTAINER_ROWS,
    *PLACEMENT_ROWS,
    *STOP_ROWS,
    *SERVICE_ROWS,
    *START_ROWS,
    *UNKNOWN_IMAGE_ROWS,
    *UNKNOWN_RESOURCE_ROWS,
    *UNKNOWN_CONTAINER_ROWS,
    *EXIT_ROWS,
)


REFINED: Mapping[str, str] = {row.name: row.refines for row in ROWS if row.refines}
"""The findings that explain another one: the name of that one, by their names."""


@functools.lru_cache(maxsize=256)  # tasks of a service stop for the same reasons
def row_of(place: EvidencePlace, text: str) -> Row | None:
    """Return the first row for a text at a place; None if the table does not have it."""
    text = without_names(text)
    return next((row for row in ROWS if row.matches(place, text)), None)
