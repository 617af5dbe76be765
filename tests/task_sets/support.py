"""What the tests of `ecs.task_sets` share: a service with the EXTERNAL controller, and an act in both colours.

An act is written once, as a function of something that has the verbs. It is performed by both drivers on fresh
simulators of the same seed, and has to come to the same result by the same calls at the same times.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
from collections.abc import Callable, Mapping
from random import Random
from threading import Event
from typing import Any

import attrs

from ecskit import errors
from ecskit._core.effects import RawResponse, Send
from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.sync import Runtime
from ecskit._facades.aio_task_sets import AsyncTaskSetVerbs
from ecskit._facades.aio_wait import AsyncWait
from ecskit._facades.sync_task_sets import TaskSetVerbs
from ecskit._facades.sync_wait import Wait
from ecskit._simulator.virtual_clock import EPOCH
from ecskit.models import AwsVpcConfiguration
from ecskit.testing import LostAnswerError, SimulatedError, Simulator, TaskScript

NETWORK = AwsVpcConfiguration(subnets=["subnet-1"])
FARGATE: dict[str, Any] = {"launch_type": "FARGATE", "network": NETWORK}
HERE = {"cluster": "default", "service": "web"}
SCENERY = {"RegisterTaskDefinition", "CreateService", "DescribeServices", "PutClusterCapacityProviders"}

Wire = dict[str, Any]
Act = Callable[[Any], Any]
Hook = Callable[[int, str], object]
"""Told the number of a request, from 0, and its operation."""


def nothing(*_: object) -> None:
    """Do nothing."""


def furnished(prepare: Callable[[Simulator], object] = nothing, **options: Any) -> Simulator:
    """Return a simulator with the family `web`, the family `bad`, which cannot be pulled, and the service `web`."""
    sim = Simulator(**options)
    for family in ("web", "bad"):
        definition = {
            "family": family,
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "containerDefinitions": [{"name": "app", "image": "image:1"}],
        }
        sim.handle("RegisterTaskDefinition", definition)
    sim.script("bad", TaskScript.fails_to_pull())
    service = {"serviceName": "web", "desiredCount": 3, "deploymentController": {"type": "EXTERNAL"}}
    sim.handle("CreateService", service)
    prepare(sim)
    return sim


def add(sim: Simulator, scale: float = 100.0, **members: Any) -> str:
    """Create a task set, and return its ARN."""
    network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
    request = {**HERE, "taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": network, **members}
    answer = sim.handle("CreateTaskSet", {**request, "scale": {"value": scale, "unit": "PERCENT"}})
    arn: str = answer["taskSet"]["taskSetArn"]
    return arn


def with_one(sim: Simulator) -> None:
    """Give the service a task set that has been steady for long."""
    add(sim)
    sim.clock.advance(100)


def there(sim: Simulator) -> list[tuple[str, float]]:
    """Return status and scale of the task sets that there are, whatever reads show."""
    [service] = sim.handle("DescribeServices", {"services": ["web"]})["services"]
    return [(each["status"], each["scale"]["value"]) for each in service["taskSets"]]


def answer(sim: Simulator, send: Send) -> RawResponse:
    """Answer a request, or raise what a transport would."""
    try:
        body = sim.handle(send.operation, dict(send.params))
    except SimulatedError as refusal:
        kind = {"ThrottlingException": errors.ThrottledError}.get(refusal.code) or getattr(errors, refusal.code)
        told = {"Error": {"Code": refusal.code, "Message": refusal.message}}
        raise kind(told, send.operation) from None
    except LostAnswerError as lost:
        kinds = {"reset": errors.ConnectionFailedError, "timeout": errors.TimedOutError}
        raise kinds.get(lost.loss, errors.MalformedResponseError)(send.operation, lost.loss) from None
    return RawResponse(json.dumps(body).encode(), {})


@attrs.define
class Sends:
    """A transport into a simulator, with hooks around each request: before it takes effect, and after."""

    sim: Simulator
    before: Hook = nothing
    after: Hook = nothing
    answer: Callable[[Simulator, Send], RawResponse] = answer
    count: int = 0
    lock: Any = attrs.field(factory=threading.Lock)

    def send(self, send: Send, begin: Callable[[], object]) -> RawResponse:
        """Answer a request."""
        number = self.number()
        self.before(number, send.operation)
        begin()
        try:
            return self.answer(self.sim, send)
        finally:
            self.after(number, send.operation)

    def number(self) -> int:
        """Return the number of the next request."""
        with self.lock:
            self.count += 1
            return self.count - 1


@attrs.define
class AsyncSends:
    """The same, awaited: before the effect and after it."""

    sends: Sends

    async def send(self, send: Send, begin: Callable[[], object]) -> RawResponse:
        """Answer a request."""
        number = self.sends.number()
        self.sends.before(number, send.operation)
        await asyncio.sleep(0)
        begin()
        try:
            return self.sends.answer(self.sends.sim, send)
        finally:
            self.sends.after(number, send.operation)
            await asyncio.sleep(0)


@attrs.frozen
class Ecs:
    """The namespaces of a client, and the simulator behind it."""

    sim: Simulator
    verbs: Any
    wait: Any

    @classmethod
    def sync(cls, sim: Simulator, **hooks: Any) -> Ecs:
        """Return the sync one."""
        runtime = Runtime(Sends(sim, **hooks), sim.clock, Random(0))
        return cls(sim, TaskSetVerbs(runtime), Wait(runtime))

    @classmethod
    def aio(cls, sim: Simulator, **hooks: Any) -> Ecs:
        """Return the async one."""
        runtime = AsyncRuntime(AsyncSends(Sends(sim, **hooks)), sim.clock, Random(0))
        return cls(sim, AsyncTaskSetVerbs(runtime), AsyncWait(runtime))


@attrs.frozen
class Went:
    """How an act went."""

    sim: Simulator
    result: Any
    error: BaseException | None
    elapsed: float

    def requests(self, operation: str) -> list[Wire]:
        """Return the requests of an operation, in order."""
        return [call.request for call in self.sim.calls if call.operation == operation]

    @property
    def operations(self) -> list[str]:
        """The operations that were asked for, in order, without those that set the scene."""
        return [call.operation for call in self.sim.calls if call.operation not in SCENERY]

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
        """Return what the other colour has to come to as well, order of parallel requests left out."""
        calls = sorted(
            (round(call.time - EPOCH, 6), call.operation, json.dumps(call.request, sort_keys=True))
            for call in self.sim.calls
        )
        return calls, type(self.error), str(self.error), self.result, round(self.elapsed, 6)


def both(
    act: Act,
    *,
    prepare: Callable[[Simulator], object] = nothing,
    hooks: Callable[[], Mapping[str, Any]] = dict,
    **options: Any,
) -> Went:
    """Perform an act in both colours, check that they did the same, and return how it went."""
    sync = perform(act, Ecs.sync(furnished(prepare, **options), **hooks()))
    aio = asyncio.run(aperform(act, Ecs.aio(furnished(prepare, **options), **hooks())))
    assert sync.told() == aio.told()
    return sync


def perform(act: Act, ecs: Ecs) -> Went:
    """Perform an act with a sync client; an iterator is followed to its end."""
    start, result, error = ecs.sim.now(), None, None
    try:
        result = act(ecs)
        result = list(result) if hasattr(result, "__next__") else result
    except BaseException as raised:  # noqa: BLE001  # KeyboardInterrupt is an end like others
        result, error = None, raised
    return Went(ecs.sim, result, error, ecs.sim.now() - start)


async def aperform(act: Act, ecs: Ecs) -> Went:
    """Perform an act with an async client."""
    start, result, error = ecs.sim.now(), None, None
    try:
        result = act(ecs)
        result = [item async for item in result] if hasattr(result, "__anext__") else result
        while inspect.isawaitable(result):
            result = await result
    except BaseException as raised:  # noqa: BLE001  # the same
        result, error = None, raised
    return Went(ecs.sim, result, error, ecs.sim.now() - start)


# Ways to cut an act short, at its n-th request.

Make = Callable[[], Simulator]
CancellableAct = Callable[..., Any]
"""Takes the namespaces, and by keyword what else the verb is told."""


def interrupted(act: CancellableAct, make: Make, n: int, *, after: bool) -> Went:
    """Press Ctrl-C, before or after the effect of the request."""

    def press(number: int, _: str) -> None:
        if number == n:
            raise KeyboardInterrupt

    return perform(act, Ecs.sync(make(), **{"after" if after else "before": press}))


def cancelled_by_event(act: CancellableAct, make: Make, n: int, *, after: bool) -> Went:
    """Set the `cancel` event."""
    event = Event()

    def set_(number: int, _: str) -> None:
        if number == n:
            event.set()

    return perform(lambda ecs: act(ecs, cancel=event), Ecs.sync(make(), **{"after" if after else "before": set_}))


def cancelled_task(act: CancellableAct, make: Make, n: int, *, after: bool) -> Went:
    """Cancel the task of an async act."""
    running: list[asyncio.Task[Went]] = []

    def cancel(number: int, _: str) -> None:
        if number == n:
            running[0].cancel()

    async def run() -> Went:
        ecs = Ecs.aio(make(), **{"after" if after else "before": cancel})
        running.append(asyncio.ensure_future(aperform(act, ecs)))
        return await running[0]

    return asyncio.run(run())


CUTS: dict[str, tuple[Callable[..., Went], type[BaseException]]] = {
    "Ctrl-C": (interrupted, KeyboardInterrupt),
    "cancel event": (cancelled_by_event, errors.WaitCancelled),
    "asyncio": (cancelled_task, asyncio.CancelledError),
}


def requests_of(act: CancellableAct, make: Make) -> int:
    """Return how many requests an act sends when nobody cuts it short."""
    count: list[int] = []
    perform(act, Ecs.sync(make(), before=lambda n, _: count.append(n)))
    return len(count)
