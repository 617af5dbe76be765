"""Transports that answer by a script, on a virtual clock, and flows that run on them under both drivers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

import attrs

from ecskit._core.effects import Flow, RawResponse, Send
from ecskit._core.errors import EcsError
from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.sync import Runtime
from ecskit._polling.errors import WaitStory
from ecskit._simulator.virtual_clock import VirtualClock

from .both_clients import Ended


class Scripted:
    """A transport that answers by a script, and keeps the calls."""

    clock: VirtualClock
    latency: float = 0.0
    """Seconds until a request takes effect and is answered."""
    calls: list[Any]

    def send(self, send: Send, begin: Callable[[], object]) -> RawResponse:
        """Answer a request."""
        if self.latency:
            self.clock.sleep(self.latency)
        begin()
        return self.answer(send)

    def answer(self, send: Send) -> RawResponse:
        """Answer a request without taking time."""
        raise NotImplementedError


@attrs.define
class ScriptedAsync:
    """A scripted transport for the async driver: it yields to the event loop before each answer."""

    scripted: Scripted

    async def send(self, send: Send, begin: Callable[[], object]) -> RawResponse:
        """Answer a request."""
        await asyncio.sleep(0)
        if self.scripted.latency:
            await self.scripted.clock.asleep(self.scripted.latency)
        begin()
        return self.scripted.answer(send)


@attrs.frozen
class Run(Ended):
    """How a flow ended, and what it requested."""

    calls: list[Any]
    elapsed: float

    @property
    def story(self) -> WaitStory:
        """The story of the wait that its error has."""
        assert self.error is not None
        story = getattr(self.error, "story", None)
        assert isinstance(story, WaitStory), self.error
        return story


ScriptedT = TypeVar("ScriptedT", bound=Scripted)


def run_both(make: Callable[[], ScriptedT], flow: Callable[[], Flow[Any]], *, seed: int = 0) -> tuple[Run, ScriptedT]:
    """Run a flow under both drivers, check that they did the same, and return how it went under the sync driver."""
    scripted, other = make(), make()
    sync = _run(scripted, lambda: Runtime(scripted, scripted.clock, Random(seed)).run(flow()))
    runtime = AsyncRuntime(ScriptedAsync(other), other.clock, Random(seed))
    aio = _run(other, lambda: asyncio.run(_awaited(runtime, flow)))
    assert sync.calls == aio.calls
    assert (sync.result, sync.elapsed) == (aio.result, aio.elapsed)
    assert (type(sync.error), str(sync.error)) == (type(aio.error), str(aio.error))
    return sync, scripted


async def _awaited(runtime: AsyncRuntime, flow: Callable[[], Flow[Any]]) -> Any:
    return await runtime.run(flow())


def _run(scripted: Scripted, run: Callable[[], Any]) -> Run:
    result, error = None, None
    try:
        result = run()
    except EcsError as raised:
        error = raised
    # Calls of one poll come from several threads: in any order.
    calls = sorted(scripted.calls, key=lambda call: (call.now, repr(call)))
    return Run(result, error, [], calls, scripted.clock.now())
