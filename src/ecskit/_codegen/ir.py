"""Read the service model: Python names, types, corrections, and families of shapes.

What botocore's JSON lacks comes from `overrides.toml` and `summaries.toml`. An entry of theirs that nothing uses is an
error, because it has no effect.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from botocore import xform_name

Json = dict[str, Any]
Direction = Literal["request", "response", "both"]

SCALARS = {"string": "str", "integer": "int", "long": "int", "double": "float", "boolean": "bool"}


class OverrideError(Exception):
    """Overrides and service model do not fit together."""


@dataclass(frozen=True)
class Type:
    """The type of a member: one item, or a list or map of items."""

    container: Literal["", "list", "map"]
    item: str
    """`str`, `int`, `float`, `bool`, `datetime`, `JSON`, or the name of an enum or structure."""
    is_enum: bool = False
    is_structure: bool = False


@dataclass(frozen=True)
class Member:
    """One member of a structure."""

    wire: str
    name: str
    type: Type
    required: bool
    sensitive: bool
    summary: str
    limits: str
    deprecated: bool

    @property
    def is_list_of_str(self) -> bool:
        """Whether type checkers would accept a str for it, because a str is a sequence of str."""
        return self.type.container == "list" and self.type.item == "str"


@dataclass(frozen=True)
class Structure:
    """One structure, for which a class is written."""

    name: str
    members: tuple[Member, ...]
    family: str
    direction: Direction
    union: bool
    summary: str


@dataclass(frozen=True)
class Operation:
    """One operation."""

    name: str
    method: str
    family: str
    request: Structure
    response: Structure
    errors: tuple[str, ...]
    token_length: int
    nonempty: tuple[str, ...]
    pages: bool
    items: Member | None
    failures: bool
    summary: str


@dataclass(frozen=True)
class Error:
    """One error in the service model."""

    code: str
    base: str
    summary: str
    members: tuple[Member, ...]


@dataclass
class Api:
    """The whole API."""

    structures: dict[str, Structure] = field(default_factory=dict)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)
    errors: list[Error] = field(default_factory=list)

    @property
    def families(self) -> list[str]:
        """The names of the modules that hold the structures."""
        return sorted({s.family for s in self.structures.values()})


class Corrections:
    """The entries of both TOML files. Each has to be used at least once."""

    def __init__(self, overrides: Json, summaries: Json) -> None:
        """Hold the parsed files."""
        self.families: list[Json] = overrides["families"]
        self._tables: dict[str, Json] = {
            "names": overrides["names"],
            "enums": {member: name for name, enum in overrides["enums"].items() for member in enum["members"]},
            "sensitive": overrides["sensitive"],
            "always": {member: True for group in overrides["always"] for member in group["members"]},
            "tokens": overrides["tokens"],
            "nonempty": overrides["nonempty"],
            "errors": overrides["errors"],
            "operations": summaries["operations"],
            "structures": summaries.get("structures", {}),
            "members": {f"{s}.{m}": t for s, ms in summaries["members"].items() for m, t in ms.items()},
            "common_members": summaries.get("common_members", {}),
        }
        self.new_enums = {name: tuple(e["values"]) for name, e in overrides["enums"].items() if "values" in e}
        self._unused = {(table, key) for table, entries in self._tables.items() for key in entries}

    def get(self, table: str, key: str) -> Any:
        """Return an entry, or None, and mark it as used."""
        self._unused.discard((table, key))
        return self._tables[table].get(key)

    def family(self, operation: str) -> str:
        """Return the family of an operation."""
        for rule in self.families:
            if re.search(rule["operations"], operation):
                rule["used"] = True
                module: str = rule["module"]
                return module
        raise OverrideError(f"no family for operation {operation}")

    def check_all_used(self) -> None:
        """Raise OverrideError if an entry was not used."""
        left = [f"[{table}] {key}" for table, key in sorted(self._unused)]
        left += [f"[[families]] {rule['module']}" for rule in self.families if not rule.get("used")]
        if left:
            raise OverrideError("entries that correct nothing: " + ", ".join(left))


def read(model: Json, corrections: Corrections) -> Api:
    """Make the API out of a service model."""
    return _Reader(model, corrections).read()


class _Reader:
    def __init__(self, model: Json, corrections: Corrections) -> None:
        self.operations: dict[str, Json] = model["operations"]
        self.shapes: dict[str, Json] = model["shapes"]
        self.fix = corrections
        self.inputs = set[str]()
        self.outputs = set[str]()
        self.used_by: dict[str, set[str]] = defaultdict(set)

    def read(self) -> Api:
        for name, op in self.operations.items():
            family = self.fix.family(name)
            for seen, top in ((self.inputs, op["input"]), (self.outputs, op["output"])):
                for shape in self._reachable(top["shape"]):
                    seen.add(shape)
                    self.used_by[shape].add(family)
        api = Api()
        for name in sorted(self.inputs | self.outputs):
            found = self.shapes[name]
            if found["type"] == "structure" and not found.get("document"):
                api.structures[name] = self._structure(name, found)
            elif found["type"] == "string" and "enum" in found:
                api.enums[name] = tuple(found["enum"])
        api.enums = dict(sorted({**api.enums, **self.fix.new_enums}.items()))
        api.operations = [self._operation(name, op, api) for name, op in sorted(self.operations.items())]
        api.errors = [self._error(n, s) for n, s in sorted(self.shapes.items()) if s.get("exception")]
        self.fix.check_all_used()
        return api

    def _reachable(self, name: str) -> Iterator[str]:
        found, ahead = {name}, [name]
        while ahead:
            shape = self.shapes[ahead.pop()]
            inner = [shape[k]["shape"] for k in ("member", "key", "value") if k in shape]
            inner += [m["shape"] for m in shape.get("members", {}).values()]
            ahead += [i for i in inner if i not in found]
            found |= set(inner)
        return iter(found)

    def _structure(self, name: str, shape: Json) -> Structure:
        users = self.used_by[name]
        both = name in self.inputs and name in self.outputs
        direction: Direction = "both" if both else "request" if name in self.inputs else "response"
        required = set(shape.get("required", ()))
        members = [
            self._member(name, w, m, direction, required=w in required) for w, m in shape.get("members", {}).items()
        ]
        if name in {op["output"]["shape"] for op in self.operations.values()}:
            members = _result_is_required(members)
        return Structure(
            name=name,
            # Required ones first; otherwise in the order of the model.
            members=tuple(sorted(members, key=lambda m: not m.required)),
            family=next(iter(users)) if len(users) == 1 else "common",
            direction=direction,
            union=bool(shape.get("union")),
            summary=self.fix.get("structures", name) or "",
        )

    def _member(self, owner: str, wire: str, ref: Json, direction: Direction, *, required: bool) -> Member:
        path = f"{owner}.{wire}"
        shape = self.shapes[ref["shape"]]
        type_ = self._type(ref["shape"])
        enum = self.fix.get("enums", path)
        if enum:
            type_ = Type("", enum, is_enum=True)
        summary = self.fix.get("members", path)
        if summary is None and owner.endswith("Request") and direction == "request":
            summary = self.fix.get("common_members", wire)
        token_length = self.fix.get("tokens", owner.removesuffix("Request")) if wire == "clientToken" else None
        if token_length:
            summary = f"{summary or ''} Filled in when absent, before anything is sent.".strip()
        return Member(
            wire=wire,
            name=self.fix.get("names", wire) or xform_name(wire),
            type=type_,
            required=bool(required or self.fix.get("always", path)),
            sensitive=bool(self.fix.get("sensitive", path) or shape.get("sensitive")),
            summary=summary or "",
            limits=f"at most {token_length} characters" if token_length else _limits(shape),
            deprecated=bool(ref.get("deprecated")),
        )

    def _type(self, name: str) -> Type:  # noqa: PLR0911  # one return for each type
        shape = self.shapes[name]
        match shape["type"]:
            case "list":
                item = self._type(shape["member"]["shape"])
                return Type("list", item.item, item.is_enum, item.is_structure)
            case "map":
                item = self._type(shape["value"]["shape"])
                return Type("map", item.item, item.is_enum, item.is_structure)
            case "structure" if shape.get("document"):
                return Type("", "JSON")
            case "structure":
                return Type("", name, is_structure=True)
            case "timestamp":
                return Type("", "datetime")
            case "string" if "enum" in shape:
                return Type("", name, is_enum=True)
            case scalar:
                return Type("", SCALARS[scalar])

    def _operation(self, name: str, op: Json, api: Api) -> Operation:
        request, response = api.structures[op["input"]["shape"]], api.structures[op["output"]["shape"]]
        takes = {m.wire for m in request.members}
        pages = "nextToken" in takes
        lists = [m for m in response.members if m.type.container == "list" and m.wire != "failures"]
        token_length = self.fix.get("tokens", name) or 0
        if ("clientToken" in takes) != bool(token_length):
            raise OverrideError(f"[tokens] and the service model disagree on {name}")
        return Operation(
            name=name,
            method=xform_name(name),
            family=self.fix.family(name),
            request=request,
            response=response,
            errors=tuple(sorted({e["shape"] for e in op.get("errors", ())})),
            token_length=token_length,
            nonempty=tuple(self.fix.get("nonempty", name) or ()),
            pages=pages,
            items=lists[0] if pages and len(lists) == 1 else None,
            failures="failures" in {m.wire for m in response.members},
            summary=self.fix.get("operations", name) or "",
        )

    def _error(self, code: str, shape: Json) -> Error:
        entry = self.fix.get("errors", code)
        if entry is None:
            raise OverrideError(f"[errors] has no entry for {code}")
        extra = {w: m for w, m in shape["members"].items() if w != "message"}
        members = tuple(self._member(code, w, m, "response", required=False) for w, m in extra.items())
        return Error(code, entry["base"], entry["summary"], members)


def _result_is_required(members: list[Member]) -> list[Member]:
    """Return members in which the only structure of a response is required: it is the result."""
    results = [m for m in members if m.type.is_structure and not m.type.container]
    if len(results) != 1 or any(m.wire == "nextToken" for m in members):
        return members
    return [replace(m, required=m.required or m is results[0]) for m in members]


def _limits(shape: Json) -> str:
    low, high = shape.get("min"), shape.get("max")
    if low is None and high is None:
        return ""
    unit = {"string": " characters", "list": " items"}.get(shape["type"], "")
    if low is None or high is None:
        return f"at least {low}{unit}" if high is None else f"at most {high}{unit}"
    return f"{low} to {high}{unit}"
