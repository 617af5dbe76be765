"""Plan and apply with both clients, on a simulator with what the written service definitions need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from service_definitions.written import Wire, prepare
from support import both_clients
from support.both_clients import Act, Ecs, Went, comparable, then
from support.simulated_ecs import nothing

from ecskit.models import CreateServiceRequest
from ecskit.services import Applied, Plan
from ecskit.testing import Simulator

READS = ("Describe", "List")


def definition(wire: Wire) -> CreateServiceRequest:
    return CreateServiceRequest.from_dict(wire)


def planned(ecs: Ecs, wire: Wire, next_: Callable[[Plan], Any], **arguments: Any) -> Any:
    """Plan, and go on with the plan."""
    return then(ecs.services.plan(definition(wire), **arguments), next_)


def applied(ecs: Ecs, wire: Wire, *, options: Any = None, **arguments: Any) -> Any:
    """Plan and apply."""
    options = {"timeout": 5000, **(options or {})}
    return planned(ecs, wire, lambda plan: ecs.services.apply(plan, **options), **arguments)


def both(
    act: Act, *, before: Wire | None = None, also: Callable[[Simulator], object] = nothing, **options: Any
) -> Went:
    """Perform an act with both clients, check that they did the same, and return how it went.

    Args:
        act: The act.
        before: A service that is there before, and is steady.
        also: What else to do to the simulator.
        options: Those of the simulator.
    """

    def make() -> Simulator:
        sim = Simulator(seed=1, **options)
        prepare(sim)
        if before is not None:
            sim.handle("CreateService", before)
            sim.clock.advance(5000)
        also(sim)
        return sim

    return both_clients.both(act, make, compared=lambda went: comparable(went, result=plainly))


def plainly(result: Any) -> Any:
    if isinstance(result, Applied):
        return str(result.plan), result.service, result.task_definition, result.progress
    return [plainly(each) for each in result] if isinstance(result, list) else result


def writes(went: Went) -> list[str]:
    """Return the operations that change something."""
    return [each for each in went.operations if not each.startswith(READS)]
