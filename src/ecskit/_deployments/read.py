"""Flows that read a service, its service deployments and its tasks. Each returns what ECS shows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from ecskit._api.service_errors import ServiceNotFoundException
from ecskit._core.effects import Flow
from ecskit._core.errors import (
    AccessDeniedError,
    EcsError,
    RequestError,
    ServiceError,
    UnsupportedError,
    UnsupportedOperationError,
)
from ecskit._core.model import Model
from ecskit._core.pages import follow
from ecskit._core.retrying import retry
from ecskit._core.unchanged import polled
from ecskit._deployments.reference import ServiceRef
from ecskit._polling.batches import DescribedType, Target
from ecskit._polling.identifiers import targets_of
from ecskit._waits.errors import ServicesMissing
from ecskit._waits.services import SERVICE_IDENTIFIERS, SERVICES
from ecskit.models.common import CreatedAt
from ecskit.models.literals import DesiredStatus
from ecskit.models.services import (
    DescribeServiceDeploymentsRequest,
    ListServiceDeploymentsRequest,
    Service,
    ServiceDeployment,
    ServiceDeploymentBrief,
)
from ecskit.models.tasks import DescribeTasksRequest, ListTasksRequest, Task

__all__ = [
    "check_service",
    "deployments_of",
    "describe_service",
    "describe_service_deployment",
    "is_refused",
    "read_service",
    "tasks_of",
]

T = TypeVar("T")

_VISIBLE_READS = 4
"""Reads before a service that ECS does not show counts as missing: it may have just been created."""
_TASKS = 100
"""Tasks in one page of ListTasks and in one DescribeTasks."""
_EARLIER = timedelta(minutes=5)
"""How much earlier than a deployment its service deployment may have been created."""
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN = frozenset({"InvalidAction", "UnknownOperationException"})


def check_service(verb: str, service: object, cluster: str | None) -> None:
    """Raise RequestError unless the arguments name exactly one service."""
    if not isinstance(service, (str, Model)):
        problem = f"expected the name, ARN or model of one service, got {type(service).__name__}"
        raise RequestError(verb, [("service", problem)])
    if isinstance(service, str) and not service.strip():
        raise RequestError(verb, [("service", f"expected the name, ARN or model of one service, got {service!r}")])
    targets_of(verb, SERVICE_IDENTIFIERS, service, cluster=cluster)


def read_service(verb: str, service: str | Service, cluster: str | None) -> Flow[Service]:
    """Return the current state of a service. A new service may take a while to be visible.

    Raises:
        RequestError: The arguments do not name exactly one service.
        ServicesMissing: ECS does not show the service.
    """
    targets = targets_of(verb, SERVICE_IDENTIFIERS, service, cluster=cluster)
    [(name, target)] = targets.by_name.items()
    reference = ServiceRef(target.scope or cluster, target.id)

    def read() -> Flow[Service]:
        found = yield from describe_service(reference)
        if found is None:
            raise ServicesMissing([name], {}, [reference.cluster or ""])
        return found

    def may_pass(error: EcsError, attempt: int) -> bool:
        return attempt < _VISIBLE_READS if isinstance(error, ServicesMissing) else error.retryable

    return retry(read, may_pass=may_pass)


def describe_service(service: ServiceRef) -> Flow[Service | None]:
    """Return a service; None if ECS does not show it."""
    return (yield from _read(SERVICES, Target(service.cluster or "", service.name)))


def describe_service_deployment(arn: str) -> Flow[ServiceDeployment | None]:
    """Return a service deployment; None if ECS does not show it, or its service is deleted."""
    try:
        return (yield from _read(_SERVICE_DEPLOYMENTS, Target("", arn)))
    except ServiceNotFoundException:
        return None


def _read(resource_type: DescribedType[T], target: Target) -> Flow[T | None]:
    found = (yield from resource_type.read([target])).get(target)
    if isinstance(found, EcsError):
        raise found
    return found


def _describe_service_deployments(_: str, arns: list[str]) -> Flow[Sequence[ServiceDeployment]]:
    request = DescribeServiceDeploymentsRequest(service_deployment_arns=arns)
    return (yield from polled(request)).service_deployments


_SERVICE_DEPLOYMENTS: DescribedType[ServiceDeployment] = DescribedType(
    noun="service deployment",
    operation="DescribeServiceDeployments",
    batch_size=20,
    describe=_describe_service_deployments,
    id_of=lambda deployment: deployment.service_deployment_arn,
    state=lambda deployment: deployment.status,
)


def deployments_of(service: ServiceRef, since: datetime | None = None) -> Flow[Sequence[ServiceDeploymentBrief]]:
    """Return the service deployments that ECS lists for a service, empty if the service is deleted or not visible.

    Args:
        service: The service.
        since: When a deployment was created, by ECS: the list begins a few minutes earlier. None lists all.
    """
    created = CreatedAt(after=since - _EARLIER) if since else None
    request = ListServiceDeploymentsRequest(service=service.name, cluster=service.cluster, created_at=created)
    found: list[ServiceDeploymentBrief] = []

    def keep(page: Any) -> Flow[None]:
        found.extend(page.service_deployments)
        yield from ()

    try:
        yield from follow(request, keep, single_attempt=True)
    except ServiceNotFoundException:
        return []
    return found


def tasks_of(service: ServiceRef, desired_status: DesiredStatus, *, without: Collection[str]) -> Flow[Sequence[Task]]:
    """Return the tasks of a service that have a desired status.

    Args:
        service: The service.
        desired_status: The desired status of the tasks.
        without: ARNs of tasks to leave out.
    """
    arns: list[str] = []

    def keep(page: Any) -> Flow[None]:
        arns.extend(arn for arn in page.task_arns if arn not in without)
        yield from ()

    # ECS takes `startedBy` with no other filter: tasks of other deployments are left out after the read.
    request = ListTasksRequest(
        cluster=service.cluster, service_name=service.short_name, desired_status=desired_status, max_results=_TASKS
    )
    yield from follow(request, keep, single_attempt=True)
    tasks: list[Task] = []
    for start in range(0, len(arns), _TASKS):
        described = DescribeTasksRequest(cluster=service.cluster, tasks=arns[start : start + _TASKS])
        tasks += (yield from polled(described)).tasks
    return tasks


def is_refused(error: EcsError) -> bool:
    """Whether ECS refuses an operation permanently: no permission, or an endpoint without this operation."""
    if isinstance(error, AccessDeniedError):
        return error.code not in _EXPIRED
    unknown = isinstance(error, ServiceError) and error.code in _UNKNOWN
    return unknown or isinstance(error, (UnsupportedError, UnsupportedOperationError))
