"""A task definition as it is sent, as rules check it."""

from __future__ import annotations

import functools
from typing import TypeAlias

import attrs

from ecskit._rules.rule import Check, Places, Wire
from ecskit._rules.task_sizes import cpu_units, memory_mib
from ecskit._rules.walk import RequestWire

__all__ = ["DefinitionCheck", "TaskDefinitionWire"]


@attrs.frozen(eq=False, slots=False)  # cached properties
class TaskDefinitionWire(RequestWire):
    """A task definition as it is sent, with the launch types that it is meant for."""

    launch_types: frozenset[str]
    """EC2, FARGATE, EXTERNAL, MANAGED_INSTANCES: those that it requires, in capitals, and those that were asked for."""

    def runs_on(self, launch_type: str) -> bool:
        """Return whether the definition is meant for a launch type."""
        return launch_type in self.launch_types

    def at(self, where: str) -> Places:
        """Return the values of a member and their paths."""
        return self.places[where]

    @functools.cached_property
    def containers(self) -> Places:
        """The containers and their paths."""
        return self.at("containerDefinitions[]")

    @functools.cached_property
    def mode(self) -> str:
        """The network mode, or the default of ECS."""
        return self.wire.get("networkMode") or "bridge"

    @functools.cached_property
    def is_windows(self) -> bool:
        """Whether the operating system is Windows."""
        platform: Wire = self.wire.get("runtimePlatform") or {}
        return str(platform.get("operatingSystemFamily") or "").upper().startswith("WINDOWS")

    @functools.cached_property
    def cpu(self) -> int | None:
        """The CPU units of the task; None if absent or not a size."""
        return cpu_units(self.wire.get("cpu") or "")

    @functools.cached_property
    def memory(self) -> int | None:
        """The MiB of the task; None if absent or not a size."""
        return memory_mib(self.wire.get("memory") or "")


DefinitionCheck: TypeAlias = Check[TaskDefinitionWire]
