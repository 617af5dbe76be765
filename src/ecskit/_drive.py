"""The two drivers: they perform what flows yield. They decide nothing, and nothing else performs.

Clock, sleep and randomness are handed in. When a flow is cut short (a task is cancelled, Ctrl-C, an iterator closed)
the driver throws `Cancelled` into it, performs the clean-up effects that it yields, for at most `CLEAN_UP` seconds,
and raises the original again.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import time
from collections.abc import AsyncGenerator, Awaitable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from random import Random
from threading import Event
from typing import Any, Protocol, TypeVar

import attrs

from ecskit._core.effects import (
    Cancelled,
    Draw,
    Effect,
    Emit,
    Flow,
    Observe,
    Parallel,
    RawResponse,
    Reply,
    Send,
    Sleep,
    Tell,
)
from ecskit._core.errors import EcsError
from ecskit._core.wait_errors import WaitCancelled

__all__ = ["AsyncRuntime", "Clock", "Runtime", "SystemClock"]

T = TypeVar("T")

CLEAN_UP = 10.0
"""Seconds that the clean-up of a flow may take."""


class Clock(Protocol):
    """Where time comes from, and how one waits for it."""

    def now(self) -> float:
        """Return the monotonic time in seconds."""
        ...

    def sleep(self, seconds: float, cancel: Event | None) -> None:
        """Return after `seconds`, or when `cancel` is set."""
        ...

    async def asleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        ...

    def flow(self) -> contextlib.AbstractContextManager[None]:
        """Count a flow that runs here, from the moment the context is entered."""
        ...

    def elsewhere(self) -> contextlib.AbstractContextManager[None]:
        """Do not count the flow in this context: it waits for others."""
        ...


class Sends(Protocol):
    """A sync transport."""

    def send(self, send: Send) -> RawResponse:
        """Send one request; raise EcsError."""
        ...


class AsyncSends(Protocol):
    """An async transport."""

    def send(self, send: Send) -> Awaitable[RawResponse]:
        """Send one request; raise EcsError."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Return the monotonic time in seconds."""
        return time.monotonic()

    def sleep(self, seconds: float, cancel: Event | None) -> None:
        """Return after `seconds`, or when `cancel` is set."""
        if cancel is None:
            time.sleep(seconds)
        else:
            cancel.wait(seconds)

    async def asleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await asyncio.sleep(seconds)

    def flow(self) -> contextlib.AbstractContextManager[None]:
        """Do nothing: real time passes whoever runs."""
        return contextlib.nullcontext()

    elsewhere = flow


class _Cut(BaseException):
    """The caller's cancel event was set."""


@attrs.frozen
class Runtime:
    """The sync driver, with what it performs effects with."""

    transport: Sends
    clock: Clock
    random: Random

    def run(self, flow: Flow[T], cancel: Event | None = None) -> T:
        """Perform a flow to its end and return its result.

        Raises:
            WaitCancelled: `cancel` was set.
        """
        try:
            with self.clock.flow():
                return self._run(flow, cancel)
        except _Cut:
            raise WaitCancelled from None

    def iterate(self, flow: Flow[None]) -> Generator[Any, None, None]:
        """Perform a flow as far as the consumer asks for what it emits."""
        reply: Any = None
        try:
            while True:
                with self.clock.flow():
                    effect = flow.send(reply)
                    while not isinstance(effect, Emit):
                        effect = flow.send(self._perform(effect, None))
                yield effect.item
                reply = Reply(self.clock.now())
        except StopIteration:
            return
        except (KeyboardInterrupt, GeneratorExit):
            self._clean_up(flow)
            raise

    def _run(self, flow: Flow[T], cancel: Event | None) -> T:
        step: Any = flow.send
        given: Any = None
        try:
            while True:
                effect = step(given)
                try:
                    step, given = flow.send, self._perform(effect, cancel)
                except Exception as error:  # noqa: BLE001  # a listener's, or a bug: the flow may clean up behind it
                    step, given = flow.throw, error
        except StopIteration as stop:
            result: T = stop.value
            return result
        except (KeyboardInterrupt, _Cut):
            self._clean_up(flow)
            raise

    def _perform(self, effect: Effect, cancel: Event | None) -> Reply[Any]:
        if cancel is not None and cancel.is_set():
            raise _Cut
        value: Any = None
        match effect:
            case Send():
                try:
                    value = self.transport.send(effect)
                except EcsError as error:
                    return Reply(self.clock.now(), error=error)
            case Sleep(seconds):
                self.clock.sleep(seconds, cancel)
            case Draw():
                value = self.random.getrandbits(128)
            case Observe(query, ids, until):
                self._perform(Sleep(max(0.0, until - self.clock.now())), cancel)
                value = self._run(query.look(ids), cancel)
            case Parallel(flows, limit):
                value = self._all(flows, limit, cancel)
            case Tell(listener, told):
                listener(told)
            case Emit():
                raise TypeError("a flow that emits is iterated over, not run")
        return Reply(self.clock.now(), value)

    def _all(self, flows: Sequence[Flow[Any]], limit: int, cancel: Event | None) -> list[Reply[Any]]:
        stop = cancel or Event()

        def one(flow: Flow[Any]) -> Reply[Any]:
            with self.clock.flow():
                try:
                    return Reply(self.clock.now(), self._run(flow, stop))
                except EcsError as error:
                    return Reply(self.clock.now(), error=error)

        with self.clock.elsewhere(), ThreadPoolExecutor(min(limit, len(flows))) as threads:
            futures = [threads.submit(copy_context().run, one, flow) for flow in flows]
            try:
                return [future.result() for future in futures]
            except BaseException:
                stop.set()
                raise

    def _clean_up(self, flow: Flow[Any]) -> None:
        end = self.clock.now() + CLEAN_UP
        with contextlib.suppress(StopIteration, Cancelled), contextlib.closing(flow):
            effect = flow.throw(Cancelled())
            while self.clock.now() < end:
                effect = flow.send(self._perform(effect, None))


@attrs.frozen
class AsyncRuntime:
    """The async driver, with what it performs effects with."""

    transport: AsyncSends
    clock: Clock
    random: Random

    async def run(self, flow: Flow[T]) -> T:
        """Perform a flow to its end and return its result."""
        with self.clock.flow():
            return await self._run(flow)

    async def iterate(self, flow: Flow[None]) -> AsyncGenerator[Any, None]:
        """Perform a flow as far as the consumer asks for what it emits."""
        reply: Any = None
        try:
            while True:
                with self.clock.flow():
                    effect = flow.send(reply)
                    while not isinstance(effect, Emit):
                        effect = flow.send(await self._perform(effect))
                yield effect.item
                reply = Reply(self.clock.now())
        except StopIteration:
            return
        except (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit):
            await self._clean_up(flow)
            raise

    async def _run(self, flow: Flow[T]) -> T:
        step: Any = flow.send
        given: Any = None
        try:
            while True:
                effect = step(given)
                try:
                    step, given = flow.send, await self._perform(effect)
                except Exception as error:  # noqa: BLE001  # a listener's, or a bug: the flow may clean up behind it
                    step, given = flow.throw, error
        except StopIteration as stop:
            result: T = stop.value
            return result
        except (asyncio.CancelledError, KeyboardInterrupt):
            await self._clean_up(flow)
            raise

    async def _perform(self, effect: Effect) -> Reply[Any]:
        value: Any = None
        match effect:
            case Send():
                try:
                    value = await self.transport.send(effect)
                except EcsError as error:
                    return Reply(self.clock.now(), error=error)
            case Sleep(seconds):
                await self.clock.asleep(seconds)
            case Draw():
                value = self.random.getrandbits(128)
            case Observe(query, ids, until):
                await self._perform(Sleep(max(0.0, until - self.clock.now())))
                value = await self._run(query.look(ids))
            case Parallel(flows, limit):
                value = await self._all(flows, limit)
            case Tell(listener, told):
                answer = listener(told)
                if inspect.isawaitable(answer):
                    await answer
            case Emit():
                raise TypeError("a flow that emits is iterated over, not run")
        return Reply(self.clock.now(), value)

    async def _all(self, flows: Sequence[Flow[Any]], limit: int) -> list[Reply[Any]]:
        room = asyncio.Semaphore(limit)

        async def one(flow: Flow[Any]) -> Reply[Any]:
            async with room:
                with self.clock.flow():
                    try:
                        return Reply(self.clock.now(), await self._run(flow))
                    except EcsError as error:
                        return Reply(self.clock.now(), error=error)

        with self.clock.elsewhere():
            return await asyncio.gather(*map(one, flows))

    async def _clean_up(self, flow: Flow[Any]) -> None:
        cleaning = asyncio.ensure_future(self._clean(flow))
        try:
            await asyncio.wait({cleaning}, timeout=CLEAN_UP)
        finally:
            # Reached early if a second cancellation comes: then it ends here too.
            cleaning.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await cleaning

    async def _clean(self, flow: Flow[Any]) -> None:
        with contextlib.suppress(StopIteration, Cancelled), contextlib.closing(flow):
            effect = flow.throw(Cancelled())
            while True:
                effect = flow.send(await self._perform(effect))
