"""Types that only type checkers care about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, SupportsIndex, TypeAlias, TypeVar, overload

__all__ = ["OneOrMany", "SequenceNotStr"]

T = TypeVar("T")
OneOrMany: TypeAlias = T | list[T]
"""What a verb results in that does something once, or as many times as its `count` says."""

T_co = TypeVar("T_co", covariant=True)


class SequenceNotStr(Protocol[T_co]):
    """A sequence that is not a `str`, whose `__contains__` takes only strings: that is how checkers tell them apart."""

    # No `index` and no `count`: the Any that they would have to take lets mypy infer lists of Any.
    @overload
    def __getitem__(self, index: SupportsIndex, /) -> T_co: ...
    @overload
    def __getitem__(self, index: slice, /) -> Sequence[T_co]: ...
    def __contains__(self, value: object, /) -> bool: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[T_co]: ...
    def __reversed__(self) -> Iterator[T_co]: ...
