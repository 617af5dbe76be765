"""The async driver: asyncio's."""

from __future__ import annotations

import asyncio
import inspect
import math
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from random import Random
from typing import Any, Protocol, TypeVar

import attrs

from ecskit._core.effects import (
    INTERRUPTS,
    CallbackRaised,
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
from ecskit._core.errors import ClientClosedError, EcsError
from ecskit._drive.aio_room import AsyncRoom, AsyncRun
from ecskit._drive.clock import Clock, Counts
from ecskit._drive.ending import CLEAN_UP, CLOSED, Cut, Step, close, log

__all__ = ["AsyncRuntime"]

T = TypeVar("T")


class AsyncSends(Protocol):
    """An async transport."""

    def send(self, send: Send, begin: Callable[[], object], /) -> Awaitable[RawResponse]:
        """Send one request, and call `begin` when it is about to leave; raise EcsError."""
        ...


@attrs.frozen
class AsyncRuntime:
    """The async driver, with what it performs effects with."""

    transport: AsyncSends
    clock: Clock
    random: Random
    room: AsyncRoom = attrs.field(factory=AsyncRoom, eq=False)

    async def run(self, flow: Flow[T]) -> T:
        """Perform a flow to its end and return its result.

        Raises:
            ClientClosedError: The client was closed meanwhile.
        """
        run = self.room.enter(flow)
        try:
            with self.clock.flow():
                return await self._run(flow, run.step)
        except asyncio.CancelledError as cancelled:
            if not run.take_back(cancelled):
                raise
            raise ClientClosedError(CLOSED) from None
        except CallbackRaised as raised:
            error = raised.error
        finally:
            self.room.leave(run)
        raise error  # outside of the handler, so that its context is the callback's own

    async def iterate(self, flow: Flow[None]) -> AsyncGenerator[Any, None]:
        """Perform a flow as far as the consumer asks for what it emits.

        Raises:
            ClientClosedError: The client was closed meanwhile.
        """
        reply: Any = None
        run = self.room.enter(flow)
        try:
            while True:
                with self.clock.flow():
                    emitted = await self._to_next(flow, reply, run.step)
                if not isinstance(emitted, Emit):
                    return
                self.room.pause(run)
                try:
                    yield emitted.item
                finally:
                    self.room.resume(run)
                if run.ended:
                    raise ClientClosedError(CLOSED)
                reply = Reply(self.clock.now())
        except (asyncio.CancelledError, *INTERRUPTS, GeneratorExit) as cut:
            if not run.ended:
                with self.clock.flow():
                    await self._clean_up(flow, run.step)
            if isinstance(cut, asyncio.CancelledError) and run.take_back(cut):
                raise ClientClosedError(CLOSED) from None
            raise
        except CallbackRaised as raised:
            error = raised.error
        finally:
            if not run.ended:
                close(flow)
            self.room.leave(run)
        raise error

    async def close(self, connections: Callable[[], Awaitable[None]]) -> None:
        """End the flows that run, each with its clean-up, and close the connections; see `AsyncRoom.close`."""
        await self.room.close(self._end_paused, connections)

    async def _end_paused(self, run: AsyncRun) -> None:
        with self.clock.flow():
            await self._clean_up(run.flow, run.step)
        close(run.flow)

    async def _run(self, flow: Flow[T], step: Step, end: float = math.inf) -> T:
        try:
            result = await self._to_next(flow, None, step, end)
        except (asyncio.CancelledError, *INTERRUPTS, Cut):
            await self._clean_up(flow, step, end)
            raise
        finally:
            close(flow)
        if isinstance(result, Emit):
            raise TypeError("a flow that emits is iterated over, not run")
        return result

    async def _to_next(self, flow: Flow[T], given: Any, step: Step, end: float = math.inf) -> T | Emit[Any]:
        """Perform a flow up to what it emits next, or to its result; `step` is where it is."""
        go_on: Any = flow.send
        while True:
            try:
                effect = go_on(given)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if isinstance(effect, Emit):
                return effect
            try:
                go_on, given = flow.send, await self._perform(effect, step, end)
            except (Exception, CallbackRaised) as error:  # noqa: BLE001  # the flow may clean up behind a bug, too
                go_on, given = flow.throw, error

    async def _perform(self, effect: Effect, step: Step, end: float) -> Reply[Any]:
        step.begun = False
        if self.clock.now() >= end:
            raise Cut
        value: Any = None
        error: EcsError | None = None
        match effect:
            case Send() | Observe():
                try:
                    value = await self._ask(effect, step, end)
                except EcsError as raised:
                    error = raised
            case Sleep(seconds):
                await self.clock.asleep(max(0.0, min(seconds, end - self.clock.now())))
            case Draw():
                value = self.random.getrandbits(128)
            case Parallel(flows, limit):
                value = await self._all(flows, limit, end)
            case Tell():
                value = await _tell(effect)
            case Emit():
                raise TypeError("a flow that emits is iterated over, not run")
        return Reply(self.clock.now(), value, error)

    async def _ask(self, effect: Send | Observe, step: Step, end: float) -> Any:
        if isinstance(effect, Send):
            return await self.transport.send(effect, step.begin)
        while (left := effect.until - self.clock.now()) > 0:  # a sleep may end a little early
            await self._perform(Sleep(left), step, end)
        return await self._run(effect.query.poll(effect.ids, effect.by), Step(), end)

    async def _all(self, flows: Sequence[Flow[Any]], limit: int, end: float) -> list[Reply[Any]]:
        room = asyncio.Semaphore(limit)
        counts = Counts(self.clock, limit, len(flows))

        async def one(flow: Flow[Any]) -> Reply[Any]:
            async with room:
                try:
                    value = await self._run(flow, Step(), end)
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
            if error is not None and not isinstance(error, Cut):
                raise error
        return [task.result() for task in tasks]

    async def _clean_up(self, flow: Flow[Any], step: Step, end: float = math.inf) -> None:
        step.cleaning = True
        # In a task of its own: the cancellation that caused it must not reach it.
        cleaning = asyncio.ensure_future(self._clean(flow, step, min(end, self.clock.now() + CLEAN_UP)))
        try:
            await asyncio.wait({cleaning}, timeout=CLEAN_UP)
        finally:
            await _end([cleaning])

    async def _clean(self, flow: Flow[Any], step: Step, end: float) -> None:
        try:
            effect = flow.throw(Cancelled(begun=step.begun))
            while True:
                effect = flow.send(await self._perform(effect, step, end))
        except (StopIteration, Cancelled):
            pass
        except Cut:
            log.warning("the clean-up of a flow took longer than %.0f s and was cut short", CLEAN_UP)
        except (Exception, CallbackRaised):  # noqa: BLE001  # logged: what cut the flow short is raised, not this
            log.warning("the clean-up of a flow failed", exc_info=True)


async def _tell(effect: Tell) -> object:
    try:
        answer = effect.listener(effect.value)
        return await answer if inspect.isawaitable(answer) else answer
    except Exception as error:
        raise CallbackRaised(error) from error


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
