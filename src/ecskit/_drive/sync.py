"""The sync driver."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from random import Random
from threading import Event
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
from ecskit._core.errors import ClientClosedError, EcsError, RequestError, WaitCancelled
from ecskit._drive.clock import Clock, Counts, Either
from ecskit._drive.ending import CLEAN_UP, CLOSED, Cut, Step, close, log
from ecskit._drive.room import Room, Run

__all__ = ["Runtime"]

T = TypeVar("T")


class Sends(Protocol):
    """A sync transport."""

    def send(self, send: Send, begin: Callable[[], object], /) -> RawResponse:
        """Send one request, and call `begin` when it is about to leave; raise EcsError."""
        ...


@attrs.frozen
class Runtime:
    """The sync driver, with what it performs effects with."""

    transport: Sends
    clock: Clock
    random: Random
    room: Room = attrs.field(factory=Room, eq=False)

    def run(self, flow: Flow[T], cancel: Event | None = None) -> T:
        """Perform a flow to its end and return its result.

        Raises:
            WaitCancelled: `cancel` was set.
            ClientClosedError: The client was closed meanwhile.
        """
        _check(cancel, flow)
        run = self.room.enter(flow, cancel)
        try:
            with self.clock.flow():
                return self._run(flow, run.stop, run.step)
        except Cut:
            error = _reason(run)
        except CallbackRaised as raised:
            error = raised.error
        finally:
            self.room.leave(run)
        raise error  # outside of the handler, so that its context is the callback's own

    def iterate(self, flow: Flow[None], cancel: Event | None = None) -> Generator[Any, None, None]:
        """Return a generator that performs a flow as far as its consumer asks for what the flow emits.

        Raises:
            WaitCancelled: `cancel` was set; the generator raises it.
            ClientClosedError: The client was closed meanwhile; the generator raises it.
        """
        _check(cancel, flow)
        return self._iterate(flow, cancel)

    def _iterate(self, flow: Flow[None], cancel: Event | None) -> Generator[Any, None, None]:
        reply: Any = None
        run = self.room.enter(flow, cancel)
        try:
            while True:
                with self.clock.flow():
                    emitted = self._to_next(flow, reply, run.step, run.stop)
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
        except (*INTERRUPTS, GeneratorExit, Cut) as cut:
            if not run.ended:
                with self.clock.flow():
                    self._clean_up(flow, run.step)
            if not isinstance(cut, Cut):
                raise
            error = _reason(run)
        except CallbackRaised as raised:
            error = raised.error
        finally:
            if not run.ended:
                close(flow)
            self.room.leave(run)
        raise error

    def close(self, connections: Callable[[], None]) -> None:
        """End the flows that run, each with its clean-up, and close the connections; see `Room.close`."""
        self.room.close(self._end_paused, connections)

    def _end_paused(self, run: Run) -> None:
        with self.clock.flow():
            self._clean_up(run.flow, run.step)
        close(run.flow)

    def _run(self, flow: Flow[T], cancel: Event | None, step: Step, end: float = math.inf) -> T:
        if _is_set(cancel):
            raise Cut  # before it is even started: there is nothing to clean up
        try:
            result = self._to_next(flow, None, step, cancel, end)
        except (*INTERRUPTS, Cut):
            self._clean_up(flow, step, end)
            raise
        finally:
            close(flow)
        if isinstance(result, Emit):
            raise TypeError("a flow that emits is iterated over, not run")
        return result

    def _to_next(
        self, flow: Flow[T], given: Any, step: Step, cancel: Event | None, end: float = math.inf
    ) -> T | Emit[Any]:
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
                go_on, given = flow.send, self._perform(effect, step, cancel, end)
            except (Exception, CallbackRaised) as error:  # noqa: BLE001  # the flow may clean up behind a bug, too
                step.raised = error if isinstance(error, CallbackRaised) else None
                go_on, given = flow.throw, error

    def _perform(self, effect: Effect, step: Step, cancel: Event | None, end: float) -> Reply[Any]:
        step.begun = False
        if _is_set(cancel) or self.clock.now() >= end:
            raise Cut
        value: Any = None
        error: EcsError | None = None
        match effect:
            case Send() | Observe():
                try:
                    value = self._ask(effect, step, cancel, end)
                except EcsError as raised:
                    error = raised
            case Sleep(seconds):
                self.clock.sleep(max(0.0, min(seconds, end - self.clock.now())), cancel)
                if _is_set(cancel):
                    raise Cut  # the sleep was cut short, which the flow must not take for its end
            case Draw():
                value = self.random.getrandbits(128)
            case Parallel(flows, limit):
                value = self._all(flows, limit, cancel, end)
            case Tell():
                value = _tell(effect)
            case Emit():
                raise TypeError("a flow that emits is iterated over, not run")
        return Reply(self.clock.now(), value, error)

    def _ask(self, effect: Send | Observe, step: Step, cancel: Event | None, end: float) -> Any:
        if isinstance(effect, Send):
            return self.transport.send(effect, step.begin)
        while (left := effect.until - self.clock.now()) > 0:  # a sleep may end a little early
            self._perform(Sleep(left), step, cancel, end)
        return self._run(effect.query.poll(effect.ids, effect.by), cancel, Step(), end)

    def _all(self, flows: Sequence[Flow[Any]], limit: int, cancel: Event | None, end: float) -> list[Reply[Any]]:
        stop = Event() if cancel is None else Either(cancel)
        counts = Counts(self.clock, limit, len(flows))

        def one(flow: Flow[Any]) -> Reply[Any]:
            try:
                value = self._run(flow, stop, Step(), end)
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
            if error is not None and not isinstance(error, Cut):
                raise error
        return [future.result() for future in futures]

    def _clean_up(self, flow: Flow[Any], step: Step, end: float = math.inf) -> None:
        end = min(end, self.clock.now() + CLEAN_UP)
        try:
            effect = flow.throw(Cancelled(begun=step.begun))
            while True:
                effect = flow.send(self._perform(effect, step, None, end))
        except (StopIteration, Cancelled):
            pass
        except Cut:
            log.warning("the clean-up of a flow took longer than %.0f s and was cut short", CLEAN_UP)
        except (Exception, CallbackRaised):  # noqa: BLE001  # logged: what cut the flow short is raised, not this
            log.warning("the clean-up of a flow failed", exc_info=True)


def _check(cancel: Event | None, flow: Flow[Any]) -> None:
    if cancel is not None and not isinstance(cancel, Event):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        close(flow)
        problem = f"expected a threading.Event, got {type(cancel).__name__}"
        raise RequestError("wait", [("cancel", problem)])


def _reason(run: Run) -> Exception:
    """Return what a flow that was cut short is to raise."""
    if run.step.raised is not None:
        return run.step.raised.error
    return WaitCancelled() if _is_set(run.cancel) else ClientClosedError(CLOSED)


def _is_set(cancel: Event | None) -> bool:
    return cancel is not None and cancel.is_set()


def _tell(effect: Tell) -> object:
    try:
        answer = effect.listener(effect.value)
    except Exception as error:
        raise CallbackRaised(error) from error
    if inspect.iscoroutine(answer):
        answer.close()
        problem = "a coroutine function was given as callback: only an async client awaits it"
        raise CallbackRaised(TypeError(problem))
    return answer
