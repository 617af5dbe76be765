"""A simulated ECS control plane, for tests that need no account: in a client's process or behind HTTP.

Decides nothing: it names what users may rely on.
"""

from ecskit.testing.calls import Call
from ecskit.testing.clocks import ScaledClock
from ecskit.testing.embed import Attachment, attach, attach_async
from ecskit.testing.errors import SimulatedError, SimulatorBug
from ecskit.testing.lag import Lag
from ecskit.testing.script import TaskScript
from ecskit.testing.server import SimulatorServer
from ecskit.testing.simulator import Simulator, simulated_operations
from ecskit.testing.wire import Response

__all__ = [
    "Attachment",
    "Call",
    "Lag",
    "Response",
    "ScaledClock",
    "SimulatedError",
    "Simulator",
    "SimulatorBug",
    "SimulatorServer",
    "TaskScript",
    "attach",
    "attach_async",
    "simulated_operations",
]
