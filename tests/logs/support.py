"""A simulator whose tasks write lines, and acts with both clients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from support.both_clients import Act, Went, both
from support.definitions import NETWORK, register as register_definition

from ecskit.testing import LogBehaviour, LogEntry, Simulator, TaskScript

Wire = dict[str, Any]
GROUP = "/ecs/job"
ROLE = "arn:aws:iam::123456789012:role/execution"
NAMES = ["start", "start", "five", "late", "seven", "last"]
SCRIPT = TaskScript(
    run_time=30,
    logs=[(0, "start"), (0, "start"), (5, "five"), LogEntry(6, "late", delay=9), (7, "seven"), (29.9, "last")],
)
"""Two lines that are the same, one that becomes visible after a later one, and one shortly before the end."""


def awslogs(**options: str) -> Wire:
    """Return a log configuration."""
    own = {"awslogs-group": GROUP, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "run"}
    return {"logDriver": "awslogs", "options": {**own, **{f"awslogs-{n}": v for n, v in options.items()}}}


def furnished(
    script: TaskScript | Sequence[TaskScript] = SCRIPT,
    *,
    behaviour: LogBehaviour | None = None,
    containers: Sequence[Wire] = (),
    count: int = 1,
    prepare: Callable[[Simulator], object] | None = None,
    **options: Any,
) -> Callable[[], Simulator]:
    """Return a function that makes a simulator with `count` tasks of the family `job`, which were just launched."""

    def make() -> Simulator:
        sim = Simulator(**options)
        defined = containers or [{"name": "app", "logConfiguration": awslogs()}]
        register_definition(sim, "job", *({"image": "image:1", **each} for each in defined), executionRoleArn=ROLE)
        sim.script("job", script)
        if behaviour is not None:
            sim.script_logs(behaviour)
        request = {"taskDefinition": "job", "launchType": "FARGATE", "networkConfiguration": NETWORK}
        for begin in range(0, count, 10):
            sim.handle("RunTask", {**request, "count": min(10, count - begin)})
        if prepare is not None:
            prepare(sim)
        return sim

    return make


def logs(**options: Any) -> Act:
    """Return an act that reads the lines of all tasks."""
    return lambda ecs: ecs.tasks.logs(ecs.arns, **options)


def lines(act: Act, make: Callable[[], Simulator]) -> Went:
    """Perform an act that yields lines with both clients; both must do the same."""
    return both(act, make)


def messages(went: Went) -> list[str]:
    """Return the texts of the lines that were yielded."""
    return [line.message for line in went.items]
