"""Tags on resources that exist: tag, untag, list.

Decides which resources carry tags. What tags are acceptable is decided in `tagging`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ecskit._simulator.errors import SimulatedError, invalid
from ecskit._simulator.managed import present
from ecskit._simulator.tagging import check_number, checked_tags, merged_tags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecskit._simulator.records.resources import Tags
    from ecskit._simulator.wire import Wire
    from ecskit._simulator.world import World

# The kinds of managed resources that carry tags, by the kind that their ARNs name.
_MANAGED = {
    "daemon": "daemon",
    "daemon-task-definition": "daemon-task-definition",
    "gateway": "gateway",
    "service": "express-gateway-service",
}


class _Tagged(Protocol):
    tags: Tags


def _tag(world: World, request: Wire) -> Wire:
    resource = _resource(world, request["resourceArn"], "ResourceNotFoundException")
    tags = merged_tags(resource.tags, checked_tags(request["tags"]))
    check_number(tags)
    resource.tags = tags
    return {}


def _untag(world: World, request: Wire) -> Wire:
    resource = _resource(world, request["resourceArn"], "ResourceNotFoundException")
    resource.tags = [tag for tag in resource.tags if tag["key"] not in request["tagKeys"]]
    return {}


def _list(world: World, request: Wire) -> Wire:
    return {"tags": _resource(world, request["resourceArn"], "InvalidParameterException").tags}


def _resource(world: World, arn: str, code: str) -> _Tagged:
    """Return what carries the tags of an ARN.

    Raises:
        SimulatedError: With the given code, when nothing has this ARN; `InvalidParameterException`, when nothing could.
    """
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or parts[2] != "ecs":
        raise invalid(f"Invalid resource ARN: {arn}.")
    kind, _, name = parts[5].partition("/")
    managed = present(world, _MANAGED.get(kind, kind), arn)
    if managed is not None and kind in _MANAGED:
        return managed
    holders: dict[str, Mapping[str, _Tagged]] = {
        "cluster": {cluster.arn: cluster for cluster in world.clusters.values() if cluster.status == "ACTIVE"},
        "task-definition": world.task_definitions,
        "task": world.tasks,
        "service": {arn: each for arn, each in world.services.items() if each.status != "INACTIVE"},
        "task-set": {each.arn: each for service in world.services.values() for each in service.task_sets},
        "container-instance": world.container_instances,
        "capacity-provider": {provider.arn: provider for provider in world.capacity_providers.values()},
    }
    if kind not in {*holders, *_MANAGED} or not name:
        raise invalid(f"Resources of the kind {kind!r} cannot have tags.")
    resource = holders.get(kind, {}).get(arn)
    if resource is None:
        raise SimulatedError(code, f"The specified {kind} was not found: {arn}.")
    return resource


OPERATIONS = {"TagResource": _tag, "UntagResource": _untag, "ListTagsForResource": _list}
