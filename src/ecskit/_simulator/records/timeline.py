"""The values of something over time, so that reads can show the past.

A value must not change after it was put in.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from ecskit._simulator.wire import Wire


@attrs.define
class Timeline:
    """Store values with the moments from which they hold."""

    _moments: list[float] = attrs.field(factory=list, init=False)
    _values: list[Wire] = attrs.field(factory=list, init=False)

    def put(self, at: float, value: Wire) -> None:
        """Set the value from a moment on. The moment must not be before the latest one."""
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
        """Return the moments from which the stored values hold."""
        return tuple(self._moments)

    def forget(self, before: float) -> None:
        """Delete the values that no read of `before` or later shows."""
        index = bisect_right(self._moments, before) - 1
        if index > 0:
            del self._moments[:index]
            del self._values[:index]
