"""A simulated ECS control plane, for tests that need no account: in a client's process or behind HTTP.

Decides nothing: it names what users may rely on, and loads each name when it is first asked for. pytest loads this
package at every start, because the plugin is in it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecskit.testing.calls import Call
    from ecskit.testing.clocks import ScaledClock
    from ecskit.testing.embed import Attachment, attach, attach_async
    from ecskit.testing.errors import LostAnswerError, SimulatedError, SimulatorBug
    from ecskit.testing.faults import Fault
    from ecskit.testing.lag import Lag
    from ecskit.testing.progress import Progress
    from ecskit.testing.quotas import PUBLISHED_QUOTAS, Quota
    from ecskit.testing.script import TaskScript
    from ecskit.testing.server import SimulatorServer
    from ecskit.testing.services.script import DeploymentScript
    from ecskit.testing.services.shown_counts import Counting
    from ecskit.testing.services.states import DeploymentState, ServiceState
    from ecskit.testing.simulator import Simulator, simulated_operations
    from ecskit.testing.task_state import TaskState
    from ecskit.testing.wire import Response

_WHERE = {
    "PUBLISHED_QUOTAS": "quotas",
    "Attachment": "embed",
    "Call": "calls",
    "Counting": "services.shown_counts",
    "DeploymentScript": "services.script",
    "DeploymentState": "services.states",
    "Fault": "faults",
    "Lag": "lag",
    "LostAnswerError": "errors",
    "Progress": "progress",
    "Quota": "quotas",
    "Response": "wire",
    "ServiceState": "services.states",
    "ScaledClock": "clocks",
    "SimulatedError": "errors",
    "Simulator": "simulator",
    "SimulatorBug": "errors",
    "SimulatorServer": "server",
    "TaskScript": "script",
    "TaskState": "task_state",
    "attach": "embed",
    "attach_async": "embed",
    "simulated_operations": "simulator",
}

__all__ = [
    "PUBLISHED_QUOTAS",
    "Attachment",
    "Call",
    "Counting",
    "DeploymentScript",
    "DeploymentState",
    "Fault",
    "Lag",
    "LostAnswerError",
    "Progress",
    "Quota",
    "Response",
    "ScaledClock",
    "ServiceState",
    "SimulatedError",
    "Simulator",
    "SimulatorBug",
    "SimulatorServer",
    "TaskScript",
    "TaskState",
    "attach",
    "attach_async",
    "simulated_operations",
]


def _load(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'ecskit.testing' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"ecskit.testing.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


# Hidden from type checkers, which would take it to mean that there is any name one can think of.
globals()["__getattr__"] = _load


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
