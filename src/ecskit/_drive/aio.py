"""The async driver: flows are performed by asyncio tasks."""

from __future__ import annotations

import asyncio
import inspect
import math
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import nullcontext
from random import Random
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import attrs

from ecskit._core.background import Begins, beginning
from ecskit._core.effects import (
    INTERRUPTS,
    Beside,
    CallbackRaised,
    Cancelled,
    Connect,
    Effect,
    Emit,
    Flow,
    Invoke,
    Parallel,
    RawResponse,
    Reply,
    Send,
    Sleep,
)
from ecskit._core.errors import ClientClosedError, EcsError
from ecskit._core.links import Link
from ecskit._drive.aio_background import BackgroundTask
from ecskit._drive.aio_running import AsyncRun, AsyncRunningFlows
from ecskit._drive.clock import Clock, FlowCounter
from ecskit._drive.namespace import Driver
from ecskit._drive.shared import (
    CLEAN_UP_TIMEOUT,
    CLOSED_MESSAGE,
    Aborted,
    FlowState,
    SharedValues,
    at_once,
    close,
    log,
    no_links,
    paced,
)

if TYPE_CHECKING:
    from tenacity.wait import wait_base

__all__ = ["AsyncRuntime"]

T = TypeVar("T")


class AsyncSends(Protocol):
    """An async transport."""

    def send(self, send: Send, on_send: Callable[[], object], /) -> Awaitable[RawResponse]:
        """Send one request. Call `on_send` just before it is sent. Raise EcsError if it fails."""
        ...


@attrs.frozen(repr=False)
class AsyncRuntime(Driver):
    """The async driver of one client: transport, clock, randomness, and the flows that it performs."""

    transport: AsyncSends
    clock: Clock
    random: Random
    poll: wait_base | None = None
    """The wait strategy of calls that pass none; None for the intervals of ecskit."""
    connect: Callable[[str | None], Awaitable[Link | None]] = attrs.field(default=no_links, eq=False)
    """Opens a WebSocket to an address, or raises EcsError."""
    flows: AsyncRunningFlows = attrs.field(factory=AsyncRunningFlows, eq=False)
    shared: SharedValues = attrs.field(factory=SharedValues, eq=False)

    async def run(self, flow: Flow[T]) -> T:
        """Perform a flow to its end and return its result.

        Raises:
            ClientClosedError: The client was closed during the call.
        """
        run = self.flows.enter(flow)
        try:
            with self.clock.flow():
                return await self._run(flow, run.state)
        except asyncio.CancelledError as cancelled:
            if not run.undo_interruption(cancelled):
                raise
            raise ClientClosedError(CLOSED_MESSAGE) from None
        except CallbackRaised as raised:
            error = raised.error
        finally:
            self.flows.leave(run)
        raise error  # outside of the handler, which would replace its context

    async def iterate(self, flow: Flow[None]) -> AsyncGenerator[Any, None]:
        """Yield what a flow emits. The flow is performed as items are taken.

        Raises:
            ClientClosedError: The client was closed during the call.
        """
        reply: Any = None
        run = self.flows.enter(flow)
        try:
            while True:
                with self.clock.flow():
                    emitted = await self._to_next(flow, reply, run.state)
                if not isinstance(emitted, Emit):
                    return
                self.flows.pause(run)
                try:
                    yield emitted.item
                finally:
                    self.flows.resume(run)
                if run.ended:
                    raise ClientClosedError(CLOSED_MESSAGE)
                reply = Reply(self.clock.now())
        except (asyncio.CancelledError, *INTERRUPTS, GeneratorExit) as interruption:
            if not run.ended:
                with self.clock.flow():
                    await self._clean_up(flow, run.state)
            if isinstance(interruption, asyncio.CancelledError) and run.undo_interruption(interruption):
                raise ClientClosedError(CLOSED_MESSAGE) from None
            raise
        except CallbackRaised as raised:
            error = raised.error
        finally:
            if not run.ended:
                close(flow)
            self.flows.leave(run)
        raise error

    async def beside(self, begins: Begins, name: str) -> BackgroundTask:
        """Perform a flow in a task of its own. Return when it has begun, or has ended before that."""
        background = BackgroundTask(self, begins, name)
        await background.begin()
        return background

    async def close(self, connections: Callable[[], Awaitable[None]]) -> None:
        """Cancel the running flows, let each clean up, and close the connections; see `AsyncRunningFlows.close`."""
        await self.flows.close(self._end_paused, connections)

    async def _end_paused(self, run: AsyncRun) -> None:
        with self.clock.flow():
            await self._clean_up(run.flow, run.state)
        close(run.flow)

    async def _run(self, flow: Flow[T], state: FlowState, end: float = math.inf) -> T:
        try:
            result = await self._to_next(flow, None, state, end)
        except (asyncio.CancelledError, *INTERRUPTS, Aborted):
            await self._clean_up(flow, state, end)
            raise
        finally:
            close(flow)
        if isinstance(result, Emit):
            raise TypeError("a flow that emits is iterated over, not run")
        return result

    async def _to_next(self, flow: Flow[T], reply: Any, state: FlowState, end: float = math.inf) -> T | Emit[Any]:
        """Perform a flow up to the next item that it emits, or up to its result."""
        resume: Any = flow.send
        argument = reply
        while True:
            try:
                effect = resume(argument)
            except StopIteration as stop:
                state.interrupt()
                result: T = stop.value
                return result
            state.interrupt()
            if isinstance(effect, Emit):
                return effect
            try:
                argument = at_once(self, effect, end) or await self._perform(effect, state, end)
                resume = flow.send
            except (Exception, CallbackRaised) as error:  # noqa: BLE001  # the flow may clean up after any error
                resume, argument = flow.throw, error

    async def _perform(self, effect: Effect, state: FlowState, end: float) -> Reply[Any]:
        state.sent = False
        value: Any = None
        error: EcsError | None = None
        match effect:
            case Send() | Connect():
                try:
                    if isinstance(effect, Send):
                        sending = self.transport.send(effect, state.on_send)
                        value = await (_completed(sending, state) if effect.completes else sending)
                    else:
                        value = paced(await self.connect(effect.url), self.clock)
                except EcsError as raised:
                    error = raised
            case Sleep(seconds, waker):
                await self.clock.asleep(max(0.0, min(seconds, end - self.clock.now())), waker)
            case Parallel(flows, limit):
                value = await self._parallel(flows, limit, end)
            case Invoke():
                with self.clock.elsewhere() if effect.apart else nullcontext():
                    value = await _invoke(effect)
            case Beside(flow, name):
                value = await self.beside(beginning(flow), name)
            case _:
                raise TypeError("a flow that emits is iterated over, not run")
        return Reply(self.clock.now(), value, error)

    async def _parallel(self, flows: Sequence[Flow[Any]], limit: int, end: float) -> list[Reply[Any]]:
        slots = asyncio.Semaphore(limit)
        counts = FlowCounter(self.clock, limit, len(flows))

        async def one(flow: Flow[Any]) -> Reply[Any]:
            async with slots:
                try:
                    value = await self._run(flow, FlowState(), end)
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
            if error is not None and not isinstance(error, Aborted):
                raise error
        return [task.result() for task in tasks]

    async def _clean_up(self, flow: Flow[Any], state: FlowState, end: float = math.inf) -> None:
        state.cleaning = True
        # In a separate task, which the cancellation that caused the clean-up does not reach.
        limit = self.clock.now() + CLEAN_UP_TIMEOUT * self.clock.speed
        cleaning = asyncio.ensure_future(self._clean(flow, state, min(end, limit)))
        try:
            await asyncio.wait({cleaning}, timeout=CLEAN_UP_TIMEOUT)
        finally:
            await _end([cleaning])

    async def _clean(self, flow: Flow[Any], state: FlowState, end: float) -> None:
        try:
            effect = flow.throw(Cancelled(sent=state.sent))
            while True:
                effect = flow.send(at_once(self, effect, end) or await self._perform(effect, state, end))
        except (StopIteration, Cancelled):
            pass
        except Aborted:
            log.warning("the clean-up of a flow took longer than %.0f s and was stopped", CLEAN_UP_TIMEOUT)
        except (Exception, CallbackRaised):  # noqa: BLE001  # logged: the interruption is raised instead
            log.warning("the clean-up of a flow failed", exc_info=True)


async def _completed(sending: Awaitable[RawResponse], state: FlowState) -> RawResponse:
    """Return the response to a request, also if the flow is cancelled after it was sent. It is cancelled then later."""
    request = asyncio.ensure_future(sending)
    try:
        return await asyncio.shield(request)
    except asyncio.CancelledError as interruption:
        try:
            if state.sent:
                await asyncio.wait({request}, timeout=CLEAN_UP_TIMEOUT)
        finally:
            await _end([request])
        if request.cancelled():
            raise
        state.interruption = interruption
        return request.result()


async def _invoke(effect: Invoke) -> object:
    try:
        answer = effect.callback(effect.value)
        return await answer if inspect.isawaitable(answer) else answer
    except Exception as error:
        if effect.caught:
            return error
        raise CallbackRaised(error) from error


async def _end(tasks: Sequence[asyncio.Future[Any]]) -> None:
    """Cancel tasks and wait until all have ended. Pass on cancellations that arrive meanwhile, then raise them."""
    for task in tasks:
        if not _is_cancelled_already(task):
            task.cancel()
    interrupted: asyncio.CancelledError | None = None
    while running := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(running)
        except asyncio.CancelledError as error:  # passed on each time
            interrupted = error
            for task in running:
                task.cancel()
    for task in tasks:
        if not task.cancelled():
            task.exception()  # retrieved, or asyncio would log that it never was
    if interrupted is not None:
        raise interrupted


def _is_cancelled_already(task: asyncio.Future[Any]) -> bool:
    """Whether a task is being cancelled, as by the end of the loop: another `cancel` would end its clean-up."""
    return sys.version_info >= (3, 11) and isinstance(task, asyncio.Task) and task.cancelling() > 0
