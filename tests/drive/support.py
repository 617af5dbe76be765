"""Toy transports, and the two drivers behind one face, so that a behaviour is stated once for both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import attrs

from ecskit._core.effects import Cancelled, DrawRandom, Flow, Parallel, RawResponse, Reply, Send, Sleep
from ecskit._core.errors import ConnectionFailedError
from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.sync import Runtime
from ecskit._simulator.virtual_clock import VirtualClock

BROKEN = ConnectionFailedError("break", "the connection broke")

Act = Callable[[], Any]


@attrs.define
class Driver:
    """One of the two drivers with a transport whose operations do what `acts` says; without an act they succeed.

    Two acts are always there: `break` fails, `interrupt` interrupts whoever runs the flow.
    """

    acts: Mapping[str, Act] = attrs.field(factory=dict[str, Act])
    clock: VirtualClock = attrs.field(factory=VirtualClock)
    sent: list[str] = attrs.field(factory=list[str])
    times: list[float] = attrs.field(factory=list[float])
    leaves: bool = True
    """Whether requests come as far as to leave."""

    interruption: type[BaseException] = BaseException

    def run(self, flow: Flow[Any]) -> Any:
        """Run a flow to its end."""
        raise NotImplementedError

    def items(self, flow: Flow[None]) -> list[Any]:
        """Iterate over a flow to its end."""
        raise NotImplementedError

    def close_after(self, flow: Flow[None], count: int) -> list[Any]:
        """Take some items of a flow and close the iterator."""
        raise NotImplementedError

    def _link(self, url: str | None) -> Any:
        if url == "wss://broken":
            raise BROKEN
        return f"link to {url}"

    def _note(self, send: Send) -> None:
        self.sent.append(send.operation)
        self.times.append(self.clock.now())
        if send.operation == "break":
            raise BROKEN


class SyncDriver(Driver):
    """The sync one; Ctrl-C interrupts it."""

    interruption = KeyboardInterrupt

    @property
    def runtime(self) -> Runtime:
        """The driver itself."""
        return Runtime(self, self.clock, Random(0), connect=self._link)

    def send(self, send: Send, begin: Callable[[], object]) -> RawResponse:
        """Send."""
        if self.leaves:
            begin()
        self._note(send)
        if send.operation == "interrupt":
            raise KeyboardInterrupt
        if send.operation in self.acts:
            self.acts[send.operation]()
        return RawResponse(send.operation.encode(), {})

    def run(self, flow: Flow[Any]) -> Any:
        """Run a flow to its end."""
        return self.runtime.run(flow)

    def items(self, flow: Flow[None]) -> list[Any]:
        """Iterate over a flow to its end."""
        return list(self.runtime.iterate(flow))

    def close_after(self, flow: Flow[None], count: int) -> list[Any]:
        """Take some items of a flow and close the iterator."""
        iterator = self.runtime.iterate(flow)
        taken = [next(iterator) for _ in range(count)]
        iterator.close()
        return taken


class AsyncDriver(Driver):
    """The async one; the cancellation of its task interrupts it."""

    interruption = asyncio.CancelledError
    root: asyncio.Task[Any] | None = None

    @property
    def runtime(self) -> AsyncRuntime:
        """The driver itself."""
        return AsyncRuntime(self, self.clock, Random(0), connect=self._connect)

    async def _connect(self, url: str | None) -> Any:
        return self._link(url)

    async def send(self, send: Send, begin: Callable[[], object]) -> RawResponse:
        """Send."""
        if self.leaves:
            begin()
        self._note(send)
        await asyncio.sleep(0)
        if send.operation == "interrupt":
            assert self.root
            self.root.cancel()
            await asyncio.Event().wait()
        if send.operation in self.acts:
            done = self.acts[send.operation]()
            if asyncio.iscoroutine(done):
                await done
        return RawResponse(send.operation.encode(), {})

    def run(self, flow: Flow[Any]) -> Any:
        """Run a flow to its end."""

        async def main() -> Any:
            self.root = asyncio.current_task()
            try:
                return await self.runtime.run(flow)
            finally:
                assert asyncio.all_tasks() == {self.root}, "something was left running"

        return asyncio.run(main(), debug=True)

    def items(self, flow: Flow[None]) -> list[Any]:
        """Iterate over a flow to its end."""

        async def main() -> list[Any]:
            self.root = asyncio.current_task()
            return [item async for item in self.runtime.iterate(flow)]

        return asyncio.run(main(), debug=True)

    def close_after(self, flow: Flow[None], count: int) -> list[Any]:
        """Take some items of a flow and close the iterator."""

        async def main() -> list[Any]:
            self.root = asyncio.current_task()
            iterator = self.runtime.iterate(flow)
            taken = [await anext(iterator) for _ in range(count)]
            await iterator.aclose()
            assert asyncio.all_tasks() == {self.root}, "something was left running"
            return taken

        return asyncio.run(main(), debug=True)


def send(*operations: str) -> Flow[list[str]]:
    """Send operations one after the other and return what came."""
    answers: list[str] = []
    for operation in operations:
        reply: Reply[RawResponse] = yield Send(operation, {})
        answers.append(reply.get().body.decode())
    return answers


def nap(seconds: float) -> Flow[float]:
    """Sleep and return the time."""
    return (yield Sleep(seconds)).now


def cleaning(flow: Flow[Any], *operations: str) -> Flow[Any]:
    """Run a flow, and send operations behind it if it is cut short."""
    try:
        return (yield from flow)
    except Cancelled:
        yield from send(*operations)
        raise


def parallel(*flows: Flow[Any], limit: int = 4) -> Flow[list[Reply[Any]]]:
    """Run flows side by side."""
    reply: Reply[list[Reply[Any]]] = yield Parallel(flows, limit)
    return reply.get()


def draw() -> Flow[int]:
    """Draw a number."""
    drawn: Reply[int] = yield DrawRandom()
    return drawn.get()
