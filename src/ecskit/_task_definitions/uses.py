"""Find what uses the revisions of a family: services, what their rollbacks deploy, and running tasks.

All clusters of the account in the region are read. What ECS does not show is not found: the names in schedules, state
machines, templates and programs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

import attrs

from ecskit._api.service_errors import ClusterNotFoundException, ServiceNotFoundException
from ecskit._core.bulk_errors import MissingError
from ecskit._core.effects import Flow, Reply, Sleep
from ecskit._core.model import Request, Response
from ecskit._core.pages import follow
from ecskit._core.retrying import Retrying, retry
from ecskit._core.turns import await_turn
from ecskit._polling.bulk import BULK_LIMITS
from ecskit._polling.side_by_side import side_by_side
from ecskit._waits.stability import controller_of
from ecskit.models.clusters import ListClustersRequest
from ecskit.models.services import (
    DescribeServiceRevisionsRequest,
    DescribeServicesRequest,
    ListServiceDeploymentsRequest,
    ListServicesRequest,
    Service,
)
from ecskit.models.tasks import DescribeTasksRequest, ListTasksRequest, Task

__all__ = ["Uses", "list_all", "uses_of"]

T = TypeVar("T")
ResponseT = TypeVar("ResponseT", bound=Response)

_PAGE = 100
"""The largest page of a list; also the most tasks in one DescribeTasks."""
_SERVICES = 10
"""Services in one DescribeServices."""
_REVISIONS = 20
"""Service revisions in one DescribeServiceRevisions."""
_READS = 3
"""How often to describe what a list holds: the describe operation may lag behind the list."""
_PAUSE = 1.0
"""Seconds between these reads."""
_UNSUCCESSFUL = frozenset({"STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"})
"""Final statuses of service deployments to which no rollback goes back."""


@attrs.frozen
class Uses:
    """What uses task definitions."""

    by_arn: dict[str, list[str]] = attrs.field(factory=dict[str, list[str]])
    """The uses of each task definition, in words, by its ARN."""
    code_deploy: list[str] = attrs.field(factory=list[str])
    """Services whose rollbacks ECS does not show, because CodeDeploy makes them."""

    def add(self, arns: Iterable[str | None], use: str) -> None:
        """Add a use of task definitions, once for each."""
        for arn in arns:
            uses = self.by_arn.setdefault(arn or "", [])
            if use not in uses:
                uses.append(use)


def uses_of(family: str) -> Flow[Uses]:
    """Return what uses task definitions: all services and their rollbacks, and the running tasks of the family.

    Raises:
        MissingError: ECS lists a service or a task but does not describe it, so what it uses is unknown.
        EcsError: A request failed.
    """
    uses = Uses()
    clusters = yield from list_all(ListClustersRequest(max_results=_PAGE))
    found = yield from _all([_of_cluster(cluster, family) for cluster in clusters])
    services = [service for in_cluster, _ in found for service in in_cluster]
    for service in services:
        used = [service.task_definition, *(each.task_definition for each in service.deployments)]
        uses.add([*used, *(each.task_definition for each in service.task_sets)], _name(service))
        if controller_of(service) == "CODE_DEPLOY":
            uses.code_deploy.append(_name(service))
    controlled = [service for service in services if controller_of(service) == "ECS"]
    rollbacks = yield from _all([_deployable(service) for service in controlled])
    for service, arns in zip(controlled, rollbacks, strict=True):
        uses.add((arn for arn in arns if arn != service.task_definition), f"rollback of {_name(service)}")
    for cluster, (_, tasks) in zip(clusters, found, strict=True):
        uses.add((task.task_definition_arn for task in tasks), f"running tasks in {_last(cluster)}")
    return uses


def list_all(request: Request[Any]) -> Flow[list[Any]]:
    """Return the items of all pages of a list, which waits for its turn."""
    found: list[Any] = []

    def keep(page: Any) -> Flow[None]:
        found.extend(getattr(page, request._items))
        yield from ()

    def attempt() -> Flow[list[Any]]:
        found.clear()
        yield from await_turn({request._operation: 1})
        yield from follow(request, keep, single_attempt=True)
        return found

    return retry(attempt, BULK_LIMITS)


def _all(flows: Sequence[Flow[T]]) -> Flow[list[T]]:
    """Run flows side by side, and return their results; the first error ends all."""
    results: dict[int, T] = {}

    def on_ended(index: int, reply: Reply[T]) -> Flow[bool]:
        results[index] = reply.get()
        yield from ()
        return True

    yield from side_by_side(flows, on_ended)
    return [results[index] for index in range(len(flows))]


def _of_cluster(cluster: str, family: str) -> Flow[tuple[list[Service], list[Task]]]:
    """Return the services of a cluster that exist, and its running tasks of the family."""

    def describe_services(arns: list[str]) -> Flow[Sequence[Service]]:
        return (yield from _send(DescribeServicesRequest(cluster=cluster, services=arns))).services

    def describe_tasks(arns: list[str]) -> Flow[Sequence[Task]]:
        return (yield from _send(DescribeTasksRequest(cluster=cluster, tasks=arns))).tasks

    try:
        arns = yield from list_all(ListServicesRequest(cluster=cluster, max_results=_PAGE))
        services = yield from _described(cluster, arns, _SERVICES, describe_services, attrgetter("service_arn"))
        arns = yield from list_all(ListTasksRequest(cluster=cluster, family=family, max_results=_PAGE))
        tasks = yield from _described(cluster, arns, _PAGE, describe_tasks, attrgetter("task_arn"))
    except ClusterNotFoundException:
        return [], []  # it was deleted after the list of clusters was read
    return [each for each in services if each.status != "INACTIVE"], tasks


def _described(
    cluster: str,
    arns: Sequence[str],
    batch_size: int,
    describe: Callable[[list[str]], Flow[Sequence[T]]],
    arn_of: Callable[[T], str],
) -> Flow[list[T]]:
    """Describe all that a list holds."""
    found: dict[str, T] = {}
    for read in range(_READS):
        missing = [arn for arn in arns if arn not in found]
        if missing and read:
            yield Sleep(_PAUSE)
        for start in range(0, len(missing), batch_size):
            some = yield from describe(missing[start : start + batch_size])
            found |= {arn_of(each): each for each in some}
    if missing := [arn for arn in arns if arn not in found]:
        raise MissingError(missing, found, [cluster] * len(missing))
    return list(found.values())


def _deployable(service: Service) -> Flow[list[str | None]]:
    """Return the task definitions that deployments under way and rollbacks of a service deploy.

    A rollback goes back to the latest successful deployment, or to the latest before it of another task definition.
    """
    request = ListServiceDeploymentsRequest(service=service.service_arn, cluster=service.cluster_arn)
    try:
        listed = yield from list_all(request)
    except ServiceNotFoundException:
        return []  # it was deleted after it was described
    listed.sort(key=lambda each: each.created_at.timestamp() if each.created_at else 0.0, reverse=True)
    wanted = [each for each in listed if each.status not in _UNSUCCESSFUL and each.target_service_revision_arn]
    status_of = {each.target_service_revision_arn: each.status for each in reversed(wanted)}
    arns = list(dict.fromkeys(each.target_service_revision_arn for each in wanted))
    found: list[str | None] = []
    for start in range(0, len(arns), _REVISIONS):
        some = arns[start : start + _REVISIONS]
        response = yield from _send(DescribeServiceRevisionsRequest(service_revision_arns=some))
        used = {each.service_revision_arn: each.task_definition for each in response.service_revisions}
        for arn in some:
            found.append(used.get(arn))
            other = found[-1] not in (None, service.task_definition)
            if other and status_of[arn] == "SUCCESSFUL":
                return found
    return found


def _send(request: Request[ResponseT]) -> Flow[ResponseT]:
    return Retrying(request, single_attempt=True).send(BULK_LIMITS)


def _name(service: Service) -> str:
    return f"service {service.service_name} in {_last(service.cluster_arn or '')}"


def _last(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]
