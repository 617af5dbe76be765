"""Hypothesis strategies for values of the service model's shapes, as they travel.

`Noise` and `UNKNOWN_MEMBERS` are what a later version of ECS could send.
"""

from __future__ import annotations

import functools
from datetime import datetime, timedelta, timezone
from enum import Flag, auto
from typing import Any

from hypothesis import strategies as st

from .support import SHAPES, is_document, required_members

__all__ = ["UNKNOWN_MEMBERS", "Noise", "wire_values"]

Values = st.SearchStrategy[Any]

_TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
_SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | _TEXT
_DOCUMENTS = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXT, inner, max_size=2)
)
UNKNOWN_MEMBERS = st.dictionaries(
    st.sampled_from(["tomorrow", "x-Unknown", "Übermorgen", "extra_fields", "metadata", "__class__"]),
    _DOCUMENTS,
    max_size=2,
)
"""Members that no shape has; some names are traps."""
_SECONDS = st.integers(0, 4_000_000_000) | st.integers(0, 4_000_000_000_000).map(lambda ms: ms / 1000)
_TIMES = st.integers(0, 4_000_000_000_000).map(lambda ms: datetime.fromtimestamp(ms / 1000, timezone.utc))
_ZONES = st.sampled_from([timezone(timedelta(hours=hours)) for hours in (0, 9, -11)])


class Noise(Flag):
    """What else may be in a value."""

    NONE = 0
    UNKNOWN_ENUMS = auto()
    NULLS = auto()
    DATETIMES = auto()
    """Timestamps are datetimes of various zones, as boto3 takes them, and not epoch seconds."""


@functools.cache
def wire_values(shape: str, noise: Noise = Noise.NONE, *, strict: bool = False) -> Values:
    """Return a strategy for values of a shape.

    Args:
        shape: Name of the shape.
        noise: What else may be in the values.
        strict: Require only what the service model requires, instead of what ecskit's classes do.
    """
    spec = SHAPES[shape]
    inner = functools.partial(wire_values, noise=noise, strict=strict)
    match spec["type"]:
        case "structure" if is_document(shape):
            return st.dictionaries(_TEXT, _DOCUMENTS, max_size=3)
        case "structure" if spec.get("union"):
            return st.one_of(
                [st.fixed_dictionaries({m: inner(target["shape"])}) for m, target in spec["members"].items()]
            )
        case "structure":
            return _structures(shape, noise, strict=strict)
        case "list":
            lowest = spec.get("min", 0)
            return st.lists(inner(spec["member"]["shape"]), min_size=lowest, max_size=max(2, lowest))
        case "map":
            return st.dictionaries(_TEXT, inner(spec["value"]["shape"]), max_size=2)
        case "string" if "enum" in spec:
            odd = st.sampled_from(["", "TOMORROWS_VALUE"]) if Noise.UNKNOWN_ENUMS in noise else st.nothing()
            return st.sampled_from(spec["enum"]) | odd
        case "string":
            return st.text(st.characters(codec="utf-8"), min_size=spec.get("min", 0), max_size=12)
        case "integer" | "long":
            return st.integers(spec.get("min", -(2**31)), spec.get("max", 2**31 - 1))
        case "double":
            return st.floats(spec.get("min", -1e12), spec.get("max", 1e12)) | st.integers(
                int(spec.get("min", -9999)), int(spec.get("max", 9999))
            )
        case "boolean":
            return st.booleans()
        case "timestamp" if Noise.DATETIMES in noise:
            return st.builds(datetime.astimezone, _TIMES, _ZONES)
        case "timestamp":
            return _SECONDS
        case other:
            raise AssertionError(f"the service model has a new type: {other}")


def _structures(shape: str, noise: Noise, *, strict: bool) -> Values:
    spec = SHAPES[shape]
    members = {m: wire_values(target["shape"], noise, strict=strict) for m, target in spec["members"].items()}
    required = set(spec.get("required", ())) if strict else required_members(shape)
    optional = {m: values for m, values in members.items() if m not in required}
    if Noise.NULLS in noise:
        optional = {m: st.none() | values for m, values in optional.items()}
    # Which optional members there are is drawn first: a value with all of a large shape's members costs too much.
    few = st.sets(st.sampled_from(sorted(optional)), max_size=6) if optional else st.just(set[str]())
    return few.flatmap(
        lambda chosen: st.fixed_dictionaries({m: (members | optional)[m] for m in sorted(required | chosen)})
    )
