"""From dicts with wire names to models.

Lenient: unknown enum values are accepted, unknown members are kept in `extra_fields`, null means absent. For each class
a function without branches is compiled on first use, because a call spends most of its time with decoding. That
function only detects that data does not fit. A second, slower pass finds out where and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import attrs

from ecskit._core.members import Member, MemberType, members

from .absent import ABSENT_LIST, ABSENT_MAP
from .errors import RequestError
from .metadata import response_metadata

if TYPE_CHECKING:
    from .model import Model

__all__ = ["Structure", "set_slot", "structure_hook"]

Structure = Callable[[Any, Any], Any]
"""A cattrs structure hook: takes the data and the class, returns an instance."""

_METADATA = "ResponseMetadata"
"""The key under which botocore puts the metadata of a response."""


class _MismatchError(Exception):
    """The data does not fit."""


_MISMATCHES = (_MismatchError, ValueError, OverflowError, OSError)
"""What a compiled function raises for data that does not fit; all but the first come from `datetime`."""


def set_slot(cls: type[Model], name: str) -> Callable[[Any, Any], None]:
    """Return a function that sets one attribute of a frozen instance."""
    write: Callable[[Any, Any], None] = getattr(cls, name).__set__
    return write


_hooks: dict[type[Model], Structure] = {}


def structure_hook(cls: type[Model]) -> Structure:
    """Return the hook that makes a `cls` from a dict. It is compiled on first use."""
    return _hooks.get(cls) or _hooks.setdefault(cls, _compile(cls))


def _compile(cls: type[Model]) -> Structure:
    """Write and compile the hook that makes a `cls` from a dict.

    It sets the slots through their descriptors: the `__init__` of a frozen class takes about three times as long.
    """
    mine = members(cls)
    is_response = hasattr(cls, "metadata")
    known = frozenset(m.wire for m in mine) | ({_METADATA} if is_response else set())
    names: dict[str, Any] = {
        "new": object.__new__,
        "cls": cls,
        "absent_list": ABSENT_LIST,
        "absent_map": ABSENT_MAP,
        "as_list": _as_list,
        "as_map": _as_map,
        "as_time": as_time,
        "from_timestamp": datetime.fromtimestamp,
        "utc": timezone.utc,
        "metadata": response_metadata,
        "mismatch": _MismatchError,
        "mismatches": _MISMATCHES,
        "explain": _explain,
        "known": known.issuperset,
        "extra": lambda data: {key: value for key, value in data.items() if key not in known},
        "set_extra": set_slot(cls, "extra_fields"),
    }
    lines = [
        "def structure(data, _=None):",
        " try:",
        "  if not isinstance(data, dict): raise mismatch",
        "  self = new(cls)",
    ]
    lines.append("  get = data.get")
    for i, m in enumerate(mine):
        names[f"set{i}"] = set_slot(cls, m.name)
        if m.kind.shape == "model":
            names[f"make{i}"], names[f"cls{i}"] = structure_hook(m.kind.type), m.kind.type
        lines += [f"  {line}" for line in _member(m, i)]
    if is_response:
        names["set_metadata"] = set_slot(cls, "metadata")
        lines.append(f"  set_metadata(self, metadata(get({_METADATA!r})))")
    lines += ["  set_extra(self, absent_map if known(data) else extra(data))", "  return self"]
    lines += [" except mismatches: raise explain(data, cls) from None"]
    exec("\n".join(lines), names)  # noqa: S102  # made from our own classes only
    compiled: Structure = names["structure"]
    return compiled


def _member(m: Member, i: int) -> list[str]:
    """Return the lines that read and set one member. Data of the usual type takes the shortest path."""
    kind, get = m.kind, f"get({m.wire!r})"
    make = {"model": f"make{i}({{}}, cls{i})", "timestamp": _TIME}.get(kind.shape)
    if make is None and not kind.container and not m.required:
        return [f"set{i}(self, {get})"]
    lines = [f"v = {get}"]
    if m.required:
        lines.append("if v is None: raise mismatch")
    absent = "None"
    made = make.format("v") if make else "v"
    item = f"None if i is None else {make.format('i')}" if make else "i"
    if kind.container == "list":
        absent, a_list = "absent_list", "(v if v.__class__ is list else as_list(v))"
        # An empty list is taken as it is: no loop, no second list.
        made = f"([{item} for i in v] if v else v) if v.__class__ is list else [{item} for i in as_list(v)]"
        made = made if make else a_list
    elif kind.container == "map":
        absent, made = "absent_map", f"{{k: {item} for k, i in as_map(v).items()}}" if make else "as_map(v)"
    lines.append(f"set{i}(self, {made if m.required else f'{absent} if v is None else {made}'})")
    return lines


_TIME = "(from_timestamp({0}, utc) if {0}.__class__ is float else as_time({0}))"


def _as_list(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        raise _MismatchError
    return value


def _as_map(value: Any) -> Any:
    if not isinstance(value, dict):
        raise _MismatchError
    return value


def as_time(value: Any) -> datetime:
    """Read a time: epoch seconds (from ECS), ISO 8601 (from its events) or a datetime (from boto3)."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, timezone.utc)
    if isinstance(value, str):
        # Python 3.10 supports neither "Z" nor fractions of other than 3 or 6 digits.
        value = _iso(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)
    raise _MismatchError


def _iso(text: str) -> datetime:
    from dateutil.parser import isoparse  # a dependency of botocore; only events need it

    return isoparse(text)


def _explain(data: Any, cls: type[Model]) -> RequestError:
    return RequestError(cls.__name__, list(_mismatches(data, MemberType("", "model", cls), "")))


def _mismatches(data: Any, kind: MemberType, path: str) -> Iterator[tuple[str, str]]:
    """Yield path and description of each problem in `data`, which should be of type `kind`."""
    if kind.container:
        if not isinstance(data, (list, tuple) if kind.container == "list" else dict):
            yield path, f"expected a {kind.container}, got {type(data).__name__}"
            return
        one = attrs.evolve(kind, container="")
        for key, item in data.items() if isinstance(data, dict) else enumerate(data):
            if item is not None:
                yield from _mismatches(item, one, f"{path}[{key!r}]")
    elif kind.shape == "model":
        if not isinstance(data, dict):
            yield path, f"expected the members of {kind.type.__name__}, got {type(data).__name__}"
            return
        for m in members(kind.type):
            yield from _member_mismatches(data, m, f"{path}.{m.wire}" if path else m.wire)
    elif kind.shape == "timestamp":
        try:
            as_time(data)
        except _MISMATCHES:
            yield path, f"expected a time: epoch seconds, ISO 8601 or datetime, got {type(data).__name__}"


def _member_mismatches(data: dict[str, Any], m: Member, path: str) -> Iterator[tuple[str, str]]:
    value = data.get(m.wire)
    if value is not None:
        yield from _mismatches(value, m.kind, path)
    elif m.required:
        yield path, "is missing"
