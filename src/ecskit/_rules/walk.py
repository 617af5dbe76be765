"""Every text and every unknown member of a request, with the member that it is the value of."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from ecskit._core.members import Member, members
from ecskit._core.model import Model
from ecskit._rules.rule import PlacesOf, Wire

__all__ = ["Place", "RequestWire", "walk"]


@attrs.frozen
class Place:
    """One text of a request, or one unknown member."""

    path: str
    where: str
    """The path without indexes, such as `containerDefinitions.portMappings.protocol`."""
    member: Member | None
    """None for a member that the model does not have."""
    value: Any
    siblings: Sequence[str] = ()
    """The members that the structure has, if this one is unknown."""


@attrs.frozen(eq=False, slots=False)  # cached properties
class RequestWire:
    """A request as it is sent, with its values and its texts."""

    wire: Wire
    model: type[Model]
    places: PlacesOf = attrs.field(
        init=False, repr=False, default=attrs.Factory(lambda self: PlacesOf(self.wire), takes_self=True)
    )
    """The values of its members and their paths, by where they are."""

    @functools.cached_property
    def texts(self) -> Sequence[Place]:
        """All texts and all unknown members."""
        return [*walk(self.wire, self.model)]


def walk(wire: Wire, cls: type[Model], path: str = "", where: str = "") -> Iterator[Place]:
    """Yield the places of a structure. Paths are below `path`, which ends in a dot."""
    known = {m.wire: m for m in members(cls)}
    for name, value in wire.items():
        m, at, kind = known.get(name), f"{path}{name}", f"{where}{name}"
        if m is None:
            yield Place(at, kind, None, value, [*known])
        elif m.kind.container == "list":
            for i, item in enumerate(value):
                yield from _item(item, m, f"{at}[{i}]", kind)
        elif m.kind.container == "map":
            for key, item in value.items():
                yield from _item(item, m, f"{at}[{key!r}]", f"{kind}.{key}")
        else:
            yield from _item(value, m, at, kind)


def _item(value: Any, m: Member, path: str, where: str) -> Iterator[Place]:
    if m.kind.shape == "model" and isinstance(value, Mapping):
        yield from walk(value, m.kind.type, f"{path}.", f"{where}.")
    elif isinstance(value, str):
        yield Place(path, where, m, value)
