"""Check a RegisterTaskDefinition request, and fill in the defaults that ECS returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecskit._simulator.errors import refused
from ecskit._simulator.fargate import check_size, cpu_units, memory_mib
from ecskit._simulator.limits import check_name

if TYPE_CHECKING:
    from ecskit._simulator.wire import Wire

_CONTAINER_DEFAULTS: dict[str, Any] = {
    "cpu": 0,
    "essential": True,
    "portMappings": [],
    "environment": [],
    "mountPoints": [],
    "volumesFrom": [],
    "systemControls": [],
}

_NOT_ON_FARGATE = (
    "disableNetworking",
    "dnsSearchDomains",
    "dnsServers",
    "dockerSecurityOptions",
    "extraHosts",
    "hostname",
    "links",
    "privileged",
)


def registered_body(request: Wire) -> Wire:
    """Return the members of the task definition that a request registers.

    Raises:
        SimulatedError: `ClientException` for an invalid task definition.
    """
    body = {name: value for name, value in request.items() if name != "tags"}
    body.setdefault("volumes", [])
    body.setdefault("placementConstraints", [])
    required = body.setdefault("requiresCompatibilities", [])
    if "cpu" in body:
        body["cpu"] = str(cpu_units(body["cpu"]))
    if "memory" in body:
        body["memory"] = str(memory_mib(body["memory"]))
    if "networkMode" not in body and "FARGATE" not in required:
        body["networkMode"] = "bridge"
    mode = body.get("networkMode")
    body["containerDefinitions"] = [_container(each, mode) for each in body["containerDefinitions"]]
    if "FARGATE" in required:
        _check_fargate_task(body)
    _check_containers(body)
    _check_volumes(body)
    if "FARGATE" in required:
        _check_fargate_containers(body)
    body["requiresAttributes"] = []
    body["compatibilities"] = _compatibilities(mode, required)
    if not required:
        del body["requiresCompatibilities"]
    return body


def _container(given: Wire, mode: str | None) -> Wire:
    container = {**_CONTAINER_DEFAULTS, **given}
    container["portMappings"] = [_port(each, mode) for each in container["portMappings"]]
    return container


def _port(given: Wire, mode: str | None) -> Wire:
    port = {"protocol": "tcp", **given}
    if "containerPortRange" in port:
        return port
    if "containerPort" not in port:
        raise refused("A port mapping needs a containerPort.")
    same = mode in ("awsvpc", "host")
    port.setdefault("hostPort", port["containerPort"] if same else 0)
    if same and port["hostPort"] != port["containerPort"]:
        raise refused(f"With networkMode {mode}, hostPort must equal containerPort {port['containerPort']}.")
    return port


def _check_containers(body: Wire) -> None:
    containers = body["containerDefinitions"]
    if not containers:
        raise refused("A task definition needs at least one container definition.")
    names = [container.get("name", "") for container in containers]
    for name in names:
        check_name("Container.name", name)
    if len(set(names)) < len(names):
        raise refused("Container names must be unique within a task definition.")
    if not any(container["essential"] for container in containers):
        raise refused("At least one container of a task definition must be essential.")
    for container in containers:
        _check_container(container, names, task_has_memory="memory" in body)


def _check_container(container: Wire, names: list[str], *, task_has_memory: bool) -> None:
    name = container["name"]
    if not container.get("image"):
        raise refused(f"The container {name} needs an image.")
    memory, reservation = container.get("memory"), container.get("memoryReservation")
    if memory is None and reservation is None and not task_has_memory:
        raise refused(
            f"Invalid setting for container {name}: give memory or memoryReservation, or a memory for the task."
        )
    if any(amount is not None and amount < 4 for amount in (memory, reservation)):
        raise refused(f"The container {name} needs at least 4 MiB of memory.")
    if memory is not None and reservation is not None and reservation > memory:
        raise refused(f"The memoryReservation of container {name} must not exceed its memory.")
    for dependency in container.get("dependsOn", []):
        if dependency["containerName"] not in names or dependency["containerName"] == name:
            raise refused(f"The container {name} depends on {dependency['containerName']}, which it cannot.")


def _check_volumes(body: Wire) -> None:
    names = [volume.get("name", "") for volume in body["volumes"]]
    for name in names:
        check_name("Volume.name", name)
    if len(set(names)) < len(names):
        raise refused("Volume names must be unique within a task definition.")
    for container in body["containerDefinitions"]:
        for mount in container["mountPoints"]:
            if mount.get("sourceVolume") not in names:
                raise refused(f"The container {container['name']} mounts an unknown volume.")


def _check_fargate_task(body: Wire) -> None:
    if body.get("networkMode") != "awsvpc":
        raise refused("Fargate only supports network mode 'awsvpc'.")
    if body["placementConstraints"]:
        raise refused("Fargate does not support placementConstraints.")
    if "cpu" not in body or "memory" not in body:
        raise refused("Fargate requires that 'cpu' and 'memory' be defined at the task level.")
    check_size(int(body["cpu"]), int(body["memory"]))


def _check_fargate_containers(body: Wire) -> None:
    cpu, memory = int(body["cpu"]), int(body["memory"])
    containers = body["containerDefinitions"]
    if sum(container["cpu"] for container in containers) > cpu:
        raise refused("The containers request more cpu than the task has.")
    if sum(container.get("memoryReservation", container.get("memory", 0)) for container in containers) > memory:
        raise refused("The containers request more memory than the task has.")
    for container in containers:
        for member in _NOT_ON_FARGATE:
            if container.get(member):
                raise refused(f"Fargate does not support {member}: {container['name']}.")
        if container.get("stopTimeout", 0) > 120:
            raise refused(f"On Fargate, stopTimeout is at most 120 seconds: {container['name']}.")


def _compatibilities(mode: str | None, required: list[str]) -> list[str]:
    found = ["EC2"]
    if mode != "awsvpc":
        found.append("EXTERNAL")
    return found + [each for each in required if each not in found]
