"""The members of each model: wire names and types, read from the annotations.

Generated annotations follow a small grammar (`X`, `X | None`, `X | str`, `Sequence[X]`, `Mapping[str, X]`) and are read
as text. Evaluating them with `typing.get_type_hints` would take longer than the rest of a first call.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

import attrs

if TYPE_CHECKING:
    from ecskit._core.model import Model

__all__ = ["Member", "MemberType", "members", "wire_path"]

Shape = Literal["scalar", "timestamp", "model", "json"]
_NUMBERS_AND_STRINGS = {"str": str, "int": int, "float": float, "bool": bool}


@attrs.frozen(eq=False, repr=False)  # internal: each method that attrs writes lengthens the import
class MemberType:
    """The type of a member: one item, or a list or map of items."""

    container: Literal["", "list", "map"]
    shape: Shape
    type: type[Any]
    """The class of an item: `str`, `int`, `float` or `bool` for a scalar, the class of a model."""
    values: tuple[str, ...] = ()
    """The known values of an enum; empty for all other types."""


@attrs.frozen(eq=False, repr=False)
class Member:
    """One member of a model, with its names in Python and on the wire."""

    name: str
    wire: str
    required: bool
    sensitive: bool
    kind: MemberType


_members: dict[type[Model], tuple[Member, ...]] = {}


def members(cls: type[Model]) -> tuple[Member, ...]:
    """Return the members of a model that are sent or received, in the order of the class."""
    return _members.get(cls) or _members.setdefault(cls, _read(cls))


def wire_path(cls: type[Model], path: str) -> str:
    """Return a path of attributes, such as `volumes[0].host.source_path`, as a path of wire names."""
    name, rest = _first(path)
    m = next((m for m in members(cls) if m.name == name), None)
    if m is None:
        return path
    index, below = (rest, "") if m.kind.container == "map" else _index(rest)
    if below and m.kind.shape == "model":
        below = f".{wire_path(m.kind.type, below[1:])}"
    return f"{m.wire}{index}{below}"


def _first(path: str) -> tuple[str, str]:
    name = re.match(r"\w*", path)[0]  # type: ignore[index]  # matches any text
    return name, path[len(name) :]


def _index(rest: str) -> tuple[str, str]:
    index, bracket, below = rest.partition("]") if rest.startswith("[") else ("", "", rest)
    return index + bracket, below


def _read(cls: type[Model]) -> tuple[Member, ...]:
    namespace = vars(sys.modules[cls.__module__])
    # From the classes: `attrs.resolve_types` replaces the texts in the fields by classes.
    annotations: dict[str, str] = {}
    for base in reversed(cls.__mro__[:-1]):
        annotations |= base.__annotations__
    return tuple(
        Member(
            name=a.name,
            wire=cls._wire_names.get(a.name) or _camel(a.name),
            required=a.default is attrs.NOTHING,
            sensitive=a.name in cls._sensitive,
            kind=_kind(annotations[a.name], namespace),
        )
        for a in attrs.fields(cls)
        if a.name not in ("extra_fields", "metadata")
    )


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _kind(annotation: str, namespace: Mapping[str, Any]) -> MemberType:
    text = annotation.removesuffix(" | None").removesuffix(" | str")
    container: Literal["", "list", "map"] = ""
    if text.startswith("Sequence["):
        container, text = "list", text[len("Sequence[") : -1]
    elif text.startswith("Mapping[str, "):
        container, text = "map", text[len("Mapping[str, ") : -1]
    text = text.removesuffix(" | str")
    if text in _NUMBERS_AND_STRINGS:
        return MemberType(container, "scalar", _NUMBERS_AND_STRINGS[text])
    if text == "datetime":
        return MemberType(container, "timestamp", datetime)
    if text == "JSON":
        return MemberType(container, "json", object)
    named = namespace[text]
    if isinstance(named, type):
        return MemberType(container, "model", named)
    return MemberType(container, "scalar", str, get_args(named))  # an enum of ECS, to which new strings may be added
