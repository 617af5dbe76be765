"""What ECS fills in when it registers a task definition: defaults, attributes that instances need, volumes.

Sources: `requiresAttributes` are recorded 2018 and 2024 for awslogs, roles, images of ECR, secrets, labels, mounts and
awsvpc. The model documents the versions of the Docker Remote API for labels, limits, logs, awslogs and init
processes. The others are in published answers, and the attribute of `linuxParameters` is inferred. `host: {}` of a
volume is recorded, and `rootDirectory` `/` of EFS is documented as the default.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

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
_ECR = re.compile(r"\d{12}\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/")
_STORES = {"ssm": "ssm", "secretsmanager": "asm"}
# The member that says where a volume is. Without one of these it is a directory that Docker chooses.
_PLACED = (
    "host",
    "dockerVolumeConfiguration",
    "efsVolumeConfiguration",
    "s3filesVolumeConfiguration",
    "fsxWindowsFileServerVolumeConfiguration",
    "configuredAtLaunch",
)


def _docker(minor: int) -> str:
    return f"com.amazonaws.ecs.capability.docker-remote-api.1.{minor}"


# The attributes that members of a container need if they are not empty.
_NEEDED = {
    "dependsOn": ("ecs.capability.container-ordering",),
    "dockerLabels": (_docker(18),),
    "environmentFiles": ("ecs.capability.env-files.s3",),
    "healthCheck": ("ecs.capability.container-health-check",),
    "linuxParameters": (_docker(17),),
    "memoryReservation": (_docker(21),),
    "mountPoints": (_docker(17),),
    "privileged": ("com.amazonaws.ecs.capability.privileged-container",),
    "repositoryCredentials": ("ecs.capability.private-registry-authentication.secretsmanager",),
    "ulimits": (_docker(18),),
}


def filled_in(body: Wire) -> Wire:
    """Return a checked task definition with the members that ECS adds."""
    body = {"volumes": [], "placementConstraints": [], "networkMode": "bridge", **body}
    body["containerDefinitions"] = [_container(each, body["networkMode"]) for each in body["containerDefinitions"]]
    names = dict.fromkeys([*_of_task(body), *(each for one in body["containerDefinitions"] for each in _of(one, body))])
    return {
        **body,
        "volumes": [_volume(each) for each in body["volumes"]],
        "requiresAttributes": [{"name": name} for name in names],
    }


def _container(given: Wire, mode: str) -> Wire:
    container = {**_CONTAINER_DEFAULTS, **given}
    container["portMappings"] = [_port(each, mode) for each in container["portMappings"]]
    return container


def _port(given: Wire, mode: str) -> Wire:
    port = {**given, "protocol": "udp" if given.get("protocol") == "udp" else "tcp"}
    if "containerPortRange" not in port:
        port.setdefault("hostPort", port["containerPort"] if mode in ("awsvpc", "host") else 0)
    return port


def _volume(given: Wire) -> Wire:
    volume = dict(given) if any(member in given for member in _PLACED) else {**given, "host": {}}
    if "efsVolumeConfiguration" in volume:
        volume["efsVolumeConfiguration"] = {"rootDirectory": "/", **volume["efsVolumeConfiguration"]}
    return volume


def _of_task(body: Wire) -> Iterator[str]:
    """Yield the attributes that the task needs, apart from its containers."""
    if body.get("taskRoleArn"):
        on_host = "-network-host" if body.get("networkMode") == "host" else ""
        yield f"com.amazonaws.ecs.capability.task-iam-role{on_host}"
    if body.get("networkMode") == "awsvpc":
        yield from (_docker(18), "ecs.capability.task-eni")
    if body.get("pidMode") or body.get("ipcMode"):
        yield "ecs.capability.pid-ipc-namespace-sharing"
    for volume in body["volumes"]:
        if "dockerVolumeConfiguration" in volume:
            yield _docker(25)
        if "efsVolumeConfiguration" in volume:
            yield from ("ecs.capability.efs", _docker(25))
            if volume["efsVolumeConfiguration"].get("authorizationConfig"):
                yield "ecs.capability.efsAuth"


def _of(container: Wire, body: Wire) -> Iterator[str]:
    """Yield the attributes that a container needs."""
    has_role = bool(body.get("executionRoleArn"))
    if _ECR.match(container["image"]):
        yield "com.amazonaws.ecs.capability.ecr-auth"
        if has_role:
            yield "ecs.capability.execution-role-ecr-pull"
    yield from _of_logs(container.get("logConfiguration", {}), has_role=has_role)
    for secret in container.get("secrets", []):
        yield f"ecs.capability.secrets.{_store(secret)}.environment-variables"
    if container.get("firelensConfiguration"):
        yield f"ecs.capability.firelens.{container['firelensConfiguration']['type']}"
    for member, needed in _NEEDED.items():
        if container.get(member):
            yield from needed
    if check := container.get("healthCheck"):
        yield _docker(29 if "startPeriod" in check else 24)
    if container.get("linuxParameters", {}).get("initProcessEnabled"):
        yield _docker(25)


def _of_logs(logs: Wire, *, has_role: bool) -> Iterator[str]:
    driver = logs.get("logDriver")
    if driver is None:
        return
    yield f"com.amazonaws.ecs.capability.logging-driver.{driver}"
    if driver == "awslogs":
        yield from _of_awslogs(logs.get("options", {}))
        if has_role:
            yield "ecs.capability.execution-role-awslogs"
    else:
        yield _docker(18)
    for secret in logs.get("secretOptions", []):
        yield f"ecs.capability.secrets.{_store(secret)}.bootstrap.log-driver"


def _of_awslogs(options: Wire) -> Iterator[str]:
    yield _docker(19)
    if options.get("mode") == "non-blocking":
        yield _docker(28)
    if options.get("awslogs-create-group") == "true":
        yield _docker(29)


def _store(secret: Wire) -> str:
    """Return the service that a secret is in; a plain name is a parameter of Systems Manager."""
    parts = str(secret.get("valueFrom", "")).split(":")
    return _STORES.get(parts[2], "ssm") if len(parts) > 2 else "ssm"
