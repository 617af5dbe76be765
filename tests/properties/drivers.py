"""Both drivers over the same world, what they are asked to do, how they are cut short, and how that ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from random import Random
from threading import Event, Thread
from typing import Any

import attrs
from support.simulated_ecs import answer as simulated

from ecskit._core.effects import RawResponse, Send
from ecskit._core.errors import EcsError
from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.sync import Runtime
from ecskit._facades.aio_tasks import AsyncTaskVerbs
from ecskit._facades.aio_wait import AsyncWait
from ecskit._facades.sync_tasks import TaskVerbs
from ecskit._facades.sync_wait import Wait
from ecskit._simulator.virtual_clock import EPOCH
from ecskit.testing import Call

from .world import Observations, World

_TURNS = 8
"""Turns of an event loop."""


@attrs.frozen
class Verb:
    """One call of a wait or of a verb of `tasks`."""

    name: str
    arguments: tuple[Any, ...]
    options: dict[str, Any]


class Enough(Exception):  # noqa: N818  # not an error of ours: a listener has seen enough
    """What a listener raises."""


@attrs.frozen(kw_only=True)
class Cut:
    """How a call is cut short: by the first of these that comes to pass."""

    at: float | None = None
    """Cancelled so many seconds after it began."""
    poll: int | None = None
    """Cancelled from the listener of this look."""
    raising: int | None = None
    """The listener of this look raises."""
    request: int | None = None
    """Ctrl-C is pressed in this request; sync only."""
    after_effect: bool = False
    """Whether that request took effect first."""


@attrs.frozen
class Ending:
    """How a call ended."""

    result: Any
    error: BaseException | None
    began: float
    ended: float
    calls: list[Call]
    looks: list[Observations]
    cut_at: float | None = None
    """When it was cut short, if it was before it had ended by itself."""

    @property
    def kind(self) -> str:
        return "ok" if self.error is None else type(self.error).__name__

    @property
    def was_cut(self) -> bool:
        return self.kind in {"WaitCancelled", "CancelledError", "KeyboardInterrupt", "Enough"}

    @property
    def trace(self) -> list[tuple[float, str, str]]:
        """What was sent and when. What is sent at the same moment has no order: threads have none."""
        return sorted((call.time, call.operation, json.dumps(call.request, sort_keys=True)) for call in self.calls)


class Steady(Random):
    """Chance without chance: for flows side by side, which would draw in any order."""

    def getrandbits(self, k: int, /) -> int:
        return (1 << (k - 1)) + 12345


@attrs.define
class Transport:
    """Sends to a simulator with as little in between as possible."""

    world: World
    latency: float = 0.0
    cut: Cut | None = None
    sent: int = 0

    def send(self, send: Send, begin: Callable[[], object]) -> RawResponse:
        self.sent += 1
        interrupted = self.cut is not None and self.cut.request == self.sent
        if interrupted:
            if self.cut is not None and self.cut.after_effect:
                begin()
                with contextlib.suppress(EcsError):
                    self.answer(send)
            self.world.cut_at = self.world.time()
            raise KeyboardInterrupt
        if self.latency:
            self.world.watch.sleep(self.latency / 2)
        begin()
        answer = self.answer(send)
        if self.latency:
            self.world.watch.sleep(self.latency / 2)
        return answer

    def answer(self, send: Send) -> RawResponse:
        return simulated(self.world, send)


@attrs.define
class AsyncTransport:
    """The same, awaited."""

    transport: Transport

    async def send(self, send: Send, begin: Callable[[], object]) -> RawResponse:
        latency, clock = self.transport.latency, self.transport.world.watch
        await (clock.asleep(latency / 2) if latency else asyncio.sleep(0))
        begin()
        answer = self.transport.answer(send)
        if latency:
            await clock.asleep(latency / 2)
        return answer


def run_sync(world: World, verb: Verb, chance: Random, *, latency: float = 0.0, cut: Cut | None = None) -> Ending:
    """Call a verb of the sync client."""
    runtime = Runtime(Transport(world, latency, cut), world.watch, chance)
    cancel = Event()
    options = dict(verb.options)
    if cut is not None:
        options["cancel"] = cancel
        if cut.poll is not None or cut.raising is not None:
            options["on_poll"] = _listener(world, cut, cancel.set)
    with _sync_cut(world, cut, cancel):
        return _ending(world, lambda: _call(runtime, verb, options))


def run_async(world: World, verb: Verb, chance: Random, *, latency: float = 0.0, cut: Cut | None = None) -> Ending:
    """Call a verb of the async client."""
    runtime = AsyncRuntime(AsyncTransport(Transport(world, latency)), world.watch, chance)
    options = dict(verb.options)
    if cut is not None and (cut.poll is not None or cut.raising is not None):
        options["on_poll"] = _listener(world, cut, _cancel_this_task)
    return _ending(world, lambda: asyncio.run(_acall(world, runtime, verb, options, cut)))


def _ending(world: World, run: Any) -> Ending:
    began, calls, looks = world.time(), len(world.calls), len(world.looks)
    result, error = None, None
    try:
        result = run()
    except (EcsError, Enough, KeyboardInterrupt, asyncio.CancelledError) as raised:
        error = raised
    ended = EPOCH + max(world.watch.ended_at.values())
    return Ending(result, error, began, ended, world.calls[calls:], world.looks[looks:], world.cut_at)


def _call(runtime: Runtime, verb: Verb, options: dict[str, Any]) -> Any:
    if verb.name == "as_stopped":
        return list(TaskVerbs(runtime).as_stopped(*verb.arguments, **options))
    namespace: Any = Wait(runtime) if verb.name.startswith("tasks_") else TaskVerbs(runtime)
    return getattr(namespace, verb.name)(*verb.arguments, **options)


async def call_async(runtime: AsyncRuntime, verb: Verb, options: dict[str, Any]) -> Any:
    """Call a verb of the async namespaces."""
    if verb.name == "as_stopped":
        return [outcome async for outcome in AsyncTaskVerbs(runtime).as_stopped(*verb.arguments, **options)]
    namespace: Any = AsyncWait(runtime) if verb.name.startswith("tasks_") else AsyncTaskVerbs(runtime)
    return await getattr(namespace, verb.name)(*verb.arguments, **options)


async def _acall(world: World, runtime: AsyncRuntime, verb: Verb, options: dict[str, Any], cut: Cut | None) -> Any:
    task = asyncio.ensure_future(call_async(runtime, verb, options))
    if cut is None or cut.at is None:
        return await task
    with world.watch.hold():
        canceller = asyncio.ensure_future(world.watch.asleep(cut.at))
        await asyncio.wait({task, canceller}, return_when=asyncio.FIRST_COMPLETED)
        canceller.cancel()
        if not task.done():
            world.cut_at = world.time()
        task.cancel()
        await everybody_heard()
        with world.watch.elsewhere():
            return await task


async def everybody_heard() -> None:
    """Return when a cancellation has reached the sleeping flows. The clock would move on before if it was not held."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)


async def _cancel_this_task() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)  # here it is, before any time passes


def _listener(world: World, cut: Cut, cancel: Any) -> Any:
    polls = 0

    def listen(_: Any) -> Any:
        nonlocal polls
        polls += 1
        if polls in {cut.raising, cut.poll}:
            world.cut_at = world.time()
        if polls == cut.raising:
            raise Enough
        return cancel() if polls == cut.poll else None

    return listen


@attrs.frozen
class _sync_cut:  # noqa: N801  # read as what it does
    """Cancel after some time of the virtual clock, from another thread."""

    world: World
    cut: Cut | None
    cancel: Event
    threads: list[Thread] = attrs.field(factory=list[Thread])

    def __enter__(self) -> None:
        at = None if self.cut is None else self.cut.at
        if at is None:
            return
        clock, held = self.world.watch, Event()
        flows = clock.begun + 1

        def cancel() -> None:
            with clock.hold():
                held.set()
                clock.await_flows(flows)  # counted like this, time does not pass before the call has begun
                clock.sleep(at)
                self.world.cut_at = self.world.time()
                self.cancel.set()

        thread = Thread(target=cancel)
        self.threads.append(thread)
        thread.start()
        held.wait()

    def __exit__(self, *_: object) -> None:
        for thread in self.threads:
            thread.join()
