"""Check bounds that ECS documents but does not list in its service model. The callers have the numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ecskit._simulator.errors import invalid, refused

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")


def check_name(what: str, name: str) -> None:
    """Refuse a name that is not 1 to 255 letters, digits, hyphens and underscores.

    Raises:
        SimulatedError: `ClientException`.
    """
    if not _NAME.fullmatch(name):
        raise refused(f"{what} must be 1 to 255 letters, digits, hyphens and underscores, not {name!r}.")


def check_count(what: str, items: Sequence[object], *, least: int = 1, most: int) -> None:
    """Refuse a list that is too short or too long.

    Raises:
        SimulatedError: `InvalidParameterException`.
    """
    if len(items) < least:
        raise invalid(f"{what[0].upper()}{what[1:]} cannot be empty.")
    if len(items) > most:
        raise invalid(f"{what} can have at most {most} items, not {len(items)}.")


def check_length(what: str, text: str | None, most: int) -> None:
    """Refuse a text that is too long.

    Raises:
        SimulatedError: `InvalidParameterException`.
    """
    if text is not None and len(text) > most:
        raise invalid(f"{what} can have at most {most} characters, not {len(text)}.")
