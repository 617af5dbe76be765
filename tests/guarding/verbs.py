"""The verbs that clean up behind themselves, as data: what each begins, and what its policies stand for.

Every verb is performed by both drivers, each on a simulator of its own with the same contents. Left alone, none of them
ends: what it waits for never starts, or never stops.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Generator, Mapping
from typing import Any

import attrs
from support import definitions
from support.both_clients import Ecs
from support.definitions import NETWORK

from ecskit._simulator.wire import copied
from ecskit.models import AwsVpcConfiguration
from ecskit.testing import Simulator, TaskScript

Act = Callable[..., Generator[Any, Any, Any]]
"""Takes a client, and by keyword the options of the verb; yields what is to be awaited in the async colour."""

_LAUNCH: dict[str, Any] = {
    "cluster": "default",
    "launch_type": "FARGATE",
    "network": AwsVpcConfiguration(subnets=["subnet-1"]),
}
_READS = ("Describe", "List")


class Account(Simulator):
    """A simulator whose reads may show nothing of a change."""

    blind = False
    """Whether reads show nothing of what is changed from now on."""
    _changed = False

    def _answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = copied(super()._answer(operation, request))
        self._changed = self.blind and (self._changed or not operation.startswith(_READS))
        if not self._changed:
            return shown
        match operation:
            case "DescribeServices":
                return shown | {"services": [_as_before(each) for each in shown["services"]]}
            case "ListServiceDeployments":
                return {"serviceDeployments": []}
            case "DescribeTasks" | "DescribeTaskSets":
                name = "tasks" if operation == "DescribeTasks" else "taskSets"
                missing = [{"arn": each[name[:-1] + "Arn"], "reason": "MISSING"} for each in shown[name]]
                return {name: [], "failures": missing}
            case _:
                return shown


def _as_before(service: dict[str, Any]) -> dict[str, Any]:
    """Return a service without its latest deployment."""
    [*_, first] = service["deployments"]
    first |= {"status": "PRIMARY", "rolloutState": "COMPLETED"}
    return service | {"deployments": [first], "taskDefinition": first["taskDefinition"]}


def furnished(**options: Any) -> Account:
    """Return an account with the families that the verbs use, two services, and a container instance with a task."""
    sim = Account(**options)
    for family in ("web", "stuck", "bad", "failing"):
        definitions.register(sim, family, requiresCompatibilities=["FARGATE", "EC2"])
    sim.script("stuck", TaskScript(time_to_start=1e6))
    sim.script("bad", TaskScript.fails_to_pull())
    sim.script("failing", TaskScript.exits(1))
    service = {
        "serviceName": "web",
        "taskDefinition": "web",
        "desiredCount": 2,
        "launchType": "FARGATE",
        "networkConfiguration": NETWORK,
        "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True, "rollback": False}},
    }
    sim.handle("CreateService", service)
    sim.handle(
        "CreateService", {"serviceName": "sets", "desiredCount": 2, "deploymentController": {"type": "EXTERNAL"}}
    )
    sim.handle("RegisterContainerInstance", {})
    [instance] = sim.handle("ListContainerInstances", {})["containerInstanceArns"]
    task = {"taskDefinition": "web", "containerInstances": [instance], "networkConfiguration": NETWORK}
    sim.handle("StartTask", task)
    sim.clock.advance(100)
    return sim


@attrs.frozen
class Verb:
    """One verb, and what its policies stand for."""

    act: Act
    policies: Mapping[str, str]
    """What each policy is to be set to, so that something is done."""
    acted: Callable[[list[tuple[str, Mapping[str, Any]]]], bool]
    """Whether these requests hold one that undoes what the verb began."""
    clean_up: tuple[str, ...]
    """The operations that undo it."""
    reads: tuple[str, ...]
    """The operations that it waits by."""
    fails: str = "stuck"
    """A task definition that makes it fail; the usual one does not."""


def _deploy(ecs: Any, *, family: str = "stuck", **options: Any) -> Generator[Any, Any, Any]:
    return (yield ecs.services.deploy("web", task_definition=family, **options))


def _wait(ecs: Any, *, family: str = "stuck", **options: Any) -> Generator[Any, Any, Any]:
    started = yield ecs.services.start_deployment("web", task_definition=family)
    return (yield started.wait(**options))


def _events(ecs: Any, *, family: str = "stuck", **options: Any) -> Generator[Any, Any, Any]:
    started = yield ecs.services.start_deployment("web", task_definition=family)
    return (yield started.events(**options))


def _run(ecs: Any, *, family: str = "stuck", **options: Any) -> Generator[Any, Any, Any]:
    return (yield ecs.tasks.run_to_completion(family, count=2, **_LAUNCH, **options))


def _drain(ecs: Any, *, family: str = "", **options: Any) -> Generator[Any, Any, Any]:  # noqa: ARG001  # it has none
    [instance] = ecs.sim.handle("ListContainerInstances", {})["containerInstanceArns"]
    return (yield ecs.container_instances.drain(instance, **options))


def _create(ecs: Any, *, family: str = "stuck", **options: Any) -> Generator[Any, Any, Any]:
    return (yield ecs.task_sets.create("sets", task_definition=family, scale=100, **_LAUNCH, **options))


def _rolls_back(requests: list[tuple[str, Mapping[str, Any]]]) -> bool:
    return any(
        operation == "StopServiceDeployment" or request.get("taskDefinition", "").endswith("/web:1")
        for operation, request in requests
    )


def _one_of(operation: str, **members: Any) -> Callable[[list[tuple[str, Mapping[str, Any]]]], bool]:
    return lambda requests: any(op == operation and members.items() <= sent.items() for op, sent in requests)


_DEPLOYMENT = Verb(
    act=_deploy,
    policies={"on_timeout": "rollback", "on_failure": "rollback", "on_cancel": "rollback"},
    acted=_rolls_back,
    clean_up=("StopServiceDeployment", "UpdateService"),
    reads=("DescribeServices",),
    fails="bad",
)

VERBS: dict[str, Verb] = {
    "services.deploy": _DEPLOYMENT,
    "deployment.wait": attrs.evolve(_DEPLOYMENT, act=_wait),
    "deployment.events": attrs.evolve(_DEPLOYMENT, act=_events),
    "tasks.run_to_completion": Verb(
        act=_run,
        policies={"on_timeout": "stop", "on_cancel": "stop"},
        acted=_one_of("StopTask"),
        clean_up=("StopTask",),
        reads=("DescribeTasks",),
        fails="failing",
    ),
    "container_instances.drain": Verb(
        act=_drain,
        policies={"on_timeout": "undo", "on_cancel": "undo"},
        acted=_one_of("UpdateContainerInstancesState", status="ACTIVE"),
        clean_up=("UpdateContainerInstancesState",),
        reads=("DescribeContainerInstances",),
    ),
    "task_sets.create": Verb(
        act=_create,
        policies={"on_timeout": "delete", "on_cancel": "delete"},
        acted=_one_of("DeleteTaskSet"),
        clean_up=("DeleteTaskSet",),
        reads=("DescribeTaskSets",),
    ),
}


@attrs.frozen
class Went:
    """How a verb went."""

    sim: Account
    error: BaseException | None
    requests: list[tuple[str, Mapping[str, Any]]]

    @property
    def sent(self) -> list[str]:
        """The operations, in order."""
        return [operation for operation, _ in self.requests]


def perform(sim: Account, act: Callable[[Any], Generator[Any, Any, Any]], *, aio: bool) -> Went:
    """Perform an act by one of the drivers, and return how it went."""
    first = len(sim.calls)
    error = asyncio.run(_aperform(sim, act)) if aio else _perform(sim, act)
    return Went(sim, error, [(call.operation, call.request) for call in sim.calls[first:]])


def _perform(sim: Account, act: Callable[[Any], Generator[Any, Any, Any]]) -> BaseException | None:
    steps, given = act(Ecs.sync(sim)), None
    try:
        while True:
            given = steps.send(given)
            given = list(given) if hasattr(given, "__next__") else given
    except StopIteration:
        return None
    except BaseException as error:  # noqa: BLE001  # KeyboardInterrupt is an end like others
        return error


async def _aperform(sim: Account, act: Callable[[Any], Generator[Any, Any, Any]]) -> BaseException | None:
    steps, given = act(Ecs.aio(sim)), None
    try:
        while True:
            given = steps.send(given)
            given = [each async for each in given] if hasattr(given, "__anext__") else given
            given = await given if inspect.isawaitable(given) else given
    except StopIteration:
        return None
    except BaseException as error:  # noqa: BLE001  # the same
        return error
