"""Check request and response bodies against the shapes of the ECS service model.

Checked are JSON types, required and unknown members, enum values, bounds and unions. Patterns are not checked: they are
in Java's dialect.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from ecskit._simulator.errors import SimulatedError, SimulatorBug, invalid

Shapes = Mapping[str, Mapping[str, Any]]

_RULED = frozenset({"RegisterTaskDefinition"})
"""Operations whose unknown members and values of enums are up to the rules of `ecskit._rules`."""
_INTEGER_BITS = {"integer": 31, "long": 63}


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


def violations(shapes: Shapes, shape: str, value: object) -> list[Violation]:
    """Return every place where `value` does not fit the shape of that name, in order of the value."""
    found: list[Violation] = []
    _walk(shapes, shape, value, "", found)
    return found


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


def _walk(shapes: Shapes, name: str, value: object, path: str, found: list[Violation]) -> None:
    shape = shapes[name]
    shape_type = shape["type"]
    if shape.get("document"):
        return
    if shape_type == "structure" and isinstance(value, dict):
        _walk_structure(shapes, shape, value, path, found)
    elif shape_type == "list" and isinstance(value, list):
        _walk_list(shapes, shape, value, path, found)
    elif shape_type == "map" and isinstance(value, dict):
        _walk_map(shapes, shape, value, path, found)
    elif _fits_scalar(shape_type, value):
        _check_scalar(shape, value, path, found)
    else:
        found.append(Violation(path, f"must be {_article(shape_type)}, not {_json_type(value)}", is_type=True))


def _walk_structure(
    shapes: Shapes, shape: Mapping[str, Any], value: dict[str, Any], path: str, found: list[Violation]
) -> None:
    members = shape["members"]
    prefix = f"{path}." if path else ""
    missing = (required for required in shape.get("required", ()) if required not in value)
    found.extend(Violation(prefix + member, "is required") for member in missing)
    if shape.get("union") and len(value) != 1:
        found.append(Violation(path, f"must have exactly one of {', '.join(members)}"))
    for member, item in value.items():
        if member in members:
            _walk(shapes, members[member]["shape"], item, prefix + member, found)
        else:
            found.append(Violation(prefix + member, "is not a member of the service model", is_new=True))


def _walk_list(shapes: Shapes, shape: Mapping[str, Any], value: list[Any], path: str, found: list[Violation]) -> None:
    _check_bounds(shape, len(value), "items", path, found)
    member = shape["member"]["shape"]
    for index, item in enumerate(value):
        _walk(shapes, member, item, f"{path}[{index}]", found)


def _walk_map(
    shapes: Shapes, shape: Mapping[str, Any], value: dict[str, Any], path: str, found: list[Violation]
) -> None:
    for key, item in value.items():
        _walk(shapes, shape["key"]["shape"], key, f"{path} key", found)
        _walk(shapes, shape["value"]["shape"], item, f"{path}[{key!r}]", found)


def _fits_scalar(shape_type: str, value: object) -> bool:
    if shape_type == "string":
        return isinstance(value, str)
    if shape_type == "boolean":
        return isinstance(value, bool)
    if isinstance(value, bool) or shape_type in ("structure", "list", "map"):
        return False
    if shape_type in _INTEGER_BITS:
        return isinstance(value, int) and -(2 ** _INTEGER_BITS[shape_type]) <= value < 2 ** _INTEGER_BITS[shape_type]
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _check_scalar(shape: Mapping[str, Any], value: Any, path: str, found: list[Violation]) -> None:
    enum: Sequence[str] = shape.get("enum", ())
    if enum and value not in enum:
        found.append(Violation(path, f"must be one of {', '.join(enum)}", is_new=True))
    if shape["type"] == "string":
        _check_bounds(shape, len(value), "characters", path, found)
    else:
        _check_bounds(shape, value, "", path, found)


def _check_bounds(shape: Mapping[str, Any], size: float, unit: str, path: str, found: list[Violation]) -> None:
    low, high = shape.get("min"), shape.get("max")
    if low is not None and size < low:
        found.append(Violation(path, f"must be at least {low} {unit}".rstrip()))
    if high is not None and size > high:
        found.append(Violation(path, f"must be at most {high} {unit}".rstrip()))


def _article(shape_type: str) -> str:
    words = {
        "structure": "an object",
        "list": "a list",
        "map": "an object",
        "string": "a string",
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
