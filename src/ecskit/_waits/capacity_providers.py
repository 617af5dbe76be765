"""Waits for capacity providers: how they are polled, and what their two statuses mean.

Source of the statuses:
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProvider.html
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
from ecskit.models.capacity_providers import (
    CapacityProvider,
    CreateCapacityProviderResponse,
    DeleteCapacityProviderResponse,
    DescribeCapacityProvidersRequest,
    UpdateCapacityProviderResponse,
)

__all__ = ["capacity_providers_active", "capacity_providers_deleted", "capacity_providers_updated"]

CapacityProviderResponse: TypeAlias = (
    CreateCapacityProviderResponse | UpdateCapacityProviderResponse | DeleteCapacityProviderResponse
)
CapacityProviders: TypeAlias = (
    CapacityProviderResponse | CapacityProvider | str | Sequence[CapacityProviderResponse | CapacityProvider | str]
)
"""How callers pass capacity providers: a response, or one or more models, names or ARNs."""

BATCH_SIZE = 10
"""The maximum number of capacity providers on one page of DescribeCapacityProviders."""
DELETED = {"DEPROVISIONING", "DELETE_IN_PROGRESS", "INACTIVE", "DELETE_COMPLETE"}


def capacity_providers_active(
    capacity_providers: CapacityProviders, *, cluster: str | None = None, wait_options: WaitOptions
) -> Flow[list[CapacityProvider]]:
    """Wait until all capacity providers are ACTIVE, so that clusters can use them.

    Args:
        capacity_providers: The response of `create_capacity_provider`, or one or more capacity providers: models, names
            or ARNs.
        cluster: Name or ARN of the cluster of providers with managed instances; required if neither an ARN nor a model
            contains it.
        wait_options: How long to wait and how often to poll.

    Returns:
        The capacity providers as last observed, in the order given.

    Raises:
        WaitFailed: The creation of a capacity provider failed, or the capacity provider is being deleted.
        NotVisible: A capacity provider was not visible within `visibility_grace` seconds, or by the deadline.
        Vanished: A capacity provider was visible, and then not found any more.

    Polling:
        Succeeds when all are: ACTIVE
        Fails when one is: CREATE_FAILED, DEPROVISIONING, INACTIVE or being deleted, in two polls
        Continues while one is: PROVISIONING
        Requests: DescribeCapacityProviders

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeCapacityProviders.html
    """
    condition = by_status(
        PROVIDERS, met={"ACTIVE"}, unreachable_if_repeated={"CREATE_FAILED", *DELETED}, reason=_reason
    )
    goal = AllMet(
        name="capacity_providers_active", resource_type=PROVIDERS, condition=condition, wait_options=wait_options
    )
    return wait_for(goal, targets_of(goal.name, IDENTIFIERS, capacity_providers, cluster=cluster))


def capacity_providers_updated(
    capacity_providers: CapacityProviders, *, cluster: str | None = None, wait_options: WaitOptions
) -> Flow[list[CapacityProvider]]:
    """Wait until the update of all capacity providers is complete: UPDATE_COMPLETE, in two polls in a row.

    Args:
        capacity_providers: The response of `update_capacity_provider`, or one or more capacity providers: models, names
            or ARNs.
        cluster: Name or ARN of the cluster of providers with managed instances; required if neither an ARN nor a model
            contains it.
        wait_options: How long to wait and how often to poll.

    Returns:
        The capacity providers as last observed, in the order given.

    Raises:
        WaitFailed: The update of a capacity provider failed, or the capacity provider is being deleted.
        NotVisible: A capacity provider was not visible within `visibility_grace` seconds, or by the deadline.
        Vanished: A capacity provider was visible, and then not found any more.

    Polling:
        Succeeds when all are: UPDATE_COMPLETE, in two polls
        Fails when one is: UPDATE_FAILED, CREATE_FAILED, DEPROVISIONING, INACTIVE or being deleted, in two polls
        Continues while one is: UPDATE_IN_PROGRESS
        Requests: DescribeCapacityProviders

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateCapacityProvider.html
    """
    failed = {"UPDATE_FAILED", "CREATE_FAILED", *DELETED}
    condition = by_status(PROVIDERS, met={"UPDATE_COMPLETE"}, unreachable_if_repeated=failed, reason=_reason)
    goal = AllMet(
        name="capacity_providers_updated",
        resource_type=PROVIDERS,
        condition=condition,
        wait_options=wait_options,
        required_polls=2,
    )
    return wait_for(goal, targets_of(goal.name, IDENTIFIERS, capacity_providers, cluster=cluster))


def capacity_providers_deleted(
    capacity_providers: CapacityProviders, *, cluster: str | None = None, wait_options: WaitOptions
) -> Flow[list[CapacityProvider]]:
    """Wait until all capacity providers are deleted: DELETE_COMPLETE, INACTIVE, or no longer found.

    Args:
        capacity_providers: The response of `delete_capacity_provider`, or one or more capacity providers: models, names
            or ARNs.
        cluster: Name or ARN of the cluster of providers with managed instances; required if neither an ARN nor a model
            contains it.
        wait_options: How long to wait and how often to poll.

    Returns:
        The capacity providers as last observed, in the order given.

    Raises:
        WaitFailed: The deletion of a capacity provider failed.
        NotVisible: A capacity provider was never visible. It may have been deleted long ago.

    Polling:
        Succeeds when all are: DELETE_COMPLETE, INACTIVE, or no longer found
        Fails when one is: DELETE_FAILED, in two polls
        Continues while one is: DELETE_IN_PROGRESS
        Requests: DescribeCapacityProviders

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteCapacityProvider.html
    """
    condition = by_status(
        PROVIDERS, met={"DELETE_COMPLETE", "INACTIVE"}, unreachable_if_repeated={"DELETE_FAILED"}, reason=_reason
    )
    goal = AllMet(
        name="capacity_providers_deleted",
        resource_type=PROVIDERS,
        condition=condition,
        wait_options=wait_options,
        vanished=Met(),
    )
    return wait_for(goal, targets_of(goal.name, IDENTIFIERS, capacity_providers, cluster=cluster))


def _describe(cluster: str, names: list[str]) -> Flow[Sequence[CapacityProvider]]:
    request = DescribeCapacityProvidersRequest(capacity_providers=names, cluster=cluster or None)
    return (yield from polled(request)).capacity_providers


def _state(provider: CapacityProvider) -> str:
    return " ".join(filter(None, [provider.status, provider.update_status])) or "UNKNOWN"


def _reason(provider: CapacityProvider) -> str | None:
    return provider.update_status_reason


IDENTIFIERS = Identifiers(
    noun="capacity provider",
    model=CapacityProvider,
    name_of=lambda provider: provider.capacity_provider_arn or provider.name,
    arn_pattern=rf"capacity-provider/(?:(?P<cluster>{NAME})/)?{NAME}",
    name_pattern=NAME,
    parents=("cluster",),
    parents_optional=True,
    responses=dict.fromkeys(
        (CreateCapacityProviderResponse, UpdateCapacityProviderResponse, DeleteCapacityProviderResponse),
        attrgetter("capacity_provider"),
    ),
)

PROVIDERS: DescribedType[CapacityProvider] = DescribedType(
    noun=IDENTIFIERS.noun,
    operation="DescribeCapacityProviders",
    batch_size=BATCH_SIZE,
    describe=_describe,
    id_of=lambda provider: provider.name,
    aliases=lambda provider: [provider.capacity_provider_arn],
    state=_state,
)
