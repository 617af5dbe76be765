"""Choose the faults that requests meet: those that a test planned, and random ones.

Planned faults apply in the order in which they were planned. A random fault depends on the seed, the content of the
request and how often the same content was sent before. It does not depend on other requests, so the order of racing
threads has no effect.
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
OPENING = "OpenDataChannel"
"""The opening of the stream of a session of ECS Exec. IAM has this name for it; it is no operation of an API."""

_READING = ("Describe", "Filter", "Get", "List", "Discover")
_BEFORE = (Fault.throttled(), Fault.server_error(), Fault.reset(), Fault.timeout())
_OF_OPENING = (Fault.server_error(), Fault.reset(), Fault.timeout())
_AFTER = (Fault.server_error(after_effect=True), Fault.reset(after_effect=True), Fault.timeout(after_effect=True))


def usual_faults(operation: str) -> tuple[Fault, ...]:
    """Return the transient faults that requests for an operation can meet."""
    if operation == OPENING:
        return _OF_OPENING
    if operation.startswith(_READING):
        return _BEFORE  # Reads have no effect, so faults after it are the same.
    return (*_BEFORE, *_AFTER, *([Fault.disguised_throttle()] if operation == "RunTask" else []))


@attrs.define(kw_only=True, eq=False)
class _PlannedFault:
    """A fault that a test planned; `left` is the number of requests that still meet it, None for all."""

    operation: str
    fault: Fault
    begins: float
    left: int | None

    def matches(self, operation: str, now: float) -> bool:
        return self.operation in (operation, ANY) and self.begins <= now and self.fault.fits(operation)


@attrs.define(kw_only=True)
class RandomFaults:
    """Random faults for a share of all requests.

    Args:
        seed: The seed.
        rate: The share of requests, 0 to 1.
        operations: The operations whose requests meet faults. None: all.
        faults: The faults to choose from. None: `usual_faults`.
    """

    seed: int
    rate: float = attrs.field(validator=[attrs.validators.ge(0), attrs.validators.le(1)])
    operations: Collection[str] | None
    faults: Sequence[Fault] | None
    _seen: Counter[str] = attrs.field(factory=Counter[str], init=False)

    def fault_for(self, operation: str, request: Wire) -> Fault | None:
        """Return the fault that this request meets, if any."""
        if self.operations is not None and operation not in self.operations:
            return None
        # Tokens are random, so they are not part of the content.
        content = {name: value for name, value in request.items() if name != "clientToken"}
        key = f"{operation} {json.dumps(content, sort_keys=True)}"
        drawn = random.Random(f"{self.seed}/{self._seen[key]}/{key}")
        self._seen[key] += 1
        faults = (
            usual_faults(operation) if self.faults is None else [each for each in self.faults if each.fits(operation)]
        )
        return drawn.choice(faults) if drawn.random() < self.rate and faults else None


@attrs.define
class FaultInjector:
    """All planned and random faults."""

    _planned: list[_PlannedFault] = attrs.field(factory=list, init=False)
    random_faults: RandomFaults | None = attrs.field(default=None, init=False)

    def plan(self, operation: str, fault: Fault, *, begins: float, times: int | None) -> None:
        """Plan a fault for the next requests for an operation, or for any operation (`ANY`)."""
        self._planned.append(_PlannedFault(operation=operation, fault=fault, begins=begins, left=times))

    def end(self) -> None:
        """Remove all faults."""
        self._planned.clear()
        self.random_faults = None

    def fault_for(self, operation: str, request: Wire, now: float) -> Fault | None:
        """Return the fault that this request meets, if any: the first planned one, else a random one."""
        for planned in self._planned:
            if planned.matches(operation, now):
                if planned.left is not None:
                    planned.left -= 1
                if planned.left == 0:
                    self._planned.remove(planned)
                return planned.fault
        return self.random_faults.fault_for(operation, request) if self.random_faults else None
