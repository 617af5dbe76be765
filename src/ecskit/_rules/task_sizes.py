"""The task sizes of Fargate, and the formats in which sizes are written.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

__all__ = ["SIZES", "WINDOWS_CPU", "cpu_units", "memory_mib"]

_GIB = 1024

SIZES: Mapping[int, Sequence[int]] = {
    256: (512, 1 * _GIB, 2 * _GIB),
    512: range(1 * _GIB, 4 * _GIB + 1, _GIB),
    1024: range(2 * _GIB, 8 * _GIB + 1, _GIB),
    2048: range(4 * _GIB, 16 * _GIB + 1, _GIB),
    4096: range(8 * _GIB, 30 * _GIB + 1, _GIB),
    8192: range(16 * _GIB, 60 * _GIB + 1, 4 * _GIB),
    16384: range(32 * _GIB, 120 * _GIB + 1, 8 * _GIB),
    32768: (60 * _GIB, 120 * _GIB, 244 * _GIB),
}
"""The memory sizes in MiB that Fargate allows for each number of CPU units. AWS has added larger ones before."""
WINDOWS_CPU = frozenset({1024, 2048, 4096})
"""The CPU units that Fargate allows for Windows containers."""

# At most nine digits: a longer number is not a size.
_NUMBER = r"[0-9]{1,9}"
_FRACTION = rf"{_NUMBER}|(?:{_NUMBER})?\.{_NUMBER}"
_CPU = re.compile(rf"(?P<units>{_NUMBER})|(?P<large>{_FRACTION})\s*vcpu", re.IGNORECASE)
_MEMORY = re.compile(rf"(?P<units>{_NUMBER})|(?P<large>{_FRACTION})\s*gb", re.IGNORECASE)


def cpu_units(text: str) -> int | None:
    """Return the CPU units of a text such as `1024`, `1 vCPU` or `.5 vcpu`; None if it is not a CPU size."""
    return _units(_CPU, text)


def memory_mib(text: str) -> int | None:
    """Return the MiB of a text such as `2048`, `2GB` or `0.5 GB`; None if it is not a memory size."""
    return _units(_MEMORY, text)


def _units(pattern: re.Pattern[str], text: str) -> int | None:
    match = pattern.fullmatch(text.strip())
    if match is None:
        return None
    return int(match["units"]) if match["units"] else round(float(match["large"]) * 1024)
