"""Every way out of a session ends it: cancelled at each of its effects, an exception of a callback, a closed client."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from ecskit import errors
from ecskit._drive.background import BackgroundThread
from ecskit._simulator.exec.exec_script import ExecScript

from .worlds import COLOURS, REFUSED, World, perform

Cut = Callable[[str, Any], None]


def cutting(world: World, cut: Cut) -> None:
    """Let the driver of a world call `cut` before and after each effect of the flow of the user, not of the pump."""
    base, main = type(world.runtime), threading.main_thread()

    class Sync(base):  # type: ignore[misc,valid-type]
        def _perform(self, effect: Any, *others: Any) -> Any:
            if threading.current_thread() is not main:
                return super()._perform(effect, *others)
            cut("before", effect)
            reply = super()._perform(effect, *others)
            cut("after", effect)
            return reply

    class Async(base):  # type: ignore[misc,valid-type]
        async def _perform(self, effect: Any, *others: Any) -> Any:
            if asyncio.current_task() is not user:
                return await super()._perform(effect, *others)
            cut("before", effect)
            reply = await super()._perform(effect, *others)
            cut("after", effect)
            return reply

    user = asyncio.current_task() if world.colour == "async" else None
    runtime = world.runtime
    made = (Sync if world.colour == "sync" else Async)(
        runtime.transport, runtime.clock, runtime.random, connect=runtime.connect
    )
    world.tasks._runtime = made


def _execute_cut(colour: str, name: str, n: int, when: str, how: str) -> tuple[World, Any, set[str]]:
    """Run a command, and cut it short at its n-th effect of a name. Return the names of the effects until then, too."""
    cancel = threading.Event()
    names: list[str] = []
    was_cut = False

    async def act(world: World) -> Any:
        world.sim.script_exec("run it", ExecScript([(0, "hel"), (2, "lo\n")], seconds=3))
        user = asyncio.current_task() if colour == "async" else None

        def cut(moment: str, effect: Any) -> None:
            nonlocal was_cut
            if moment != when or was_cut:
                return
            names.append(getattr(effect, "operation", type(effect).__name__))
            if names[-1] != name or names.count(name) != n:
                return
            was_cut = True
            if how == "interrupt":
                raise KeyboardInterrupt
            if user is not None:
                user.cancel()
            cancel.set()

        cutting(world, cut)
        options = {"cancel": cancel} if colour == "sync" else {}
        with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError, errors.WaitCancelled):
            return await world.execute("run it", **options)

    world, result = perform(colour, act)
    return world, result, {*names} if was_cut or not name else set()


@pytest.mark.parametrize(("colour", "how"), [("sync", "cancel"), ("sync", "interrupt"), ("async", "cancel")])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_call_cut_short_at_each_effect_ends_its_session(
    when: str, colour: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Also between the response of ExecuteCommand and the beginning of the thread or task.

    Threads decide how many effects there are, so those of each kind are counted by themselves.
    """
    caplog.set_level(logging.WARNING)
    *_, names = _execute_cut(colour, "", 0, when, how)
    assert {"DescribeTasks", "Beside", "Sleep", "Invoke"} <= names
    for name in sorted(names):
        n = 0
        while True:
            caplog.clear()
            _, result, cut = _execute_cut(colour, name, n + 1, when, how)
            if not cut:
                break
            assert [] == caplog.messages
            assert isinstance(result, (asyncio.CancelledError, type(None))) or result.succeeded
            n += 1
        assert n, name


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_call_cut_short_at_its_end_waits_for_its_thread(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for one that has done everything, and takes a moment to end. `perform` finds none."""
    run = BackgroundThread._run

    def slow(thread: BackgroundThread, flow: Any) -> None:
        run(thread, flow)
        time.sleep(0.02)

    monkeypatch.setattr(BackgroundThread, "_run", slow)
    _, result, cut = _execute_cut("sync", "Invoke", 1, when, "cancel")
    assert cut
    assert result is None or result.succeeded


@pytest.mark.parametrize("colour", COLOURS)
def test_an_exception_of_a_callback_ends_the_session(colour: str) -> None:
    """It reaches the caller as it is."""

    def on_output(_: str) -> None:
        raise ValueError("no")

    async def act(world: World) -> Any:
        world.sim.script_exec("run it", ExecScript("hello\n", seconds=60))
        return await world.execute("run it", on_output=on_output)

    world, error = perform(colour, act)
    assert (ValueError, "no") == (type(error), str(error))
    assert 1 == world.count("TerminateSession")


@pytest.mark.parametrize("colour", COLOURS)
def test_closing_the_client_ends_its_sessions(colour: str) -> None:
    """A call under way raises ClientClosedError; an open session ends, and `end_reason` says so."""

    async def act(world: World) -> Any:
        world.sim.script_exec("run it", ExecScript("hello\n", seconds=60))

        async def aclose() -> None:
            pass

        session = await _opened(world)
        if colour == "sync":
            world.runtime.close(lambda: None)
        else:
            await world.runtime.close(aclose)
        assert session.ended
        return session.end_reason

    world, reason = perform(colour, act)
    assert "it was closed" == reason
    assert 1 == world.count("TerminateSession")


@pytest.mark.parametrize("slow", ["DescribeTasks", "TerminateSession"])
def test_close_waits_for_slow_requests_of_a_fast_clock(slow: str) -> None:
    """A request of half a second takes 50 s of the clock of a simulator that is served a hundred times as fast."""

    async def act(world: World) -> Any:
        world.sim.clock.speed = 100.0
        world.sim.script_exec("run it", ExecScript([(13, "late\n")], lingers=600))
        async with world.session("run it") as session:

            def wait(_: int, operation: str) -> None:
                if operation == slow:
                    world.sim.clock.sleep(50)

            world.runtime.transport.before = wait
            await session.read()

    world, error = perform("sync", act)
    assert error is None
    assert 1 == world.count("TerminateSession")


class Closing:
    """Closes the client of a world beside what it does, in a thread or in a task."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._running: Any = None

    def begin(self, _: object = None) -> None:
        """Begin to close it."""
        close = self._world.runtime.close
        if self._world.colour == "async":
            self._running = asyncio.ensure_future(close(partial(asyncio.sleep, 0)))
        else:
            self._running = threading.Thread(target=close, args=(lambda: None,))
            self._running.start()

    async def end(self) -> None:
        """Wait until it is closed."""
        if self._world.colour == "async":
            await self._running
        else:
            self._running.join()


@pytest.mark.parametrize("colour", COLOURS)
def test_closing_the_client_ends_a_call(colour: str) -> None:
    """The call and its pump are cancelled at the same time. The session is terminated once, whoever is first."""

    async def act(world: World) -> Any:
        closing = Closing(world)
        world.sim.script_exec("run it", ExecScript("hello\n", seconds=600))
        try:
            return await world.execute("run it", on_output=closing.begin)
        finally:
            await closing.end()

    world, error = perform(colour, act)
    assert isinstance(error, errors.ClientClosedError)
    assert 1 == world.count("TerminateSession")


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("colour", COLOURS)
def test_closing_the_client_while_a_session_opens_terminates_it(
    colour: str, moment: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Its id arrives with the response to ExecuteCommand: closing waits for that."""
    caplog.set_level(logging.WARNING)

    async def act(world: World) -> Any:
        closing = Closing(world)

        def close(_: int, operation: str) -> None:
            if operation == "ExecuteCommand":
                closing.begin()

        sends = world.runtime.transport if colour == "sync" else world.runtime.transport.sends
        setattr(sends, moment, close)
        try:
            return await _opened(world)
        finally:
            await closing.end()

    world, error = perform(colour, act)
    assert isinstance(error, errors.ClientClosedError)
    assert world.count("ExecuteCommand") == world.count("TerminateSession")
    assert [] == caplog.messages


async def _opened(world: World) -> Any:
    """Open a session that nothing closes."""
    opened = world.tasks.open_session(world.task, "sh")
    return await opened if world.colour == "async" else opened


def test_a_cancelled_close_ends_the_session_all_the_same() -> None:
    """Frameworks of tasks cancel each await of a task that is to end, also those of its clean-up."""

    async def act(world: World) -> Any:
        world.sim.script_exec("run it", ExecScript("hello\n", lingers=600))
        async with world.session("run it", exit_code=True) as session:
            await session.read_all()
            closing = asyncio.ensure_future(session.handle.close())
            await asyncio.sleep(0)
            closing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await closing
            assert session.handle._session.closing is not None
            await _pause(world)
            assert session.ended

    world, result = perform("async", act)
    assert result is None, repr(result)
    assert 1 == world.count("TerminateSession")


@pytest.mark.parametrize("colour", COLOURS)
def test_a_refused_termination_is_one_warning(colour: str, caplog: pytest.LogCaptureFixture) -> None:
    """The result is the same. The warning names the permission."""
    caplog.set_level(logging.WARNING)

    async def act(world: World) -> Any:
        world.sim.script_exec("run it", ExecScript("hello\n", lingers=60))
        world.sim.fail("TerminateSession", REFUSED, times=None)
        return await world.execute("run it")

    world, result = perform(colour, act, leaves=True)
    assert result.succeeded
    [session] = world.open_sessions()
    warning = (
        f"session {session} was not terminated, and may hold one of the slots of its container for 20 minutes: the"
        " credentials need ssm:TerminateSession on it; TerminateSession: AccessDeniedException: User: me is not"
        " authorized to perform this action"
    )
    assert [warning] == caplog.messages


@pytest.mark.parametrize("colour", COLOURS)
def test_a_session_that_is_not_closed_is_ended_with_a_warning(colour: str) -> None:
    """ResourceWarning names the session. The garbage collector ends it."""

    async def act(world: World) -> Any:
        session = await _opened(world)
        name = session.session_id
        with pytest.warns(ResourceWarning, match=f"unclosed session <{name} in container app of {world.task}, open>"):
            del session
        await _pause(world)
        return name

    world, _ = perform(colour, act)
    assert 1 == world.count("TerminateSession")


async def _pause(world: World) -> None:
    """Let others run for a second of the clock."""
    if world.colour == "async":
        await world.sim.clock.asleep(1)
    else:
        with world.sim.clock.flow():
            world.sim.clock.sleep(1)
