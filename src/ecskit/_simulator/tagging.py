"""Check and merge lists of tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ecskit._simulator.records.resources import Tags

MAX_TAGS = 50
_RESERVED = "aws:"


def checked_tags(tags: Iterable[dict[str, str]] | None) -> Tags:
    """Return the tags of a request, in their order.

    Raises:
        SimulatedError: `InvalidParameterException` for more than 50 tags, or an empty, duplicate or reserved key.
    """
    accepted: Tags = []
    seen: set[str] = set()
    for tag in tags or ():
        key = tag.get("key", "")
        if not key:
            raise invalid("Tag keys must not be empty.")
        if key.lower().startswith(_RESERVED):
            raise invalid(f"Tag keys must not start with {_RESERVED}: {key}.")
        if key in seen:
            raise invalid(f"Duplicate tag keys found: {key}.")
        seen.add(key)
        accepted.append({"key": key, "value": tag.get("value", "")})
    check_number(accepted)
    return accepted


def check_number(tags: Tags) -> None:
    """Refuse more tags than a resource can have.

    Raises:
        SimulatedError: `InvalidParameterException`.
    """
    if len(tags) > MAX_TAGS:
        raise invalid(f"A resource can have at most {MAX_TAGS} tags.")


def merged_tags(old: Tags, new: Tags) -> Tags:
    """Return the old tags, replaced by new tags of the same key, and the other new tags."""
    values = {tag["key"]: tag["value"] for tag in (*old, *new)}
    return [{"key": key, "value": value} for key, value in values.items()]
