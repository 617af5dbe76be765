"""Rules about port mappings: ports, ranges, duplicates, and the network mode."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ecskit._task_definitions.container_rules import containers
from ecskit._task_definitions.findings import Finding, finding
from ecskit._task_definitions.limits import network_mode
from ecskit._task_definitions.normalizing import Definition
from ecskit._task_definitions.task_rules import Rule
from ecskit.models.task_definitions import PortMapping

__all__ = ["NETWORK_RULES"]

_RANGE = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")
_LAST = 65535
_MOST_RANGES = 100


def _mappings(definition: Definition) -> Iterator[tuple[str, PortMapping]]:
    for path, container in containers(definition):
        for i, mapping in enumerate(container.port_mappings):
            yield f"{path}.port_mappings[{i}]", mapping


def _ports(definition: Definition) -> Iterator[Finding]:
    mode = network_mode(definition)
    for path, mapping in _mappings(definition):
        if mapping.container_port_range is not None:
            continue
        if mapping.container_port is None:
            yield finding(f"{path}.container_port", "port", "required without a container_port_range")
        elif mode in ("awsvpc", "host") and mapping.host_port not in (None, mapping.container_port):
            text = f"in the network mode {mode}, leave it out or make it {mapping.container_port}"
            yield finding(f"{path}.host_port", "host-port", text)


def _ranges(definition: Definition) -> Iterator[Finding]:
    mode = network_mode(definition)
    for path, mapping in _mappings(definition):
        if mapping.container_port_range is None:
            continue
        if _span(mapping) is None:
            text = f"expected FIRST-LAST, with 1 <= FIRST < LAST <= {_LAST}"
            yield finding(f"{path}.container_port_range", "port-range", text)
        if mode in ("host", "none"):
            yield finding(f"{path}.container_port_range", "port-range", "requires the network mode bridge or awsvpc")
        if mapping.host_port is not None:
            yield finding(f"{path}.host_port", "port-range", "not allowed with a container_port_range; leave it out")
    for path, container in containers(definition):
        if sum(mapping.container_port_range is not None for mapping in container.port_mappings) > _MOST_RANGES:
            yield finding(f"{path}.port_mappings", "port-range", f"expected at most {_MOST_RANGES} ranges")


def _twice(definition: Definition) -> Iterator[Finding]:
    for path, container in containers(definition):
        seen: list[PortMapping] = []
        for i, mapping in enumerate(container.port_mappings):
            if any(_clash(mapping, other) for other in seen):
                text = "another mapping of the container has the same port, or a range with it"
                yield finding(f"{path}.port_mappings[{i}]", "port-twice", text)
            seen.append(mapping)


def _clash(one: PortMapping, other: PortMapping) -> bool:
    """Return whether two mappings expose a port for two protocols, or share a port of a range."""
    spans = _span(one), _span(other)
    if spans[0] is None or spans[1] is None:
        return False
    overlap = spans[0][0] <= spans[1][1] and spans[1][0] <= spans[0][1]
    ranged = one.container_port_range is not None or other.container_port_range is not None
    return overlap and (ranged or (one.protocol or "tcp") != (other.protocol or "tcp"))


def _span(mapping: PortMapping) -> tuple[int, int] | None:
    """Return the first and the last port; None if they are not valid ports."""
    if mapping.container_port_range is None:
        port = mapping.container_port
        return None if port is None else (port, port)
    match = _RANGE.fullmatch(mapping.container_port_range)
    if match is None:
        return None
    first, last = int(match[1]), int(match[2])
    return (first, last) if 1 <= first < last <= _LAST else None


NETWORK_RULES: Sequence[Rule] = (_ports, _ranges, _twice)
