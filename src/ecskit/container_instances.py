"""Values and argument types of container instances. The methods are in `client.container_instances`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._lazy import publish

if TYPE_CHECKING:
    from ecskit._container_instances.draining import OnEnd, UntilDrained
    from ecskit._container_instances.result import AgentOutcome, AgentUpdate
    from ecskit._container_instances.updating import UntilUpdated
    from ecskit._waits.container_instances import ContainerInstances

__all__ = [
    "AgentOutcome",
    "AgentUpdate",
    "ContainerInstances",
    "OnEnd",
    "UntilDrained",
    "UntilUpdated",
]

publish(
    globals(),
    {
        "AgentOutcome": "ecskit._container_instances.result",
        "AgentUpdate": "ecskit._container_instances.result",
        "ContainerInstances": "ecskit._waits.container_instances",
        "OnEnd": "ecskit._container_instances.draining",
        "UntilDrained": "ecskit._container_instances.draining",
        "UntilUpdated": "ecskit._container_instances.updating",
    },
)
