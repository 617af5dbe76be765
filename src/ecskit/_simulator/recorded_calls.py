"""One request that the simulator received, for tests to assert on.

Decides nothing.
"""

from __future__ import annotations

import attrs

from ecskit._simulator.faults import Fault
from ecskit._simulator.wire import Wire


@attrs.frozen(kw_only=True)
class Call:
    """What was asked, when, and how it went.

    Args:
        time: When, in epoch seconds of the simulator's clock.
        operation: The operation, for example `RunTask`.
        request: The body as it came over the wire.
        status: The HTTP status of the answer; 0 if a fault lost or damaged it.
        code: The error code of the answer, or None for a success. For a lost answer what became of it: `reset`,
            `timeout`, `cut` or `garbled`.
        fault: The fault that the request met, if any. It says whether the request took effect.
    """

    time: float
    operation: str
    request: Wire
    status: int
    code: str | None
    fault: Fault | None = None
