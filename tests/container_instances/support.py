"""A simulator with container instances, and the acts of `ecs.container_instances` with both clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from support import both_clients
from support.both_clients import Act, Aside, Went
from support.simulated_ecs import nothing

from ecskit.testing import Simulator, TaskScript


def furnished(prepare: Callable[[Simulator], object] = nothing, *, count: int = 1, **options: Any) -> Simulator:
    """Return a simulator with so many container instances, and the family `job`, whose tasks last for 30 s."""
    sim = Simulator(**options)
    container = {"name": "app", "image": "image:1", "memory": 128}
    sim.handle("RegisterTaskDefinition", {"family": "job", "containerDefinitions": [container]})
    sim.script("job", TaskScript(run_time=30))
    for _ in range(count):
        sim.handle("RegisterContainerInstance", {})
    prepare(sim)
    return sim


def arns(sim: Simulator, status: str | None = None) -> list[str]:
    """Return the ARNs of the container instances, in order of registration; all, or those of a status."""
    request = Aside(status=status) if status else Aside()
    listed: list[str] = []
    while True:
        page = sim.handle("ListContainerInstances", request)
        listed += page["containerInstanceArns"]
        if "nextToken" not in page:
            return listed
        request["nextToken"] = page["nextToken"]


def hosts(sim: Simulator) -> list[str]:
    """Return the ids of the EC2 instances, in order of registration."""
    shown = sim.handle("DescribeContainerInstances", Aside(containerInstances=arns(sim)))
    return [each["ec2InstanceId"] for each in shown["containerInstances"]]


def busy(sim: Simulator) -> None:
    """Run a task that belongs to no service on the first container instance."""
    sim.handle("StartTask", {"taskDefinition": "job", "containerInstances": arns(sim)[:1]})
    sim.clock.advance(5)


def drain_before(*numbers: int) -> Callable[[Simulator], None]:
    """Return what sets some container instances to DRAINING, by their number."""

    def prepare(sim: Simulator) -> None:
        for number in numbers:
            one = [arns(sim)[number]]
            sim.handle("UpdateContainerInstancesState", {"containerInstances": one, "status": "DRAINING"})

    return prepare


def both(
    act: Act,
    *,
    prepare: Callable[[Simulator], object] = nothing,
    hooks: Callable[[], Mapping[str, Any]] = dict,
    compared: Callable[[Went], Any] = both_clients.comparable,
    **options: Any,
) -> Went:
    """Perform an act with both clients, check that they did the same, and return how it went."""
    return both_clients.both(act, lambda: furnished(prepare, **options), hooks=hooks, compared=compared)
