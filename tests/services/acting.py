"""Performing an act with both clients against a scripted ECS: the same requests at the same times, the same result."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from random import Random
from typing import Any

import attrs
from support.both_clients import Act, Ecs, Ended, aend_of, end_of
from support.scripted_ecs import ScriptedAsync

from ecskit._core.errors import EcsError
from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.sync import Runtime

from .scripted import READS, Compared, Scripted, Wire, World


@attrs.frozen
class Went(Ended):
    """How an act ended, and what it requested."""

    calls: list[tuple[float, str, Wire]]
    elapsed: float
    warnings: list[str]
    transport: Scripted

    def sent(self, operation: str) -> list[Wire]:
        """Return the requests of an operation."""
        return [params for _, called, params in self.calls if called == operation]

    @property
    def operations(self) -> list[str]:
        """The operations, in order."""
        return [operation for _, operation, _ in self.calls]

    @property
    def compared(self) -> Any:
        """What must be the same for both clients."""
        items = [(type(item).__name__, str(item)) for item in self.items]
        result = None if self.items else self.result
        return self.calls, type(self.error), str(self.error), result, items, self.elapsed, self.warnings


class _Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def _warnings() -> Generator[list[str], None, None]:
    """Collect what ecskit warns of in its log."""
    log = _Warnings()
    logging.getLogger("ecskit").addHandler(log)
    try:
        yield log.lines
    finally:
        logging.getLogger("ecskit").removeHandler(log)


def both(act: Act, world: World, *, seed: int = 0) -> Went:
    """Perform an act with both clients, check that they did the same, and return how it went."""
    sync, aio = perform(act, world, seed=seed), asyncio.run(aperform(act, world, seed=seed))
    assert sync.compared == aio.compared
    return sync


def perform(act: Act, world: World, *, seed: int = 0, transport: Scripted | None = None) -> Went:
    """Perform an act with a sync client, a new one if there is a transport already; a stream is followed to its end."""
    transport = transport or Scripted(world)
    ecs = Ecs.driven(Runtime(transport, transport.clock, Random(seed)), transport)
    with _warnings() as warnings:
        ended = end_of(act, ecs, Exception)  # a callback's own error is an end like others
    return _went(ended, transport, warnings)


async def aperform(act: Act, world: World, *, seed: int = 0) -> Went:
    """Perform an act with an async client."""
    transport = Scripted(world)
    ecs = Ecs.driven(AsyncRuntime(ScriptedAsync(transport), transport.clock, Random(seed)), transport)
    with _warnings() as warnings:
        ended = await aend_of(act, ecs, Exception)
    return _went(ended, transport, warnings)


def _went(ended: Ended, scripted: Scripted, warnings: list[str]) -> Went:
    elapsed = scripted.clock.now()
    return Went(ended.result, ended.error, ended.items, scripted.calls, elapsed, warnings, scripted)


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


def variants(act: Act, world: World) -> dict[str, World]:
    """Return the same story with delays, missing members, throttling or stale reads."""
    return {
        "without updatedAt": attrs.evolve(world, times="no updates"),
        "list lags": attrs.evolve(world, lists_after=25.0),
        "nulls": attrs.evolve(world, nulls=True),
        "controller is absent": attrs.evolve(world, controller=None),
        "counted at once": attrs.evolve(world, counting="at_once"),
        "counted stepwise": attrs.evolve(world, counting="stepwise"),
        **disturbed(act, world, READS, WORDS, errors=(1, 2, 4), stale=range(8)),
    }


WORDS = ("throttle", "500", "reset", "timeout")
"""The errors that reads of a variant meet."""


def disturbed(
    act: Act, world: World, reads: Iterable[str], words: Iterable[str], *, errors: Iterable[int], stale: Iterable[int]
) -> dict[str, World]:
    """Return the same story with two errors in a row at each of these reads, or with a stale answer.

    Only those in which the act meets the error, or gets another answer: it goes through all others as without them.

    Args:
        act: The act.
        world: The story.
        reads: The operations.
        words: The errors.
        errors: Which request of an operation meets the first error, from 0.
        stale: Which read since UpdateService is stale, from 0.
    """
    transport = Compared(world)
    plain = perform(act, world, transport=transport)
    made: dict[str, World] = {}
    for operation in reads:
        sent = len(plain.sent(operation))
        for word, nth in itertools.product(words, [nth for nth in errors if nth < sent]):
            faults = {operation: dict.fromkeys(range(nth, nth + 2), word)}
            made[f"{word} at {operation} {nth}"] = attrs.evolve(world, faults=faults)
        for nth in stale:
            if (operation, nth) in transport.differ:
                made[f"stale {operation} {nth}"] = attrs.evolve(world, stale=(operation, nth))
    return made


def is_ecs(error: BaseException | None) -> EcsError:
    """Return an error, which has to be one of ecskit's."""
    assert isinstance(error, EcsError), repr(error)
    return error
