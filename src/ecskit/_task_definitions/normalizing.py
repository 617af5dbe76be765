"""The normal form of a task definition. Two definitions that mean the same to ECS have the same normal form.

ECS does not describe a definition exactly as it was registered: it fills in defaults, adds or drops empty lists, and
reorders lists whose order has no meaning. The normal form removes these differences and hides secrets. The sources of
the defaults are the pages of the structures, such as
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeAlias

import attrs

from ecskit._core.errors import RequestError
from ecskit._core.members import Member, members
from ecskit._core.model import Model
from ecskit._core.wire import encode
from ecskit._rules.task_sizes import cpu_units, memory_mib
from ecskit.models.common import (
    ContainerDependency,
    ContainerRestartPolicy,
    Device,
    HealthCheck,
    InferenceAccelerator,
    KeyValuePair,
    MountPoint,
    ResourceRequirement,
    Secret,
    SystemControl,
    Tag,
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

__all__ = ["Definition", "Hidden", "Keyed", "check", "check_class", "normal", "normal_tags"]

Definition: TypeAlias = TaskDefinition | RegisterTaskDefinitionRequest

_TASK: Mapping[str, Any] = {
    "network_mode": "bridge",
    "enable_fault_injection": False,
    "task_role_arn": "",
    "execution_role_arn": "",
}
_DEFAULTS: Mapping[type[Model], Mapping[str, Any]] = {
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
}
"""Values that mean the same as an absent member, by structure and member."""

_EMPTY_IS_ABSENT = frozenset({"authorization_config", "capabilities", "host", "linux_parameters", "runtime_platform"})
"""Members whose empty structure means the same as absence. An empty `docker_volume_configuration` has a meaning."""

_SETS = frozenset({"requires_compatibilities", "add", "drop", "ignored_exit_codes", "mount_options", "permissions"})
"""Lists of plain values whose order has no meaning."""


def _protocol(port: PortMapping) -> str:
    """Return the protocol that ECS uses: any value except udp counts as tcp."""
    return "udp" if port.protocol == "udp" else "tcp"


_KEYS: Mapping[type[Model], Callable[[Any], Any]] = {
    ContainerDefinition: attrgetter("name"),
    ContainerDependency: attrgetter("container_name"),
    Device: attrgetter("host_path"),
    InferenceAccelerator: attrgetter("device_name"),
    KeyValuePair: attrgetter("name"),
    MountPoint: attrgetter("container_path"),
    PortMapping: lambda port: f"{port.container_port or port.container_port_range}/{_protocol(port)}",
    ResourceRequirement: attrgetter("type"),
    Secret: attrgetter("name"),
    SystemControl: attrgetter("namespace"),
    Tag: attrgetter("key"),
    TaskDefinitionPlacementConstraint: lambda constraint: f"{constraint.type} {constraint.expression}",
    Tmpfs: attrgetter("container_path"),
    Ulimit: attrgetter("name"),
    Volume: attrgetter("name"),
    VolumeFrom: attrgetter("source_container"),
}
"""The key of an item, for lists whose order has no meaning."""

_VALUES: Mapping[type[Model], str] = {
    ContainerDependency: "condition",
    KeyValuePair: "value",
    Secret: "value_from",
    SystemControl: "value",
    Tag: "value",
}
"""The value member of structures that are a key and a value."""

_REQUEST = frozenset(m.name for m in members(RegisterTaskDefinitionRequest)) - {"tags"} | {"extra_fields"}
"""The members to compare; the others are only in responses."""


@attrs.frozen(repr=False)
class Hidden:
    """A secret value. It can be compared, but its `repr` does not show it."""

    value: Any


class Keyed(dict[str, Any]):
    """The items of a list by their keys. A plain dict holds members by their names."""


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
    tree = _tree(definition, definition.network_mode)
    tree = {name: value for name, value in tree.items() if name in _REQUEST}
    for name, units in (("cpu", cpu_units), ("memory", memory_mib)):
        amount = units(str(tree.get(name, "")))
        tree |= {} if amount is None else {name: str(amount)}
    return tree


def normal_tags(tags: Sequence[Tag]) -> Any:
    """Return the normal form of tags, without those that AWS sets."""
    own = [tag for tag in tags if not (tag.key or "").startswith("aws:")]
    return _items(own) if own else Keyed()


def _tree(model: Model, mode: str | None) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for m in members(type(model)):
        value = getattr(model, m.name)
        if value is None or (m.kind.container and not value) or _is_default(model, m.name, value, mode):
            continue
        part = _part(m, value, mode)
        if part or m.name not in _EMPTY_IS_ABSENT:
            tree[m.name] = _hide(part) if m.sensitive else part
    if model.extra_fields:
        # An unknown member may be secret.
        tree["extra_fields"] = Keyed({name: Hidden(value) for name, value in model.extra_fields.items()})
    return tree


def _is_default(model: Model, name: str, value: Any, mode: str | None) -> bool:
    if isinstance(model, PortMapping) and name == "host_port":
        return value in (0, model.container_port if mode in ("awsvpc", "host") else 0)
    if isinstance(model, PortMapping) and name == "protocol":
        return _protocol(model) == "tcp"
    defaults = _DEFAULTS.get(type(model), {})
    return name in defaults and bool(value == defaults[name])


def _part(m: Member, value: Any, mode: str | None) -> Any:
    if m.kind.container == "list":
        return sorted(value, key=str) if m.name in _SETS else _items(value, mode)
    if m.kind.container == "map":
        return Keyed(value)
    return _tree(value, mode) if isinstance(value, Model) else value


def _items(values: Sequence[Any], mode: str | None = None) -> Any:
    """Return the items by their keys, or as a list if keys are absent or not unique."""
    key = _KEYS.get(type(values[0]))
    keys = [key(value) for value in values] if key else []
    trees = [_item(value, mode) for value in values]
    if key is None or None in keys or len(set(keys)) < len(keys):
        return trees
    return Keyed(zip(keys, trees, strict=True))


def _item(value: Any, mode: str | None) -> Any:
    if not isinstance(value, Model):
        return value
    member = _VALUES.get(type(value))
    if member is None or value.extra_fields:
        return _tree(value, mode)
    plain = getattr(value, member) or ""
    return Hidden(plain) if member in type(value)._sensitive else plain


def _hide(tree: Any) -> Any:
    if isinstance(tree, dict):
        hidden = {key: _hide(value) for key, value in tree.items()}
        return Keyed(hidden) if isinstance(tree, Keyed) else hidden
    return tree if isinstance(tree, Hidden) else Hidden(tree)
