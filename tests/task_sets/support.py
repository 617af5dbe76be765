"""A service with the EXTERNAL controller, and the acts of `ecs.task_sets` with both clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from support import both_clients, definitions
from support.both_clients import Act, Aside, Went
from support.simulated_ecs import nothing

from ecskit.models import AwsVpcConfiguration
from ecskit.testing import Simulator, TaskScript

NETWORK = AwsVpcConfiguration(subnets=["subnet-1"])
FARGATE: dict[str, Any] = {"launch_type": "FARGATE", "network": NETWORK}
HERE = {"cluster": "default", "service": "web"}


def furnished(prepare: Callable[[Simulator], object] = nothing, **options: Any) -> Simulator:
    """Return a simulator with the family `web`, the family `bad`, which cannot be pulled, and the service `web`."""
    sim = Simulator(**options)
    for family in ("web", "bad"):
        definitions.register(sim, family, {"name": "app", "image": "image:1", "portMappings": [{"containerPort": 80}]})
    sim.script("bad", TaskScript.fails_to_pull())
    service = {"serviceName": "web", "desiredCount": 3, "deploymentController": {"type": "EXTERNAL"}}
    sim.handle("CreateService", service)
    prepare(sim)
    return sim


def add(sim: Simulator, scale: float = 100.0, **members: Any) -> str:
    """Create a task set, and return its ARN."""
    request = {**HERE, "taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": definitions.NETWORK}
    answer = sim.handle("CreateTaskSet", {**request, **members, "scale": {"value": scale, "unit": "PERCENT"}})
    arn: str = answer["taskSet"]["taskSetArn"]
    return arn


def with_one(sim: Simulator) -> None:
    """Give the service a task set that has been steady for long."""
    add(sim)
    sim.clock.advance(100)


def there(sim: Simulator) -> list[tuple[str, float]]:
    """Return status and scale of the task sets that there are, whatever reads show."""
    [service] = sim.handle("DescribeServices", Aside(services=["web"]))["services"]
    return [(each["status"], each["scale"]["value"]) for each in service["taskSets"]]


def both(
    act: Act,
    *,
    prepare: Callable[[Simulator], object] = nothing,
    hooks: Callable[[], Mapping[str, Any]] = dict,
    **options: Any,
) -> Went:
    """Perform an act with both clients, check that they did the same, and return how it went."""
    return both_clients.both(act, lambda: furnished(prepare, **options), hooks=hooks)
