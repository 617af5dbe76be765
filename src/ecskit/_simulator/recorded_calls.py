"""One request that the simulator received, for assertions in tests."""

from __future__ import annotations

import attrs

from ecskit._simulator.faults import Fault
from ecskit._simulator.wire import Wire


@attrs.frozen(kw_only=True)
class Call:
    """One request and its outcome.

    Args:
        time: When the simulator received it, in epoch seconds of its clock.
        operation: The operation, for example `RunTask`.
        request: The body of the request.
        status: The HTTP status of the answer; 0 if a fault lost or damaged it.
        code: The error code of the answer; None for a success; `reset`, `timeout`, `cut` or `garbled` if a fault lost
            or damaged the answer.
        fault: The fault that the request met, if any. `Fault.after_effect` is whether the request took effect.
    """

    time: float
    operation: str
    request: Wire
    status: int
    code: str | None
    fault: Fault | None = None
