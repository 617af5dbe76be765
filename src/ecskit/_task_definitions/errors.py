"""The errors of deregistering and deleting many task definitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ecskit._core.bulk_errors import BulkError

if TYPE_CHECKING:
    from ecskit.models.task_definitions import TaskDefinition

__all__ = ["TaskDefinitionsNotDeleted", "TaskDefinitionsNotDeregistered"]


class TaskDefinitionsNotDeregistered(BulkError):
    """Some task definitions were not deregistered. `errors` has the reasons, `results` the others."""

    operation = "DeregisterTaskDefinition"
    noun = "task definition"
    results: Mapping[str, TaskDefinition]


class TaskDefinitionsNotDeleted(BulkError):
    """The deletion of some task definitions was not started. `errors` has the reasons, `results` the others."""

    operation = "DeleteTaskDefinitions"
    noun = "task definition"
    results: Mapping[str, TaskDefinition]
