"""How waits and reads over tasks and services end, where that is more than the general errors of waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._core.errors import EcsError, MissingError
from ecskit._polling.errors import NotVisible, Vanished, WaitError, WaitFailed

if TYPE_CHECKING:
    from ecskit.models.services import Service

__all__ = [
    "ServiceGone",
    "ServicesMissing",
    "TaskNotVisible",
    "TaskPurged",
    "TaskStoppedEarly",
    "UnsupportedController",
]


class ServiceGone(WaitError):
    """A service is being deleted or was: it will not be what was waited for."""

    outcome = "service gone"


class TaskNotVisible(NotVisible):
    """A task was never seen, although the time that ECS needs to show a new one has passed.

    The task may not exist, may be in another cluster, or may have stopped more than an hour ago. It was not run again.
    """


class TaskPurged(Vanished):
    """A task was seen and then no more: ECS forgets stopped tasks after about an hour."""

    outcome = "purged"


class TaskStoppedEarly(WaitFailed):
    """A task is past what was waited for: it stops or has stopped."""

    outcome = "stopped early"


class ServicesMissing(MissingError):
    """ECS does not show some of the services that were named.

    They may not exist, may be in another cluster, may not be visible yet, or may have been deleted some time ago.
    """

    noun = "service"
    found: tuple[Service, ...]


class UnsupportedController(EcsError):
    """It is not ECS that carries out the deployments of a service, and ECS does not show how they fare.

    Attributes:
        service: ARN or name of the service.
        controller: The type of its deployment controller, such as `CODE_DEPLOY`.
    """

    def __init__(self, service: str, controller: str) -> None:
        """Hold the service and who controls it."""
        super().__init__(service, controller)
        self.service = service
        self.controller = controller

    def __str__(self) -> str:
        told = f"deployments of service {self.service.rsplit('/', 1)[-1]} are controlled by {self.controller}"
        if self.controller == "EXTERNAL":
            return f"{told}: make and switch its task sets by `ecs.task_sets`, and scale it by `ecs.services.scale`"
        if self.controller == "CODE_DEPLOY":
            return f"{told}: ECS does not tell how they fare; wait with CodeDeploy's own API"
        return f"{told}, which this version of ecskit does not know; wait with the API of what controls them"
