"""What the tests of tasks that crash share: how they are scripted, and the act that deploys them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
from support.both_clients import Act

from ecskit.testing import Fault, Simulator, TaskScript

from .support import OTHERS, in_turn, register

Prepare = Callable[[Simulator], object]
RUNS = 2 + len(OTHERS)
"""How often `both` performs an act: in both colours, and under the other policies of counting."""
DEPLOYMENT_READS = ("ListServiceDeployments", "DescribeServiceDeployments")
CHECKED = {"healthCheck": {"command": ["CMD", "true"]}}
CRASH = TaskScript.exits(1, after=5)
STEADY = TaskScript.healthy()


def refused(*operations: str) -> Prepare:
    return in_turn(*[lambda sim, name=name: sim.fail(name, Fault.access_denied(), times=None) for name in operations])


def crashing(script: TaskScript | Sequence[TaskScript] = CRASH, *more: Prepare) -> Prepare:
    """Return what lets the tasks of next behave like a script; containers that report health have health checks."""

    def prepare(sim: Simulator) -> None:
        scripts = [script] if isinstance(script, TaskScript) else script
        register(sim, "next", **(CHECKED if any(each.health != "HEALTHY" for each in scripts) else {}))
        sim.script("next", script)
        in_turn(*more)(sim)

    return prepare


def later(script: TaskScript, seconds: float) -> TaskScript:
    return attrs.evolve(script, time_to_start=seconds)


def deploys(**options: Any) -> Act:
    return lambda ecs: ecs.services.deploy("web", task_definition="next", **options)
