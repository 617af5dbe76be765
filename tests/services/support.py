"""A simulator with a service, and the acts of `ecs.services` with both clients.

The sync client also performs each act under the other ways in which ECS counts desired tasks: the verdict, the
operations and the services must be the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from support import both_clients
from support.both_clients import Act, Ecs, Went, Wire, comparable, perform
from support.definitions import NETWORK, register as register_definition
from support.simulated_ecs import nothing

from ecskit._core.model import Model
from ecskit.services import DeploymentProgress, StartedDeployment
from ecskit.testing import Counting, Simulator, TaskScript

BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
BARE_BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
_, *OTHERS = get_args(Counting)
PERFORMANCES = 2 + len(OTHERS)
"""How often `both` performs an act."""
SECRET = "hunter2"
ENVIRONMENT = [{"name": "MODE", "value": SECRET}, {"name": "COLOUR", "value": SECRET}]


def in_turn(*steps: Callable[[Simulator], object]) -> Callable[[Simulator], object]:
    """Return what does several things to a simulator, one after the other."""

    def prepare(sim: Simulator) -> None:
        for step in steps:
            step(sim)

    return prepare


def register(sim: Simulator, family: str, **container: Any) -> str:
    """Register a task definition with one container, and return its ARN."""
    app = {"name": "app", "image": "image:1", "environment": ENVIRONMENT, **container}
    return register_definition(sim, family, app, tags=[{"key": "team", "value": "shop"}])


def create(sim: Simulator, name: str = "web", wait: float = 100, **members: Any) -> None:
    """Create a service, and give it time to come to a steady state."""
    request: Wire = {
        "serviceName": name,
        "taskDefinition": "web",
        "desiredCount": 2,
        "launchType": "FARGATE",
        "networkConfiguration": NETWORK,
        "deploymentConfiguration": BREAKER,
    }
    request |= members
    sim.handle("CreateService", {key: value for key, value in request.items() if value is not None})
    sim.clock.advance(wait)


def update(sim: Simulator, wait: float = 0, **members: Any) -> Wire:
    """Update the service web as another caller, let some seconds pass, and return it."""
    service: Wire = sim.handle("UpdateService", {"service": "web", **members})["service"]
    sim.clock.advance(wait)
    return service


def daemon(sim: Simulator) -> None:
    """Create the DAEMON service web of the family agent on three container instances."""
    request = {
        "family": "agent",
        "requiresCompatibilities": ["EC2"],
        "containerDefinitions": [{"name": "app", "image": "image:1", "memory": 64}],
    }
    sim.handle("RegisterTaskDefinition", request)
    resources = [{"name": name, "type": "INTEGER", "integerValue": 2048} for name in ("CPU", "MEMORY")]
    for _ in range(3):
        sim.handle("RegisterContainerInstance", {"totalResources": resources})
    members: Wire = {"schedulingStrategy": "DAEMON", "desiredCount": None, "launchType": "EC2"}
    members |= {"networkConfiguration": None, "deploymentConfiguration": None}
    create(sim, taskDefinition="agent", **members)


def furnished(prepare: Callable[[Simulator], object] = nothing, **options: Any) -> Simulator:
    """Return a simulator with the families web, next and bad, which cannot be pulled, and the service web."""
    members = options.pop("service", {})
    sim = Simulator(**options)
    for family in ("web", "next", "bad"):
        register(sim, family)
    sim.script("bad", TaskScript.fails_to_pull("manifest unknown"))
    if members is not None:
        create(sim, **members)
    prepare(sim)
    return sim


def compared(went: Went) -> Any:
    """Return what must be the same for both clients."""
    deployments = [(each.status, each.reason) for each in went.sim.deployments("web")]
    return comparable(went, result=plainly), went.operations, deployments


def judged(went: Went) -> Any:
    """Return what must be the same however ECS counts the desired tasks of deployments."""
    running = [(each.name, each.primary, each.running_count, each.steady) for each in went.sim.services()]
    return went.verdict, went.message, running, went.operations


def plainly(value: Any) -> Any:
    """Return what two results have in common whatever their colour."""
    if isinstance(value, (DeploymentProgress, Model, StartedDeployment)):
        return value
    if hasattr(value, "started"):
        return value.started
    return [plainly(each) for each in value] if isinstance(value, (list, tuple)) else value


def both(
    act: Act,
    *,
    prepare: Callable[[Simulator], object] = nothing,
    hooks: Callable[[], Mapping[str, Any]] = dict,
    **options: Any,
) -> Went:
    """Perform an act with both clients and under each way of counting, check that all agree, return how it went."""
    sync = both_clients.both(act, lambda: furnished(prepare, **options), hooks=hooks, compared=compared)
    for counting in OTHERS:
        other = perform(act, Ecs.sync(furnished(prepare, counting=counting, **options), **hooks()))
        assert judged(sync) == judged(other), counting
    return sync


def stream(started: Callable[[Ecs], Any], **options: Any) -> Act:
    """Return the act that follows the events of a deployment."""

    def act(ecs: Ecs) -> Any:
        return started(ecs).events(**options) if ecs.colour == "sync" else _events(started(ecs), options)

    return act


async def _events(started: Any, options: Mapping[str, Any]) -> Any:
    async for event in (await started).events(**options):
        yield event
