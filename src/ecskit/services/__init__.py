"""Services: the values that `client.services` takes and answers.

The verbs are methods of the client; here is what they speak of: a deployment that was started, what is known of it,
and what happens to it.
"""

from __future__ import annotations

from ecskit.services.events import (
    CountsChanged,
    DeploymentEvent,
    DeploymentFollowed,
    DeploymentPausedAt,
    RollbackStarted,
    ServiceSaid,
    StabilityChanged,
    StageReached,
    StatusChanged,
    TaskStopped,
)
from ecskit.services.progress import DeploymentProgress
from ecskit.services.started import StartedDeployment

__all__ = [
    "CountsChanged",
    "DeploymentEvent",
    "DeploymentFollowed",
    "DeploymentPausedAt",
    "DeploymentProgress",
    "RollbackStarted",
    "ServiceSaid",
    "StabilityChanged",
    "StageReached",
    "StartedDeployment",
    "StatusChanged",
    "TaskStopped",
]
