"""Check request and response bodies against the shapes of the ECS service model.

Checked are JSON types, required and unknown members, enum values, bounds and unions. Patterns are not checked: they are
in Java's dialect. Each shape becomes a function once, because every answer is checked.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from ecskit._simulator.errors import SimulatedError, SimulatorBug, invalid
from ecskit._simulator.wire import Encoded

Shape = Mapping[str, Any]
Shapes = Mapping[str, Shape]

_RULED = frozenset({"RegisterTaskDefinition"})
"""Operations whose unknown members and values of enums are up to the rules of `ecskit._rules`."""


@attrs.frozen
class Violation:
    """One place where a value does not fit its shape.

    Args:
        path: The member, for example `overrides.containerOverrides[0].name`. Empty for the body itself.
        problem: The problem, as the rest of a sentence that starts with the path.
        is_type: Whether the JSON type is wrong, which ECS reports as SerializationException.
        is_new: Whether a newer service model may have it: an unknown member, or an unknown value of an enum.
    """

    path: str
    problem: str
    is_type: bool = False
    is_new: bool = False

    def __str__(self) -> str:
        return f"{self.path or 'The body'} {self.problem}"


Checker = Callable[[Any], Sequence[Violation]]
"""Returns every place where a value does not fit. The paths are relative: `.member`, `[0]`, `['key']` or ` key`."""


def violations(shapes: Shapes, shape: str, value: object) -> list[Violation]:
    """Return every place where `value` does not fit the shape of that name, in order of the value."""
    found = _checkers_of(shapes)[shape](value)
    return [attrs.evolve(violation, path=violation.path.removeprefix(".")) for violation in found]


def check_request(model: Mapping[str, Any], operation: str, body: object) -> None:
    """Refuse a request body that does not fit the input shape of the operation.

    Raises:
        SimulatedError: `SerializationException` if a JSON type is wrong, else `InvalidParameterException`. The message
            names the member.
    """
    found = violations(model["shapes"], model["operations"][operation]["input"]["shape"], body)
    if operation in _RULED:
        found = [violation for violation in found if not violation.is_new]
    if not found:
        return
    for violation in found:
        if violation.is_type:
            raise SimulatedError("SerializationException", f"{violation}.")
    raise invalid(f"{found[0]}.")


def check_response(model: Mapping[str, Any], operation: str, body: object) -> None:
    """Check that a response body fits the output shape of the operation.

    Raises:
        SimulatorBug: It does not.
    """
    found = violations(model["shapes"], model["operations"][operation]["output"]["shape"], body)
    if found:
        raise SimulatorBug(f"{operation} answered against the service model: " + "; ".join(map(str, found)))


class _Checkers(dict[str, Checker]):
    """The checkers of a service model by the name of the shape. Each is made on first use."""

    def __init__(self, shapes: Shapes) -> None:
        super().__init__()
        self.shapes = shapes

    def __missing__(self, name: str) -> Checker:
        shape = self.shapes[name]
        make = _MAKERS.get(shape["type"], _scalar)
        self[name] = checker = _document if shape.get("document") else make(self, shape)
        return checker


_made: dict[int, _Checkers] = {}


def _checkers_of(shapes: Shapes) -> _Checkers:
    """Return the checkers of a service model. They keep its shapes, so that no other model gets the same id."""
    return _made.get(id(shapes)) or _made.setdefault(id(shapes), _Checkers(shapes))


def _below(place: str, found: Sequence[Violation]) -> list[Violation]:
    return [attrs.evolve(violation, path=place + violation.path) for violation in found]


def _wrong_type(shape_type: str, value: object) -> list[Violation]:
    return [Violation("", f"must be {_article(shape_type)}, not {_json_type(value)}", is_type=True)]


def _document(_: object) -> Sequence[Violation]:
    return ()


def _structure(checkers: _Checkers, shape: Shape) -> Checker:
    members: Shape = shape["members"]
    required: Sequence[str] = shape.get("required", ())
    is_required = frozenset(required)
    is_union = shape.get("union", False)
    plain = {name: _plain_type(checkers.shapes[member["shape"]]) for name, member in members.items()}
    used: dict[str, Checker] = {}  # those of the members that occurred: a shape may contain itself

    def check(value: object) -> Sequence[Violation]:
        if not isinstance(value, dict):
            return value.check(check) if isinstance(value, Encoded) else _wrong_type("structure", value)
        found: list[Violation] = []
        if required and not value.keys() >= is_required:
            found += [Violation(f".{name}", "is required") for name in required if name not in value]
        if is_union and len(value) != 1:
            found.append(Violation("", f"must have exactly one of {', '.join(members)}"))
        for name, item in value.items():
            if type(item) is plain.get(name):
                continue  # most members are strings of any length: a call for each would double the time
            check_item = used.get(name)
            if check_item is None:
                if name not in members:
                    found.append(Violation(f".{name}", "is not a member of the service model", is_new=True))
                    continue
                check_item = used[name] = checkers[members[name]["shape"]]
            if wrong := check_item(item):
                found += _below(f".{name}", wrong)
        return found

    return check


def _list(checkers: _Checkers, shape: Shape) -> Checker:
    bounds = _bounds(shape, "items")
    member: str = shape["member"]["shape"]

    def check(value: object) -> Sequence[Violation]:
        if not isinstance(value, list):
            return _wrong_type("list", value)
        found = bounds(len(value))
        check_item = checkers[member]
        for index, item in enumerate(value):
            if wrong := check_item(item):
                found = [*found, *_below(f"[{index}]", wrong)]
        return found

    return check


def _map(checkers: _Checkers, shape: Shape) -> Checker:
    def check(value: object) -> Sequence[Violation]:
        if not isinstance(value, dict):
            return _wrong_type("map", value)
        check_key, check_item = checkers[shape["key"]["shape"]], checkers[shape["value"]["shape"]]
        found: list[Violation] = []
        for key, item in value.items():
            found += _below(" key", check_key(key))
            found += _below(f"[{key!r}]", check_item(item))
        return found

    return check


def _scalar(_: _Checkers, shape: Shape) -> Checker:
    shape_type: str = shape["type"]
    python_type, least, most = _SCALARS.get(shape_type, _NUMBER)
    enum: Sequence[str] = shape.get("enum", ())
    accepted = frozenset(enum)
    is_text = python_type is str
    bounds = _bounds(shape, "characters" if is_text else "")
    low, high = max(least, shape.get("min", least)), min(most, shape.get("max", most))

    def check(value: Any) -> Sequence[Violation]:
        # What nearly every value passes. The rest finds out what is wrong with the others.
        if type(value) is python_type and (not accepted or value in accepted):
            size = len(value) if is_text else value
            if low <= size <= high:
                return ()
        if not _fits(value, python_type, least, most):
            return _wrong_type(shape_type, value)
        found = bounds(len(value) if is_text else value)
        if enum and value not in enum:
            return [Violation("", f"must be one of {', '.join(enum)}", is_new=True), *found]
        return found

    return check


_MAKERS = {"structure": _structure, "list": _list, "map": _map}


def _plain_type(shape: Shape) -> type | None:
    """Return the type whose values all fit a scalar shape, or None."""
    if shape.keys() & {"enum", "min", "max"}:
        return None
    return {"string": str, "boolean": bool}.get(shape["type"])


_FINITE = sys.float_info.max
_NUMBER = (float, -_FINITE, _FINITE)
_SCALARS: dict[str, tuple[Any, float, float]] = {
    "string": (str, 0, math.inf),
    "blob": (str, 0, math.inf),
    "boolean": (bool, 0, 1),
    "integer": (int, -(2**31), 2**31 - 1),
    "long": (int, -(2**63), 2**63 - 1),
}
"""The Python type of a scalar, and the least and the most that its JSON type takes."""


def _fits(value: object, python_type: type, least: float, most: float) -> bool:
    if python_type in (str, bool):
        return isinstance(value, python_type)
    if isinstance(value, bool):
        return False
    if python_type is float:
        return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    return isinstance(value, int) and least <= value <= most


def _bounds(shape: Shape, unit: str) -> Callable[[float], Sequence[Violation]]:
    low, high = shape.get("min", -math.inf), shape.get("max", math.inf)

    def check(size: float) -> Sequence[Violation]:
        if low <= size <= high:
            return ()
        limit = f"at least {low}" if size < low else f"at most {high}"
        return [Violation("", f"must be {limit} {unit}".rstrip())]

    return check


def _article(shape_type: str) -> str:
    words = {
        "structure": "an object",
        "list": "a list",
        "map": "an object",
        "string": "a string",
        "blob": "a string in base64",
        "boolean": "true or false",
        "integer": "a 32-bit integer",
        "long": "a 64-bit integer",
        "timestamp": "a number of seconds since the epoch",
    }
    return words.get(shape_type, "a number")


def _json_type(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    names: list[tuple[type, str]] = [(str, "a string"), (dict, "an object"), (list, "a list")]
    for python_type, name in names:
        if isinstance(value, python_type):
            return name
    return "that number" if isinstance(value, (int, float)) else type(value).__name__
