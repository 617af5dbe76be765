"""Compare the JSON of a file with a model, and say what to write instead. Paths and names are those of the file.

Values are shown only where they are numbers of a size or port: never those of variables, secrets, options or commands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from ecskit._core.members import Member, MemberType, members
from ecskit._core.model import Model
from ecskit._core.wording import nearest, shortened
from ecskit._rules.rule import HOLDERS

__all__ = ["Filled", "Untyped", "misfits", "typed", "without_empty_enums"]

Problem = tuple[str, str]

_MOST_SHOWN = 3
"""The most members of a structure that a message writes out."""
_LONGEST = 20
"""The most characters of a number in a message."""


class Untyped(str):
    """A value of YAML without quotation marks: its member decides whether it is text."""

    __slots__ = ()


class Filled(Untyped):
    """A text that was nothing but a placeholder. It is text unless its member is a number, or true or false."""

    __slots__ = ()


def typed(data: Any, cls: type[Model]) -> Any:
    """Return data in which untyped texts have the types of their members. Those that do not fit stay text.

    Where the model has no member, `true`, `false` and whole numbers are no texts.
    """
    return _typed(data, MemberType("", "model", cls))


def _typed(data: Any, kind: MemberType | None) -> Any:
    """`kind` is None where the model has no member."""
    container = kind.container if kind else ""
    one = attrs.evolve(kind, container="") if kind and container else None
    if isinstance(data, dict) and container == "map":
        return {name: _typed(value, one) for name, value in data.items()}
    if isinstance(data, dict):
        known = {m.wire: m.kind for m in members(kind.type)} if kind and kind.shape == "model" else {}
        return {name: _typed(value, known.get(name)) for name, value in data.items()}
    if isinstance(data, list):
        return [_typed(value, one) for value in data]
    if kind is None or kind.shape == "json":
        kind = MemberType("", "scalar", str) if isinstance(data, Filled) else None
    return _typed_text(str(data), kind) if isinstance(data, Untyped) else data


def _typed_text(text: str, kind: MemberType | None) -> str | int | float | bool:
    wanted: Any = kind.type if kind is not None else None
    if wanted in (bool, None) and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if wanted in (int, float, None) and _NUMBER.fullmatch(text):
        return int(text)
    return float(text) if wanted is float and _FRACTION.fullmatch(text) else text


def misfits(data: Any, cls: type[Model]) -> list[Problem]:
    """Return each value that does not fit the model: its path, and what to write."""
    return list(_misfits(data, MemberType("", "model", cls), "", shown=True))


def without_empty_enums(
    data: Mapping[str, Any], cls: type[Model], left_out: list[str], path: str = ""
) -> dict[str, Any]:
    """Return data that fits the model, without empty texts of enums. Append their paths to `left_out`.

    Required members stay, because their absence is a problem of its own. So do members that the model does not have.
    """
    known = {m.wire: m for m in members(cls)}

    def keeps(value: Any, m: Member | None, at: str) -> bool:
        if value != "" or m is None or m.required or not m.kind.values:
            return True
        left_out.append(at)
        return False

    def nested(value: Any, m: Member | None, at: str) -> Any:
        if m is None or value is None:
            return value
        if m.kind.container == "list":
            one = attrs.evolve(m, required=False, kind=attrs.evolve(m.kind, container=""))
            items = ((f"{at}[{i}]", each) for i, each in enumerate(value))
            return [nested(each, one, where) for where, each in items if keeps(each, one, where)]
        if m.kind.shape == "model" and not m.kind.container:
            return without_empty_enums(value, m.kind.type, left_out, f"{at}.")
        return value

    items = ((f"{path}{name}", name, value, known.get(name)) for name, value in data.items())
    return {name: nested(value, m, at) for at, name, value, m in items if keeps(value, m, at)}


def _misfits(data: Any, kind: MemberType, path: str, *, shown: bool) -> Iterator[Problem]:
    if kind.container == "list":
        yield from _list_misfits(data, kind, path, shown=shown)
    elif kind.container == "map":
        if not isinstance(data, dict):
            yield path, f"expected an object with names and values, got {_called(data)}"
            return
        for name, item in data.items():
            yield from _misfits(item, attrs.evolve(kind, container=""), f"{path}[{name!r}]", shown=False)
    elif kind.shape == "model":
        yield from _model_misfits(data, kind.type, path, shown=shown)
    elif not _fits(data, kind.type):
        yield path, _instead(data, kind.type, shown=shown)


def _list_misfits(data: Any, kind: MemberType, path: str, *, shown: bool) -> Iterator[Problem]:
    one = attrs.evolve(kind, container="")
    if isinstance(data, list):
        for i, item in enumerate(data):
            yield from _misfits(item, one, f"{path}[{i}]", shown=shown and kind.shape == "model")
        return
    advice = ""
    if kind.shape == "model" and isinstance(data, dict):
        names = [m.wire for m in members(kind.type)]
        is_one = not data.keys().isdisjoint(names)
        advice = "; put it into a list" if is_one else f"; write a list of {_example(kind.type)}"
    elif kind.shape == "scalar" and _fits(data, kind.type):
        advice = "; put it into a list"
    elif isinstance(data, str) and data.lstrip().startswith("["):
        advice = ", which holds a list as JSON; write the list itself"
    yield path, f"expected a list, got {_called(data)}{advice}"


def _example(cls: type[Model]) -> str:
    names = [m.wire for m in members(cls)]
    return "objects" if len(names) > _MOST_SHOWN else f"{{{', '.join(f'{json.dumps(name)}: ...' for name in names)}}}"


def _model_misfits(data: Any, cls: type[Model], path: str, *, shown: bool) -> Iterator[Problem]:
    if not isinstance(data, dict):
        example = _example(cls)
        yield path, f"expected an object, got {_called(data)}{f'; write {example}' if example != 'objects' else ''}"
        return
    mine = members(cls)
    unknown = data.keys() - {m.wire for m in mine}
    for m in mine:
        at, value = f"{path}.{m.wire}" if path else m.wire, data.get(m.wire)
        if value is not None:
            yield from _misfits(value, m.kind, at, shown=shown and not m.sensitive and m.wire not in HOLDERS)
        elif m.required:
            renamed = nearest(m.wire, unknown)
            yield at, f"is missing; rename {shortened(renamed)}" if renamed else "is missing"


def _fits(value: Any, wanted: type[Any]) -> bool:
    if isinstance(value, bool):
        return wanted is bool
    return isinstance(value, (int, float) if wanted is float else wanted)


_EXPECTED: Mapping[type[Any], str] = {str: "text", int: "a number", float: "a number", bool: "true or false"}
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_FRACTION = re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}")


def _called(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    kinds: Mapping[type[Any], str] = {str: "text", int: "a number", float: "a number", list: "a list"}
    return kinds.get(type(value), "an object")


def _instead(value: Any, wanted: type[Any], *, shown: bool) -> str:
    """Return what was expected, what is there, and what to write."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if wanted is str and (is_number or isinstance(value, bool)):
        if not shown:
            return f"expected text, got {'a number' if is_number else 'true or false'}; put it into quotation marks"
        written = json.dumps(value)[:_LONGEST]
        return f'expected text, got {f"the number {written}" if is_number else written}; write "{written}"'
    if wanted is int and isinstance(value, float):
        there = f"the number {value}" if shown else "another number"
        return f"expected a whole number, got {there}" + (
            f"; write {value:.0f}" if shown and value.is_integer() else ""
        )
    problem = f"expected {_EXPECTED[wanted]}, got {_called(value)}"
    text = value.strip().lower() if isinstance(value, str) else ""
    if wanted is bool and text in ("true", "false"):
        return f"{problem}; write {text}"
    if wanted in (int, float) and _NUMBER.fullmatch(text):
        return f"{problem}; {f'write {text}' if shown else 'remove the quotation marks'}"
    return problem
