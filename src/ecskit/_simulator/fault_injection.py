"""Which fault strikes which request: those that a test ordered, and those that chance brings.

Decides by the order in which faults were asked for, and by a seed. Chance looks at what a request says and how often it
was said before, never at what came in between, so that threads may race without changing who is struck. What a fault
does is decided in `faults`.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.faults import Fault

if TYPE_CHECKING:
    from ecskit._simulator.wire import Wire

ANY = "*"

_READING = ("Describe", "List", "Get", "Discover")
_BEFORE = (Fault.throttled(), Fault.server_error(), Fault.reset(), Fault.timeout())
_AFTER = (Fault.server_error(after_effect=True), Fault.reset(after_effect=True), Fault.timeout(after_effect=True))


def usual_faults(operation: str) -> tuple[Fault, ...]:
    """Return what can happen to requests for an operation and may go away by itself."""
    if operation.startswith(_READING):
        return _BEFORE  # without an effect, after is as before
    return (*_BEFORE, *_AFTER, *([Fault.disguised_throttle()] if operation == "RunTask" else []))


@attrs.define(kw_only=True, eq=False)
class _PlannedFault:
    """A fault that a test asked for; `left` is None for one that never ends."""

    operation: str
    fault: Fault
    begins: float
    left: int | None

    def strikes(self, operation: str, now: float) -> bool:
        return self.operation in (operation, ANY) and self.begins <= now and self.fault.fits(operation)


@attrs.define(kw_only=True)
class RandomFaults:
    """Strike a share of all requests.

    Args:
        seed: Root of the decisions.
        rate: The share, 0 to 1.
        operations: Whose requests. None: those of all operations.
        faults: What to draw from. None: `usual_faults`.
    """

    seed: int
    rate: float = attrs.field(validator=[attrs.validators.ge(0), attrs.validators.le(1)])
    operations: Collection[str] | None
    faults: Sequence[Fault] | None
    _seen: Counter[str] = attrs.field(factory=Counter[str], init=False)

    def strike(self, operation: str, request: Wire) -> Fault | None:
        """Return the fault that this request meets, if any."""
        if self.operations is not None and operation not in self.operations:
            return None
        # Tokens say nothing: clients draw them at random.
        content = {name: value for name, value in request.items() if name != "clientToken"}
        said = f"{operation} {json.dumps(content, sort_keys=True)}"
        drawn = random.Random(f"{self.seed}/{self._seen[said]}/{said}")
        self._seen[said] += 1
        faults = (
            usual_faults(operation) if self.faults is None else [each for each in self.faults if each.fits(operation)]
        )
        return drawn.choice(faults) if drawn.random() < self.rate and faults else None


@attrs.define
class FaultInjector:
    """All faults to come."""

    _planned: list[_PlannedFault] = attrs.field(factory=list, init=False)
    random_faults: RandomFaults | None = attrs.field(default=None, init=False)

    def order(self, operation: str, fault: Fault, *, begins: float, times: int | None) -> None:
        """Let a fault strike the next requests for an operation, or for any operation (`ANY`)."""
        self._planned.append(_PlannedFault(operation=operation, fault=fault, begins=begins, left=times))

    def end(self) -> None:
        """Forget all faults to come."""
        self._planned.clear()
        self.random_faults = None

    def strike(self, operation: str, request: Wire, now: float) -> Fault | None:
        """Return the fault that this request meets, if any: the first that was ordered, else one by chance."""
        for order in self._planned:
            if order.strikes(operation, now):
                if order.left is not None:
                    order.left -= 1
                if order.left == 0:
                    self._planned.remove(order)
                return order.fault
        return self.random_faults.strike(operation, request) if self.random_faults else None
