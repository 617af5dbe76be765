"""What these tests share: names, samples of shapes, an independent reading of models, one caller for both colours.

Nothing here uses ecskit's own wire layer, so that the tests do not prove it by itself.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from types import UnionType
from typing import Any

import attrs
from botocore import xform_name
from dateutil.parser import isoparse

import ecskit
from ecskit import models
from ecskit._transport import service_model

API: dict[str, Any] = service_model.load()
SHAPES: dict[str, dict[str, Any]] = API["shapes"]
OPERATIONS: tuple[str, ...] = tuple(API["operations"])
COLOURS = ("sync", "async")
REGION = "eu-central-1"

ODD_NAMES = {
    "acceleratorTotalMemoryMiB": "accelerator_total_memory_mib",
    "memoryGiBPerVCpu": "memory_gib_per_vcpu",
    "memoryMiB": "memory_mib",
    "remainingMemoryInMiB": "remaining_memory_in_mib",
    "sizeInGiB": "size_in_gib",
    "storageSizeGiB": "storage_size_gib",
    "totalMemoryInMiB": "total_memory_in_mib",
    "vCpuCount": "vcpu_count",
}
"""Members whose names botocore's own rule would tear apart at a unit."""


def attribute_name(wire: str) -> str:
    """Return what a member is called in Python."""
    name: str = ODD_NAMES.get(wire) or xform_name(wire)
    return name


def input_shape(operation: str) -> str:
    name: str = API["operations"][operation]["input"]["shape"]
    return name


def output_shape(operation: str) -> str:
    name: str = API["operations"][operation]["output"]["shape"]
    return name


def model_class(shape: str) -> type[Any]:
    cls: type[Any] = getattr(models, shape)
    return cls


def is_document(shape: str) -> bool:
    return bool(SHAPES[shape].get("document"))


def required_members(shape: str) -> set[str]:
    """Return the members that a model's class demands: those of the service model and those ECS always sends."""
    demanded = {a.name for a in attrs.fields(model_class(shape)) if a.default is attrs.NOTHING}
    return {wire for wire in SHAPES[shape]["members"] if attribute_name(wire) in demanded}


def reachable(shape: str) -> set[str]:
    """Return the shapes that values of a shape can hold, itself included."""
    found: set[str] = set()
    todo = [shape]
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.add(name)
        spec = SHAPES[name]
        todo += [m["shape"] for m in spec.get("members", {}).values()]
        todo += [spec[part]["shape"] for part in ("member", "value") if part in spec]
    return found


def structures() -> list[str]:
    """Return the structures that have a class: no errors, no documents."""
    return [n for n, s in SHAPES.items() if s["type"] == "structure" and not s.get("exception") and not is_document(n)]


class Sampler:
    """Makes values of shapes, no two alike, as they travel.

    Args:
        full: Fill every member, and lists and maps with two items; else what is required, and lists with one.
        turn: Which member a union begins with; each further union of the value takes the next one.
    """

    def __init__(self, *, full: bool, turn: int = 0) -> None:
        self._full = full
        self._turn = turn
        self._count = 0

    def make(self, shape: str, hint: str = "value") -> Any:
        spec = SHAPES[shape]
        self._count += 1
        match spec["type"]:
            case "structure":
                return self._structure(shape, spec)
            case "list":
                length = min(2 if self._full else max(1, spec.get("min", 0)), spec.get("max", 2))
                return [self.make(spec["member"]["shape"], hint) for _ in range(length)]
            case "map":
                return {f"{hint}-key-{i}": self.make(spec["value"]["shape"], hint) for i in range(1 + self._full)}
            case "string" if "enum" in spec:
                return spec["enum"][self._count % len(spec["enum"])]
            case "string":
                return f"{hint[:20]}-{self._count}"
            case "integer" | "long":
                return min(spec.get("min", 1) + self._count % 50, spec.get("max", 1000))
            case "double":
                return spec.get("min", 0.0) + self._count % 50 + 0.5
            case "boolean":
                return self._count % 2 == 0
            case "timestamp":
                return 1_700_000_000 + self._count + 0.25
            case other:
                raise AssertionError(f"the service model has a new type: {other}")

    def _structure(self, shape: str, spec: dict[str, Any]) -> dict[str, Any]:
        if spec.get("document"):
            return {"text": f"document-{self._count}", "deep": [{"flag": True, "none": None, "number": 1.5}]}
        members: list[str] = list(spec["members"])
        if spec.get("union"):
            members = [members[self._turn % len(members)]]
            self._turn += 1
        elif not self._full:
            members = sorted(required_members(shape))
        return {m: self.make(spec["members"][m]["shape"], m) for m in members}


def build(shape: str, wire: Any) -> Any:
    """Make the typed value of a wire value by calling the classes themselves."""
    spec = SHAPES[shape]
    match spec["type"]:
        case "structure" if not is_document(shape):
            members = spec["members"]
            return model_class(shape)(**{attribute_name(k): build(members[k]["shape"], v) for k, v in wire.items()})
        case "list":
            return [build(spec["member"]["shape"], item) for item in wire]
        case "map":
            return {key: build(spec["value"]["shape"], item) for key, item in wire.items()}
        case "timestamp":
            return datetime.fromtimestamp(wire, timezone.utc)
        case _:
            return wire


def read(shape: str, value: Any) -> Any:
    """Return a typed value as the wire has it, attribute by attribute; unknown members where they were."""
    spec = SHAPES[shape]
    match spec["type"]:
        case "structure" if not is_document(shape):
            assert type(value) is model_class(shape)
            wire: dict[str, Any] = dict(value.extra_fields)
            for member, target in spec["members"].items():
                held = getattr(value, attribute_name(member))
                if held is not None and held is not ecskit.ABSENT_LIST and held is not ecskit.ABSENT_MAP:
                    wire[member] = read(target["shape"], held)
            return wire
        case "list":
            return [read(spec["member"]["shape"], item) for item in value]
        case "map":
            return {key: read(spec["value"]["shape"], item) for key, item in value.items()}
        case "timestamp":
            assert isinstance(value, datetime)
            assert value.tzinfo is timezone.utc
            return value.timestamp()
        case _:
            return value


def in_seconds(shape: str, value: Any) -> Any:
    """Return a wire value with its timestamps, whichever way they are written, as seconds."""
    spec = SHAPES[shape]
    match spec["type"]:
        case "structure" if isinstance(value, dict) and not is_document(shape):
            members = spec["members"]
            return {k: in_seconds(members[k]["shape"], v) if k in members else v for k, v in value.items()}
        case "list" if value is not None:
            return [in_seconds(spec["member"]["shape"], item) for item in value]
        case "map" if value is not None:
            return {key: in_seconds(spec["value"]["shape"], item) for key, item in value.items()}
        case "timestamp" if isinstance(value, str):
            return isoparse(value).timestamp()
        case "timestamp" if isinstance(value, datetime):
            return value.timestamp()
        case _:
            return value


def conforms(value: Any, annotation: Any) -> bool:
    """Return whether a value, and all values in it, are of the declared types."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is Any:
        return True
    if origin in (typing.Union, UnionType):
        return any(conforms(value, one) for one in arguments)
    if origin is typing.Literal:
        return value in arguments
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(
            conforms(k, arguments[0]) and conforms(v, arguments[1]) for k, v in value.items()
        )
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return isinstance(value, Sequence) and all(conforms(item, arguments[0]) for item in value)
    if annotation is None or annotation is type(None):
        return value is None
    if annotation is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if not isinstance(value, annotation):
        return False
    return not attrs.has(annotation) or not misfits(value)


def misfits(model: Any) -> list[str]:
    """Return the attributes of a model that are not what its class declares."""
    hints = typing.get_type_hints(type(model))
    names = [a.name for a in attrs.fields(type(model))]
    return [f"{type(model).__name__}.{n}" for n in names if not conforms(getattr(model, n), hints[n])]


def parts(model: Any) -> Iterator[Any]:
    """Yield a model and all models in it."""
    if isinstance(model, (list, tuple)):
        for item in model:
            yield from parts(item)
    elif isinstance(model, dict):
        for item in model.values():
            yield from parts(item)
    elif attrs.has(type(model)):
        yield model
        for a in attrs.fields(type(model)):
            yield from parts(getattr(model, a.name))


class Caller:
    """One face for both clients, so that a test is written once and holds for both."""

    def __init__(self, colour: str, client: Any) -> None:
        self.colour = colour
        self.client = client

    @classmethod
    def open(cls, colour: str, **options: Any) -> Caller:
        """Make a client of ecskit's own."""
        return cls(colour, (ecskit.Client if colour == "sync" else ecskit.AsyncClient)(**options))

    async def call(self, method: str, **arguments: Any) -> Any:
        """Call an operation."""
        return await settled(getattr(self.client, method)(**arguments))

    async def send(self, request: Any) -> Any:
        """Send a request."""
        return await settled(self.client.send(request))

    async def botocore_client(self) -> Any:
        """Return the client underneath, which async clients make on entry."""
        if self.colour == "async":
            await self.client.__aenter__()
        return self.client.botocore_client

    def paginate(self, method: str, **arguments: Any) -> Any:
        """Return a paginator."""
        return getattr(self.client.paginate, method)(**arguments)

    async def close(self) -> None:
        """Close the client."""
        await settled(self.client.close() if self.colour == "sync" else self.client.aclose())


async def settled(value: Any) -> Any:
    """Return a value, awaited if it has to be."""
    return await value if inspect.isawaitable(value) else value


async def drained(iterable: Any) -> list[Any]:
    """Return all that an iterable of either colour yields."""
    return list(iterable) if hasattr(iterable, "__iter__") else [item async for item in iterable]


async def following(iterator: Any) -> Any:
    """Return the next thing that an iterator of either colour yields."""
    return next(iterator) if hasattr(iterator, "__next__") else await anext(iterator)


async def shut(generator: Any) -> None:
    """Close a generator of either colour."""
    await settled(generator.close() if hasattr(generator, "close") else generator.aclose())
