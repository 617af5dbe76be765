"""What something looked like, moment by moment, so that reads can be behind.

Decides what a reader of a moment sees, and what may be forgotten. Does not know what the values are: whoever puts one
in must not change it afterwards.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from ecskit._simulator.wire import Wire


@attrs.define
class Timeline:
    """Keep values with the moments from which they hold."""

    _moments: list[float] = attrs.field(factory=list, init=False)
    _values: list[Wire] = attrs.field(factory=list, init=False)

    def put(self, at: float, value: Wire) -> None:
        """Let a value hold from a moment on; no later one may be there."""
        if self._values and self._values[-1] == value:
            return
        if self._moments and self._moments[-1] == at:
            self._values[-1] = value
            return
        self._moments.append(at)
        self._values.append(value)

    def at(self, moment: float) -> Wire | None:
        """Return the value that held at a moment, or None before the first one."""
        index = bisect_right(self._moments, moment)
        return self._values[index - 1] if index else None

    def moments(self) -> tuple[float, ...]:
        """Return the moments from which values hold, as far as they are kept."""
        return tuple(self._moments)

    def forget(self, before: float) -> None:
        """Forget what no reader of `before` or later can see."""
        index = bisect_right(self._moments, before) - 1
        if index > 0:
            del self._moments[:index]
            del self._values[:index]
