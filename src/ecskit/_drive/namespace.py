"""What the namespaces of a client and its drivers have in common: they belong to one client, in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import attrs

if TYPE_CHECKING:
    from random import Random

    from typing_extensions import Self

    from ecskit._drive.clock import Clock
    from ecskit._drive.shared import SharedValues

__all__ = ["Driver", "Namespace"]


class Driver:
    """The base class of both drivers. Copies of what holds a driver share it; pickling reports what to pickle."""

    __slots__ = ()

    transport: Any  # subclasses declare the sync or the async one
    clock: Clock
    random: Random
    shared: SharedValues

    @property
    def region(self) -> str | None:
        """The region of the client; None if its transport has none, as that of a driver without a client."""
        region: str | None = getattr(self.transport, "region", None)
        return region

    def on(self, clock: Any, random: Any) -> Self:
        """Return the same driver with another clock and source of randomness. It performs no flow yet."""
        new: Any = attrs.evolve(self, clock=clock, random=random)  # type: ignore[misc]  # subclasses are attrs classes
        return new  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return repr(self.transport)

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            "namespaces, paginators and handles hold the connections of their client and cannot be pickled;"
            " pickle the client, or store the to_json() of a handle"
        )


class Namespace:
    """The base class of namespaces of methods, such as `ecs.tasks`."""

    __slots__ = ("_runtime",)

    _runtime: Any  # subclasses declare the sync or the async driver

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._runtime!r}>"
