"""The bases of all generated models: how they compare and how they print themselves.

A model is a frozen attrs class with one attribute per member. What a member is called on the wire, which members
are secret and which classes they hold is told by the class itself; how that is used is the wire layer's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar

import attrs

from .absent import ABSENT_LIST, ABSENT_MAP
from .errors import FailuresError

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "JSON",
    "FallibleResponse",
    "Model",
    "Request",
    "Response",
    "ResponseMetadata",
    "TaggedUnion",
]

JSON: TypeAlias = Any
"""A document of the user's own: whatever JSON can hold."""

REDACTED = "'***'"


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Model:
    """A structure of the ECS API.

    Models are immutable values. They compare by content, lists by their items whatever their type. They are not
    hashable, because the lists and maps in them are not.
    """

    _wire_names: ClassVar[Mapping[str, str]] = {}
    _sensitive: ClassVar[frozenset[str]] = frozenset()

    extra_fields: Mapping[str, Any] = ABSENT_MAP
    """Members that AWS sent and this version of ecskit does not know, by wire name; they are sent back unchanged."""

    def __eq__(self, other: object) -> bool:
        if self.__class__ is not other.__class__:
            return NotImplemented
        compared = (name for name in _names(self.__class__) if name != "metadata")
        return all(_same(getattr(self, name), getattr(other, name)) for name in compared)

    __hash__ = None  # type: ignore[assignment]  # they hold lists

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({', '.join(_shown(self))})"


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TaggedUnion(Model):
    """A structure of which exactly one member is set."""


@attrs.frozen(kw_only=True, eq=False)
class ResponseMetadata:
    """What is known about the HTTP exchange that brought a response."""

    request_id: str | None = None
    """AWS's id of the request, for support cases."""
    http_status: int | None = None
    """Status code of the answer."""
    attempts: int = 1
    """How many times the request was sent before this answer came."""
    client_token: str | None = None
    """The idempotency token that went out with the request, where the operation takes one."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Response(Model):
    """The answer to an operation."""

    metadata: ResponseMetadata | None = None
    """What is known about the exchange; not part of equality, `None` in responses that nobody sent."""


class FallibleResponse(Response):
    """The answer to an operation that can do a part of what it was asked and say in `failures` what it did not do."""

    __slots__ = ()

    failures: Sequence[Any]

    def raise_for_failures(self) -> Self:
        """Return this response if everything that was asked for was done.

        Raises:
            FailuresError: `failures` is not empty; the error holds it and this response.
        """
        if self.failures:
            raise FailuresError(type(self).__name__.removesuffix("Response"), self.failures, self)
        return self


ResponseT_co = TypeVar("ResponseT_co", bound=Response, covariant=True)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Request(Model, Generic[ResponseT_co]):
    """The input of an operation; `send` answers it with a `ResponseT_co`."""

    _operation: ClassVar[str]
    """Name of the operation, as ECS spells it: `RunTask`."""
    _response: ClassVar[type[Response]]
    _token_length: ClassVar[int] = 0
    """The most characters that its `client_token` may have; 0 if it takes none."""
    _items: ClassVar[str] = ""
    """The member of the response whose items its pages list; empty if there are no pages or no such member."""


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
    # What ECS calls its own first, then what ecskit adds.
    for name in sorted(_names(model.__class__), key=lambda name: name in ("extra_fields", "metadata")):
        value = getattr(model, name)
        if value is None or value is ABSENT_LIST or value is ABSENT_MAP:
            continue
        if name == "extra_fields":
            # Names only: nobody knows yet whether such a member is secret.
            value = f"<{', '.join(sorted(value))}>"
        elif name in model._sensitive:
            value = REDACTED
        else:
            value = repr(value)
        shown.append(f"{name}={value}")
    return shown
