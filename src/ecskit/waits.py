"""Values of waits: what a wait has observed, and the handle that resumes it. The waits are methods of `client.wait`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._lazy import publish

if TYPE_CHECKING:
    from ecskit._core.handles import WaitHandle
    from ecskit._polling.budget import PollBudget
    from ecskit._polling.errors import WaitStory
    from ecskit._polling.options import AsyncOnPoll, OnPoll
    from ecskit._waits.capacity_providers import CapacityProviders
    from ecskit._waits.clusters import Clusters
    from ecskit._waits.daemons import DaemonDeployments, Daemons, DaemonTaskDefinitions
    from ecskit._waits.express_services import ExpressGatewayServices
    from ecskit._waits.gateways import GatewayRoutes, Gateways
    from ecskit._waits.task_definitions import TaskDefinitions

__all__ = [
    "AsyncOnPoll",
    "CapacityProviders",
    "Clusters",
    "DaemonDeployments",
    "DaemonTaskDefinitions",
    "Daemons",
    "ExpressGatewayServices",
    "GatewayRoutes",
    "Gateways",
    "OnPoll",
    "PollBudget",
    "TaskDefinitions",
    "WaitHandle",
    "WaitStory",
]

publish(
    globals(),
    {
        "AsyncOnPoll": "ecskit._polling.options",
        "CapacityProviders": "ecskit._waits.capacity_providers",
        "Clusters": "ecskit._waits.clusters",
        "DaemonDeployments": "ecskit._waits.daemons",
        "DaemonTaskDefinitions": "ecskit._waits.daemons",
        "Daemons": "ecskit._waits.daemons",
        "ExpressGatewayServices": "ecskit._waits.express_services",
        "GatewayRoutes": "ecskit._waits.gateways",
        "Gateways": "ecskit._waits.gateways",
        "OnPoll": "ecskit._polling.options",
        "PollBudget": "ecskit._polling.budget",
        "TaskDefinitions": "ecskit._waits.task_definitions",
        "WaitHandle": "ecskit._core.handles",
        "WaitStory": "ecskit._polling.errors",
    },
)
