"""Looking at services: any number of them, by name or as a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter

import attrs

from ecskit._core.absent import ABSENT_LIST
from ecskit._core.call import call
from ecskit._core.effects import Emits, Flow
from ecskit._core.errors import RequestError
from ecskit._polling.batches import Batches
from ecskit._polling.identifiers import targets_of
from ecskit._polling.reading import describe_listed, describe_named
from ecskit._waits.errors import ServicesMissing
from ecskit._waits.services import BATCH_SIZE, SERVICE_IDENTIFIERS, SERVICES, Services
from ecskit.models.literals import LaunchType, SchedulingStrategy, ServiceField
from ecskit.models.services import (
    DescribeServicesRequest,
    ListServicesByNamespaceRequest,
    ListServicesRequest,
    Service,
)

__all__ = ["describe", "iter"]

_PAGE = 100
"""ARNs that a page of a list has at the most; 10 unless asked for more."""


def describe(
    services: Services, *, cluster: str | None = None, tags: bool = False, allow_missing: bool = False
) -> Flow[list[Service]]:
    """Look at any number of services once.

    Args:
        services: What `create_service` or `update_service` returned, or one or more services, names or ARNs.
        cluster: Name or ARN of their cluster; ECS uses `default` where nothing tells it.
        tags: Whether to read their tags as well.
        allow_missing: Leave out what ECS does not show instead of raising.

    Returns:
        The services, in the order given. A deleted one is shown as INACTIVE for a while.

    Raises:
        ServicesMissing: ECS does not show some of them; the error has the others.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS does not let us look: no permission, no such cluster.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html
    """
    targets = targets_of("services.describe", SERVICE_IDENTIFIERS, services, cluster=cluster)

    batches = Batches(attrs.evolve(SERVICES, describe=_reader(tags=tags)), targets.by_name)
    return describe_named(batches, ServicesMissing, allow_missing=allow_missing)


def iter(  # noqa: A001  # as a method, `ecs.services.iter` hides nothing
    *,
    cluster: str | None = None,
    launch_type: LaunchType | None = None,
    scheduling_strategy: SchedulingStrategy | None = None,
    namespace: str | None = None,
    tags: bool = False,
) -> Emits[Service]:
    """Yield the services of a cluster or namespace: the list, joined with what describes each, 10 at a time.

    Args:
        cluster: Name or ARN of the cluster; ECS uses `default` where it is absent.
        launch_type: Only services of this launch type.
        scheduling_strategy: Only services with this scheduling strategy.
        namespace: Name or ARN of a Cloud Map namespace: its services, in whatever clusters they are. It goes with
            `tags` only.
        tags: Whether to read their tags as well.

    Yields:
        Each service. One that is deleted between list and description is INACTIVE or left out.

    Raises:
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS does not let us look: no permission, no such cluster or namespace.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServices.html
    """
    if namespace is None:
        first = ListServicesRequest(
            cluster=cluster, launch_type=launch_type, scheduling_strategy=scheduling_strategy, max_results=_PAGE
        )
        return _iterate(first, cluster, tags=tags)
    others = {"cluster": cluster, "launch_type": launch_type, "scheduling_strategy": scheduling_strategy}
    problems = [
        (name, "does not go with `namespace`: ECS lists all services of a namespace; leave it out")
        for name, value in others.items()
        if value is not None
    ]
    if problems:
        raise RequestError("services.iter", problems)
    by_namespace = ListServicesByNamespaceRequest(namespace=namespace, max_results=_PAGE)
    return _iterate(by_namespace, None, tags=tags)


def _iterate(
    first: ListServicesRequest | ListServicesByNamespaceRequest, cluster: str | None, *, tags: bool
) -> Emits[Service]:
    read = _reader(tags=tags)

    def calls(arns: list[str]) -> Iterator[Flow[Sequence[Service]]]:
        return (read(within, batch) for within, batch in _batches(arns, cluster))

    return describe_listed([first], calls, attrgetter("service_arn"))


def _batches(arns: Sequence[str], cluster: str | None) -> list[tuple[str, list[str]]]:
    """Return a cluster and what a call takes of its services, cluster by cluster; ARNs tell it where nobody does."""
    clusters: dict[str, list[str]] = {}
    for arn in arns:
        *_, told, _ = ["", *arn.split("/")[1:]]  # old ARNs do not tell it
        clusters.setdefault(cluster or told, []).append(arn)
    return [
        (within, some[start : start + BATCH_SIZE])
        for within, some in clusters.items()
        for start in range(0, len(some), BATCH_SIZE)
    ]


def _reader(*, tags: bool) -> Callable[[str, list[str]], Flow[Sequence[Service]]]:
    include: Sequence[ServiceField] = ["TAGS"] if tags else ABSENT_LIST

    def read(cluster: str, names: list[str]) -> Flow[Sequence[Service]]:
        request = DescribeServicesRequest(cluster=cluster or None, services=names, include=include)
        return (yield from call(request)).services

    return read
