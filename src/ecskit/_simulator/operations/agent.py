"""What only the ECS agent calls: where to poll, and reports of state changes.

Decides that reports are acknowledged and have no effect: in the simulator, tasks follow their scripts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.errors import refused
from ecskit._simulator.limits import check_count

if TYPE_CHECKING:
    from ecskit._simulator.wire import Wire
    from ecskit._simulator.world import World

_ACKNOWLEDGED = {"acknowledgment": "ACK"}


def _discover(world: World, request: Wire) -> Wire:
    if world.find_cluster(request.get("cluster")) is None:
        raise refused("Cluster not found.")
    region = world.arns.region
    return {
        "endpoint": f"https://ecs-a-1.{region}.amazonaws.com/",
        "telemetryEndpoint": f"https://ecs-t-1.{region}.amazonaws.com/",
        "serviceConnectEndpoint": f"https://ecs-sc.{region}.api.aws",
    }


def _acknowledge(world: World, request: Wire) -> Wire:
    world.cluster(request.get("cluster"))
    return _ACKNOWLEDGED


def _acknowledge_attachments(world: World, request: Wire) -> Wire:
    check_count("attachments", request["attachments"], most=100)
    return _acknowledge(world, request)


OPERATIONS = {
    "DiscoverPollEndpoint": _discover,
    "SubmitAttachmentStateChanges": _acknowledge_attachments,
    "SubmitContainerStateChange": _acknowledge,
    "SubmitTaskStateChange": _acknowledge,
}
