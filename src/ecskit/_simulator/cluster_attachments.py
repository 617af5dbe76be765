"""The attachments of a cluster: what its capacity providers and its Service Connect namespace need, in steps.

Sources: the examples of create-cluster, put-cluster-capacity-providers and describe-clusters in the CLI reference, and
the Service Connect tutorial (documented). A change ends after `CHANGE_SECONDS` (inferred).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.errors import SimulatedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ecskit._simulator.account import Account
    from ecskit._simulator.records.resources import Cluster
    from ecskit._simulator.wire import Wire

CHANGE_SECONDS = 10.0


@attrs.frozen(kw_only=True)
class Attachment:
    """One attachment.

    Args:
        id: Its id.
        type: `as_policy` for the scaling policy of a capacity provider, `sc` for Service Connect.
        provider: The name of the capacity provider, if it belongs to one.
        details: Its details.
        first_status: Its status until the change that adds it ends; afterwards it is `last_status`.
        last_status: See `first_status`.
    """

    id: str
    type: str
    provider: str | None = None
    details: list[Wire] = attrs.field(factory=list)
    first_status: str
    last_status: str

    def show(self, status: str) -> Wire:
        """Return the attachment with a status."""
        return {"id": self.id, "type": self.type, "status": status, "details": self.details}


def attach(account: Account, cluster: Cluster, *, status: str) -> None:
    """Begin to attach what the capacity providers of a cluster need, and to detach the rest.

    Args:
        account: The account.
        cluster: The cluster, with its new capacity providers.
        status: The first status of new attachments.
    """
    scaled = [each for each in cluster.capacity_providers if _scales(account, each)]
    kept = [each for each in cluster.attachments if each.provider is None or each.provider in scaled]
    present = {each.provider for each in kept}
    cluster.detaching = tuple(each for each in cluster.attachments if each not in kept)
    added = (_policy(account, provider, status) for provider in scaled if provider not in present)
    cluster.attachments = (*kept, *added)
    cluster.changing_until = account.now + CHANGE_SECONDS


def attach_namespace(account: Account, cluster: Cluster) -> None:
    """Begin to attach the default namespace of Service Connect to a new cluster."""
    namespace = Attachment(id=account.uuid(), type="sc", first_status="ATTACHING", last_status="ATTACHED")
    cluster.attachments = (*cluster.attachments, namespace)
    cluster.changing_until = account.now + CHANGE_SECONDS


def check_settled(account: Account, cluster: Cluster) -> None:
    """Refuse a change while attachments are still changing.

    Raises:
        SimulatedError: `UpdateInProgressException`, which is a documented error of PutClusterCapacityProviders.
    """
    if account.now < cluster.changing_until and (cluster.attachments or cluster.detaching):
        raise SimulatedError("UpdateInProgressException", "The attachments of the cluster are being updated.")


def show_attachments(account: Account, cluster: Cluster) -> Wire:
    """Return the members of a cluster about its attachments."""
    changing = account.now < cluster.changing_until
    shown = [each.show(each.first_status if changing else each.last_status) for each in cluster.attachments]
    if changing:
        shown += [each.show("DELETING") for each in cluster.detaching]
    if not cluster.changing_until:
        return {"attachments": shown}
    return {"attachments": shown, "attachmentsStatus": "UPDATE_IN_PROGRESS" if changing else "UPDATE_COMPLETE"}


def _scales(account: Account, provider: str) -> bool:
    found = account.capacity_providers.get(provider)
    return found is not None and "autoScalingGroupProvider" in found.body


def _policy(account: Account, provider: str, status: str) -> Attachment:
    details: Iterable[tuple[str, str]] = (
        ("capacityProviderName", provider),
        ("scalingPolicyName", f"ECSManagedAutoScalingPolicy-{account.uuid()}"),
    )
    return Attachment(
        id=account.uuid(),
        type="as_policy",
        provider=provider,
        details=[{"name": name, "value": value} for name, value in details],
        first_status=status,
        last_status="CREATED",
    )
