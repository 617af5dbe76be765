"""Where tasks fit: what is left of each container instance, and which one a task goes to.

Decides placement by resources, ports, constraints and the first placement strategy of a call. What an expression
selects is decided in `expressions`. Starts nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.cluster_queries import matcher
from ecskit._simulator.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ecskit._simulator.account import Account
    from ecskit._simulator.cluster_queries import Match
    from ecskit._simulator.records.resources import ContainerInstance, Demand
    from ecskit._simulator.wire import Wire

_FIRST_DYNAMIC_PORT = 32768


@attrs.define
class FreeCapacity:
    """What is left of one container instance while tasks are being placed on it."""

    instance: ContainerInstance
    cpu: int
    memory: int
    ports: set[tuple[int, str]]
    tasks: int

    def shortage(self, demand: Demand) -> str | None:
        """Return why a task does not fit, as a failure reason, or None if it fits."""
        if demand.cpu > self.cpu:
            return "RESOURCE:CPU"
        if demand.memory > self.memory:
            return "RESOURCE:MEMORY"
        return "RESOURCE:PORTS" if demand.ports & self.ports else None

    def take(self, demand: Demand) -> None:
        """Set what a task takes aside."""
        self.cpu -= demand.cpu
        self.memory -= demand.memory
        self.ports |= demand.ports
        self.tasks += 1


def free_capacity(account: Account, instance: ContainerInstance) -> FreeCapacity:
    """Return what is left of a container instance now."""
    room = FreeCapacity(
        instance=instance,
        cpu=_amount(instance, "CPU"),
        memory=_amount(instance, "MEMORY"),
        ports=_reserved(instance, "PORTS", "tcp") | _reserved(instance, "PORTS_UDP", "udp"),
        tasks=0,
    )
    for task in account.live_tasks_on(instance):
        room.take(task.demand)
    return room


def _amount(instance: ContainerInstance, name: str) -> int:
    return sum(resource.get("integerValue", 0) for resource in instance.resources if resource["name"] == name)


def _reserved(instance: ContainerInstance, name: str, protocol: str) -> set[tuple[int, str]]:
    lists = (resource.get("stringSetValue", []) for resource in instance.resources if resource["name"] == name)
    return {(int(port), protocol) for ports in lists for port in ports}


@attrs.frozen(kw_only=True)
class Rules:
    """How the caller of RunTask wants tasks to be spread.

    Args:
        distinct: Whether no two tasks of the call may share a container instance.
        members: Tests that a container instance must pass: the `memberOf` constraints.
        strategy: The first placement strategy: random, spread (over container instances) or binpack.
        field: What it looks at.
    """

    distinct: bool = False
    members: Sequence[Match] = ()
    strategy: str = "random"
    field: str = ""


def placement_rules(constraints: Sequence[Wire], strategies: Sequence[Wire]) -> Rules:
    """Return the rules that a request sets.

    Raises:
        SimulatedError: `InvalidParameterException` for an expression or a strategy that makes no sense;
            `NotSimulatedException` for an expression that only ECS understands.
    """
    members = [matcher(each.get("expression", "")) for each in constraints if each.get("type") == "memberOf"]
    distinct = any(constraint.get("type") == "distinctInstance" for constraint in constraints)
    first = strategies[0] if strategies else {}
    strategy, field = first.get("type", "random"), first.get("field", "")
    if strategy == "binpack" and field.lower() not in ("cpu", "memory"):
        raise invalid(f"binpack needs the field cpu or memory, not {field!r}.")
    return Rules(distinct=distinct, members=members, strategy=strategy, field=field.lower())


def choose(
    account: Account, rooms: Sequence[FreeCapacity], demand: Demand, rules: Rules, used: Iterable[str]
) -> FreeCapacity | str:
    """Return the room that the next task goes to, or the reason why there is none.

    Args:
        world: Source of randomness.
        rooms: All candidates; at least one.
        demand: What the task takes.
        rules: How to choose among those that fit.
        used: ARNs of the container instances that tasks of this call already went to.
    """
    members = [room for room in rooms if all(matches(room.instance) for matches in rules.members)]
    if not members:
        return "MemberOf placement constraint unsatisfied."
    taken = set(used) if rules.distinct else set()
    candidates = [room for room in members if room.instance.arn not in taken]
    if not candidates:
        return "DistinctInstance placement constraint unsatisfied."
    shortages = [(room, room.shortage(demand)) for room in candidates]
    fitting = [room for room, shortage in shortages if shortage is None]
    if not fitting:
        return next(shortage for _, shortage in shortages if shortage is not None)
    if rules.strategy == "binpack":
        return min(fitting, key=lambda room: room.cpu if rules.field == "cpu" else room.memory)
    if rules.strategy == "spread":
        return min(fitting, key=lambda room: room.tasks)
    return account.identifiers.choice(fitting)


def dynamic_ports(taken: Iterable[tuple[int, str]], protocols: Sequence[str]) -> list[int]:
    """Return a free host port for each protocol, in ascending order from 32768."""
    occupied = set(taken)
    ports: list[int] = []
    port = _FIRST_DYNAMIC_PORT
    for protocol in protocols:
        while (port, protocol) in occupied:
            port += 1
        occupied.add((port, protocol))
        ports.append(port)
    return ports
