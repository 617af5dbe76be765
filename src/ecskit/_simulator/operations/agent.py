"""The operations of the ECS agent: the endpoint to poll, and reports of state changes.

Reports are acknowledged and have no effect: simulated tasks follow their scripts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.errors import refused
from ecskit._simulator.limits import check_count

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.wire import Wire

_ACKNOWLEDGED = {"acknowledgment": "ACK"}


def _discover(account: Account, request: Wire) -> Wire:
    if account.find_cluster(request.get("cluster")) is None:
        raise refused("Cluster not found.")
    region = account.arns.region
    return {
        "endpoint": f"https://ecs-a-1.{region}.amazonaws.com/",
        "telemetryEndpoint": f"https://ecs-t-1.{region}.amazonaws.com/",
        "serviceConnectEndpoint": f"https://ecs-sc.{region}.api.aws",
    }


def _acknowledge(account: Account, request: Wire) -> Wire:
    account.cluster(request.get("cluster"))
    return _ACKNOWLEDGED


def _acknowledge_attachments(account: Account, request: Wire) -> Wire:
    check_count("attachments", request["attachments"], most=100)
    return _acknowledge(account, request)


OPERATIONS = {
    "DiscoverPollEndpoint": _discover,
    "SubmitAttachmentStateChanges": _acknowledge_attachments,
    "SubmitContainerStateChange": _acknowledge,
    "SubmitTaskStateChange": _acknowledge,
}
