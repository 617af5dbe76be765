"""Choose the container instance of a task by resources, ports, placement constraints and the first strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.cluster_queries import matcher

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ecskit._simulator.account import Account
    from ecskit._simulator.cluster_queries import Match
    from ecskit._simulator.records.resources import ContainerInstance, Demand
    from ecskit._simulator.wire import Wire

_FIRST_DYNAMIC_PORT = 32768


@attrs.define
class FreeCapacity:
    """The free resources of one container instance while tasks are placed on it."""

    instance: ContainerInstance
    cpu: int
    memory: int
    ports: set[tuple[int, str]]
    tasks: int
    chosen_ports: set[tuple[int, str]] = attrs.field(factory=set)

    def shortage(self, demand: Demand) -> str | None:
        """Return the failure reason if a task does not fit, or None if it fits."""
        if demand.cpu > self.cpu:
            return "RESOURCE:CPU"
        if demand.memory > self.memory:
            return "RESOURCE:MEMORY"
        return "RESOURCE:PORTS" if demand.ports & self.ports else None

    def take(self, demand: Demand) -> None:
        """Reserve the resources of a task."""
        self.cpu -= demand.cpu
        self.memory -= demand.memory
        self.ports |= demand.ports
        self.chosen_ports |= demand.chosen_ports
        self.tasks += 1


def free_capacity(account: Account, instance: ContainerInstance) -> FreeCapacity:
    """Return the free resources of a container instance now."""
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
    """The placement constraints and the placement strategy of a launch.

    Args:
        distinct: Whether each task needs another container instance.
        members: The `memberOf` constraints, as tests of container instances.
        strategy: The first placement strategy: random, spread (over container instances) or binpack.
        field: The field of the strategy.
    """

    distinct: bool = False
    members: Sequence[Match] = ()
    strategy: str = "random"
    field: str = ""


def placement_rules(constraints: Sequence[Wire], strategies: Sequence[Wire]) -> Rules:
    """Return the placement rules of a request.

    Raises:
        SimulatedError: `InvalidParameterException` for an invalid expression; `NotSimulatedException` for an expression
            that is not supported here.
    """
    members = [matcher(each.get("expression", "")) for each in constraints if each.get("type") == "memberOf"]
    distinct = any(constraint.get("type") == "distinctInstance" for constraint in constraints)
    first = strategies[0] if strategies else {}
    strategy, field = first.get("type", "random"), first.get("field", "")
    return Rules(distinct=distinct, members=members, strategy=strategy, field=field.lower())


def choose(
    account: Account, rooms: Sequence[FreeCapacity], demand: Demand, rules: Rules, used: Iterable[str]
) -> FreeCapacity | str:
    """Return the free capacity for the next task, or the failure reason if it fits nowhere.

    Args:
        account: The source of randomness.
        rooms: The free capacity of all candidates; at least one.
        demand: The resources that the task takes.
        rules: The placement rules.
        used: The ARNs of container instances that already have tasks of this call.
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
