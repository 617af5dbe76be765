"""Tags on resources that exist: tag, untag, list.

Decides which resources carry tags. What tags are acceptable is decided in `tagging`.
"""

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

# The kinds of managed resources that carry tags, by the kind that their ARNs name.
_MANAGED = {
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
    """Return what carries the tags of an ARN.

    Raises:
        SimulatedError: With the given code, when nothing has this ARN; `InvalidParameterException`, when nothing could.
    """
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or parts[2] != "ecs":
        raise invalid(f"Invalid resource ARN: {arn}.")
    kind, _, name = parts[5].partition("/")
    managed = find_current(account, _MANAGED.get(kind, kind), arn)
    if managed is not None and kind in _MANAGED:
        return managed
    holders: dict[str, Mapping[str, _Tagged]] = {
        "cluster": {cluster.arn: cluster for cluster in account.clusters.values() if cluster.status == "ACTIVE"},
        "task-definition": account.task_definitions,
        "task": account.tasks,
        "service": {arn: each for arn, each in account.services.items() if each.status != "INACTIVE"},
        "task-set": {each.arn: each for service in account.services.values() for each in service.task_sets},
        "container-instance": account.container_instances,
        "capacity-provider": {provider.arn: provider for provider in account.capacity_providers.values()},
    }
    if kind not in {*holders, *_MANAGED} or not name:
        raise invalid(f"Resources of the kind {kind!r} cannot have tags.")
    resource = holders.get(kind, {}).get(arn)
    if resource is None:
        raise SimulatedError(code, f"The specified {kind} was not found: {arn}.")
    return resource


OPERATIONS = {"TagResource": _tag, "UntagResource": _untag, "ListTagsForResource": _list}
