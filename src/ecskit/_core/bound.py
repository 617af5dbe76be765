"""What handles share: a value, and a client to act on it with.

The generator writes a class for each kind of value, whose methods are the verbs that take such a value first. Knows
nothing of deployments, nor of colour: all it needs of a value is that it can be written down.
"""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

__all__ = ["Bound"]


class _Started(Protocol):
    def to_json(self) -> str: ...


StartedT = TypeVar("StartedT", bound=_Started)


class Bound(Generic[StartedT]):
    """A value whose verbs are methods. It holds no state of its own: two of the same value are equal."""

    __slots__ = ("_started",)

    def __init__(self, started: StartedT) -> None:
        self._started = started

    @property
    def started(self) -> StartedT:
        """What this is a handle of, as a value without a client."""
        return self._started

    def to_json(self) -> str:
        """Return the value as a line of JSON, from which another process can go on."""
        return self._started.to_json()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._started!r})"

    def __eq__(self, other: object) -> bool:
        return self._started == other._started if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._started)
