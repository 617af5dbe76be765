"""The base class of handles: a value that is bound to a client.

The generator writes a subclass for each class of value. Its methods are the verbs that take such a value as their first
argument.
"""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

__all__ = ["Bound"]


class _Started(Protocol):
    def to_json(self) -> str: ...


StartedT = TypeVar("StartedT", bound=_Started)


class Bound(Generic[StartedT]):
    """A value whose verbs are methods. It has no other state: two handles of equal values are equal."""

    __slots__ = ("_started",)

    def __init__(self, started: StartedT) -> None:
        self._started = started

    @property
    def started(self) -> StartedT:
        """The value, which can be stored without the client."""
        return self._started

    def to_json(self) -> str:
        """Return the value as a line of JSON, with which another process can continue."""
        return self._started.to_json()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._started!r})"

    def __str__(self) -> str:
        return str(self._started)

    def __eq__(self, other: object) -> bool:
        return self._started == other._started if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._started)
