"""A simulator with task definitions, and the acts of `ecs.tasks` with both clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from support import both_clients
from support.both_clients import Act, Went, Wire, comparable
from support.definitions import register as register_definition
from support.simulated_ecs import nothing

from ecskit.models import AwsVpcConfiguration, Task
from ecskit.tasks import RunTaskResult, TaskOutcome
from ecskit.testing import Simulator

NETWORK = AwsVpcConfiguration(subnets=["subnet-1"])
FARGATE: dict[str, Any] = {"launch_type": "FARGATE", "network": NETWORK}
CLUSTER = "arn:aws:ecs:us-east-1:123456789012:cluster/default"
SECRET = "hunter2"
LOGS = {
    "logDriver": "awslogs",
    "options": {"awslogs-group": "/ecs/job", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "run"},
}


def furnished(**options: Any) -> Simulator:
    """Return a simulator with the families `job`, `pair` (with a sidecar) and `two` (both containers essential)."""
    sim = Simulator(**options)
    _register(sim, "job", {"name": "app", "logConfiguration": LOGS})
    _register(sim, "pair", {"name": "app"}, {"name": "sidecar", "essential": False})
    _register(sim, "two", {"name": "app"}, {"name": "helper"})
    return sim


def _register(sim: Simulator, family: str, *containers: Wire) -> None:
    role = "arn:aws:iam::123456789012:role/execution"  # awslogs needs it on Fargate
    defined = ({"image": "image:1", **container} for container in containers)
    register_definition(sim, family, *defined, executionRoleArn=role)


def _without_ids(request: Wire) -> Wire:
    """Return a request without the ids of tasks: parallel launches get them in any order."""
    if "tasks" in request:
        request["tasks"] = len(request["tasks"])
    if "task" in request:
        request["task"] = ""
    return request


def compared(went: Went) -> Any:
    """Return what must be the same for both clients."""
    tasks = sorted((task.arn, task.last_status, task.desired_status) for task in went.sim.tasks())
    return comparable(went, request=_without_ids, result=plainly), tasks


def plainly(value: Any) -> Any:
    """Return what two results have in common that are the same but for the order of parallel requests."""
    match value:
        case RunTaskResult():
            reasons = sorted(str(failure.reason) for failure in value.failures)
            return value.requested, sorted(value.task_arns), reasons, list(value.client_tokens)
        case TaskOutcome():
            return value.kind, dict(value.exit_codes), list(value.reasons), value.container, value.essential_source
        case Task():
            return value.task_arn, value.last_status
        case Mapping():
            return {key: plainly(held) for key, held in value.items()}
        case str():
            return value
        case Sequence():
            return [plainly(held) for held in value]
        case _:
            return value


def both(
    act: Act,
    *,
    prepare: Callable[[Simulator], object] = nothing,
    hooks: Callable[[], Mapping[str, Any]] = dict,
    **options: Any,
) -> Went:
    """Perform an act with both clients, check that they did the same, and return how it went."""
    return both_clients.both(act, simulator(prepare, **options), hooks=hooks, compared=compared)


def through_botocore(act: Act, *, prepare: Callable[[Simulator], object] = nothing, **options: Any) -> Went:
    """Do the same with the simulator's own clients: through botocore and aiobotocore."""
    return both_clients.through_botocore(act, simulator(prepare, **options), compared=compared)


def simulator(prepare: Callable[[Simulator], object] = nothing, **options: Any) -> Callable[[], Simulator]:
    """Return a function that makes the same simulator again and again."""

    def make() -> Simulator:
        sim = furnished(**options)
        prepare(sim)
        return sim

    return make


def stops(went: Went) -> dict[str, int]:
    """Return how often each task was requested to stop."""
    counts: dict[str, int] = {}
    for request in went.requests("StopTask"):
        counts[request["task"]] = counts.get(request["task"], 0) + 1
    return counts


def id_of(arn: str) -> str:
    """Return the id in an ARN."""
    return arn.rsplit("/", 1)[-1]
