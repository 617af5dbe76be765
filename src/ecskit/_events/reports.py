"""What an event means to waits: the state of a task, or a hint to poll something now."""

from __future__ import annotations

from collections.abc import Iterator

from ecskit._polling.batches import Target
from ecskit._polling.received_events import Reported
from ecskit._waits.tasks import TASKS

from .events import (
    ContainerInstanceHealthChange,
    ContainerInstanceStateChange,
    DeploymentStateChange,
    EcsEvent,
    HookStateChange,
    ServiceAction,
    TaskStateChange,
)

__all__ = ["reports_of"]


def reports_of(event: EcsEvent) -> Iterator[Reported]:
    """Yield what an event is about. Types of events that no wait reads are about nothing.

    Only tasks have a version that orders an event among polls, and details that show all that waits read.
    """
    match event:
        case TaskStateChange():
            task = event.task
            resource = task if task.version is not None else None
            for target in _targets(event.cluster_arn, task.task_arn):
                yield Reported(target, TASKS, resource, event.account)
        case ContainerInstanceStateChange():
            yield from map(Reported, _targets(event.cluster_arn, event.container_instance.container_instance_arn))
        case ContainerInstanceHealthChange():
            yield from map(Reported, _targets(event.cluster_arn, event.detail.container_instance_arn))
        case ServiceAction() | DeploymentStateChange():
            yield from map(Reported, _targets(event.cluster_arn, event.service))
        case HookStateChange():
            yield from map(Reported, _targets(event.cluster_arn, event.detail.service_arn))
        case _:
            pass


def _targets(cluster: str | None, arn: str | None) -> Iterator[Target]:
    """Yield the resource in its cluster, if it is named."""
    names = (arn or "").split("/")
    name, within = names[-1], names[1:-1]
    scope = (cluster or "").rpartition("/")[2] or (within[0] if within else "")
    if name:
        yield Target(scope, name)
