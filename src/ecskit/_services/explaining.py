"""The method `services.explain`: read a service with its tasks, and explain why it does not run as desired."""

from __future__ import annotations

from collections.abc import Sequence

from ecskit._core.effects import Flow
from ecskit._core.errors import EcsError, described
from ecskit._core.retrying import retry
from ecskit._deployments.explaining import definitions_of, running_tasks
from ecskit._deployments.read import check_service, tasks_of
from ecskit._deployments.reference import ServiceRef
from ecskit._explain.diagnosis import Diagnosis
from ecskit._services.reading import describe
from ecskit.models.services import Service
from ecskit.models.tasks import Task

__all__ = ["explain"]


def explain(service: str | Service, *, cluster: str | None = None) -> Flow[Diagnosis]:
    """Explain why a service does not run all its tasks, by its tasks and its events.

    Stopped tasks are counted by finding: "6 of 6, container app". Tasks that are unhealthy or do not run yet follow:
    the first hundred that ECS lists are read. Events count since the latest steady state. A text that is not in the
    table of findings is shown as it is. Nothing outside ECS is read.

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
    stopped, running = yield from _tasks(ServiceRef.of(shown), notes)
    definitions = yield from definitions_of(stopped, notes)
    return Diagnosis.of_service(shown, stopped, running=running, definitions=definitions, notes=notes)


def _tasks(service: ServiceRef, notes: list[str]) -> Flow[tuple[Sequence[Task], Sequence[Task]]]:
    """Return the stopped tasks of a service, and those that run or start; if they cannot be read, add a note."""
    try:
        stopped = yield from retry(lambda: tasks_of(service, "STOPPED", without=()))
    except EcsError as error:
        notes.append(f"tasks were not read, so events alone are explained: {described(error)}")
        return (), ()
    return stopped, (yield from running_tasks(service, notes))
