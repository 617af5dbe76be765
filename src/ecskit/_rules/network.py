"""Rules about ports, links and host names in each network mode."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ecskit._rules.checks import absent, below, between, matches, reachable, when
from ecskit._rules.definition import TaskDefinitionWire
from ecskit._rules.placeholders import has_placeholder
from ecskit._rules.rule import Places, Problem, Rule, Wire, api, deployed

__all__ = ["NETWORK_RULES"]

_MAPPING = "containerDefinitions[].portMappings[]"
_RANGE = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")
_LAST = 65535
_MOST_RANGES = 100
_PORTS = api("PortMapping")
_DEFINITION = api("ContainerDefinition")


def _is_awsvpc(definition: TaskDefinitionWire) -> bool:
    return definition.mode == "awsvpc" and not definition.runs_on("FARGATE")  # Fargate has rules of its own


def _no_port(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, mapping in places:
        if mapping.get("containerPortRange") is None and mapping.get("containerPort") is None:
            yield Problem(f"{path}.containerPort", "required without a containerPortRange")


def _host_ports(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, mapping in places:
        port, host = mapping.get("containerPort"), mapping.get("hostPort")
        if port is not None and host not in (None, port) and mapping.get("containerPortRange") is None:
            text = f"in the network mode {definition.mode}, leave it out or make it {port}, got {{value}}"
            yield Problem(f"{path}.hostPort", text)


def _ranges(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, mapping in places:
        written = mapping.get("containerPortRange")
        if written is None:
            continue
        if _span(mapping) is None and not has_placeholder(written):
            yield Problem(f"{path}.containerPortRange", f"expected FIRST-LAST, with 1 <= FIRST < LAST <= {_LAST}")
        if definition.mode in ("host", "none"):
            yield Problem(f"{path}.containerPortRange", "requires the network mode bridge or awsvpc")
    for path, container in definition.containers:
        count = sum(each.get("containerPortRange") is not None for each in container.get("portMappings") or ())
        if count > _MOST_RANGES:
            yield Problem(f"{path}.portMappings", f"expected at most {_MOST_RANGES} ranges, got {count}")


def _range_and_port(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, mapping in places:
        for name in ("containerPort", "hostPort"):
            if mapping.get("containerPortRange") is not None and mapping.get(name) is not None:
                yield Problem(f"{path}.{name}", "not allowed with a containerPortRange; leave it out")


def _same_names(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    """Find names that two mappings of the task have."""
    seen: set[str] = set()
    for path, name in places:
        if name in seen:
            yield Problem(path, "another port mapping of the task has the name {value}")
        seen.add(name)


def _twice(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, container in places:
        seen: list[Wire] = []
        for i, mapping in enumerate(container.get("portMappings") or ()):
            if any(_overlap(mapping, other) and _protocol(mapping) == _protocol(other) for other in seen):
                text = "another mapping of the container has the same port and protocol, or a range with it"
                yield Problem(f"{path}.portMappings[{i}]", text)
            seen.append(mapping)


def _host_twice(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    """Find host ports that two mappings have. One port of one container is left to `_twice`."""
    seen: dict[tuple[int, str], tuple[str, Any]] = {}
    for path, container in places:
        for i, mapping in enumerate(container.get("portMappings") or ()):
            port = mapping.get("hostPort") or (mapping.get("containerPort") if definition.mode == "host" else None)
            if port is None:
                continue
            mine = path, mapping.get("containerPort")
            other = seen.setdefault((port, _protocol(mapping)), mine)
            if other != mine:
                text = f"another {'container' if other[0] != path else 'mapping'} has the port {port} of the host, too"
                yield Problem(
                    f"{path}.portMappings[{i}]", text, about=f"{_protocol(mapping).upper()} host port '{port}'"
                )


def _two_protocols(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, container in places:
        seen: list[Wire] = []
        for i, mapping in enumerate(container.get("portMappings") or ()):
            if any(_overlap(mapping, other) and _protocol(mapping) != _protocol(other) for other in seen):
                text = (
                    "another mapping has the port with another protocol; ECS registers it, and some services refuse it"
                )
                yield Problem(f"{path}.portMappings[{i}]", text)
            seen.append(mapping)


def _two_containers(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    seen: dict[tuple[int, str], str] = {}
    for path, container in places:
        for i, mapping in enumerate(container.get("portMappings") or ()):
            port = mapping.get("containerPort")
            if port is not None and seen.setdefault((port, _protocol(mapping)), path) != path:
                text = f"another container has the port {port}, and containers of a task share their network"
                yield Problem(f"{path}.portMappings[{i}].containerPort", text)


def _other_protocols(_: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    for path, protocol in places:
        if protocol not in ("tcp", "udp"):
            yield Problem(path, "{value} is taken as tcp; the values are tcp and udp")


def _protocol(mapping: Wire) -> str:
    return "udp" if mapping.get("protocol") == "udp" else "tcp"


def _overlap(one: Wire, other: Wire) -> bool:
    first, second = _span(one), _span(other)
    if first is None or second is None:
        return False
    if first == second and (one.get("hostPort") or 0) != (other.get("hostPort") or 0):
        return False  # one port of the container on two ports of the host; 0 is any port
    return first[0] <= second[1] and second[0] <= first[1]


def _span(mapping: Wire) -> tuple[int, int] | None:
    """Return the first and the last port; None if they are not valid ports."""
    written = mapping.get("containerPortRange")
    if written is None:
        port = mapping.get("containerPort")
        return None if port is None else (port, port)
    match = _RANGE.fullmatch(written)
    if match is None:
        return None
    first, last = int(match[1]), int(match[2])
    return (first, last) if 1 <= first < last <= _LAST else None


def _link_cycles(definition: TaskDefinitionWire, places: Places) -> Iterator[Problem]:
    linked = {
        str(container.get("name")): [link.partition(":")[0] for link in container.get("links") or ()]
        for _, container in definition.containers
    }
    for path, container in places:
        name = container.get("name")
        if name and name in reachable(linked, name):
            yield Problem(f"{path}.links", f"{name} is linked to itself")


NETWORK_RULES: Sequence[Rule[TaskDefinitionWire]] = (
    Rule(
        "port",
        _MAPPING,
        _no_port,
        source=_PORTS,
        words="Invalid 'containerPort' setting for container '{container}'.",
        seen="aws/aws-cli#7288",
    ),
    Rule(
        "port",
        f"{_MAPPING}.containerPort",
        between(1, _LAST),
        source=_PORTS,
        words="Invalid 'containerPort' setting for container '{container}'.",
        seen="aws/aws-cli#7288",
    ),
    Rule("port", f"{_MAPPING}.hostPort", between(0, _LAST), source=_PORTS),
    Rule(
        "host-port",
        _MAPPING,
        when(lambda d: d.mode == "awsvpc", _host_ports),
        source=_PORTS,
        words="When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
        seen="aws/amazon-ecs-cli#1014",
    ),
    Rule(
        "host-port",
        _MAPPING,
        when(lambda d: d.mode == "host", _host_ports),
        source=_PORTS,
    ),
    Rule("port-range", _MAPPING, _ranges, source=_PORTS),
    Rule(
        "port-range",
        _MAPPING,
        _range_and_port,
        source=_PORTS,
        words="Invalid port mapping for container '{container}', cannot specify both single port and port range.",
        seen=deployed("pf-ecs-port-range-with-host-port"),
    ),
    Rule("port-twice", "containerDefinitions[]", _twice, source=_PORTS),
    Rule(
        "port-twice",
        "containerDefinitions[]",
        when(lambda d: d.mode in ("bridge", "host"), _host_twice),
        source=_PORTS,
        words="{about} is mapped multiple times in task.",
        seen="aws/amazon-ecs-agent#1220",
    ),
    Rule("port-protocols", "containerDefinitions[]", _two_protocols, source=_PORTS, severity="hint"),
    Rule(
        "port-shared",
        "containerDefinitions[]",
        when(lambda d: d.mode == "awsvpc", _two_containers),
        source=_PORTS,
        severity="hint",
    ),
    Rule("protocol", f"{_MAPPING}.protocol", _other_protocols, source=_PORTS, severity="hint"),
    Rule(
        "port-name",
        f"{_MAPPING}.name",
        matches(
            r"[a-z0-9_][a-z0-9_-]{0,63}",
            "1 to 64 lowercase letters, digits, underscores and hyphens, not starting with a hyphen",
        ),
        source=_PORTS,
    ),
    Rule(
        "port-name",
        f"{_MAPPING}.name",
        when(lambda d: d.mode == "awsvpc", _same_names),
        source=_PORTS,
        words="When networkMode=awsvpc, port mapping name is already used",
        seen=deployed("pf-ecs-port-mapping-duplicate-name"),
    ),
    Rule(
        "awsvpc-unsupported",
        below("containerDefinitions[]", "hostname"),
        when(_is_awsvpc, absent("not supported in the network mode awsvpc")),
        source=_DEFINITION,
        words="hostname is not supported on container when networkMode=awsvpc.",
        seen="labd/ecs-deplojo#26",
    ),
    *(
        Rule(
            "awsvpc-unsupported",
            below("containerDefinitions[]", name),
            when(_is_awsvpc, absent("not supported in the network mode awsvpc")),
            source=_DEFINITION,
            words=f"{what} not supported on container when networkMode=awsvpc.",
            seen=deployed(report),
        )
        for name, what, report in (
            ("extraHosts", "Extra hosts are", "pf-ecs-awsvpc-extra-hosts"),
            ("dnsServers", "DNS servers are", "pf-ecs-fargate-dns-servers"),
            ("disableNetworking", "Disable Networking is", "pf-ecs-fargate-disable-networking"),
        )
    ),
    Rule(
        "links",
        below("containerDefinitions[]", "links"),
        when(_is_awsvpc, absent("only supported in the network mode bridge")),
        source=_DEFINITION,
        words="Links are not supported when networkMode=awsvpc.",
        seen="aws-observability/aws-otel-collector#1359",
    ),
    Rule(
        "links",
        below("containerDefinitions[]", "links"),
        when(
            lambda d: d.mode in ("host", "none") and not d.runs_on("FARGATE"),
            absent("only supported in the network mode bridge"),
        ),
        source=_DEFINITION,
    ),
    Rule(
        "links",
        "containerDefinitions[]",
        when(lambda d: d.mode == "bridge", _link_cycles),
        source=_DEFINITION,
        words="Container links should not have a cycle",
        seen="Shippable/support#4194",
    ),
    Rule(
        "no-network",
        below("containerDefinitions[]", "portMappings"),
        when(
            lambda d: d.mode == "none",
            absent("not possible in the network mode none"),
        ),
        source=api("RegisterTaskDefinition"),
    ),
)
