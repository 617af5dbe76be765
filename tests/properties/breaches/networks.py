"""Breaches of the rules about ports and network modes."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

from properties.definitions import EC2, EXTERNAL, FARGATE, MANAGED, PLATFORMS, Wire

from .making import Breaches, extra, without_network

BREACHES = Breaches()

# Ports.

_NO_PORTS: list[Wire] = [{}, {"hostPort": 80}, {"protocol": "udp"}, {"containerPort": 0}, {"containerPort": 65536}]
for mapping in _NO_PORTS:
    platforms = (EC2, EXTERNAL) if "hostPort" in mapping else PLATFORMS

    @BREACHES.breach("port", *platforms)
    def no_port(definition: Wire, _: Random, mapping: Wire = mapping) -> str:
        without_network(definition)
        if definition.get("networkMode") == "none":
            del definition["networkMode"]
        at = extra(definition, portMappings=[mapping])
        return f"{at}.portMappings[0].containerPort"


def in_mode(definition: Wire, *modes: str, random: Random) -> None:
    """Give a definition a network mode, without what another mode allows."""
    without_network(definition)
    definition["networkMode"] = random.choice(modes)


@BREACHES.breach("port", EC2, EXTERNAL)
def no_host_port(definition: Wire, random: Random) -> str:
    in_mode(definition, "bridge", random=random)
    at = extra(definition, portMappings=[{"containerPort": 80, "hostPort": random.choice([-1, 65536])}])
    return f"{at}.portMappings[0].hostPort"


@BREACHES.breach("host-port", FARGATE, EC2, MANAGED)
def another_host_port_in_awsvpc(definition: Wire, random: Random) -> str:
    in_mode(definition, "awsvpc", random=random)
    at = extra(definition, portMappings=[{"containerPort": 80, "hostPort": random.choice([0, 8080])}])
    return f"{at}.portMappings[0].hostPort"


@BREACHES.breach("host-port", EC2, MANAGED, EXTERNAL)
def another_host_port_in_host_mode(definition: Wire, random: Random) -> str:
    in_mode(definition, "host", random=random)
    at = extra(definition, portMappings=[{"containerPort": 80, "hostPort": random.choice([0, 8080])}])
    return f"{at}.portMappings[0].hostPort"


@BREACHES.breach("port-range", EC2, FARGATE)
def bad_range(definition: Wire, random: Random) -> str:
    in_mode(definition, "awsvpc", random=random)
    bad = random.choice(["90-80", "80", "80-80", "0-9", "100-70000", "a-b", "80 - 90", ""])
    at = extra(definition, portMappings=[{"containerPortRange": bad}])
    return f"{at}.portMappings[0].containerPortRange"


@BREACHES.breach("port-range", EC2, EXTERNAL)
def range_in_host_mode(definition: Wire, random: Random) -> str:
    in_mode(definition, "host", random=random)
    at = extra(definition, portMappings=[{"containerPortRange": "80-90"}])
    return f"{at}.portMappings[0].containerPortRange"


@BREACHES.breach("port-range", EC2)
def range_with_host_port(definition: Wire, random: Random) -> str:
    in_mode(definition, "bridge", "awsvpc", random=random)
    name = random.choice(["containerPort", "hostPort"])
    at = extra(definition, portMappings=[{"containerPortRange": "80-90", name: 80}])
    return f"{at}.portMappings[0].{name}"


@BREACHES.breach("port-range", EC2, FARGATE)
def too_many_ranges(definition: Wire, random: Random) -> str:
    in_mode(definition, "awsvpc", random=random)
    at = extra(definition, portMappings=[{"containerPortRange": f"{i}-{i + 1}"} for i in range(2, 204, 2)])
    return f"{at}.portMappings"


@BREACHES.breach("port-twice", EC2, FARGATE, EXTERNAL)
def a_port_twice(definition: Wire, random: Random) -> str:
    in_mode(definition, "bridge" if "EXTERNAL" in definition["requiresCompatibilities"] else "awsvpc", random=random)
    first: Wire = {"containerPort": 85}
    second = random.choice([first, {**first, "protocol": "tcp"}, {"containerPortRange": "80-90"}])
    at = extra(definition, portMappings=[first, second])
    return f"{at}.portMappings[1]"


@BREACHES.breach("port-twice", EC2, EXTERNAL)
def a_port_of_the_host_twice(definition: Wire, random: Random) -> str:
    in_mode(definition, "bridge", random=random)
    extra(definition, name="one", portMappings=[{"containerPort": 80, "hostPort": 8080}])
    mappings = [{"containerPort": 443, "hostPort": 8443}, {"containerPort": 81, "hostPort": 8080}]
    at = extra(definition, name="two", portMappings=mappings)
    return f"{at}.portMappings[1]"


@BREACHES.breach("port-name", FARGATE, EC2)
def two_ports_of_a_name(definition: Wire, random: Random) -> str:
    in_mode(definition, "awsvpc", random=random)
    extra(definition, name="one", portMappings=[{"containerPort": 80, "name": "web"}])
    at = extra(definition, portMappings=[{"containerPort": 81, "name": "web"}])
    return f"{at}.portMappings[0].name"


for bad in ("-http", "HTTP", "a" * 65, "a.b", ""):

    @BREACHES.breach("port-name", FARGATE, EC2)
    def port_name(definition: Wire, random: Random, bad: str = bad) -> str:
        in_mode(definition, "awsvpc", random=random)
        at = extra(definition, portMappings=[{"containerPort": 80, "name": bad}])
        return f"{at}.portMappings[0].name"


_OF_HOSTS: Wire = {
    "hostname": "web",
    "extraHosts": [{"hostname": "a", "ipAddress": "10.0.0.1"}],
    "dnsServers": ["10.0.0.2"],
    "disableNetworking": True,
}
for name, value in _OF_HOSTS.items():

    @BREACHES.breach("awsvpc-unsupported", EC2)
    def names_of_hosts(definition: Wire, random: Random, name: str = name, value: Any = value) -> str:
        in_mode(definition, "awsvpc", random=random)
        at = extra(definition, **{name: value})
        return f"{at}.{name}"


for mode in ("awsvpc", "host", "none"):

    @BREACHES.breach("links", EC2)
    def links_in_another_mode(definition: Wire, random: Random, mode: str = mode) -> str:
        in_mode(definition, mode, random=random)
        return f"{extra(definition, links=[definition['containerDefinitions'][0]['name']])}.links"


@BREACHES.breach("links", EC2, EXTERNAL)
def links_in_a_cycle(definition: Wire, random: Random) -> Iterable[str]:
    in_mode(definition, "bridge", random=random)
    names = ["x", "y", "z"][: random.randint(1, 3)]
    links = [f"{name}{random.choice(['', ':alias'])}" for name in [*names[1:], names[0]]]
    return [f"{extra(definition, name=name, links=[link])}.links" for name, link in zip(names, links, strict=True)]


@BREACHES.breach("no-network", EC2, EXTERNAL)
def ports_without_network(definition: Wire, random: Random) -> str:
    in_mode(definition, "none", random=random)
    at = extra(definition, portMappings=[{"containerPort": 80}])
    return f"{at}.portMappings"
