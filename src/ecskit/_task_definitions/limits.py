"""Tables of rules about single members: ranges, lengths, patterns, and members that are not supported.

`validating` applies them. Values that are not in a table are accepted, so that new values of ECS pass. The source of
each rule is in `findings`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from ecskit._core.model import Model
from ecskit._task_definitions.normalizing import Definition
from ecskit.models.common import (
    ContainerRestartPolicy,
    EnvironmentFile,
    EphemeralStorage,
    HealthCheck,
    HostVolumeProperties,
    Tag,
)
from ecskit.models.task_definitions import (
    ContainerDefinition,
    LinuxParameters,
    PortMapping,
    RegisterTaskDefinitionRequest,
    TaskDefinition,
    Volume,
)

__all__ = ["LIMITS", "UNSUPPORTED", "Limit", "Unsupported", "is_for", "is_windows", "network_mode"]


def is_for(definition: Definition, launch_type: str) -> bool:
    """Return whether a definition requires compatibility with EC2, FARGATE, EXTERNAL or MANAGED_INSTANCES."""
    return launch_type in definition.requires_compatibilities


def is_windows(definition: Definition) -> bool:
    """Return whether the operating system of a definition is Windows."""
    platform = definition.runtime_platform
    return platform is not None and (platform.operating_system_family or "").startswith("WINDOWS")


def network_mode(definition: Definition) -> str:
    """Return the network mode, or the default of ECS if absent."""
    return definition.network_mode or "bridge"


@attrs.frozen
class Limit:
    """A requirement for the value of a member, if it is present."""

    rule: str
    member: str
    fits: Callable[[Any], bool]
    text: str


def _between(rule: str, member: str, low: int, high: int, unit: str = "") -> Limit:
    return Limit(rule, member, lambda value: low <= value <= high, f"expected {low} to {high}{unit and f' {unit}'}")


def _at_most(rule: str, member: str, most: int) -> Limit:
    return Limit(rule, member, lambda value: len(value) <= most, f"expected at most {most}")


def _matches(rule: str, member: str, pattern: str, text: str) -> Limit:
    compiled = re.compile(pattern)
    return Limit(rule, member, lambda value: compiled.fullmatch(value) is not None, f"expected {text}")


def _name(rule: str, member: str) -> Limit:
    return _matches(rule, member, r"[A-Za-z0-9_-]{1,255}", "1 to 255 letters, digits, hyphens and underscores")


_TASK = (
    _name("family", "family"),
    Limit("containers", "container_definitions", bool, "expected at least one container"),
    _at_most("placement-constraints", "placement_constraints", 10),
)

LIMITS: Mapping[type[Model], Sequence[Limit]] = {
    RegisterTaskDefinitionRequest: (*_TASK, _at_most("tags", "tags", 50)),
    TaskDefinition: _TASK,
    ContainerDefinition: (
        _name("container-name", "name"),
        Limit("image", "image", lambda image: 1 <= len(image.split("@")[0]) <= 255, "expected 1 to 255 characters"),
        Limit("container-memory", "memory", lambda memory: memory >= 4, "expected 4 MiB or more"),
        Limit("container-memory", "memory_reservation", lambda memory: memory >= 4, "expected 4 MiB or more"),
        _at_most("environment-files", "environment_files", 10),
        _at_most("credential-specs", "credential_specs", 1),
    ),
    ContainerRestartPolicy: (
        _between("restart-policy", "restart_attempt_period", 60, 1800, "seconds"),
        _at_most("restart-policy", "ignored_exit_codes", 50),
    ),
    EnvironmentFile: (_matches("environment-files", "value", r"(?s).*\.env", "an object whose name ends in .env"),),
    EphemeralStorage: (_between("ephemeral-storage", "size_in_gib", 21, 200, "GiB"),),
    HealthCheck: (
        Limit(
            "health-check",
            "command",
            lambda command: command[:1] in (["CMD"], ["CMD-SHELL"]) and len(command) > 1,
            "expected CMD or CMD-SHELL, followed by a command",
        ),
        _between("health-check", "interval", 5, 300, "seconds"),
        _between("health-check", "timeout", 2, 60, "seconds"),
        _between("health-check", "retries", 1, 10),
        _between("health-check", "start_period", 0, 300, "seconds"),
    ),
    LinuxParameters: (
        _between("swappiness", "swappiness", 0, 100),
        Limit("swappiness", "max_swap", lambda size: size >= 0, "expected 0 MiB or more"),
    ),
    PortMapping: (
        _between("port", "container_port", 1, 65535),
        _between("port", "host_port", 0, 65535),
        _matches(
            "port-name",
            "name",
            r"[a-z0-9_][a-z0-9_-]{0,63}",
            "1 to 64 lowercase letters, digits, underscores and hyphens, not starting with a hyphen",
        ),
    ),
    Tag: (
        Limit("tags", "key", lambda key: 1 <= len(key) <= 128, "expected 1 to 128 characters"),
        Limit("tags", "key", lambda key: not key.lower().startswith("aws:"), "aws: is reserved"),
        _at_most("tags", "value", 256),
        Limit("tags", "value", lambda value: not value.lower().startswith("aws:"), "aws: is reserved"),
    ),
    Volume: (_name("volume-name", "name"),),
}
"""The limits of the members of each structure."""


@attrs.frozen
class Unsupported:
    """Members that some definitions must not have."""

    rule: str
    where: Callable[[Definition], bool]
    members: Mapping[type[Model], Sequence[str]]
    text: str


def _words(text: str) -> Sequence[str]:
    return tuple(text.split())


_NOT_ON_FARGATE = _words("placement_constraints ipc_mode inference_accelerators")
_NOT_ON_WINDOWS = _words("pid_mode ipc_mode")

UNSUPPORTED: Sequence[Unsupported] = (
    Unsupported(
        "fargate-unsupported",
        lambda definition: is_for(definition, "FARGATE"),
        {
            RegisterTaskDefinitionRequest: _NOT_ON_FARGATE,
            TaskDefinition: _NOT_ON_FARGATE,
            ContainerDefinition: _words(
                "disable_networking dns_search_domains dns_servers docker_security_options extra_hosts hostname links"
                " privileged"
            ),
            LinuxParameters: _words("devices max_swap shared_memory_size swappiness"),
            Volume: _words("docker_volume_configuration"),
            HostVolumeProperties: _words("source_path"),
        },
        "not supported on Fargate",
    ),
    Unsupported(
        "windows-unsupported",
        is_windows,
        {
            RegisterTaskDefinitionRequest: _NOT_ON_WINDOWS,
            TaskDefinition: _NOT_ON_WINDOWS,
            ContainerDefinition: _words(
                "disable_networking dns_search_domains dns_servers extra_hosts linux_parameters links privileged"
                " readonly_root_filesystem ulimits user"
            ),
        },
        "not supported by Windows containers",
    ),
    Unsupported(
        "awsvpc-unsupported",
        # Fargate has its own rule for these members.
        lambda definition: network_mode(definition) == "awsvpc" and not is_for(definition, "FARGATE"),
        {ContainerDefinition: _words("extra_hosts hostname")},
        "not supported in the network mode awsvpc",
    ),
    Unsupported(
        "links",
        lambda definition: network_mode(definition) in ("awsvpc", "host", "none") and not is_for(definition, "FARGATE"),
        {ContainerDefinition: _words("links")},
        "only supported in the network mode bridge",
    ),
    Unsupported(
        "no-network",
        lambda definition: network_mode(definition) == "none",
        {ContainerDefinition: _words("port_mappings")},
        "not possible in the network mode none",
    ),
)
"""Members that some definitions must not have, by structure."""
