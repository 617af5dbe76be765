"""The sync driver: one flow per thread."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from contextvars import copy_context
from random import Random
from threading import Event, get_ident
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
from ecskit._core.errors import ClientClosedError, ConfigurationError, EcsError, RequestError, WaitCancelled
from ecskit._core.links import Link
from ecskit._drive.background import BackgroundThread, threads_of
from ecskit._drive.clock import Clock, FlowCounter, StopEvent
from ecskit._drive.namespace import Driver
from ecskit._drive.running import Run, RunningFlows, part_of
from ecskit._drive.shared import (
    CLEAN_UP_TIMEOUT,
    CLOSED_MESSAGE,
    FORKED_MESSAGE,
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

__all__ = ["Runtime"]

T = TypeVar("T")


class Sends(Protocol):
    """A sync transport."""

    def send(self, send: Send, on_send: Callable[[], object], /) -> RawResponse:
        """Send one request. Call `on_send` just before it is sent. Raise EcsError if it fails."""
        ...


@attrs.frozen(repr=False)
class Runtime(Driver):
    """The sync driver of one client: transport, clock, randomness, and the flows that it performs."""

    transport: Sends
    clock: Clock
    random: Random
    poll: wait_base | None = None
    """The wait strategy of calls that pass none; None for the intervals of ecskit."""
    connect: Callable[[str | None], Link | None] = attrs.field(default=no_links, eq=False)
    """Opens a WebSocket to an address, or raises EcsError."""
    flows: RunningFlows = attrs.field(factory=RunningFlows, eq=False)
    shared: SharedValues = attrs.field(factory=SharedValues, eq=False)

    def run(self, flow: Flow[T], cancel: Event | None = None) -> T:
        """Perform a flow to its end and return its result.

        Raises:
            WaitCancelled: `cancel` was set.
            ClientClosedError: The client was closed during the call.
        """
        _check(cancel, flow)
        run = self.flows.enter(flow, cancel)
        try:
            with self.clock.flow():
                return self._run(flow, run.stop, run.state)
        except Aborted:
            error = _reason(run)
        except CallbackRaised as raised:
            error = raised.error
        finally:
            self.flows.leave(run)
        raise error  # outside of the handler, which would replace its context

    def iterate(self, flow: Flow[None], cancel: Event | None = None) -> Generator[Any, None, None]:
        """Return a generator of what a flow emits. The flow is performed as items are taken.

        Raises:
            WaitCancelled: `cancel` was set; the generator raises it.
            ClientClosedError: The client was closed during the call; the generator raises it.
        """
        _check(cancel, flow)
        return self._iterate(flow, cancel)

    def _iterate(self, flow: Flow[None], cancel: Event | None) -> Generator[Any, None, None]:
        reply: Any = None
        run = self.flows.enter(flow, cancel)
        try:
            while True:
                with self.clock.flow():
                    emitted = self._to_next(flow, reply, run.state, run.stop)
                if not isinstance(emitted, Emit):
                    return
                self.flows.pause(run)
                try:
                    yield emitted.item
                finally:
                    self.flows.resume(run)
                if run.state.forked:
                    raise ConfigurationError(FORKED_MESSAGE)
                if run.ended:
                    raise ClientClosedError(CLOSED_MESSAGE)
                reply = Reply(self.clock.now())
        except (*INTERRUPTS, GeneratorExit, Aborted) as interruption:
            if not run.ended:
                with self.clock.flow():
                    self._clean_up(flow, run.state)
            if not isinstance(interruption, Aborted):
                raise
            error = _reason(run)
        except CallbackRaised as raised:
            error = raised.error
        finally:
            if not run.ended:
                close(flow)
            self.flows.leave(run)
        raise error

    def beside(self, begins: Begins, name: str) -> BackgroundThread:
        """Perform a flow in a thread of its own. Return when it has begun, or has ended before that."""
        return BackgroundThread(self, begins, name)

    def close(self, connections: Callable[[], None]) -> None:
        """Cancel the running flows, let each clean up, and close the connections; see `RunningFlows.close`."""
        threads = threads_of(self)
        if self.flows.close(self._end_paused, connections):
            for thread in threads:
                thread.join()

    def _end_paused(self, run: Run) -> None:
        with self.clock.flow():
            self._clean_up(run.flow, run.state)
        close(run.flow)

    def _run(self, flow: Flow[T], cancel: Event | None, state: FlowState, end: float = math.inf) -> T:
        _abort_if_set(cancel)  # the flow has not started: there is nothing to clean up
        try:
            result = self._to_next(flow, None, state, cancel, end)
        except (*INTERRUPTS, Aborted):
            self._clean_up(flow, state, end)
            raise
        finally:
            close(flow)
        if isinstance(result, Emit):
            raise TypeError("a flow that emits is iterated over, not run")
        return result

    def _to_next(
        self, flow: Flow[T], reply: Any, state: FlowState, cancel: Event | None, end: float = math.inf
    ) -> T | Emit[Any]:
        """Perform a flow up to the next item that it emits, or up to its result."""
        resume: Any = flow.send
        argument = reply
        while True:
            try:
                effect = resume(argument)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if isinstance(effect, Emit):
                return effect
            try:
                resume, argument = flow.send, self._perform(effect, state, cancel, end)
            except (Exception, CallbackRaised) as error:  # noqa: BLE001  # the flow may clean up after any error
                state.raised = error if isinstance(error, CallbackRaised) else None
                resume, argument = flow.throw, error

    def _perform(self, effect: Effect, state: FlowState, cancel: Event | None, end: float) -> Reply[Any]:
        state.sent = False
        _abort_if_set(cancel)
        reply = at_once(self, effect, end)
        if reply is not None:
            return reply
        value: Any = None
        error: EcsError | None = None
        match effect:
            case Send() | Connect():
                try:
                    if isinstance(effect, Send):
                        value = self.transport.send(effect, state.on_send)
                    else:
                        value = paced(self.connect(effect.url), self.clock)
                except EcsError as raised:
                    error = raised
            case Sleep(seconds, waker):
                self.clock.sleep(max(0.0, min(seconds, end - self.clock.now())), cancel, waker)
                _abort_if_set(cancel)  # the sleep was interrupted; a reply would report it as finished
            case Parallel(flows, limit):
                value = self._parallel(flows, limit, cancel, end)
            case Invoke():
                value = self._invoke(effect, cancel)
            case Beside(flow, name):
                value = self.beside(beginning(flow), name)
            case _:
                raise TypeError("a flow that emits is iterated over, not run")
        return Reply(self.clock.now(), value, error)

    def _invoke(self, effect: Invoke, cancel: Event | None) -> object:
        # The cancellation of the flow ends the callback early, if the flow says how.
        waking = cancel.waking(effect.wake) if effect.wake and isinstance(cancel, StopEvent) else nullcontext()
        with self.clock.elsewhere() if effect.apart else nullcontext(), waking:
            return _invoke(effect)

    def _parallel(self, flows: Sequence[Flow[Any]], limit: int, cancel: Event | None, end: float) -> list[Reply[Any]]:
        stop = StopEvent(cancel)
        counts, thread = FlowCounter(self.clock, limit, len(flows)), get_ident()

        def one(flow: Flow[Any]) -> Reply[Any]:
            try:
                with part_of(thread):
                    value = self._run(flow, stop, FlowState(), end)
                return Reply(self.clock.now(), value)
            except EcsError as error:
                return Reply(self.clock.now(), error=error)
            except BaseException:
                stop.set()  # before `finished`: otherwise a virtual clock could move on for the other flows first
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
            if error is not None and not isinstance(error, Aborted):
                raise error
        return [future.result() for future in futures]

    def _clean_up(self, flow: Flow[Any], state: FlowState, end: float = math.inf) -> None:
        if state.forked:
            return
        end = min(end, self.clock.now() + CLEAN_UP_TIMEOUT * self.clock.speed)
        try:
            effect = flow.throw(Cancelled(sent=state.sent))
            while True:
                effect = flow.send(self._perform(effect, state, None, end))
        except (StopIteration, Cancelled):
            pass
        except Aborted:
            log.warning("the clean-up of a flow took longer than %.0f s and was stopped", CLEAN_UP_TIMEOUT)
        except (Exception, CallbackRaised):  # noqa: BLE001  # logged: the interruption is raised instead
            log.warning("the clean-up of a flow failed", exc_info=True)


def _check(cancel: Event | None, flow: Flow[Any]) -> None:
    if cancel is not None and not isinstance(cancel, Event):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        close(flow)
        problem = f"expected a threading.Event, got {type(cancel).__name__}"
        raise RequestError("wait", [("cancel", problem)])


def _reason(run: Run) -> Exception:
    """Return the error to raise for a flow that was aborted."""
    if run.state.raised is not None:
        return run.state.raised.error
    return WaitCancelled() if run.cancel is not None and run.cancel.is_set() else ClientClosedError(CLOSED_MESSAGE)


def _abort_if_set(cancel: Event | None) -> None:
    if cancel is not None and cancel.is_set():
        raise Aborted


def _invoke(effect: Invoke) -> object:
    try:
        answer = effect.callback(effect.value)
    except Exception as error:
        if effect.caught:
            return error
        raise CallbackRaised(error) from error
    if inspect.iscoroutine(answer):
        answer.close()
        problem = TypeError("the callback is a coroutine function; only AsyncClient awaits callbacks")
        if effect.caught:
            return problem
        raise CallbackRaised(problem)
    return answer
