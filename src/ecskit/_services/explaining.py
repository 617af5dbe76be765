"""The method `services.explain`: read a service with its stopped tasks, and explain why it does not run as desired."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ecskit._core.effects import Flow
from ecskit._core.errors import EcsError, described
from ecskit._core.retrying import Retrying, retry
from ecskit._deployments.read import check_service, tasks_of
from ecskit._deployments.reference import ServiceRef
from ecskit._explain.diagnosis import Diagnosis
from ecskit._services.reading import describe
from ecskit._waits.revisions import Revisions
from ecskit.models.services import Service
from ecskit.models.task_definitions import DescribeTaskDefinitionRequest, TaskDefinition
from ecskit.models.tasks import Task

__all__ = ["explain"]

_DEFINITIONS = 3
"""Task definitions to read: those of the most stopped tasks."""


def explain(service: str | Service, *, cluster: str | None = None) -> Flow[Diagnosis]:
    """Explain why a service does not run all its tasks, by its stopped tasks and its events.

    Stopped tasks are counted by finding: "6 of 6, container app". Events count since the latest steady state. A text
    that is not in the table of findings is shown as it is. Nothing outside ECS is read.

    Args:
        service: Name, ARN or model of one service.
        cluster: Name or ARN of its cluster; ECS uses `default` if neither this nor an ARN names one.

    Returns:
        The diagnosis: the findings, that of most tasks first, with evidence, causes and what to do. `print` shows it as
        text. ECS shows stopped tasks for about an hour. If tasks or task definitions cannot be read, a note says why.

    Raises:
        ServicesMissing: ECS does not show the service.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refuses to describe the service: no permission, no such cluster.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html
    """
    check_service("services.explain", service, cluster)
    [shown] = yield from describe(service, cluster=cluster)
    notes: list[str] = []
    stopped = yield from _stopped_tasks(shown, notes)
    definitions = yield from _definitions_of(stopped, notes)
    return Diagnosis.of_service(shown, stopped, definitions=definitions, notes=notes)


def _stopped_tasks(service: Service, notes: list[str]) -> Flow[Sequence[Task]]:
    """Return the stopped tasks of a service; if they cannot be read, add a note."""
    try:
        return (yield from retry(lambda: tasks_of(ServiceRef.of(service), "STOPPED", without=())))
    except EcsError as error:
        notes.append(f"stopped tasks were not read, so events alone are explained: {described(error)}")
        return []


def _definitions_of(tasks: Sequence[Task], notes: list[str]) -> Flow[dict[str, TaskDefinition]]:
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
