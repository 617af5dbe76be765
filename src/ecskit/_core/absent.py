"""What a list or map member holds when it is absent: an empty collection with an identity.

ECS tells an absent list from an empty one (`UpdateService` with `loadBalancers: []` detaches them all), while a
reader of responses wants to loop without a check. One object serves both: it is empty, falsy and equal to any
empty collection, and the wire layer drops it because it *is* the singleton.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn, SupportsIndex, final, overload

__all__ = ["ABSENT_LIST", "ABSENT_MAP", "AbsentList", "AbsentMap"]


@final
class AbsentList(Sequence[NoReturn]):
    """The empty sequence that stands for a list member that was not given or not sent."""

    __slots__ = ()

    def __len__(self) -> int:
        return 0

    @overload
    def __getitem__(self, index: SupportsIndex) -> NoReturn: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[NoReturn]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Sequence[NoReturn]:
        return ()[index]

    def __iter__(self) -> Iterator[NoReturn]:
        return iter(())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (AbsentList, list, tuple)) and not other

    __hash__ = None  # type: ignore[assignment]  # equal to lists, which have no hash either

    def __repr__(self) -> str:
        return "ABSENT_LIST"

    def __reduce__(self) -> str:
        # By name, so that pickle and copy hand back the singleton itself.
        return "ABSENT_LIST"


@final
class AbsentMap(Mapping[str, NoReturn]):
    """The empty mapping that stands for a map member that was not given or not sent."""

    __slots__ = ()

    def __len__(self) -> int:
        return 0

    def __getitem__(self, key: str) -> NoReturn:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and not other

    __hash__ = None  # type: ignore[assignment]  # equal to dicts, which have no hash either

    def __repr__(self) -> str:
        return "ABSENT_MAP"

    def __reduce__(self) -> str:
        return "ABSENT_MAP"


ABSENT_LIST = AbsentList()
ABSENT_MAP = AbsentMap()
