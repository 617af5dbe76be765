"""Perform one act with the sync and the async client, and compare.

An act is a function of the namespaces of a client. Each client performs it on a fresh simulator with the same seed.
Both must reach the same result by the same calls at the same times.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import json
import re
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import attrs

from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.sync import Runtime
from ecskit._facades.aio_clusters import AsyncClusterVerbs
from ecskit._facades.aio_container_instances import AsyncContainerInstanceVerbs
from ecskit._facades.aio_services import AsyncServiceVerbs
from ecskit._facades.aio_tags import AsyncTagVerbs
from ecskit._facades.aio_task_definitions import AsyncTaskDefinitionVerbs
from ecskit._facades.aio_task_sets import AsyncTaskSetVerbs
from ecskit._facades.aio_tasks import AsyncTaskVerbs
from ecskit._facades.aio_wait import AsyncWait
from ecskit._facades.sync_clusters import ClusterVerbs
from ecskit._facades.sync_container_instances import ContainerInstanceVerbs
from ecskit._facades.sync_services import ServiceVerbs
from ecskit._facades.sync_tags import TagVerbs
from ecskit._facades.sync_task_definitions import TaskDefinitionVerbs
from ecskit._facades.sync_task_sets import TaskSetVerbs
from ecskit._facades.sync_tasks import TaskVerbs
from ecskit._facades.sync_wait import Wait
from ecskit._simulator.virtual_clock import EPOCH
from ecskit.testing import Call, Simulator

from .in_order import InOrder
from .simulated_ecs import AsyncSends, Sends

Wire = dict[str, Any]
Act = Callable[[Any], Any]


class Aside(Wire):
    """A request that a test sends for itself: `Went.calls` leaves it out."""


@attrs.frozen
class Ecs:
    """The namespaces of a client, and the simulator, or scripted transport, behind it."""

    sim: Any
    colour: str
    services: Any
    tasks: Any
    clusters: Any
    container_instances: Any
    task_sets: Any
    task_definitions: Any
    tags: Any
    wait: Any

    @classmethod
    def sync(cls, sim: Simulator, **hooks: Any) -> Ecs:
        """Return the sync namespaces on a simulator."""
        return cls.driven(Runtime(Sends(sim, order=InOrder(sim.clock), **hooks), sim.clock, Random(0)), sim)

    @classmethod
    def aio(cls, sim: Simulator, **hooks: Any) -> Ecs:
        """Return the async namespaces on a simulator."""
        return cls.driven(AsyncRuntime(AsyncSends(Sends(sim, **hooks)), sim.clock, Random(0)), sim)

    @classmethod
    def driven(cls, runtime: Any, sim: Any) -> Ecs:
        """Return the namespaces on a driver."""
        if isinstance(runtime, AsyncRuntime):
            kinds: Any = (
                *(AsyncServiceVerbs, AsyncTaskVerbs, AsyncClusterVerbs, AsyncContainerInstanceVerbs),
                *(AsyncTaskSetVerbs, AsyncTaskDefinitionVerbs, AsyncTagVerbs, AsyncWait),
            )
            return cls(sim, "async", *(kind(runtime) for kind in kinds))
        kinds = (
            *(ServiceVerbs, TaskVerbs, ClusterVerbs, ContainerInstanceVerbs),
            *(TaskSetVerbs, TaskDefinitionVerbs, TagVerbs, Wait),
        )
        return cls(sim, "sync", *(kind(runtime) for kind in kinds))

    @classmethod
    def of(cls, client: Any, sim: Simulator, colour: str) -> Ecs:
        """Return the namespaces of a whole client."""
        names = (
            "services",
            "tasks",
            "clusters",
            "container_instances",
            "task_sets",
            "task_definitions",
            "tags",
            "wait",
        )
        return cls(sim, colour, *(getattr(client, name) for name in names))

    @property
    def clock(self) -> Any:
        """The clock of the simulator."""
        return self.sim.clock

    @property
    def arns(self) -> list[str]:
        """The tasks that were launched."""
        return [task.arn for task in self.sim.tasks()]


@attrs.frozen
class Ended:
    """How an act ended."""

    result: Any
    """What it returned; of an iterator, the items."""
    error: BaseException | None
    items: list[Any]
    """What an iterator yielded before its end."""

    @property
    def verdict(self) -> str:
        """The status of the result, or the name of the error."""
        if self.error is not None:
            return type(self.error).__name__
        return str(getattr(self.result, "status", "ended"))

    @property
    def message(self) -> str:
        """The text of the error, without the ids of tasks."""
        return re.sub(r"[0-9a-f]{32}", "ID", str(self.error))

    def raised(self, kind: type[Any]) -> Any:
        """Return the error, which must be of this class."""
        assert type(self.error) is kind, repr(self.error)
        return self.error

    def returned(self) -> Any:
        """Return the result; raise the error if there is one."""
        if self.error is not None:
            raise self.error
        return self.result


@attrs.frozen
class Went(Ended):
    """How an act on a simulator ended, and what it requested."""

    sim: Any
    elapsed: float
    calls: list[Call]
    """What was requested while the act was performed, by any caller."""

    def requests(self, operation: str) -> list[Wire]:
        """Return the requests of an operation, in order."""
        return [call.request for call in self.calls if call.operation == operation]

    def times(self, operation: str) -> list[float]:
        """Return the times of these requests, in seconds from the start of the simulator's clock."""
        return [call.time - EPOCH for call in self.calls if call.operation == operation]

    def naps(self, operation: str) -> list[float]:
        """Return the seconds between these requests."""
        return [later - earlier for earlier, later in itertools.pairwise(self.times(operation))]

    @property
    def operations(self) -> list[str]:
        """The operations, in order."""
        return [call.operation for call in self.calls]

    @property
    def running(self) -> list[str]:
        """The tasks that run and are not to stop."""
        return [task.arn for task in self.sim.tasks() if task.desired_status == "RUNNING"]

    @property
    def runs(self) -> str:
        """The task definition of the PRIMARY deployment of the service web, without its ARN."""
        [service] = Simulator.handle(self.sim, "DescribeServices", Aside(services=["web"]))["services"]
        name: str = service["deployments"][0]["taskDefinition"].rsplit("/", 1)[-1]
        return name


def end_of(act: Act, ecs: Any, kinds: type[BaseException] = BaseException) -> Ended:
    """Perform an act with a sync client, and follow an iterator to its end; errors of these kinds are an end."""
    result, items = None, list[Any]()
    try:
        result = act(ecs)
        if hasattr(result, "__next__"):
            iterator, result = result, items
            for item in iterator:
                items.append(item)  # what came before an error is kept
    except kinds as error:  # KeyboardInterrupt is an end like others
        return Ended(None, error, items)
    return Ended(result, None, items)


async def aend_of(act: Act, ecs: Any, kinds: type[BaseException] = BaseException) -> Ended:
    """Perform an act with an async client in the same way."""
    result, items = None, list[Any]()
    try:
        result = act(ecs)
        if hasattr(result, "__anext__"):
            iterator, result = result, items
            async for item in iterator:
                items.append(item)
        while inspect.isawaitable(result):
            result = await result
    except kinds as error:
        return Ended(None, error, items)
    return Ended(result, None, items)


def perform(act: Act, ecs: Ecs) -> Went:
    """Perform an act with a sync client on a simulator."""
    start, first = ecs.sim.time(), len(ecs.sim.calls)
    return _went(end_of(act, ecs), ecs.sim, start, first)


async def aperform(act: Act, ecs: Ecs) -> Went:
    """Perform an act with an async client on a simulator."""
    start, first = ecs.sim.time(), len(ecs.sim.calls)
    return _went(await aend_of(act, ecs), ecs.sim, start, first)


def _went(ended: Ended, sim: Any, start: float, first: int) -> Went:
    calls = [call for call in sim.calls[first:] if not isinstance(call.request, Aside)]
    return Went(ended.result, ended.error, ended.items, sim, sim.time() - start, calls)


def _same(value: Any) -> Any:
    return value


def comparable(
    went: Went, *, request: Callable[[Wire], Wire] = _same, result: Callable[[Any], Any] = _same
) -> tuple[Any, ...]:
    """Return what must be the same for both clients, the order of parallel requests aside."""
    calls = sorted(
        (
            round(call.time - EPOCH, 6),
            call.operation,
            json.dumps(request(dict(call.request)), sort_keys=True, default=str),
        )
        for call in went.calls
    )
    items = [(type(item).__name__, str(item)) for item in went.items if went.error is not None]
    return calls, type(went.error), went.message, result(went.result), items, round(went.elapsed, 6)


def both(
    act: Act,
    make: Callable[[], Simulator],
    *,
    hooks: Callable[[], Mapping[str, Any]] = dict,
    compared: Callable[[Went], Any] = comparable,
) -> Went:
    """Perform an act with both clients, check that they did the same, and return how it went."""
    sync = perform(act, Ecs.sync(make(), **hooks()))
    aio = asyncio.run(aperform(act, Ecs.aio(make(), **hooks())))
    assert compared(sync) == compared(aio)
    return sync


def through_botocore(act: Act, make: Callable[[], Simulator], *, compared: Callable[[Went], Any] = comparable) -> Went:
    """Do the same with the simulator's own clients: through botocore and aiobotocore."""
    sim = make()
    with sim.client() as client:
        sync = perform(act, Ecs.of(client, sim, "sync"))

    async def run() -> Went:
        sim = make()
        async with sim.async_client() as client:
            return await aperform(act, Ecs.of(client, sim, "async"))

    assert compared(sync) == compared(asyncio.run(run()))
    return sync


def then(first: Any, next_: Callable[[Any], Any]) -> Any:
    """Return what a function makes of a result, awaited with the async client."""
    if not inspect.isawaitable(first):
        return next_(first)

    async def chained() -> Any:
        result = next_(await first)
        return await result if inspect.isawaitable(result) else result

    return chained()
