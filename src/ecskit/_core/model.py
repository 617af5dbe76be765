"""The base classes of all generated models: equality, repr, and the way to plain data and back.

A model is a frozen attrs class with one attribute for each member. The class also holds the wire names that differ, and
the names of its sensitive members; the wire layer reads them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar

import attrs

from .absent import ABSENT_LIST, ABSENT_MAP
from .documented import Documented
from .errors import FailuresError
from .hints import missing_model_attribute, not_subscriptable
from .members import members
from .metadata import ResponseMetadata
from .structuring import structure_hook

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "JSON",
    "FallibleResponse",
    "Model",
    "Request",
    "Response",
    "TaggedUnion",
]

JSON: TypeAlias = Any
"""A document of the caller: any JSON value."""

REDACTED = "'***'"


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Model(Documented):
    """A structure of the ECS API.

    Models are immutable values. They compare by content; sequences of any class compare by their items. Models
    are not hashable, because the lists and maps in them are not.
    """

    _wire_names: ClassVar[Mapping[str, str]] = {}
    _sensitive: ClassVar[frozenset[str]] = frozenset()
    _is_union: ClassVar[bool] = False

    extra_fields: Mapping[str, Any] = ABSENT_MAP
    """Members that this version of ecskit does not have, by wire name. They are kept, and sent unchanged."""

    def __eq__(self, other: object) -> bool:
        if self.__class__ is not other.__class__:
            return NotImplemented
        compared = (name for name in _names(self.__class__) if name != "metadata")
        return all(_same(getattr(self, name), getattr(other, name)) for name in compared)

    __hash__ = None  # type: ignore[assignment]  # they hold lists

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({', '.join(_shown(self))})"

    if not TYPE_CHECKING:  # type checkers would accept every name, and every key

        def __getattr__(self, name: str) -> Any:
            return missing_model_attribute(self, name, _both_names(type(self)))

        def __getitem__(self, key: object) -> Any:
            not_subscriptable(self, key, _both_names(type(self)))

        __iter__ = None  # `__getitem__` would make it iterable

    def to_dict(self) -> dict[str, Any]:
        """Return this model as data that JSON can hold, with the names of ECS, such as `taskArn`.

        Absent members and `metadata` are left out. Times become ISO 8601 text. Members that this version of ecskit
        does not have are included. So are sensitive members, such as the values of environment variables.
        """
        held = ((m.wire, getattr(self, m.name)) for m in members(self.__class__))
        known = {wire: _plain(value) for wire, value in held if not _is_absent(value)}
        return {**_plain(self.extra_fields), **known}

    def to_json(self, *, indent: int | None = None) -> str:
        """Return `to_dict()` as JSON text.

        Args:
            indent: Spaces by which each level is indented. Default: everything in one line.

        Raises:
            TypeError: A member holds a value that is no JSON.
            ValueError: A member holds a number that is no JSON: NaN or infinity.
        """
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return a model from data with the names of ECS: from `to_dict`, from boto3 or from JSON.

        Members that this version of ecskit does not have are kept in `extra_fields`. Numbers, texts and booleans are
        taken as they are; a request is checked when it is sent.

        Args:
            data: The members by name. Times are ISO 8601 text, epoch seconds or datetimes. Those without a timezone
                are in UTC.

        Raises:
            RequestError: A member is missing, or is no structure, list, map or time where one is expected. The error
                names each by its path.
        """
        given: Any = data
        model: Self = structure_hook(cls)(dict(given) if isinstance(given, Mapping) else given, cls)
        return model


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TaggedUnion(Model):
    """A structure of which exactly one member is set."""

    _is_union = True


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Response(Model):
    """The response of an operation."""

    metadata: ResponseMetadata | None = None
    """The HTTP exchange. It is not compared. None if the response was not received from ECS."""


class FallibleResponse(Response):
    """The response of an operation that may fail for some of its items, which it lists in `failures`."""

    __slots__ = ()

    failures: Sequence[Any]

    def raise_for_failures(self) -> Self:
        """Return this response if `failures` is empty.

        Raises:
            FailuresError: `failures` is not empty. The error holds it, and this response.
        """
        if self.failures:
            raise FailuresError(type(self).__name__.removesuffix("Response"), self.failures, self)
        return self


ResponseT_co = TypeVar("ResponseT_co", bound=Response, covariant=True)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Request(Model, Generic[ResponseT_co]):
    """The input of an operation. `send` returns its response, a `ResponseT_co`."""

    _operation: ClassVar[str]
    """Name of the operation in the ECS API, such as `RunTask`."""
    _response: ClassVar[type[Response]]
    _token_length: ClassVar[int] = 0
    """The maximum length of `client_token`; 0 if there is no such member."""
    _nonempty: ClassVar[Sequence[str]] = ()
    """Wire names of lists that the operation refuses if they are empty. Empty ones are not sent."""
    _items: ClassVar[str] = ""
    """The member of the response that pages list, by its Python name; empty if there is none."""


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


def _both_names(cls: type[Model]) -> list[tuple[str, str]]:
    names = [(m.wire, m.name) for m in members(cls)]
    return [*names, ("ResponseMetadata", "metadata")] if issubclass(cls, Response) else names


def _is_absent(value: Any) -> bool:
    return value is None or value is ABSENT_LIST or value is ABSENT_MAP


def _names(cls: type[Model]) -> list[str]:
    return [a.name for a in attrs.fields(cls)]


def _same(one: Any, other: Any) -> bool:
    if one == other:
        return True
    if isinstance(one, str) or not (isinstance(one, Sequence) and isinstance(other, Sequence)):
        return False
    return len(one) == len(other) and all(map(_same, one, other))


def _shown(model: Model) -> list[str]:
    shown: list[str] = []
    # The members of ECS first, then the fields of ecskit.
    for name in sorted(_names(model.__class__), key=lambda name: name in ("extra_fields", "metadata")):
        value = getattr(model, name)
        if _is_absent(value):
            continue
        if name == "extra_fields":
            # Names only: an unknown member may be secret.
            value = f"<{', '.join(sorted(value))}>"
        elif name in model._sensitive:
            value = REDACTED
        else:
            value = repr(value)
        shown.append(f"{name}={value}")
    return shown
