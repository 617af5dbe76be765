"""What a request names: the identifiers that the messages of errors show."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["IDENTIFYING", "targets_of", "where"]

IDENTIFYING: Mapping[str, str] = {
    wire: re.sub("([A-Z])", r"_\1", wire).lower()
    for wire in (
        *("cluster", "clusters", "clusterArn", "clusterName"),
        *("service", "services", "serviceArn", "serviceName", "namespace"),
        *("serviceDeploymentArn", "serviceDeploymentArns", "serviceRevisionArns", "hookId"),
        *("taskSet", "taskSets", "primaryTaskSet", "task", "tasks", "container", "containerName"),
        *("taskDefinition", "taskDefinitions", "taskDefinitionArn", "family", "familyPrefix"),
        *("containerInstance", "containerInstances", "containerInstanceArn"),
        *("capacityProvider", "capacityProviders", "capacityProviderArns"),
        *("daemonName", "daemonArn", "daemonDeploymentArns", "daemonRevisionArns"),
        *("daemonTaskDefinition", "daemonTaskDefinitionArn", "gateway", "gatewayRouteArn"),
        *("name", "names", "resourceArn", "principalArn"),
    )
}
"""The members of requests that identify something, by wire name, with their Python names. No other member is shown.

The order is that of messages. A test compares the names with the service model.
"""
_LONGEST = 200
"""The maximum length of an identifier in a message, in characters: an ARN fits."""


def targets_of(params: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the identifiers in a request, by the Python name of the member."""
    found: dict[str, tuple[str, ...]] = {}
    for wire, name in IDENTIFYING.items():
        value = params.get(wire)
        values = [value] if isinstance(value, str) else value
        if values:
            found[name] = tuple(values)
    return found


def where(targets: Mapping[str, Sequence[str]], region: str | None) -> str:
    """Return what a request named, and the region, as text: `cluster 'prod', tasks 'a' and 11 more in eu-west-1`."""
    named = ", ".join(_named(name, values) for name, values in targets.items())
    return " in ".join(filter(None, [named, region])) if named or not region else f"in {region}"


def _named(name: str, values: Sequence[str]) -> str:
    noun = re.sub("(_arns?|_name|_id|s)$", "", name).replace("_", " ")
    first = values[0] if len(values[0]) <= _LONGEST else f"{values[0][: _LONGEST - 3]}..."
    return f"{noun}s {first!r} and {len(values) - 1} more" if len(values) > 1 else f"{noun} {first!r}"
