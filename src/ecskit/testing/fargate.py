"""What Fargate can run: sizes of CPU and memory, platform versions and families.

Decides by tables that AWS publishes. Does not know what a task definition or a task is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ecskit.testing.errors import SimulatedError, refused

if TYPE_CHECKING:
    from collections.abc import Mapping

LATEST_PLATFORM = {"LINUX": "1.4.0", "WINDOWS": "1.0.0"}
_PLATFORMS = {"LINUX": ("1.3.0", "1.4.0"), "WINDOWS": ("1.0.0",)}

# CPU units -> acceptable MiB of memory.
_SIZES: dict[int, tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4096 + 1, 1024)),
    1024: tuple(range(2048, 8192 + 1, 1024)),
    2048: tuple(range(4096, 16384 + 1, 1024)),
    4096: tuple(range(8192, 30720 + 1, 1024)),
    8192: tuple(range(16384, 61440 + 1, 4096)),
    16384: tuple(range(32768, 122880 + 1, 8192)),
}

_CPU = re.compile(r"(?P<units>\d+)|(?P<vcpu>\d*\.?\d+)\s*vcpu", re.IGNORECASE)
_MEMORY = re.compile(r"(?P<units>\d+)|(?P<gib>\d*\.?\d+)\s*gb", re.IGNORECASE)


def cpu_units(text: str) -> int:
    """Return the CPU units that a task size names: `1024`, `1 vCPU`, `.5 vcpu`.

    Raises:
        SimulatedError: `ClientException`.
    """
    return _units(_CPU, "cpu", "vcpu", text)


def memory_mib(text: str) -> int:
    """Return the MiB that a task size names: `2048`, `2GB`, `0.5 GB`.

    Raises:
        SimulatedError: `ClientException`.
    """
    return _units(_MEMORY, "memory", "gib", text)


def check_size(cpu: int, memory: int) -> None:
    """Refuse a size that Fargate does not offer.

    Raises:
        SimulatedError: `ClientException`.
    """
    if memory not in _SIZES.get(cpu, ()):
        raise refused(f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory.")


def platform(runtime_platform: Mapping[str, Any], version: str) -> tuple[str, str]:
    """Return the platform version and the platform family that a task gets.

    Args:
        runtime_platform: The `runtimePlatform` of the task definition.
        version: The version that the caller asks for, or LATEST.

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


def _units(pattern: re.Pattern[str], what: str, unit: str, text: str) -> int:
    match = pattern.fullmatch(text.strip())
    if match is None:
        raise refused(f"Invalid {what} value for a task: {text!r}.")
    return int(match["units"]) if match["units"] else round(float(match[unit]) * 1024)
