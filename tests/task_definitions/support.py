"""What these tests share: definitions in ECS's own form, and random ones."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import botocore
from hypothesis import strategies as st
from properties.definitions import PLATFORMS, valid

from ecskit._core.wire import converter
from ecskit.models import (
    ContainerDefinition,
    ContainerDependency,
    HealthCheck,
    KeyValuePair,
    LogConfiguration,
    MountPoint,
    PortMapping,
    RegisterTaskDefinitionRequest,
    Secret,
    TaskDefinition,
    Ulimit,
    Volume,
)
from ecskit.testing import SimulatedError, Simulator

Wire = dict[str, Any]
SECRET = "hunter2"


def container(name: str = "app", **members: Any) -> Wire:
    """Return a container."""
    return {"name": name, "image": "nginx:1.29", **members}


def ec2(*containers: Wire, **members: Any) -> Wire:
    """Return a definition for EC2."""
    return {"family": "web", "memory": "512", "containerDefinitions": [*containers] or [container()], **members}


def fargate(*containers: Wire, **members: Any) -> Wire:
    """Return a definition for Fargate."""
    there = {"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512"}
    return ec2(*containers, **{**there, **members})


def request(wire: Wire) -> RegisterTaskDefinitionRequest:
    """Return the request that a dict with ECS's own names is."""
    return converter().structure(wire, RegisterTaskDefinitionRequest)


def described(wire: Wire) -> TaskDefinition:
    """Return the task definition that a dict with ECS's own names is."""
    return converter().structure(wire, TaskDefinition)


def examples() -> dict[str, list[Wire]]:
    """Return what botocore's examples send to RegisterTaskDefinition, and the definitions that come back anywhere."""
    folder = Path(botocore.__file__).parent / "data" / "ecs" / "2014-11-13"
    found: dict[str, list[Wire]] = {"sent": [], "answered": []}
    for operation, each in json.loads((folder / "examples-1.json").read_bytes())["examples"].items():
        for example in each:
            found["sent"] += [example["input"]] if operation == "RegisterTaskDefinition" else []
            answer = example.get("output", {}).get("taskDefinition")
            found["answered"] += [answer] if answer else []
    return found


def refused(sim: Simulator, definition: Wire) -> bool:
    """Return whether the simulator does not take a definition."""
    try:
        register(sim, definition)
    except SimulatedError:
        return True
    return False


def register(sim: Simulator, definition: Wire) -> TaskDefinition:
    """Register a definition past all clients, and return what ECS makes of it."""
    return described(sim.handle("RegisterTaskDefinition", definition)["taskDefinition"])


_text = st.text("abcXYZ019_-", min_size=1, max_size=6)
_variables = st.lists(
    st.builds(KeyValuePair, name=_text, value=st.text(max_size=4)), max_size=3, unique_by=lambda v: v.name
)
_secrets = st.lists(st.builds(Secret, name=_text, value_from=_text), max_size=2, unique_by=lambda v: v.name)
_ports = st.lists(
    st.builds(
        PortMapping,
        container_port=st.integers(1, 65535),
        host_port=st.none() | st.just(0),
        protocol=st.sampled_from([None, "tcp", "udp"]),
    ),
    max_size=2,
    unique_by=lambda port: port.container_port,
)
_mounts = st.lists(
    st.builds(
        MountPoint,
        source_volume=st.sampled_from(["data", "cache", "nothing"]),
        container_path=_text,
        read_only=st.none() | st.booleans(),
    ),
    max_size=2,
)
_checks = st.builds(
    HealthCheck,
    command=st.lists(st.sampled_from(["CMD", "CMD-SHELL", "true"]), min_size=1, max_size=2),
    interval=st.none() | st.sampled_from([1, 5, 30]),
    retries=st.none() | st.sampled_from([0, 3]),
)
_logs = st.builds(
    LogConfiguration,
    log_driver=st.sampled_from(["awslogs", "json-file"]),
    options=st.dictionaries(_text, _text, max_size=2),
)
_dependencies = st.lists(
    st.builds(
        ContainerDependency,
        container_name=st.sampled_from(["a", "b", "c"]),
        condition=st.sampled_from(["START", "COMPLETE", "HEALTHY"]),
    ),
    max_size=2,
)
_containers = st.builds(
    ContainerDefinition,
    name=st.sampled_from(["a", "b", "c"]),
    image=st.just("nginx") | _text,
    cpu=st.none() | st.sampled_from([0, 64, 512]),
    memory=st.none() | st.sampled_from([0, 64, 128]),
    memory_reservation=st.none() | st.sampled_from([64, 128]),
    essential=st.none() | st.booleans(),
    command=st.lists(_text, max_size=2),
    environment=_variables,
    secrets=_secrets,
    port_mappings=_ports,
    mount_points=_mounts,
    docker_labels=st.dictionaries(_text, st.text(max_size=3), max_size=2),
    ulimits=st.lists(st.just(Ulimit(name="nofile", soft_limit=1, hard_limit=2)), max_size=1),
    health_check=st.none() | _checks,
    log_configuration=st.none() | _logs,
    depends_on=st.just([]) | _dependencies,
    stop_timeout=st.none() | st.sampled_from([2, 500]),
    privileged=st.none() | st.booleans(),
)
definitions = st.builds(
    RegisterTaskDefinitionRequest,
    family=_text,
    container_definitions=st.lists(_containers, max_size=3),
    cpu=st.sampled_from([None, "256", ".25 vCPU", "1 vCPU", "300"]),
    memory=st.sampled_from([None, "512", "2GB", "2 GB", "nonsense"]),
    network_mode=st.sampled_from([None, "bridge", "awsvpc", "host", "none"]),
    requires_compatibilities=st.sampled_from([[], ["FARGATE"], ["EC2", "FARGATE"], ["EC2"]]),
    volumes=st.lists(
        st.builds(Volume, name=st.sampled_from(["data", "cache"])), max_size=2, unique_by=lambda volume: volume.name
    ),
    task_role_arn=st.sampled_from([None, "", "arn:aws:iam::123456789012:role/web"]),
    enable_fault_injection=st.none() | st.booleans(),
)
"""Random definitions, right and wrong."""

valid_definitions = st.builds(
    lambda seed, platform: request(valid(Random(seed), platform)), st.integers(0, 2**32), st.sampled_from(PLATFORMS)
)
"""Random definitions that ECS registers."""
