"""What the tests of `ecs.tasks` share: one simulator for each colour, and what both colours did in it.

An act is written once, as a function of something that has the namespaces of a client. It is performed by both drivers
on fresh simulators of the same seed, and has to come to the same result by the same calls at the same times.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import attrs

from ecskit import errors
from ecskit._core.effects import RawResponse, Send
from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.sync import Runtime
from ecskit._facades.aio_tasks import AsyncTaskVerbs
from ecskit._facades.aio_wait import AsyncWait
from ecskit._facades.sync_tasks import TaskVerbs
from ecskit._facades.sync_wait import Wait
from ecskit._simulator.virtual_clock import EPOCH
from ecskit.models import AwsVpcConfiguration, Task
from ecskit.tasks import RunTaskResult, TaskOutcome
from ecskit.testing import Call, LostAnswerError, SimulatedError, Simulator

NETWORK = AwsVpcConfiguration(subnets=["subnet-1"])
FARGATE: dict[str, Any] = {"launch_type": "FARGATE", "network": NETWORK}
CLUSTER = "arn:aws:ecs:us-east-1:123456789012:cluster/default"
SECRET = "hunter2"

Wire = dict[str, Any]
Hook = Callable[[int, str], object]
"""Told the number of a request, from 0, and its operation."""


def nothing(*_: object) -> None:
    """Do nothing."""


def register(sim: Simulator, family: str, *containers: Wire) -> None:
    """Register a task definition for Fargate."""
    request = {
        "family": family,
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [{"image": "image:1", **container} for container in containers],
    }
    sim.handle("RegisterTaskDefinition", request)


LOGS = {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/job", "awslogs-stream-prefix": "run"}}


def furnished(**options: Any) -> Simulator:
    """Return a simulator with the families `job`, `pair` (with a sidecar) and `two` (both containers essential)."""
    sim = Simulator(**options)
    register(sim, "job", {"name": "app", "logConfiguration": LOGS})
    register(sim, "pair", {"name": "app"}, {"name": "sidecar", "essential": False})
    register(sim, "two", {"name": "app"}, {"name": "helper"})
    return sim


def service_error(operation: str, refusal: SimulatedError) -> errors.ServiceError:
    """Return the error that a client raises for a refusal."""
    groups = {"ThrottlingException": errors.ThrottledError, "ExpiredTokenException": errors.AccessDeniedException}
    kind = groups.get(refusal.code) or getattr(errors, refusal.code)
    error = {"Code": refusal.code, "Message": refusal.message}
    raised: errors.ServiceError = kind({"Error": error, **refusal.details}, operation)
    return raised


def answer(sim: Simulator, send: Send) -> RawResponse:
    """Answer a request, or raise what a transport would."""
    try:
        body = sim.handle(send.operation, dict(send.params))
    except SimulatedError as refusal:
        raise service_error(send.operation, refusal) from None
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
    colour: str
    tasks: Any
    wait: Any

    @property
    def arns(self) -> list[str]:
        """The tasks that were launched."""
        return [task.arn for task in self.sim.tasks()]

    @classmethod
    def sync(cls, sim: Simulator, **hooks: Any) -> Ecs:
        """Return the sync one."""
        runtime = Runtime(Sends(sim, **hooks), sim.clock, Random(0))
        return cls(sim, "sync", TaskVerbs(runtime), Wait(runtime))

    @classmethod
    def aio(cls, sim: Simulator, **hooks: Any) -> Ecs:
        """Return the async one."""
        runtime = AsyncRuntime(AsyncSends(Sends(sim, **hooks)), sim.clock, Random(0))
        return cls(sim, "async", AsyncTaskVerbs(runtime), AsyncWait(runtime))


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

    def times(self, operation: str) -> list[float]:
        """Return when they came, in seconds from the start."""
        return [call.time - EPOCH for call in self.sim.calls if call.operation == operation]

    def naps(self, operation: str) -> list[float]:
        """Return the seconds between them."""
        return [later - earlier for earlier, later in itertools.pairwise(self.times(operation))]

    @property
    def operations(self) -> list[str]:
        """The operations that were asked for, in order."""
        return [call.operation for call in self.sim.calls if call.operation != "RegisterTaskDefinition"]

    @property
    def running(self) -> list[str]:
        """The tasks that run and were not told to stop."""
        return [task.arn for task in self.sim.tasks() if task.desired_status == "RUNNING"]

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
        calls = sorted((round(call.time - EPOCH, 6), call.operation, _content(call)) for call in self.sim.calls)
        error = re.sub(r"[0-9a-f]{32}", "ID", str(self.error)) if self.error else None
        truth = sorted((task.arn, task.last_status, task.desired_status) for task in self.sim.tasks())
        return calls, type(self.error), error, plainly(self.result), truth, round(self.elapsed, 6)


def _content(call: Call) -> str:
    said = dict(call.request)
    if "tasks" in said:
        said["tasks"] = len(said["tasks"])  # which ones: racing threads decide who gets which id
    if "task" in said:
        said["task"] = ""
    return json.dumps(said, sort_keys=True)


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


Act = Callable[[Any], Any]


def both(
    act: Act,
    *,
    prepare: Callable[[Simulator], object] = nothing,
    hooks: Callable[[], Mapping[str, Any]] = dict,
    **options: Any,
) -> Went:
    """Perform an act in both colours, check that they did the same, and return how it went."""
    sync = perform(act, Ecs.sync(_prepared(prepare, options), **hooks()))
    aio = asyncio.run(aperform(act, Ecs.aio(_prepared(prepare, options), **hooks())))
    assert sync.told() == aio.told()
    return sync


def both_clients(act: Act, *, prepare: Callable[[Simulator], object] = nothing, **options: Any) -> Went:
    """Do the same with the simulator's own clients: through botocore and aiobotocore."""
    sim = _prepared(prepare, options)
    with sim.client() as client:
        sync = perform(act, client, sim)

    async def run() -> Went:
        sim = _prepared(prepare, options)
        async with sim.async_client() as client:
            return await aperform(act, client, sim)

    assert sync.told() == asyncio.run(run()).told()
    return sync


def _prepared(prepare: Callable[[Simulator], object], options: Mapping[str, Any]) -> Simulator:
    sim = furnished(**options)
    prepare(sim)
    return sim


def perform(act: Act, ecs: Any, behind: Simulator | None = None) -> Went:
    """Perform an act with a sync client; an iterator is followed to its end."""
    sim: Simulator = behind or ecs.sim
    start, collected, error = sim.now(), None, None
    try:
        collected = act(ecs)
        if hasattr(collected, "__next__"):
            iterator, collected = collected, []
            for item in iterator:
                collected.append(item)
    except BaseException as raised:  # noqa: BLE001  # KeyboardInterrupt is an end like others
        error = raised
    return Went(sim, collected, error, sim.now() - start)


async def aperform(act: Act, ecs: Any, behind: Simulator | None = None) -> Went:
    """Perform an act with an async client."""
    sim: Simulator = behind or ecs.sim
    start, collected, error = sim.now(), None, None
    try:
        collected = act(ecs)
        if hasattr(collected, "__anext__"):
            iterator, collected = collected, []
            async for item in iterator:
                collected.append(item)
        while inspect.isawaitable(collected):
            collected = await collected
    except BaseException as raised:  # noqa: BLE001  # the same
        error, collected = raised, collected if isinstance(collected, list) else None
    return Went(sim, collected, error, sim.now() - start)


def stops(went: Went) -> dict[str, int]:
    """Return how often each task was told to stop."""
    counts: dict[str, int] = {}
    for request in went.requests("StopTask"):
        counts[request["task"]] = counts.get(request["task"], 0) + 1
    return counts


def id_of(arn: str) -> str:
    """Return the id in an ARN."""
    return arn.rsplit("/", 1)[-1]
