"""Describe container instances: any number of named ones, or those of a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter

import attrs

from ecskit._container_instances.errors import ContainerInstancesMissing
from ecskit._core.absent import ABSENT_LIST
from ecskit._core.call import call
from ecskit._core.effects import Emits, Flow
from ecskit._polling.bulk import AsyncOnProgress
from ecskit._polling.identifiers import check_cluster, check_request, targets_of
from ecskit._polling.reading import describe_listed, describe_named
from ecskit._waits.container_instances import IDENTIFIERS, INSTANCES, ContainerInstances, describer
from ecskit.models.container_instances import (
    ContainerInstance,
    DescribeContainerInstancesRequest,
    ListContainerInstancesRequest,
)
from ecskit.models.literals import ContainerInstanceField, ContainerInstanceStatus

__all__ = ["describe", "iter"]


def describe(
    container_instances: ContainerInstances,
    *,
    cluster: str | None = None,
    tags: bool = False,
    health: bool = False,
    allow_missing: bool = False,
    on_progress: AsyncOnProgress | None = None,
) -> Flow[list[ContainerInstance]]:
    """Describe any number of container instances, 100 per call.

    Args:
        container_instances: What an operation returned, or one or more container instances, ids, ARNs, or ids of EC2
            instances.
        cluster: Name or ARN of their cluster; optional if ARNs or container instances include it.
        tags: Whether to read their tags as well.
        health: Whether to read their health as well.
        allow_missing: Leave out the container instances that ECS does not show, instead of raising.
        on_progress: Called after the end of each with the `BulkProgress` so far. With an async client it may be a
            coroutine function. An exception that it raises ends the call; its cause is a `BulkError` with the results.

    Returns:
        The container instances, in the order given, each once.

    Raises:
        ContainerInstancesMissing: ECS does not show some of the container instances; `found` has the others.
        BulkError: Some calls failed; `errors` has the reasons, `results` the others. If all fail, the error of the
            first is raised.
        FailuresError: The response that was passed holds failures; nothing was sent.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refuses the call: no permission, no such cluster.
        TransportError: The exchange with ECS failed.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeContainerInstances.html
    """
    targets = targets_of("container_instances.describe", IDENTIFIERS, container_instances, cluster=cluster)
    describe_some = describer(single_attempt=False, include=_included(tags=tags, health=health))
    described = attrs.evolve(INSTANCES, describe=describe_some)
    return describe_named(
        "container_instances.describe",
        described,
        targets,
        ContainerInstancesMissing,
        allow_missing=allow_missing,
        on_progress=on_progress,
    )


def iter(  # noqa: A001  # as a method, `ecs.container_instances.iter` hides nothing
    *,
    cluster: str | None = None,
    filter: str | None = None,
    status: ContainerInstanceStatus | None = None,
    tags: bool = False,
    health: bool = False,
) -> Emits[ContainerInstance]:
    """List the container instances of a cluster, and yield each of them described, 100 per call.

    Args:
        cluster: Name or ARN of the cluster; ECS uses `default` if absent.
        filter: Only those that match this expression in the cluster query language.
        status: Only those with this status; all that are registered if absent.
        tags: Whether to read their tags as well.
        health: Whether to read their health as well.

    Yields:
        Each container instance. One that is deregistered between list and description is left out.

    Raises:
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refuses a call: no permission, no such cluster, an invalid expression.
        TransportError: The exchange with ECS failed.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListContainerInstances.html
    """
    check_cluster("container_instances.iter", cluster)
    request = ListContainerInstancesRequest(cluster=cluster, filter=filter, status=status)
    check_request("container_instances.iter", request)
    include = _included(tags=tags, health=health)

    def read(arns: list[str]) -> Flow[Sequence[ContainerInstance]]:
        describe_some = DescribeContainerInstancesRequest(cluster=cluster, container_instances=arns, include=include)
        return (yield from call(describe_some)).container_instances

    def calls(arns: list[str]) -> Iterator[Flow[Sequence[ContainerInstance]]]:
        yield read(arns)

    return describe_listed([request], calls, attrgetter("container_instance_arn"))


def _included(*, tags: bool, health: bool) -> Sequence[ContainerInstanceField]:
    wanted: list[ContainerInstanceField] = []
    if tags:
        wanted.append("TAGS")
    if health:
        wanted.append("CONTAINER_INSTANCE_HEALTH")
    return wanted or ABSENT_LIST
