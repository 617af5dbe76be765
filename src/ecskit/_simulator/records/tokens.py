"""What an idempotency token (`clientToken`) stands for: the parameters of its first request, and the result."""

from __future__ import annotations

import attrs

from ecskit._simulator.wire import Wire


@attrs.frozen(kw_only=True)
class LaunchToken:
    """The tasks that a RunTask request with a token launched."""

    parameters: str
    task_arns: tuple[str, ...]
    failures: list[Wire]
    at: float


@attrs.frozen(kw_only=True)
class CreationToken:
    """The daemon, gateway or the like that a request with a token created."""

    parameters: str
    arn: str
    at: float
