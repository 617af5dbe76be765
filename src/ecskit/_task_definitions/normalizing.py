"""The normal form of a task definition. Two definitions that mean the same to ECS have the same normal form.

ECS does not describe a definition exactly as it was registered: it fills in defaults, adds or drops empty lists, and
reorders lists whose order has no meaning. The normal form removes these differences and hides secrets. The sources of
the defaults are the pages of the structures, such as
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any, TypeAlias

from ecskit._core.errors import RequestError
from ecskit._core.members import members
from ecskit._core.model import Model
from ecskit._core.wire import encode
from ecskit._definitions.normalizing import PAIRS, Form
from ecskit._rules.task_sizes import cpu_units, memory_mib
from ecskit.models.common import (
    ContainerDependency,
    ContainerRestartPolicy,
    Device,
    HealthCheck,
    InferenceAccelerator,
    MountPoint,
    ResourceRequirement,
    SystemControl,
    Tmpfs,
    Ulimit,
)
from ecskit.models.task_definitions import (
    ContainerDefinition,
    DockerVolumeConfiguration,
    EFSAuthorizationConfig,
    EFSVolumeConfiguration,
    LinuxParameters,
    PortMapping,
    RegisterTaskDefinitionRequest,
    S3FilesVolumeConfiguration,
    TaskDefinition,
    TaskDefinitionPlacementConstraint,
    Volume,
    VolumeFrom,
)

__all__ = ["Definition", "check", "check_class", "normal"]

Definition: TypeAlias = TaskDefinition | RegisterTaskDefinitionRequest

_TASK: Mapping[str, Any] = {
    "network_mode": "bridge",
    "enable_fault_injection": False,
    "task_role_arn": "",
    "execution_role_arn": "",
}


def _protocol(port: PortMapping) -> str:
    """Return the protocol that ECS uses: any value except udp counts as tcp."""
    return "udp" if port.protocol == "udp" else "tcp"


_FORM = Form(
    defaults={
        TaskDefinition: _TASK,
        RegisterTaskDefinitionRequest: _TASK,
        ContainerDefinition: {
            "cpu": 0,
            "essential": True,
            "version_consistency": "enabled",
            "disable_networking": False,
            "privileged": False,
            "readonly_root_filesystem": False,
            "interactive": False,
            "pseudo_terminal": False,
        },
        MountPoint: {"read_only": False},
        VolumeFrom: {"read_only": False},
        HealthCheck: {"interval": 30, "timeout": 5, "retries": 3, "start_period": 0},
        ContainerRestartPolicy: {"restart_attempt_period": 300},
        LinuxParameters: {"init_process_enabled": False},
        Volume: {"configured_at_launch": False},
        DockerVolumeConfiguration: {"driver": "local", "autoprovision": False},
        EFSVolumeConfiguration: {"root_directory": "/", "transit_encryption": "DISABLED"},
        EFSAuthorizationConfig: {"iam": "DISABLED"},
        S3FilesVolumeConfiguration: {"root_directory": "/"},
    },
    keys={
        **PAIRS.keys,
        ContainerDefinition: attrgetter("name"),
        ContainerDependency: attrgetter("container_name"),
        Device: attrgetter("host_path"),
        InferenceAccelerator: attrgetter("device_name"),
        MountPoint: attrgetter("container_path"),
        PortMapping: lambda port: f"{port.container_port or port.container_port_range}/{_protocol(port)}",
        ResourceRequirement: attrgetter("type"),
        SystemControl: attrgetter("namespace"),
        TaskDefinitionPlacementConstraint: lambda constraint: f"{constraint.type} {constraint.expression}",
        Tmpfs: attrgetter("container_path"),
        Ulimit: attrgetter("name"),
        Volume: attrgetter("name"),
        VolumeFrom: attrgetter("source_container"),
    },
    values={**PAIRS.values, ContainerDependency: "condition", SystemControl: "value"},
    sets=frozenset({"requires_compatibilities", "add", "drop", "ignored_exit_codes", "mount_options", "permissions"}),
    # An empty `docker_volume_configuration` has a meaning.
    empty_is_absent=frozenset({"authorization_config", "capabilities", "host", "linux_parameters", "runtime_platform"}),
)

_REQUEST = frozenset(m.name for m in members(RegisterTaskDefinitionRequest)) - {"tags"} | {"extra_fields"}
"""The members to compare; the others are only in responses."""


def check(definition: Definition) -> None:
    """Check the type of a definition and of all its members.

    Raises:
        RequestError: The argument is not a task definition, or a member has a wrong type.
    """
    check_class(definition)
    encode(definition)


def check_class(definition: Definition) -> None:
    """Check that the argument is a task definition.

    Raises:
        RequestError: It is not.
    """
    if not isinstance(definition, (TaskDefinition, RegisterTaskDefinitionRequest)):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        problem = f"expected a TaskDefinition or a RegisterTaskDefinitionRequest, got {type(definition).__name__}"
        raise RequestError("task definition", [("definition", problem)])


def normal(definition: Definition) -> dict[str, Any]:
    """Return the normal form of a definition, without its tags."""
    mode = definition.network_mode

    def is_default(model: Model, name: str, value: Any) -> bool:
        if isinstance(model, PortMapping) and name == "host_port":
            return value in (0, model.container_port if mode in ("awsvpc", "host") else 0)
        return isinstance(model, PortMapping) and name == "protocol" and _protocol(model) == "tcp"

    tree = {name: value for name, value in _FORM.tree(definition, is_default).items() if name in _REQUEST}
    for name, units in (("cpu", cpu_units), ("memory", memory_mib)):
        amount = units(str(tree.get(name, "")))
        tree |= {} if amount is None else {name: str(amount)}
    return tree
