"""What breaches are made of. Each makes a valid definition wrong in one place, by one rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, TypeAlias

import attrs

from properties.definitions import (
    ANY,
    EC2,
    EXTERNAL,
    FARGATE,
    FARGATE_WINDOWS,
    PLATFORMS,
    PORTABLE,
    WINDOWS,
    Platform,
    Wire,
    valid,
)

Change: TypeAlias = Callable[[Wire, Random], str | Iterable[str]]
"""Changes a definition, and returns the path of what is found, or several paths."""

LINUX = tuple(each for each in PLATFORMS if not each.windows)
ON_FARGATE = (FARGATE, FARGATE_WINDOWS, PORTABLE)
ON_FARGATE_LINUX = (FARGATE, PORTABLE)
ON_WINDOWS = (FARGATE_WINDOWS, WINDOWS)
INSTANCES = (EC2, EXTERNAL, ANY)


@attrs.frozen
class Breach:
    """A way to break a rule."""

    rule: str
    name: str
    platforms: tuple[Platform, ...]
    change: Change

    def of(self, random: Random) -> tuple[Wire, set[tuple[str, str]]]:
        """Return a wrong definition, and the paths and the rule of what is wrong."""
        definition = valid(random, random.choice(self.platforms))
        paths = self.change(definition, random)
        return definition, {(path, self.rule) for path in ([paths] if isinstance(paths, str) else paths)}


class Breaches(list[Breach]):
    """Breaches of one kind of rules."""

    def breach(self, rule: str, *platforms: Platform) -> Callable[[Change], Change]:
        """Add a function, for definitions of some platforms; of all if absent."""

        def add(change: Change) -> Change:
            self.append(Breach(rule, f"{rule}: {change.__name__}", platforms or PLATFORMS, change))
            return change

        return add

    def container(self, rule: str, path: str, *values: Any, on: Sequence[Platform] = PLATFORMS) -> None:
        """Add a breach for each value that a container must not have. The first name of the path is the member."""
        for value in values:

            def change(definition: Wire, _: Random, value: Any = value) -> str:
                return f"{extra(definition, **{_first(path): value})}.{path}"

            self.append(Breach(rule, f"{rule}: container with {value!r:.60}", tuple(on), change))

    def task(self, rule: str, path: str, *values: Any, on: Sequence[Platform] = PLATFORMS) -> None:
        """Add a breach for each value that the task must not have. The first name of the path is the member."""
        for value in values:

            def change(definition: Wire, _: Random, value: Any = value) -> str:
                definition[_first(path)] = value
                return path

            self.append(Breach(rule, f"{rule}: {_first(path)} {value!r:.60}", tuple(on), change))


def _first(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def extra(definition: Wire, **members: Any) -> str:
    """Add a container that no other refers to, and return its path."""
    container = {"name": "extra", "image": "busybox:1.37", **members}
    if "memory" not in definition and not {"memory", "memoryReservation"} & members.keys():
        container["memory"] = 64
    definition["containerDefinitions"].append(container)
    return f"containerDefinitions[{len(definition['containerDefinitions']) - 1}]"


def volume(definition: Wire, **members: Any) -> str:
    """Add a volume, and return its path."""
    definition.setdefault("volumes", []).append(members)
    return f"volumes[{len(definition['volumes']) - 1}]"


def without(definition: Wire, *names: str) -> None:
    """Remove members of all containers."""
    for container in definition["containerDefinitions"]:
        for name in names:
            container.pop(name, None)


def without_role(definition: Wire) -> None:
    """Remove the execution role and all that needs it."""
    definition.pop("executionRoleArn", None)
    without(definition, "secrets", "repositoryCredentials", "logConfiguration", "environmentFiles")
    for container in definition["containerDefinitions"]:
        container.pop("firelensConfiguration", None)
        container["image"] = "busybox:1.37"


def without_network(definition: Wire) -> None:
    """Remove what depends on the network mode."""
    definition.pop("proxyConfiguration", None)
    without(definition, "portMappings", "links", "hostname", "extraHosts", "dnsServers", "systemControls")
