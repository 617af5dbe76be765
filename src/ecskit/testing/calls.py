"""One request that the simulator received, for tests to assert on.

Decides nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from ecskit.testing.wire import Wire


@attrs.frozen(kw_only=True)
class Call:
    """What was asked, when, and how it went.

    Args:
        time: When, in epoch seconds of the simulator's clock.
        operation: The operation, for example `RunTask`.
        request: The body as it came over the wire.
        status: The HTTP status of the answer.
        code: The error code of the answer, or None for a success.
    """

    time: float
    operation: str
    request: Wire
    status: int
    code: str | None
