"""Explain a deployment: read it with its tasks, and return why it failed or is not done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ecskit._core.effects import Flow
from ecskit._core.errors import EcsError, described
from ecskit._core.retrying import Retrying, retry
from ecskit._core.unchanged import polled
from ecskit._deployments.reference import ServiceRef
from ecskit._explain.diagnosis import Diagnosis
from ecskit._explain.service import findings_of_service
from ecskit._explain.task import optional_containers
from ecskit._waits.revisions import Revisions
from ecskit.models.services import ServiceEvent
from ecskit.models.task_definitions import DescribeTaskDefinitionRequest, TaskDefinition
from ecskit.models.tasks import DescribeTasksRequest, ListTasksRequest, Task

if TYPE_CHECKING:
    from ecskit._deployments.progress import DeploymentProgress

__all__ = ["definitions_of", "diagnosis_of", "running_tasks"]

_DEFINITIONS = 3
"""Task definitions to read: those of the most stopped tasks."""
_TASKS = 100
"""Tasks that run or start to read: one page of ListTasks, and one DescribeTasks."""


def diagnosis_of(
    progress: DeploymentProgress,
    running: Sequence[Task] = (),
    definitions: Mapping[str, TaskDefinition] | None = None,
    notes: Sequence[str] = (),
) -> Diagnosis:
    """Return why the tasks of a deployment stopped, are unhealthy or are not placed."""
    reason = progress.status_reason
    events = list(progress.events[::-1])
    if not progress.succeeded:
        # The steady state after a rollback is that of another deployment.
        events = [event for event in events if "has reached a steady state" not in (event.message or "")]
        if reason and not any(reason in (event.message or "") for event in events):
            events.insert(0, ServiceEvent(message=reason))
    optional = {arn: optional_containers(definition) for arn, definition in (definitions or {}).items()}
    state = [str(progress), progress.paused_by, reason and reason.rstrip(".")]
    return Diagnosis(
        subject=progress.started.deployment_id or progress.name,
        summary=f"{'. '.join(filter(None, state))}.",
        findings=findings_of_service(events, progress.stopped_tasks, optional, running),
        notes=notes,
    )


def running_tasks(service: ServiceRef, notes: list[str]) -> Flow[Sequence[Task]]:
    """Return the tasks of a service that run or start, oldest first; if not all can be read, add a note."""
    listed = ListTasksRequest(
        cluster=service.cluster, service_name=service.short_name, desired_status="RUNNING", max_results=_TASKS
    )
    try:
        page = yield from retry(lambda: polled(listed))
        if not page.task_arns:
            return []
        described_tasks = DescribeTasksRequest(cluster=service.cluster, tasks=list(page.task_arns))
        tasks: Sequence[Task] = (yield from retry(lambda: polled(described_tasks))).tasks
    except EcsError as error:
        notes.append(f"tasks that run or start were not read: {described(error)}")
        return []
    if page.next_token:
        notes.append(f"only {_TASKS} of the tasks that run or start were read")
    return sorted(tasks, key=lambda task: (task.created_at is not None, task.created_at))


def definitions_of(tasks: Sequence[Task], notes: list[str]) -> Flow[dict[str, TaskDefinition]]:
    """Return the task definitions of most tasks with several containers; if one cannot be read, add a note."""
    several = Counter(each.task_definition_arn for each in tasks if each.task_definition_arn and each.containers[1:])
    definitions: dict[str, TaskDefinition] = {}
    for arn, _ in several.most_common(_DEFINITIONS):
        request = Retrying(DescribeTaskDefinitionRequest(task_definition=arn))
        try:
            definitions[arn] = yield from Revisions.contents_of(arn, request.send)
        except EcsError as error:
            notes.append(f"a task definition was not read, so all containers count as essential: {described(error)}")
            break
    return definitions
