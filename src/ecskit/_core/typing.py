"""Types for type checkers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias, TypeVar, cast, overload

__all__ = ["OneOrMany", "SequenceNotStr", "strings"]

T = TypeVar("T")
OneOrMany: TypeAlias = T | list[T]
"""The result of a verb: a T, or a list of them if the argument `count` is given."""

T_co = TypeVar("T_co", covariant=True)


class SequenceNotStr(Protocol[T_co]):
    """A sequence that is not a `str`. Type checkers reject a str because its `__contains__` takes only strings."""

    # No `index` and no `count`: their parameter would have to be Any, and mypy would infer lists of Any.
    @overload
    def __getitem__(self, index: int, /) -> T_co: ...  # `Sequence` takes no other index
    @overload
    def __getitem__(self, index: slice, /) -> Sequence[T_co]: ...
    def __contains__(self, value: object, /) -> bool: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[T_co]: ...
    def __reversed__(self) -> Iterator[T_co]: ...


def strings(value: SequenceNotStr[str], /) -> Sequence[str]:
    """Return `value` unchanged: the converter of members that are lists of strings.

    Type checkers take the type of the argument from it, so that they reject a str. The encoder rejects one at run time.
    """
    return cast("Sequence[str]", value)
