"""How finding, draining and updating container instances ends badly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from ecskit._core.errors import EcsError, FailuresError

if TYPE_CHECKING:
    from ecskit.models.container_instances import ContainerInstance, UpdateContainerInstancesStateResponse

__all__ = ["ContainerAgentsNotUpdated", "ContainerInstancesMissing", "ContainerInstancesNotChanged"]

_TOLD = 10
"""How many things a message names at the most."""


class ContainerInstancesMissing(EcsError):
    """ECS does not know some of the container instances that were asked about; nothing was changed.

    They may not exist, may be in another cluster, or may have been deregistered.

    Attributes:
        missing: What was asked for and is not there, by id or ARN.
        container_instances: The container instances that are there.
    """

    def __init__(self, missing: Sequence[str], container_instances: Sequence[ContainerInstance]) -> None:
        """Hold what was not found, and what was."""
        super().__init__(missing, container_instances)
        self.missing = tuple(missing)
        self.container_instances = tuple(container_instances)

    def __str__(self) -> str:
        count, all_ = len(self.missing), len(self.missing) + len(self.container_instances)
        return f"ECS does not show {count} of {all_} container instances: {_listed(self.missing)}"


class ContainerInstancesNotChanged(FailuresError):
    """Some container instances were not set to the state that was asked for.

    Attributes:
        response: The container instances that were changed, as ECS showed them, and the failures.
        failures: Why others were not, as ECS says.
        errors: What went wrong with whole calls, each for up to ten container instances.
        changed: ARNs of the container instances that were changed.
        undone: Whether those of them that were in another state before were set back to it.
    """

    def __init__(
        self,
        answer: UpdateContainerInstancesStateResponse,
        errors: Sequence[EcsError],
        *,
        undone: bool = False,
    ) -> None:
        """Hold what was changed, and why the rest was not; `undone` says whether it was set back again."""
        super().__init__("UpdateContainerInstancesState", answer.failures, answer)
        self.errors = tuple(errors)
        self.changed = tuple(instance.container_instance_arn for instance in answer.container_instances)
        self.undone = undone
        self.retryable = bool(errors) and not self.failures and all(error.retryable for error in errors)

    def __str__(self) -> str:
        told = [super().__str__()] if self.failures else []
        told += [str(error) for error in self.errors[:_TOLD]]
        told.append(f"changed{' and set back again' if self.undone else ''}: {_listed(self.changed) or 'none'}")
        return "; ".join(told)


class ContainerAgentsNotUpdated(EcsError):
    """The agents of some container instances could not be told to update themselves.

    Attributes:
        errors: Why, by the id or ARN of each container instance.
        told: The ids or ARNs of the container instances whose agents were told, or need no update.
    """

    def __init__(self, errors: Mapping[str, EcsError], told: Sequence[str]) -> None:
        """Hold why some agents were not told, and which were."""
        super().__init__(errors, told)
        self.errors: Mapping[str, Any] = dict(errors)
        self.told = tuple(told)
        self.retryable = all(error.retryable for error in errors.values())

    def __str__(self) -> str:
        count, all_ = len(self.errors), len(self.errors) + len(self.told)
        why = "; ".join(f"{id_}: {error}" for id_, error in islice(self.errors.items(), _TOLD))
        more = f"; and {count - _TOLD} more" if count > _TOLD else ""
        return f"{count} of {all_} container agents were not told to update: {why}{more}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return f"{', '.join(names[:_TOLD])}{more}"
