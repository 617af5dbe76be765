"""Capacity providers: create, describe, update, delete.

Capacity providers never scale. `capacity_strategies` divides tasks among them. Updates and deletions take
`CHANGE_SECONDS` (inferred): the answer still shows the old values, with UPDATE_IN_PROGRESS or DELETE_IN_PROGRESS
(documented in the examples of the CLI reference).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._rules.launches import FARGATE_PROVIDERS
from ecskit._simulator.errors import invalid, refused
from ecskit._simulator.limits import check_count, check_name
from ecskit._simulator.pagination import paginate
from ecskit._simulator.records.resources import CapacityProvider
from ecskit._simulator.tagging import checked_tags

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.wire import Wire

CHANGE_SECONDS = 10.0

_MANAGED_SCALING: Wire = {
    "status": "DISABLED",
    "targetCapacity": 100,
    "minimumScalingStepSize": 1,
    "maximumScalingStepSize": 10000,
    "instanceWarmupPeriod": 300,
}


def add_predefined(account: Account) -> None:
    """Add the capacity providers that every account has: FARGATE and FARGATE_SPOT."""
    for name in FARGATE_PROVIDERS:
        account.capacity_providers[name] = CapacityProvider(
            name=name,
            arn=account.arns.ecs("capacity-provider", name),
            body={"type": name},
            tags=[],
        )


def find_provider(account: Account, reference: str) -> CapacityProvider | None:
    """Return the capacity provider of a name or ARN, or None."""
    return account.capacity_providers.get(account.arns.name("capacity-provider", reference))


def usable_provider(account: Account, reference: str, cluster: str) -> CapacityProvider:
    """Return a capacity provider that a cluster can use.

    Raises:
        SimulatedError: `InvalidParameterException` if it does not exist, is deleted, or belongs to another cluster.
    """
    provider = find_provider(account, reference)
    if provider is None or provider.deleted_at is not None or provider.body.get("cluster", cluster) != cluster:
        raise invalid(f"The specified capacity provider {reference} was not found.")
    return provider


def _create(account: Account, request: Wire) -> Wire:
    name = request["name"]
    check_name("name", name)
    if name.lower().startswith(("aws", "ecs", "fargate")):
        raise invalid(f"The name of a capacity provider must not start with aws, ecs or fargate: {name}.")
    existing = account.capacity_providers.get(name)
    if existing is not None and not _is_gone(account, existing):
        raise refused(f"A capacity provider named {name} exists.")
    given = [member for member in ("autoScalingGroupProvider", "managedInstancesProvider") if member in request]
    if len(given) != 1:
        raise invalid("Give exactly one of autoScalingGroupProvider and managedInstancesProvider.")
    update_status = None
    if given == ["autoScalingGroupProvider"]:
        body: Wire = {"type": "EC2_AUTOSCALING", given[0]: _group(request[given[0]])}
    else:
        if "cluster" not in request:
            raise invalid("A capacity provider of managed instances needs a cluster.")
        cluster = account.active_cluster(request["cluster"])
        body = {"type": "MANAGED_INSTANCES", given[0]: request[given[0]], "cluster": cluster.name}
        update_status = "CREATE_COMPLETE"
    provider = CapacityProvider(
        name=name,
        arn=account.arns.ecs("capacity-provider", name),
        body=body,
        tags=checked_tags(request.get("tags")),
        update_status=update_status,
    )
    account.capacity_providers[name] = provider
    return {"capacityProvider": provider.show(account.now, tags=True)}


def _group(given: Wire) -> Wire:
    scaling = {**_MANAGED_SCALING, **given.get("managedScaling", {})}
    if scaling["minimumScalingStepSize"] > scaling["maximumScalingStepSize"]:
        raise invalid("minimumScalingStepSize must not exceed maximumScalingStepSize.")
    group = {"managedTerminationProtection": "DISABLED", "managedDraining": "ENABLED", **given}
    group["managedScaling"] = scaling
    if group["managedTerminationProtection"] == "ENABLED" and scaling["status"] == "DISABLED":
        raise invalid("Managed termination protection needs managed scaling.")
    return group


def _describe(account: Account, request: Wire) -> Wire:
    references = request.get("capacityProviders", [])
    check_count("capacityProviders", references, least=0, most=100)
    failures: list[Wire] = []
    if references:
        found: list[CapacityProvider] = []
        for reference in dict.fromkeys(references):
            provider = find_provider(account, reference)
            if provider is None:  # INACTIVE ones are described for a while
                failures.append({"arn": _arn(account, reference), "reason": "MISSING"})
            else:
                found.append(provider)
    else:
        found = [each for each in account.capacity_providers.values() if not _is_gone(account, each)]
    if "cluster" in request:
        name = account.cluster(request["cluster"]).name
        found = [provider for provider in found if provider.body.get("cluster", name) == name]
    rows = [(provider.arn, provider) for provider in found]
    page, more = paginate("DescribeCapacityProviders", request, rows, default=10, maximum=10)
    tags = "TAGS" in request.get("include", [])
    shown = [provider.show(account.now, tags=tags) for provider in page]
    return {"capacityProviders": shown, "failures": failures, **more}


def _update(account: Account, request: Wire) -> Wire:
    provider = _changeable(account, request["name"])
    member = "autoScalingGroupProvider" if "autoScalingGroupProvider" in provider.body else "managedInstancesProvider"
    if member not in request:
        raise invalid(f"The capacity provider {provider.name} is updated with {member}.")
    current = provider.next_body or provider.body
    old, new = current[member], request[member]
    if member == "autoScalingGroupProvider":
        scaling = {**old["managedScaling"], **new.get("managedScaling", {})}
        updated = _group({**old, **new, "managedScaling": scaling})
    else:
        template = {**old["instanceLaunchTemplate"], **new["instanceLaunchTemplate"]}
        updated = {**old, **new, "instanceLaunchTemplate": template}
    provider.next_body, provider.updated_at = {**current, member: updated}, account.now + CHANGE_SECONDS
    return {"capacityProvider": provider.show(account.now, tags=True)}


def _delete(account: Account, request: Wire) -> Wire:
    provider = _changeable(account, request["capacityProvider"])
    users = [
        cluster.name
        for cluster in account.clusters.values()
        if cluster.status == "ACTIVE" and provider.name in cluster.capacity_providers
    ]
    if users:
        raise refused(f"The capacity provider {provider.name} is associated with the cluster {users[0]}.")
    provider.deleted_at = account.now + CHANGE_SECONDS
    return {"capacityProvider": provider.show(account.now, tags=True)}


def _changeable(account: Account, reference: str) -> CapacityProvider:
    provider = find_provider(account, reference)
    if provider is None or provider.deleted_at is not None:
        raise refused(f"The specified capacity provider {reference} does not exist.")
    if provider.name in FARGATE_PROVIDERS:
        raise invalid(f"The capacity provider {provider.name} is reserved and cannot be changed.")
    provider.settle(account.now)
    return provider


def _is_gone(account: Account, provider: CapacityProvider) -> bool:
    return provider.deleted_at is not None and provider.deleted_at <= account.now


def _arn(account: Account, reference: str) -> str:
    return account.arns.ecs("capacity-provider", account.arns.name("capacity-provider", reference))


OPERATIONS = {
    "CreateCapacityProvider": _create,
    "DescribeCapacityProviders": _describe,
    "UpdateCapacityProvider": _update,
    "DeleteCapacityProvider": _delete,
}
