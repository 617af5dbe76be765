"""Tags of existing resources: tag, untag, list. `tagging` checks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ecskit._simulator.errors import SimulatedError, invalid
from ecskit._simulator.resource_access import find_current
from ecskit._simulator.tagging import check_number, checked_tags, merged_tags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecskit._simulator.account import Account
    from ecskit._simulator.records.resources import Tags
    from ecskit._simulator.wire import Wire

# The types of `TimedResource` that can have tags, by the type in their ARNs.
_TAGGED = {
    "daemon": "daemon",
    "daemon-task-definition": "daemon-task-definition",
    "gateway": "gateway",
    "service": "express-gateway-service",
}


class _Tagged(Protocol):
    tags: Tags


def _tag(account: Account, request: Wire) -> Wire:
    resource = _resource(account, request["resourceArn"], "ResourceNotFoundException")
    tags = merged_tags(resource.tags, checked_tags(request["tags"]))
    check_number(tags)
    resource.tags = tags
    return {}


def _untag(account: Account, request: Wire) -> Wire:
    resource = _resource(account, request["resourceArn"], "ResourceNotFoundException")
    resource.tags = [tag for tag in resource.tags if tag["key"] not in request["tagKeys"]]
    return {}


def _list(account: Account, request: Wire) -> Wire:
    return {"tags": _resource(account, request["resourceArn"], "InvalidParameterException").tags}


def _resource(account: Account, arn: str, code: str) -> _Tagged:
    """Return the resource of an ARN.

    Raises:
        SimulatedError: With the given code if no resource has this ARN; `InvalidParameterException` if it is not the
            ARN of a resource that can have tags.
    """
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or parts[2] != "ecs":
        raise invalid(f"Invalid resource ARN: {arn}.")
    resource_type, _, name = parts[5].partition("/")
    timed = find_current(account, _TAGGED.get(resource_type, resource_type), arn)
    if timed is not None and resource_type in _TAGGED:
        return timed
    holders: dict[str, Mapping[str, _Tagged]] = {
        "cluster": {cluster.arn: cluster for cluster in account.clusters.values() if cluster.status == "ACTIVE"},
        "task-definition": account.task_definitions,
        "task": account.tasks,
        "service": {arn: each for arn, each in account.services.items() if each.status != "INACTIVE"},
        "task-set": {each.arn: each for service in account.services.values() for each in service.task_sets},
        "container-instance": account.container_instances,
        "capacity-provider": {provider.arn: provider for provider in account.capacity_providers.values()},
    }
    if resource_type not in {*holders, *_TAGGED} or not name:
        raise invalid(f"Resources of the type {resource_type!r} cannot have tags.")
    resource = holders.get(resource_type, {}).get(arn)
    if resource is None:
        raise SimulatedError(code, f"The specified {resource_type} was not found: {arn}.")
    return resource


OPERATIONS = {"TagResource": _tag, "UntagResource": _untag, "ListTagsForResource": _list}
