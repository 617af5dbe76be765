"""The methods `services.describe` and `services.iter`: read any number of services, by name or as a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter

import attrs

from ecskit._core.absent import ABSENT_LIST
from ecskit._core.call import call
from ecskit._core.effects import Emits, Flow
from ecskit._core.errors import RequestError
from ecskit._polling.bulk import AsyncOnProgress
from ecskit._polling.identifiers import check_cluster, check_request, targets_of
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
"""The largest page of a list of ARNs; the default of ECS is 10."""


def describe(
    services: Services,
    *,
    cluster: str | None = None,
    tags: bool = False,
    allow_missing: bool = False,
    on_progress: AsyncOnProgress | None = None,
) -> Flow[list[Service]]:
    """Describe any number of services, ten per call.

    Args:
        services: What `create_service` or `update_service` returned, or one or more services, names or ARNs.
        cluster: Name or ARN of their cluster; ECS uses `default` if neither this nor an ARN names one.
        tags: Whether to read their tags as well.
        allow_missing: Whether to leave out services that ECS does not show, instead of raising ServicesMissing.
        on_progress: Called after the end of each with the `BulkProgress` so far. With an async client it may be a
            coroutine function. An exception that it raises ends the call; its cause is a `BulkError` with the results.

    Returns:
        The services, in the order given, each once. ECS shows a deleted service as INACTIVE for a while.

    Raises:
        ServicesMissing: ECS does not show some of the services; `found` has the others.
        BulkError: Some calls failed; `errors` has the reasons, `results` the others. If all fail, the error of the
            first is raised.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refuses the request: no permission, no such cluster.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html
    """
    targets = targets_of("services.describe", SERVICE_IDENTIFIERS, services, cluster=cluster)
    described = attrs.evolve(SERVICES, describe=_reader(tags=tags))
    return describe_named(
        "services.describe", described, targets, ServicesMissing, allow_missing=allow_missing, on_progress=on_progress
    )


def iter(  # noqa: A001  # as a method, `ecs.services.iter` hides nothing
    *,
    cluster: str | None = None,
    launch_type: LaunchType | None = None,
    scheduling_strategy: SchedulingStrategy | None = None,
    namespace: str | None = None,
    tags: bool = False,
) -> Emits[Service]:
    """Yield the services of a cluster or namespace, each with its description. Reads 10 services per request.

    Args:
        cluster: Name or ARN of the cluster; ECS uses `default` if absent.
        launch_type: Only services of this launch type.
        scheduling_strategy: Only services with this scheduling strategy.
        namespace: Name or ARN of a Cloud Map namespace, to yield its services in all clusters. Combine it only with
            `tags`.
        tags: Whether to read their tags as well.

    Yields:
        Each service. One that is deleted between the list and its description is INACTIVE or left out.

    Raises:
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refuses a request: no permission, no such cluster or namespace.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServices.html
    """
    check_cluster("services.iter", cluster)
    if namespace is None:
        first = ListServicesRequest(
            cluster=cluster, launch_type=launch_type, scheduling_strategy=scheduling_strategy, max_results=_PAGE
        )
        check_request("services.iter", first)
        return _iterate(first, cluster, tags=tags)
    others = {"cluster": cluster, "launch_type": launch_type, "scheduling_strategy": scheduling_strategy}
    problems = [
        (name, "cannot be combined with `namespace`: ECS lists all services of a namespace; leave it out")
        for name, value in others.items()
        if value is not None
    ]
    if problems:
        raise RequestError("services.iter", problems)
    by_namespace = ListServicesByNamespaceRequest(namespace=namespace, max_results=_PAGE)
    check_request("services.iter", by_namespace)
    return _iterate(by_namespace, None, tags=tags)


def _iterate(
    first: ListServicesRequest | ListServicesByNamespaceRequest, cluster: str | None, *, tags: bool
) -> Emits[Service]:
    read = _reader(tags=tags)

    def calls(arns: list[str]) -> Iterator[Flow[Sequence[Service]]]:
        return (read(within, batch) for within, batch in _batches(arns, cluster))

    return describe_listed([first], calls, attrgetter("service_arn"))


def _batches(arns: Sequence[str], cluster: str | None) -> list[tuple[str, list[str]]]:
    """Return each cluster with services for one request. Without `cluster`, the ARNs of the services name it."""
    clusters: dict[str, list[str]] = {}
    for arn in arns:
        *_, named, _ = ["", *arn.split("/")[1:]]  # ARNs of the old format name no cluster
        clusters.setdefault(cluster or named, []).append(arn)
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
