"""The two drivers: they perform what flows yield. They decide nothing, and nothing else performs.

Clock, sleep and randomness are handed in. When a flow is cut short (a task is cancelled, Ctrl-C, an iterator closed)
the driver throws `Cancelled` into it, performs the clean-up effects that it yields, for at most `CLEAN_UP` seconds,
and raises the original again. An error in the clean-up is logged; a second interruption ends it.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
import sys
from collections.abc import AsyncGenerator, Awaitable, Generator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from random import Random
from threading import Event
from typing import Any, Protocol, TypeVar

import attrs

from ecskit._clock import Clock, Counts, Either, SystemClock
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

log = logging.getLogger("ecskit")

CLEAN_UP = 10.0
"""Seconds that the clean-up of a flow may take."""
_CLOSES = 10
"""How often to close a flow that goes on yielding: once for each layer of clean-up in it."""


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


class _Cut(BaseException):
    """The flow is cut short: the caller's cancel event is set, or its clean-up has taken too long."""


def _is_set(cancel: Event | None) -> bool:
    return cancel is not None and cancel.is_set()


def _close(flow: Flow[Any]) -> None:
    """Close a flow, also one that does not want to: what it yields now is not performed."""
    for _ in range(_CLOSES):
        try:
            flow.close()
        except Exception:  # one that goes wrong ends here: it must not hide why it is closed
            log.debug("a flow was closed in its clean-up", exc_info=True)
        else:
            return


def _tell(effect: Tell) -> None:
    answer = effect.listener(effect.value)
    if inspect.iscoroutine(answer):
        answer.close()
        raise TypeError("a coroutine function was given as callback: only an async client awaits it")


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
                    emitted = self._to_next(flow, reply, None)
                if not isinstance(emitted, Emit):
                    return
                yield emitted.item
                reply = Reply(self.clock.now())
        except (KeyboardInterrupt, GeneratorExit):
            with self.clock.flow():
                self._clean_up(flow)
            raise
        finally:
            _close(flow)

    def _run(self, flow: Flow[T], cancel: Event | None, end: float = math.inf) -> T:
        if _is_set(cancel):
            raise _Cut  # before it is even started: there is nothing to clean up
        try:
            result = self._to_next(flow, None, cancel, end)
        except (KeyboardInterrupt, _Cut):
            self._clean_up(flow, end)
            raise
        finally:
            _close(flow)
        if isinstance(result, Emit):
            raise TypeError("a flow that emits is iterated over, not run")
        return result

    def _to_next(self, flow: Flow[T], given: Any, cancel: Event | None, end: float = math.inf) -> T | Emit:
        """Perform a flow up to what it emits next, or to its result."""
        step: Any = flow.send
        while True:
            try:
                effect = step(given)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if isinstance(effect, Emit):
                return effect
            try:
                step, given = flow.send, self._perform(effect, cancel, end)
            except Exception as error:  # noqa: BLE001  # a listener's, or a bug: the flow may clean up behind it
                step, given = flow.throw, error

    def _perform(self, effect: Effect, cancel: Event | None, end: float) -> Reply[Any]:
        if _is_set(cancel) or self.clock.now() >= end:
            raise _Cut
        value: Any = None
        error: EcsError | None = None
        match effect:
            case Send() | Observe():
                try:
                    value = self._ask(effect, cancel, end)
                except EcsError as raised:
                    error = raised
            case Sleep(seconds):
                self.clock.sleep(max(0.0, min(seconds, end - self.clock.now())), cancel)
                if _is_set(cancel):
                    raise _Cut  # the sleep was cut short, which the flow must not take for its end
            case Draw():
                value = self.random.getrandbits(128)
            case Parallel(flows, limit):
                value = self._all(flows, limit, cancel, end)
            case Tell():
                _tell(effect)
            case Emit():
                raise TypeError("a flow that emits is iterated over, not run")
        return Reply(self.clock.now(), value, error)

    def _ask(self, effect: Send | Observe, cancel: Event | None, end: float) -> Any:
        if isinstance(effect, Send):
            return self.transport.send(effect)
        while (left := effect.until - self.clock.now()) > 0:  # a sleep may end a little early
            self._perform(Sleep(left), cancel, end)
        return self._run(effect.query.look(effect.ids), cancel, end)

    def _all(self, flows: Sequence[Flow[Any]], limit: int, cancel: Event | None, end: float) -> list[Reply[Any]]:
        stop = Event() if cancel is None else Either(cancel)
        counts = Counts(self.clock, limit, len(flows))

        def one(flow: Flow[Any]) -> Reply[Any]:
            try:
                value = self._run(flow, stop, end)
                return Reply(self.clock.now(), value)
            except EcsError as error:
                return Reply(self.clock.now(), error=error)
            except BaseException:
                stop.set()  # before this flow is no longer counted, or time would pass for the others first
                raise
            finally:
                counts.finished()

        futures: list[Future[Reply[Any]]] = []
        with counts, ThreadPoolExecutor(max(1, min(limit, len(flows)))) as threads:
            try:
                futures += [threads.submit(copy_context().run, one, flow) for flow in flows]
                wait(futures, return_when=FIRST_EXCEPTION)
            finally:
                stop.set()
        for error in [future.exception() for future in futures]:
            if error is not None and not isinstance(error, _Cut):
                raise error
        return [future.result() for future in futures]

    def _clean_up(self, flow: Flow[Any], end: float = math.inf) -> None:
        end = min(end, self.clock.now() + CLEAN_UP)
        try:
            effect = flow.throw(Cancelled())
            while True:
                effect = flow.send(self._perform(effect, None, end))
        except (StopIteration, Cancelled, _Cut):
            pass
        except Exception:  # what cut the flow short is raised, not this
            log.warning("the clean-up of a flow failed", exc_info=True)


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
                    emitted = await self._to_next(flow, reply)
                if not isinstance(emitted, Emit):
                    return
                yield emitted.item
                reply = Reply(self.clock.now())
        except (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit):
            with self.clock.flow():
                await self._clean_up(flow)
            raise
        finally:
            _close(flow)

    async def _run(self, flow: Flow[T], end: float = math.inf) -> T:
        try:
            result = await self._to_next(flow, None, end)
        except (asyncio.CancelledError, KeyboardInterrupt, _Cut):
            await self._clean_up(flow, end)
            raise
        finally:
            _close(flow)
        if isinstance(result, Emit):
            raise TypeError("a flow that emits is iterated over, not run")
        return result

    async def _to_next(self, flow: Flow[T], given: Any, end: float = math.inf) -> T | Emit:
        """Perform a flow up to what it emits next, or to its result."""
        step: Any = flow.send
        while True:
            try:
                effect = step(given)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if isinstance(effect, Emit):
                return effect
            try:
                step, given = flow.send, await self._perform(effect, end)
            except Exception as error:  # noqa: BLE001  # a listener's, or a bug: the flow may clean up behind it
                step, given = flow.throw, error

    async def _perform(self, effect: Effect, end: float) -> Reply[Any]:
        if self.clock.now() >= end:
            raise _Cut
        value: Any = None
        error: EcsError | None = None
        match effect:
            case Send() | Observe():
                try:
                    value = await self._ask(effect, end)
                except EcsError as raised:
                    error = raised
            case Sleep(seconds):
                await self.clock.asleep(max(0.0, min(seconds, end - self.clock.now())))
            case Draw():
                value = self.random.getrandbits(128)
            case Parallel(flows, limit):
                value = await self._all(flows, limit, end)
            case Tell(listener, told):
                answer = listener(told)
                if inspect.isawaitable(answer):
                    await answer
            case Emit():
                raise TypeError("a flow that emits is iterated over, not run")
        return Reply(self.clock.now(), value, error)

    async def _ask(self, effect: Send | Observe, end: float) -> Any:
        if isinstance(effect, Send):
            return await self.transport.send(effect)
        while (left := effect.until - self.clock.now()) > 0:  # a sleep may end a little early
            await self._perform(Sleep(left), end)
        return await self._run(effect.query.look(effect.ids), end)

    async def _all(self, flows: Sequence[Flow[Any]], limit: int, end: float) -> list[Reply[Any]]:
        room = asyncio.Semaphore(limit)
        counts = Counts(self.clock, limit, len(flows))

        async def one(flow: Flow[Any]) -> Reply[Any]:
            async with room:
                try:
                    value = await self._run(flow, end)
                    return Reply(self.clock.now(), value)
                except EcsError as error:
                    return Reply(self.clock.now(), error=error)

        with counts:
            tasks = [asyncio.ensure_future(one(flow)) for flow in flows]
            for task in tasks:
                task.add_done_callback(counts.finished)
            try:
                if tasks:
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            finally:
                await _end(tasks)
        for error in [task.exception() for task in tasks if not task.cancelled()]:
            if error is not None and not isinstance(error, _Cut):
                raise error
        return [task.result() for task in tasks]

    async def _clean_up(self, flow: Flow[Any], end: float = math.inf) -> None:
        # In a task of its own: the cancellation that caused it must not reach it.
        cleaning = asyncio.ensure_future(self._clean(flow, min(end, self.clock.now() + CLEAN_UP)))
        try:
            await asyncio.wait({cleaning}, timeout=CLEAN_UP)
        finally:
            await _end([cleaning])

    async def _clean(self, flow: Flow[Any], end: float) -> None:
        try:
            effect = flow.throw(Cancelled())
            while True:
                effect = flow.send(await self._perform(effect, end))
        except (StopIteration, Cancelled, _Cut):
            pass
        except Exception:  # what cut the flow short is raised, not this
            log.warning("the clean-up of a flow failed", exc_info=True)


async def _end(tasks: Sequence[asyncio.Future[Any]]) -> None:
    """Cancel what still runs and wait until all has ended; cancellations meanwhile are passed on, then raised."""
    for task in tasks:
        if not _is_cancelled_already(task):
            task.cancel()
    interrupted: asyncio.CancelledError | None = None
    while running := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(running)
        except asyncio.CancelledError as error:  # each one is passed on
            interrupted = error
            for task in running:
                task.cancel()
    for task in tasks:
        if not task.cancelled():
            task.exception()  # or asyncio would say that nobody has asked for it
    if interrupted is not None:
        raise interrupted


def _is_cancelled_already(task: asyncio.Future[Any]) -> bool:
    """Whether somebody else has cancelled a task, as the end of the loop does: a second time would end its clean-up."""
    return sys.version_info >= (3, 11) and isinstance(task, asyncio.Task) and task.cancelling() > 0
