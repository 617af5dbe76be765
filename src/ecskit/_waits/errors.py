"""Errors of waits and reads for tasks and services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._core.bulk_errors import MissingError
from ecskit._core.errors import EcsError
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
    """A service is being deleted or has been deleted."""

    outcome = "service gone"


class TaskNotVisible(NotVisible):
    """A task was never visible, although the time that ECS needs to show a new task has passed.

    The task may not exist, may be in another cluster, or may have stopped more than an hour ago.
    """


class TaskPurged(Vanished):
    """A task was visible, and then not found any more. ECS deletes stopped tasks after about an hour."""

    outcome = "purged"


class TaskStoppedEarly(WaitFailed):
    """A task is stopping or has stopped, and cannot meet the condition any more."""

    outcome = "stopped early"


class ServicesMissing(MissingError):
    """ECS does not show some of the services that were named.

    They may not exist, may be in another cluster, may not be visible yet, or may have been deleted some time ago.
    """

    noun = "service"
    found: tuple[Service, ...]


class UnsupportedController(EcsError):
    """ECS does not control the deployments of a service, and does not report their state.

    Attributes:
        service: ARN or name of the service.
        controller: The type of its deployment controller, such as `CODE_DEPLOY`.
    """

    def __init__(self, service: str, controller: str) -> None:
        """Hold the service and its controller."""
        super().__init__(service, controller)
        self.service = service
        self.controller = controller

    def _text(self) -> str:
        text = f"deployments of service {self.service.rsplit('/', 1)[-1]} are controlled by {self.controller}"
        if self.controller == "EXTERNAL":
            return f"{text}: create and switch task sets with `ecs.task_sets`, scale with `ecs.services.scale`"
        if self.controller == "CODE_DEPLOY":
            return f"{text}: deploy and wait with the CodeDeploy API, scale with `ecs.services.scale`"
        return f"{text}, which this version of ecskit does not support; wait with the API of that controller"
