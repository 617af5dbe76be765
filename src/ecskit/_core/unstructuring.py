"""From models to dicts with wire names.

Strict, because the request is sent next: each member of a wrong type is a problem. The error names all problems by
their paths. It shows no values, which may be secrets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ecskit._core.members import MemberType, members

from .absent import ABSENT_LIST, ABSENT_MAP
from .errors import RequestError

if TYPE_CHECKING:
    from .model import Model

__all__ = ["unstructure"]

Problems = list[tuple[str, str]]


def unstructure(model: Model) -> dict[str, Any]:
    """Check a model and return it as a dict with wire names, without absent members.

    Raises:
        RequestError: Members have a wrong type. The error names all of them by path.
    """
    problems: Problems = []
    data = _model(model, "", problems)
    if problems:
        raise RequestError(type(model).__name__, problems)
    return data


def _model(model: Model, path: str, problems: Problems) -> dict[str, Any]:
    # A known member overrides an extra field of the same name.
    data = {} if model.extra_fields is ABSENT_MAP else _extra_fields(model.extra_fields, path, problems)
    for m in members(model.__class__):
        value = getattr(model, m.name)
        absent = None if not m.kind.container else ABSENT_LIST if m.kind.container == "list" else ABSENT_MAP
        if value is not absent or m.required:
            data[m.wire] = _value(value, m.kind, f"{path}.{m.name}" if path else m.name, problems)
    if model._is_union and len(data) != 1:
        problems.append((path, f"exactly one member of {type(model).__name__} must be set, {len(data)} are"))
    return data


def _extra_fields(value: Any, path: str, problems: Problems) -> dict[str, Any]:
    path = f"{path}.extra_fields" if path else "extra_fields"
    if not isinstance(value, Mapping):
        problems.append((path, f"expected a mapping, got {_called(value)}"))
        return {}
    data: dict[str, Any] = _json(value, path, problems)
    return data


def _json(value: Any, path: str, problems: Problems) -> Any:
    if isinstance(value, Mapping):
        problems += [(path, f"expected keys of str, got {_called(key)}") for key in value if not isinstance(key, str)]
        return {key: _json(item, f"{path}[{key!r}]", problems) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_json(item, f"{path}[{i}]", problems) for i, item in enumerate(value)]
    if value is not None and not isinstance(value, (str, int, float)):
        problems.append((path, f"expected what JSON can hold, got {_called(value)}"))
    return value


def _value(value: Any, kind: MemberType, path: str, problems: Problems) -> Any:
    if kind.container:
        return _container(value, kind, path, problems)
    if kind.shape == "json":
        return _json(value, path, problems)
    if kind.shape == "model" and isinstance(value, kind.type):
        return _model(value, path, problems)
    if kind.shape == "timestamp" and isinstance(value, datetime) and value.tzinfo is None:
        # Ambiguous: botocore takes it for local time, ECS sends UTC.
        problems.append((path, "expected a datetime with a timezone, such as datetime.now(timezone.utc)"))
        return None
    if kind.shape != "model" and _fits(value, kind.type):
        return value
    wanted = kind.type.__name__
    is_dict = kind.shape == "model" and isinstance(value, Mapping)
    hint = f"; use {wanted}(...) or {wanted}.from_dict(...)" if is_dict else ""
    problems.append((path, f"expected {wanted}, got {_called(value)}{hint}"))
    return None


def _container(value: Any, kind: MemberType, path: str, problems: Problems) -> Any:
    one = MemberType("", kind.shape, kind.type)
    if kind.container == "list" and isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        if kind.shape == "scalar" and all(_fits(item, kind.type) for item in value):
            return [*value]  # such as a hundred ids: no place in it needs a name
        return [_value(item, one, f"{path}[{i}]", problems) for i, item in enumerate(value)]
    if kind.container == "map" and isinstance(value, Mapping):
        problems += [(path, f"expected keys of str, got {_called(key)}") for key in value if not isinstance(key, str)]
        return {key: _value(item, one, f"{path}[{key!r}]", problems) for key, item in value.items()}
    wanted = "sequence" if kind.container == "list" else "mapping"
    hint = "; leave it out where it is absent" if value is None else ""
    if kind.container == "list" and isinstance(value, (str, kind.type)):
        hint = "; put it into a list"
    problems.append((path, f"expected a {wanted} of {kind.type.__name__}, got {_called(value)}{hint}"))
    return None


def _fits(value: Any, wanted: type[Any]) -> bool:
    if isinstance(value, bool):
        return wanted is bool
    return isinstance(value, (int, float) if wanted is float else wanted)


def _called(value: Any) -> str:
    return "None" if value is None else type(value).__name__
