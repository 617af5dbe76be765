"""Performing an act in both colours against a scripted ECS: the same requests at the same times, the same result."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import attrs

from ecskit._core.effects import RawResponse, Send
from ecskit._core.errors import EcsError
from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.sync import Runtime
from ecskit._facades.aio_services import AsyncServiceVerbs
from ecskit._facades.aio_wait import AsyncWait
from ecskit._facades.sync_services import ServiceVerbs
from ecskit._facades.sync_wait import Wait

from .scripted import READS, Scripted, Wire, World


@attrs.define
class ScriptedAsync:
    """The same transport, awaited."""

    scripted: Scripted

    async def send(self, send: Send, begin: Callable[[], object]) -> RawResponse:
        """Answer a request."""
        await asyncio.sleep(0)
        return self.scripted.send(send, begin)


@attrs.frozen
class Ecs:
    """The namespaces of a client."""

    colour: str
    services: Any
    wait: Any
    clock: Any


Act = Callable[[Ecs], Any]


@attrs.frozen
class Went:
    """How an act went."""

    result: Any
    error: BaseException | None
    items: list[Any]
    """What it yielded before its end."""
    calls: list[tuple[float, str, Wire]]
    elapsed: float
    warnings: list[str]
    transport: Scripted

    @property
    def verdict(self) -> str:
        """The status that the deployment ended with, or the name of the error."""
        if self.error is not None:
            return type(self.error).__name__
        return str(getattr(self.result, "status", "ended"))

    def sent(self, operation: str) -> list[Wire]:
        """Return the requests of an operation."""
        return [params for _, called, params in self.calls if called == operation]

    @property
    def operations(self) -> list[str]:
        """The operations, in order."""
        return [operation for _, operation, _ in self.calls]

    @property
    def told(self) -> Any:
        """What the other colour has to come to as well."""
        items = [(type(item).__name__, str(item)) for item in self.items]
        return self.calls, type(self.error), str(self.error), self.result, items, self.elapsed, self.warnings


class _Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(record.getMessage())


def both(act: Act, world: World, *, seed: int = 0) -> Went:
    """Perform an act in both colours, check that they did the same, and return how it went."""
    sync, aio = perform(act, world, seed=seed), asyncio.run(aperform(act, world, seed=seed))
    assert sync.told == aio.told
    return sync


def perform(act: Act, world: World, *, seed: int = 0, transport: Scripted | None = None) -> Went:
    """Perform an act with a sync client, a new one if there is a transport already; a stream is followed to its end."""
    transport, log = transport or Scripted(world), _Warnings()
    runtime = Runtime(transport, transport.clock, Random(seed))
    ecs = Ecs("sync", ServiceVerbs(runtime), Wait(runtime), transport.clock)
    result, error, items = None, None, list[Any]()
    logging.getLogger("ecskit").addHandler(log)
    try:
        result = act(ecs)
        if hasattr(result, "__next__"):
            stream, result = result, None
            for item in stream:
                items.append(item)  # what came before an error is kept
    except Exception as raised:  # noqa: BLE001  # a callback's own error is an end like others
        error = raised
    finally:
        logging.getLogger("ecskit").removeHandler(log)
    return Went(result, error, items, transport.calls, transport.clock.now(), log.told, transport)


async def aperform(act: Act, world: World, *, seed: int = 0) -> Went:
    """Perform an act with an async client."""
    transport, log = Scripted(world), _Warnings()
    runtime = AsyncRuntime(ScriptedAsync(transport), transport.clock, Random(seed))
    ecs = Ecs("async", AsyncServiceVerbs(runtime), AsyncWait(runtime), transport.clock)
    result, error, items = None, None, list[Any]()
    logging.getLogger("ecskit").addHandler(log)
    try:
        result = act(ecs)
        if hasattr(result, "__anext__"):
            stream, result = result, None
            async for item in stream:
                items.append(item)  # the same
        while inspect.isawaitable(result):
            result = await result
    except Exception as raised:  # noqa: BLE001  # the same
        result, error = None, raised
    finally:
        logging.getLogger("ecskit").removeHandler(log)
    return Went(result, error, items, transport.calls, transport.clock.now(), log.told, transport)


def then(first: Any, next_: Callable[[Any], Any]) -> Any:
    """Return what a function makes of a result, awaited in the async colour."""
    if not inspect.isawaitable(first):
        return next_(first)

    async def chained() -> Any:
        result = next_(await first)
        return await result if inspect.isawaitable(result) else result

    return chained()


def deploys(**options: Any) -> Act:
    """Return the act that deploys web:2."""
    return lambda ecs: ecs.services.deploy("web", cluster="prod", task_definition="web:2", **options)


def streams(**options: Any) -> Act:
    """Return the act that deploys web:2, and follows the events."""

    def act(ecs: Ecs) -> Any:
        started = ecs.services.start_deployment("web", cluster="prod", task_definition="web:2")
        if ecs.colour == "sync":
            return started.events(**options)
        return _awaited(started, options)

    return act


async def _awaited(started: Any, options: Mapping[str, Any]) -> Any:
    async for event in (await started).events(**options):
        yield event


def variants(world: World) -> dict[str, World]:
    """Return the same story told by an ECS that is slow, forgetful, throttled, or behind."""
    made: dict[str, World] = {
        "without updatedAt": attrs.evolve(world, times="no updates"),
        "list lags": attrs.evolve(world, lists_after=25.0),
        "nulls": attrs.evolve(world, nulls=True),
        "controller is not told": attrs.evolve(world, controller=None),
        "counted at once": attrs.evolve(world, counting="at_once"),
        "counted stepwise": attrs.evolve(world, counting="stepwise"),
    }
    for operation in READS:
        for word in ("throttle", "500", "reset", "timeout"):
            for nth in (1, 2, 4):
                faults = {operation: dict.fromkeys(range(nth, nth + 2), word)}
                made[f"{word} at {operation} {nth}"] = attrs.evolve(world, faults=faults)
        for nth in range(8):
            made[f"stale {operation} {nth}"] = attrs.evolve(world, stale=(operation, nth))
    return made


def is_ecs(error: BaseException | None) -> EcsError:
    """Return an error, which has to be one of ecskit's."""
    assert isinstance(error, EcsError), repr(error)
    return error
