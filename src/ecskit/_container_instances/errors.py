"""The errors of describing, draining and updating container instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ecskit._core.bulk_errors import BulkError, MissingError
from ecskit._core.errors import EcsError, FailuresError
from ecskit._core.wording import listed

if TYPE_CHECKING:
    from ecskit.models.container_instances import ContainerInstance

__all__ = ["ContainerAgentsNotUpdated", "ContainerInstancesMissing", "ContainerInstancesNotChanged"]


class ContainerInstancesMissing(MissingError):
    """ECS does not show some of the container instances that were named.

    They may not exist, may be in another cluster, or may have been deregistered.
    """

    noun = "container instance"
    found: tuple[ContainerInstance, ...]


class ContainerInstancesNotChanged(BulkError, FailuresError):
    """Some container instances were not set to the requested status.

    Attributes:
        results: The container instances that were changed, by the names that were given.
        response: The same container instances, and the failures.
        failures: Why others were not changed, as ECS reports it.
        changed: ARNs of the container instances that were changed.
        undone: Whether those that had another status before were set back to it.
    """

    operation = "UpdateContainerInstancesState"
    noun = "container instance"
    results: Mapping[str, ContainerInstance]

    def __init__(
        self,
        errors: Mapping[str, EcsError],
        results: Mapping[str, ContainerInstance],
        unfinished: Sequence[str] = (),
        *,
        undone: bool = False,
    ) -> None:
        """Hold what was changed, what failed, and whether the changes were undone."""
        from ecskit.models.container_instances import UpdateContainerInstancesStateResponse  # only this error needs it

        refused = [error.failures for error in errors.values() if isinstance(error, FailuresError)]
        failures: list[Any] = [*{failure.arn: failure for [failure] in refused}.values()]
        once = {instance.container_instance_arn: instance for instance in results.values()}
        response = UpdateContainerInstancesStateResponse(container_instances=list(once.values()), failures=failures)
        FailuresError.__init__(self, self.operation, failures, response)
        BulkError.__init__(self, errors, results, unfinished)
        self.changed = tuple(once)
        self.undone = undone

    def _text(self) -> str:
        text = BulkError._text(self)
        return f"{text}; changed{' and set back again' if self.undone else ''}: {listed(self.changed) or 'none'}"


class ContainerAgentsNotUpdated(BulkError):
    """UpdateContainerAgent failed for some of the container instances.

    Attributes:
        results: The others, as the responses showed them; None if there is no update, or one was in progress before.
    """

    operation = "UpdateContainerAgent"
    noun = "container instance"
    results: Mapping[str, ContainerInstance | None]

    @property
    def requested(self) -> tuple[str, ...]:
        """The ids or ARNs of the container instances whose agents ECS updates, or has no update for."""
        return tuple(self.results)
