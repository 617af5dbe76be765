"""The errors of describing, draining and updating container instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ecskit._core.errors import EcsError, FailuresError, MissingError, described
from ecskit._core.wording import listed

if TYPE_CHECKING:
    from ecskit.models.container_instances import ContainerInstance, UpdateContainerInstancesStateResponse

__all__ = ["ContainerAgentsNotUpdated", "ContainerInstancesMissing", "ContainerInstancesNotChanged"]


class ContainerInstancesMissing(MissingError):
    """ECS does not show some of the container instances that were named.

    They may not exist, may be in another cluster, or may have been deregistered.
    """

    noun = "container instance"
    found: tuple[ContainerInstance, ...]


class ContainerInstancesNotChanged(FailuresError):
    """ECS did not set some container instances to the requested status.

    Attributes:
        response: The container instances that were changed, and the failures.
        failures: Why others were not changed, as ECS reports it.
        errors: The errors of whole calls, each for up to ten container instances.
        changed: ARNs of the container instances that were changed.
        undone: Whether those that had another status before were set back to it.
    """

    def __init__(
        self,
        response: UpdateContainerInstancesStateResponse,
        errors: Sequence[EcsError],
        *,
        undone: bool = False,
    ) -> None:
        """Hold what was changed, what failed, and whether the changes were undone."""
        super().__init__("UpdateContainerInstancesState", response.failures, response)
        self.errors = tuple(errors)
        self.changed = tuple(instance.container_instance_arn for instance in response.container_instances)
        self.undone = undone
        self.retryable = bool(errors) and not self.failures and all(error.retryable for error in errors)

    def _text(self) -> str:
        parts = [super()._text()] if self.failures else []
        parts += [listed(map(described, self.errors), separator="; ")] if self.errors else []
        parts.append(f"changed{' and set back again' if self.undone else ''}: {listed(self.changed) or 'none'}")
        return "; ".join(parts)


class ContainerAgentsNotUpdated(EcsError):
    """UpdateContainerAgent failed for some of the container instances.

    Attributes:
        errors: The error for each of these container instances, by id or ARN.
        requested: The ids or ARNs of the other container instances; ECS updates their agents, or has no update.
        retryable: Whether all the errors are temporary.
    """

    def __init__(self, errors: Mapping[str, EcsError], requested: Sequence[str]) -> None:
        """Hold the errors, and the other container instances."""
        super().__init__(errors, requested)
        self.errors: Mapping[str, Any] = dict(errors)
        self.requested = tuple(requested)
        self.retryable = all(error.retryable for error in errors.values())

    def _text(self) -> str:
        total = len(self.errors) + len(self.requested)
        reasons = listed((f"{id_}: {described(error)}" for id_, error in self.errors.items()), separator="; ")
        return f"UpdateContainerAgent failed for {len(self.errors)} of {total} container instances: {reasons}"
