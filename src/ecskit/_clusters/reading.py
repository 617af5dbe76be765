"""Describe clusters: any number of named ones, or all of the account in a region."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter

import attrs

from ecskit._clusters.errors import ClustersMissing
from ecskit._core.absent import ABSENT_LIST
from ecskit._core.call import call
from ecskit._core.effects import Emits, Flow
from ecskit._polling.bulk import AsyncOnProgress
from ecskit._polling.identifiers import check_request, targets_of
from ecskit._polling.reading import describe_listed, describe_named
from ecskit._waits.clusters import CLUSTERS, IDENTIFIERS, Clusters
from ecskit.models.clusters import Cluster, DescribeClustersRequest, ListClustersRequest
from ecskit.models.literals import ClusterField

__all__ = ["describe", "iter"]


def describe(
    clusters: Clusters,
    *,
    include: Sequence[ClusterField] = (),
    allow_missing: bool = False,
    on_progress: AsyncOnProgress | None = None,
) -> Flow[list[Cluster]]:
    """Describe any number of clusters, 100 per call.

    Args:
        clusters: What `create_cluster` or another operation on a cluster returned, or one or more clusters, names or
            ARNs.
        include: What to read as well, such as `["TAGS", "STATISTICS"]`.
        allow_missing: Leave out the clusters that ECS does not show, instead of raising.
        on_progress: Called after the end of each with the `BulkProgress` so far. With an async client it may be a
            coroutine function. An exception that it raises ends the call; its cause is a `BulkError` with the results.

    Returns:
        The clusters, in the order given, each once. ECS shows a deleted cluster as INACTIVE for a while.

    Raises:
        ClustersMissing: ECS does not show some of the clusters; `found` has the others.
        BulkError: Some calls failed; `errors` has the reasons, `results` the others. If all fail, the error of the
            first is raised.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refuses the call, for example without permission.
        TransportError: The exchange with ECS failed.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeClusters.html
    """
    targets = targets_of("clusters.describe", IDENTIFIERS, clusters)
    read_some = _reader("clusters.describe", include)

    def read(_: str, names: list[str]) -> Flow[Sequence[Cluster]]:
        return read_some(names)

    described = attrs.evolve(CLUSTERS, describe=read)
    return describe_named(
        "clusters.describe", described, targets, _missing, allow_missing=allow_missing, on_progress=on_progress
    )


def iter(*, include: Sequence[ClusterField] = ()) -> Emits[Cluster]:  # noqa: A001  # hides nothing as a method
    """List the clusters of the account in this region, and yield each of them described, 100 per call.

    Args:
        include: What to read as well, such as `["TAGS", "STATISTICS"]`.

    Yields:
        Each cluster. One that is deleted between list and description is INACTIVE or left out.

    Raises:
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refuses a call, for example without permission.
        TransportError: The exchange with ECS failed.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListClusters.html
    """
    read = _reader("clusters.iter", include)
    return describe_listed([ListClustersRequest(max_results=100)], lambda arns: [read(arns)], attrgetter("cluster_arn"))


def _missing(missing: Sequence[str], found: Mapping[str, Cluster], _: object) -> ClustersMissing:
    return ClustersMissing(missing, found)


def _reader(verb: str, include: Sequence[ClusterField]) -> Callable[[list[str]], Flow[Sequence[Cluster]]]:
    usual = DescribeClustersRequest(include=include or ABSENT_LIST)
    check_request(verb, usual)

    def read(clusters: list[str]) -> Flow[Sequence[Cluster]]:
        return (yield from call(attrs.evolve(usual, clusters=clusters))).clusters

    return read
