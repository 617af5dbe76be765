"""What the tests of `ecs.services` on the simulator share: a service that runs, and an act in both colours.

An act is written once, as a function of something that has the verbs. It is performed by both drivers on fresh
simulators of the same seed, and has to come to the same result by the same calls at the same times. Under the other
policies of counting the sync driver performs it, and has to come to the same verdict by the same operations.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from random import Random
from typing import Any, get_args

import attrs

from ecskit import errors
from ecskit._core.effects import RawResponse, Send
from ecskit._core.model import Model
from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.sync import Runtime
from ecskit._facades.aio_services import AsyncServiceVerbs
from ecskit._facades.aio_wait import AsyncWait
from ecskit._facades.sync_services import ServiceVerbs
from ecskit._facades.sync_wait import Wait
from ecskit._simulator.virtual_clock import EPOCH
from ecskit.services import DeploymentProgress, StartedDeployment
from ecskit.testing import Call, Counting, LostAnswerError, SimulatedError, Simulator, TaskScript

NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
BARE_BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
_, *OTHERS = get_args(Counting)
PERFORMANCES = 2 + len(OTHERS)
"""How often `both` performs an act."""
SECRET = "hunter2"
ENVIRONMENT = [{"name": "MODE", "value": SECRET}, {"name": "COLOUR", "value": SECRET}]

Wire = dict[str, Any]
Act = Callable[[Any], Any]
Hook = Callable[[int, str], object]
"""Told the number of a request, from 0, and its operation."""


def in_turn(*steps: Callable[[Simulator], object]) -> Callable[[Simulator], object]:
    """Return what does several things to a simulator, one after the other."""

    def prepare(sim: Simulator) -> None:
        for step in steps:
            step(sim)

    return prepare


def nothing(*_: object) -> None:
    """Do nothing."""


def register(sim: Simulator, family: str, **container: Any) -> str:
    """Register a task definition with one container, and return its ARN."""
    request = {
        "family": family,
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [{"name": "app", "image": "image:1", "environment": ENVIRONMENT, **container}],
        "tags": [{"key": "team", "value": "shop"}],
    }
    arn: str = sim.handle("RegisterTaskDefinition", request)["taskDefinition"]["taskDefinitionArn"]
    return arn


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
    """Update the service web by somebody else, let some seconds pass, and return it."""
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


def answer(sim: Simulator, send: Send) -> RawResponse:
    """Answer a request, or raise what a transport would."""
    try:
        body = sim.handle(send.operation, _plain(send.params))
    except SimulatedError as refusal:
        others = {"ThrottlingException": errors.ThrottledError, "ExpiredTokenException": errors.AccessDeniedException}
        kind = others.get(refusal.code) or getattr(errors, refusal.code)
        told = {"Error": {"Code": refusal.code, "Message": refusal.message}}
        raise kind(told, send.operation) from None
    except LostAnswerError as lost:
        kinds = {"reset": errors.ConnectionFailedError, "timeout": errors.TimedOutError}
        raise kinds.get(lost.loss, errors.MalformedResponseError)(send.operation, lost.loss) from None
    return RawResponse(json.dumps(body).encode(), {})


def _plain(params: Any) -> Any:
    """Return the parameters as they travel: times are seconds."""
    if isinstance(params, Mapping):
        return {name: _plain(value) for name, value in params.items()}
    if isinstance(params, (list, tuple)):
        return [_plain(value) for value in params]
    return params.timestamp() if isinstance(params, datetime) else params


@attrs.define
class Sends:
    """A transport into a simulator, with hooks around each request: before it takes effect, and after."""

    sim: Simulator
    before: Hook = nothing
    after: Hook = nothing
    count: int = -1

    def send(self, send: Send, begin: Callable[[], object]) -> RawResponse:
        """Answer a request."""
        self.count = number = self.count + 1
        self.before(number, send.operation)
        begin()
        try:
            return answer(self.sim, send)
        finally:
            self.after(number, send.operation)


@attrs.define
class AsyncSends:
    """The same, awaited: before the effect and after it."""

    sends: Sends

    async def send(self, send: Send, begin: Callable[[], object]) -> RawResponse:
        """Answer a request."""
        self.sends.count = number = self.sends.count + 1
        self.sends.before(number, send.operation)
        await asyncio.sleep(0)
        begin()
        try:
            return answer(self.sends.sim, send)
        finally:
            self.sends.after(number, send.operation)
            await asyncio.sleep(0)


@attrs.frozen
class Ecs:
    """The namespaces of a client, and the simulator behind it."""

    sim: Simulator
    colour: str
    services: Any
    wait: Any

    @classmethod
    def sync(cls, sim: Simulator, **hooks: Any) -> Ecs:
        """Return the sync one."""
        runtime = Runtime(Sends(sim, **hooks), sim.clock, Random(0))
        return cls(sim, "sync", ServiceVerbs(runtime), Wait(runtime))

    @classmethod
    def aio(cls, sim: Simulator, **hooks: Any) -> Ecs:
        """Return the async one."""
        runtime = AsyncRuntime(AsyncSends(Sends(sim, **hooks)), sim.clock, Random(0))
        return cls(sim, "async", AsyncServiceVerbs(runtime), AsyncWait(runtime))


@attrs.frozen
class Went:
    """How an act went."""

    sim: Simulator
    result: Any
    error: BaseException | None
    items: list[Any]
    elapsed: float
    calls: list[Call]
    """What was asked for meanwhile, by whomever."""

    def requests(self, operation: str) -> list[Wire]:
        """Return the requests of an operation, in order."""
        return [call.request for call in self.calls if call.operation == operation]

    @property
    def operations(self) -> list[str]:
        """The operations that were asked for, in order."""
        return [call.operation for call in self.calls]

    @property
    def verdict(self) -> str:
        """The status that it ended with, or the name of the error."""
        if self.error is not None:
            return type(self.error).__name__
        return str(getattr(self.result, "status", "ended"))

    @property
    def runs(self) -> str:
        """What the service runs or is about to run: the task definition of its PRIMARY deployment."""
        return runs(self.sim)

    def raised(self, kind: type[Any]) -> Any:
        """Return the error, which has to be of this class."""
        assert type(self.error) is kind, repr(self.error)
        return self.error

    def returned(self) -> Any:
        """Return the result, where there must be one."""
        if self.error is not None:
            raise self.error
        return self.result

    def told(self) -> Any:
        """Return what the other colour has to come to as well."""
        calls = [(round(each.time - EPOCH, 6), each.operation, _content(each.request)) for each in self.calls]
        items = [(type(item).__name__, str(item)) for item in self.items]
        truth = [(each.status, each.reason) for each in self.sim.deployments("web")]
        return calls, type(self.error), self.message, plainly(self.result), items, truth, round(self.elapsed, 6)

    @property
    def message(self) -> str:
        """The text of the error, without the ids of tasks."""
        return re.sub(r"[0-9a-f]{32}", "ID", str(self.error))

    @property
    def judged(self) -> Any:
        """What has to be the same however ECS counts the desired tasks of deployments."""
        running = [(each.name, each.primary, each.running_count, each.steady) for each in self.sim.services()]
        return self.verdict, self.message, running, self.operations


def runs(sim: Simulator) -> str:
    """Return the task definition of the PRIMARY deployment of the service web, without its ARN."""
    [service] = Simulator.handle(sim, "DescribeServices", {"services": ["web"]})["services"]
    name: str = service["deployments"][0]["taskDefinition"].rsplit("/", 1)[-1]
    return name


def _content(request: Wire) -> str:
    return json.dumps(request, sort_keys=True, default=str)


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
    """Perform an act in both colours and under each policy of counting, check that all is alike, return how it went."""
    sync = perform(act, Ecs.sync(furnished(prepare, **dict(options)), **hooks()))
    aio = asyncio.run(aperform(act, Ecs.aio(furnished(prepare, **dict(options)), **hooks())))
    assert sync.told() == aio.told()
    for counting in OTHERS:
        other = perform(act, Ecs.sync(furnished(prepare, counting=counting, **dict(options)), **hooks()))
        assert sync.judged == other.judged, counting
    return sync


def perform(act: Act, ecs: Ecs) -> Went:
    """Perform an act with a sync client; a stream is followed to its end."""
    start, result, error, items = ecs.sim.now(), None, None, list[Any]()
    first = len(ecs.sim.calls)
    try:
        result = act(ecs)
        if hasattr(result, "__next__"):
            stream, result = result, None
            for item in stream:
                items.append(item)  # what came before an error is kept
    except BaseException as raised:  # noqa: BLE001  # KeyboardInterrupt is an end like others
        result, error = None, raised
    return Went(ecs.sim, result, error, items, ecs.sim.now() - start, ecs.sim.calls[first:])


async def aperform(act: Act, ecs: Ecs) -> Went:
    """Perform an act with an async client."""
    start, result, error, items = ecs.sim.now(), None, None, list[Any]()
    first = len(ecs.sim.calls)
    try:
        result = act(ecs)
        if hasattr(result, "__anext__"):
            stream, result = result, None
            async for item in stream:
                items.append(item)  # the same
        while inspect.isawaitable(result):
            result = await result
    except BaseException as raised:  # noqa: BLE001  # the same
        result, error = None, raised
    return Went(ecs.sim, result, error, items, ecs.sim.now() - start, ecs.sim.calls[first:])


def then(first: Any, next_: Callable[[Any], Any]) -> Any:
    """Return what a function makes of a result, awaited in the async colour."""
    if not inspect.isawaitable(first):
        return next_(first)

    async def chained() -> Any:
        result = next_(await first)
        return await result if inspect.isawaitable(result) else result

    return chained()


def stream(started: Callable[[Ecs], Any], **options: Any) -> Act:
    """Return the act that follows the events of a deployment."""

    def act(ecs: Ecs) -> Any:
        return started(ecs).events(**options) if ecs.colour == "sync" else _events(started(ecs), options)

    return act


async def _events(started: Any, options: Mapping[str, Any]) -> Any:
    async for event in (await started).events(**options):
        yield event
