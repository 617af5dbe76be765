"""Waits for clusters: how they are polled, and what their statuses mean.

Source of the statuses: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Cluster.html
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TypeAlias

from ecskit._core.effects import Flow
from ecskit._core.unchanged import polled
from ecskit._polling.batches import DescribedType
from ecskit._polling.conditions import AllMet, Met, wait_for
from ecskit._polling.identifiers import NAME, Identifiers, targets_of
from ecskit._polling.options import WaitOptions
from ecskit._polling.statuses import by_status
from ecskit.models.clusters import (
    Cluster,
    CreateClusterResponse,
    DeleteClusterResponse,
    DescribeClustersRequest,
    PutClusterCapacityProvidersResponse,
    UpdateClusterResponse,
    UpdateClusterSettingsResponse,
)

__all__ = ["clusters_active", "clusters_inactive"]

ClusterResponse: TypeAlias = (
    CreateClusterResponse
    | UpdateClusterResponse
    | UpdateClusterSettingsResponse
    | PutClusterCapacityProvidersResponse
    | DeleteClusterResponse
)
Clusters: TypeAlias = ClusterResponse | Cluster | str | Sequence[ClusterResponse | Cluster | str]
"""How callers pass clusters: a response, or one or more models, names or ARNs."""


def clusters_active(clusters: Clusters, *, wait_options: WaitOptions) -> Flow[list[Cluster]]:
    """Wait until all clusters are ACTIVE, so that they accept tasks and container instances.

    Args:
        clusters: The response of `create_cluster` or another operation on a cluster, or one or more clusters: models,
            names or ARNs.
        wait_options: How long to wait and how often to poll.

    Returns:
        The clusters as last observed, in the order given.

    Raises:
        WaitFailed: The resources of a capacity provider could not be created, or the cluster was deleted.
        NotVisible: A cluster was not visible within `visibility_grace` seconds, or by the deadline.
        Vanished: A cluster was visible, and then not found any more.

    Polling:
        Succeeds when all are: ACTIVE
        Fails when one is: FAILED; INACTIVE, in two polls
        Continues while one is: PROVISIONING, DEPROVISIONING
        Requests: DescribeClusters

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeClusters.html
    """
    condition = by_status(CLUSTERS, met={"ACTIVE"}, unreachable={"FAILED"}, unreachable_if_repeated={"INACTIVE"})
    goal = AllMet(name="clusters_active", resource_type=CLUSTERS, condition=condition, wait_options=wait_options)
    return wait_for(goal, targets_of(goal.name, IDENTIFIERS, clusters))


def clusters_inactive(clusters: Clusters, *, wait_options: WaitOptions) -> Flow[list[Cluster]]:
    """Wait until all clusters are deleted: INACTIVE, or no longer found.

    Args:
        clusters: The response of `delete_cluster`, or one or more clusters: models, names or ARNs.
        wait_options: How long to wait and how often to poll.

    Returns:
        The clusters as last observed, in the order given.

    Raises:
        NotVisible: A cluster was never visible. It may have been deleted long ago.

    Polling:
        Succeeds when all are: INACTIVE, or no longer found
        Fails when one is: (never)
        Continues while one is: in any other status
        Requests: DescribeClusters

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteCluster.html
    """
    condition = by_status(CLUSTERS, met={"INACTIVE"})
    goal = AllMet(
        name="clusters_inactive", resource_type=CLUSTERS, condition=condition, wait_options=wait_options, vanished=Met()
    )
    return wait_for(goal, targets_of(goal.name, IDENTIFIERS, clusters))


def _describe(_: str, names: list[str]) -> Flow[Sequence[Cluster]]:
    request = DescribeClustersRequest(clusters=names)
    return (yield from polled(request)).clusters


IDENTIFIERS = Identifiers(
    noun="cluster",
    model=Cluster,
    name_of=attrgetter("cluster_arn"),
    arn_pattern=f"cluster/{NAME}",
    name_pattern=NAME,
    responses=dict.fromkeys(
        (
            CreateClusterResponse,
            UpdateClusterResponse,
            UpdateClusterSettingsResponse,
            PutClusterCapacityProvidersResponse,
            DeleteClusterResponse,
        ),
        attrgetter("cluster"),
    ),
)

CLUSTERS: DescribedType[Cluster] = DescribedType(
    noun=IDENTIFIERS.noun,
    operation="DescribeClusters",
    batch_size=100,
    describe=_describe,
    id_of=lambda cluster: cluster.cluster_name,
    aliases=lambda cluster: [cluster.cluster_arn],
    state=lambda cluster: cluster.status,
)
