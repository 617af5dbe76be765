"""Looking at container instances: any number of them, by name or as a list."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import attrs

from ecskit._container_instances.errors import ContainerInstancesMissing
from ecskit._core.absent import ABSENT_LIST
from ecskit._core.call import call
from ecskit._core.effects import Emit, Emits, Flow, Sleep
from ecskit._core.pages import follow
from ecskit._core.wire import encode
from ecskit._polling.batches import Batches
from ecskit._polling.identifiers import targets_of
from ecskit._waits.container_instances import IDENTIFIERS, INSTANCES, ContainerInstances, describer
from ecskit.models.container_instances import (
    ContainerInstance,
    DescribeContainerInstancesRequest,
    ListContainerInstancesRequest,
)
from ecskit.models.literals import ContainerInstanceField, ContainerInstanceStatus

__all__ = ["describe", "iter"]

log = logging.getLogger("ecskit")

_LOOKS = 3
"""How often a container instance is looked for that a list has shown: the two reads may not be equally fresh."""
_BETWEEN_LOOKS = 1.0


def describe(
    container_instances: ContainerInstances,
    *,
    cluster: str | None = None,
    tags: bool = False,
    health: bool = False,
    allow_missing: bool = False,
) -> Flow[list[ContainerInstance]]:
    """Look at any number of container instances once, 100 a call.

    Args:
        container_instances: What an operation returned, or one or more container instances, ids, ARNs, or ids of EC2
            instances.
        cluster: Name or ARN of their cluster; needed only where neither ARNs nor instances tell it.
        tags: Whether to read their tags as well.
        health: Whether to read their health as well.
        allow_missing: Leave out what ECS does not show instead of raising.

    Returns:
        The container instances, in the order given.

    Raises:
        ContainerInstancesMissing: ECS does not show some of them; the error has the others.
        FailuresError: The response that was given holds failures; nothing was looked at.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS does not let us look: no permission, no such cluster.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeContainerInstances.html
    """
    targets = targets_of("container_instances.describe", IDENTIFIERS, container_instances, cluster=cluster)
    kind = attrs.evolve(
        INSTANCES, describe=describer(single_attempt=False, include=_included(tags=tags, health=health))
    )

    def flow() -> Flow[list[ContainerInstance]]:
        look = yield from Batches(kind, targets.by_name).poll(list(targets.by_name))
        for error in look.unanswered.values():
            raise error
        missing = [name for name in targets.by_name if name not in look.observed]
        found = [look.observed[name] for name in targets.by_name if name in look.observed]
        if missing and not allow_missing:
            raise ContainerInstancesMissing(missing, found)
        return found

    return flow()


def iter(  # noqa: A001  # as a method, `ecs.container_instances.iter` hides nothing
    *,
    cluster: str | None = None,
    filter: str | None = None,
    status: ContainerInstanceStatus | None = None,
    tags: bool = False,
    health: bool = False,
) -> Emits[ContainerInstance]:
    """Yield the container instances of a cluster: the list, joined with what describes each, 100 at a time.

    Args:
        cluster: Name or ARN of the cluster; ECS uses `default` where it is absent.
        filter: Only those that this expression of the cluster query language matches.
        status: Only those in this state; all that are registered where it is absent.
        tags: Whether to read their tags as well.
        health: Whether to read their health as well.

    Yields:
        Each container instance. One that is deregistered between list and description is left out.

    Raises:
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS does not let us look: no permission, no such cluster, an expression that it does not accept.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListContainerInstances.html
    """
    request = ListContainerInstancesRequest(cluster=cluster, filter=filter, status=status)
    encode(request)  # whatever is of a wrong type is told before anything is sent
    return _iterate(request, _included(tags=tags, health=health))


def _iterate(
    request: ListContainerInstancesRequest, include: Sequence[ContainerInstanceField]
) -> Emits[ContainerInstance]:
    told: set[str] = set()

    def emit(page: Any) -> Emits[ContainerInstance]:
        arns = [arn for arn in dict.fromkeys(page.container_instance_arns) if arn not in told]
        for attempt in range(_LOOKS):
            if not arns:
                return
            if attempt:
                yield Sleep(_BETWEEN_LOOKS)
            looking = DescribeContainerInstancesRequest(
                cluster=request.cluster, container_instances=arns, include=include
            )
            for instance in (yield from call(looking)).container_instances:
                told.add(instance.container_instance_arn)
                yield Emit(instance)
            arns = [arn for arn in arns if arn not in told]
        log.debug("ECS lists %s but does not describe them: they are left out", ", ".join(arns))

    yield from follow(request, emit)


def _included(*, tags: bool, health: bool) -> Sequence[ContainerInstanceField]:
    wanted: list[ContainerInstanceField] = []
    if tags:
        wanted.append("TAGS")
    if health:
        wanted.append("CONTAINER_INSTANCE_HEALTH")
    return wanted or ABSENT_LIST
