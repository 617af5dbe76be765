"""Argument types of task sets. The methods are in `client.task_sets`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._lazy import publish

if TYPE_CHECKING:
    from ecskit._task_sets.changing import UntilScaled
    from ecskit._task_sets.creating import OnEnd, UntilCreated
    from ecskit._task_sets.deleting import UntilDeleted
    from ecskit._task_sets.targets import OneTaskSet
    from ecskit._waits.task_sets import TaskSets

__all__ = [
    "OnEnd",
    "OneTaskSet",
    "TaskSets",
    "UntilCreated",
    "UntilDeleted",
    "UntilScaled",
]

publish(
    globals(),
    {
        "OnEnd": "ecskit._task_sets.creating",
        "OneTaskSet": "ecskit._task_sets.targets",
        "TaskSets": "ecskit._waits.task_sets",
        "UntilCreated": "ecskit._task_sets.creating",
        "UntilDeleted": "ecskit._task_sets.deleting",
        "UntilScaled": "ecskit._task_sets.changing",
    },
)
