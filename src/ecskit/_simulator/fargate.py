"""What Fargate can run: sizes of CPU and memory, platform versions and families.

The tables are those that AWS publishes; the one of the sizes is in `ecskit._rules.task_sizes`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecskit._rules import task_sizes as sizes
from ecskit._rules.fargate import has_size
from ecskit._simulator.errors import SimulatedError, refused

if TYPE_CHECKING:
    from collections.abc import Mapping

LATEST_PLATFORM = {"LINUX": "1.4.0", "WINDOWS": "1.0.0"}
_PLATFORMS = {"LINUX": ("1.3.0", "1.4.0"), "WINDOWS": ("1.0.0",)}


def cpu_units(text: str) -> int:
    """Return the CPU units of a task size: `1024`, `1 vCPU`, `.5 vcpu`.

    Raises:
        SimulatedError: `ClientException`.
    """
    return _known("cpu", text, sizes.cpu_units(text))


def memory_mib(text: str) -> int:
    """Return the MiB of a task size: `2048`, `2GB`, `0.5 GB`.

    Raises:
        SimulatedError: `ClientException`.
    """
    return _known("memory", text, sizes.memory_mib(text))


def check_size(cpu: int, memory: int) -> None:
    """Refuse a size that Fargate does not offer.

    Raises:
        SimulatedError: `ClientException`.
    """
    if not has_size(cpu, memory):
        raise refused(f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory.")


def platform(runtime_platform: Mapping[str, Any], version: str) -> tuple[str, str]:
    """Return the platform version and the platform family of a task.

    Args:
        runtime_platform: The `runtimePlatform` of the task definition.
        version: The requested version, or LATEST.

    Raises:
        SimulatedError: `PlatformUnknownException`.
    """
    family: str = runtime_platform.get("operatingSystemFamily", "LINUX")
    system = "LINUX" if family == "LINUX" else "WINDOWS"
    if version == "LATEST":
        version = LATEST_PLATFORM[system]
    if version not in _PLATFORMS[system]:
        raise SimulatedError("PlatformUnknownException", f"The platform version {version} does not exist.")
    return version, family.replace("_", " ").title()


def resolved_version(version: str, family: str) -> str:
    """Return the platform version that LATEST stands for; any other version as it is.

    Args:
        version: The requested version.
        family: The platform family as ECS shows it, for example Linux.
    """
    return LATEST_PLATFORM["LINUX" if family == "Linux" else "WINDOWS"] if version == "LATEST" else version


def _known(what: str, text: str, amount: int | None) -> int:
    if amount is None:
        raise refused(f"Invalid {what} value for a task: {text!r}.")
    return amount
