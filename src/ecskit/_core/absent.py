"""The value of an absent list or map member: an empty singleton.

For ECS an absent list and an empty list differ (`UpdateService` with `loadBalancers: []` detaches all load balancers).
Code that reads responses should loop without a check. The singletons serve both: they are empty, falsy and equal to any
empty collection, and the wire layer recognizes them by identity and leaves the member out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn, SupportsIndex, final, overload

__all__ = ["ABSENT_LIST", "ABSENT_MAP", "AbsentList", "AbsentMap"]


@final
class AbsentList(Sequence[NoReturn]):
    """The empty sequence in place of an absent list member."""

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

    __hash__ = None  # type: ignore[assignment]  # it equals empty lists, which are not hashable

    def __repr__(self) -> str:
        return "ABSENT_LIST"

    def __reduce__(self) -> str:
        # By name, so that pickle and copy return the singleton itself.
        return "ABSENT_LIST"


@final
class AbsentMap(Mapping[str, NoReturn]):
    """The empty mapping in place of an absent map member."""

    __slots__ = ()

    def __len__(self) -> int:
        return 0

    def __getitem__(self, key: str) -> NoReturn:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and not other

    __hash__ = None  # type: ignore[assignment]  # it equals empty dicts, which are not hashable

    def __repr__(self) -> str:
        return "ABSENT_MAP"

    def __reduce__(self) -> str:
        return "ABSENT_MAP"


ABSENT_LIST = AbsentList()
ABSENT_MAP = AbsentMap()
