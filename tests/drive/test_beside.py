"""Flows beside other flows, and links: what both drivers do with `Beside` and `Connect`."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from random import Random
from typing import Any

import pytest

from ecskit._core.background import Background, stop
from ecskit._core.effects import Beside, Cancelled, Connect, Flow, Invoke, Reply, Sleep
from ecskit._core.errors import ClientClosedError, ConfigurationError, WaitCancelled
from ecskit._drive.background import threads_of
from ecskit._drive.clock import StopEvent, SystemClock
from ecskit._drive.sync import Runtime

from .support import BROKEN, AsyncDriver, Driver, SyncDriver, cleaning, nap, send


def beside(flow: Flow[None], name: str = "beside") -> Flow[Background]:
    """Start a flow beside this one."""
    reply: Reply[Background] = yield Beside(flow, name)
    return reply.get()


def ticks(notes: list[object], *, every: float, count: int = 1_000_000) -> Flow[None]:
    """Note the time again and again."""
    for _ in range(count):
        notes.append((yield Sleep(every)).now)


def test_both_go_on_with_the_same_clock(driver: Driver) -> None:
    """The reply is there as soon as the flow counts, so the clock does not pass its first sleep."""
    notes: list[object] = []

    def flow() -> Flow[None]:
        background = yield from beside(ticks(notes, every=2))
        notes.append("begun")
        yield from nap(5)
        notes.append("stop")
        yield from stop(background)
        yield from nap(60)
        assert background.error is None

    driver.run(flow())
    assert notes == ["begun", 2.0, 4.0, "stop"]
    assert driver.clock.now() == 65


def test_stopping_waits_for_the_clean_up(driver: Driver) -> None:
    """It is cancelled as any flow, its clean-up takes its time on the clock, and a second stop does nothing."""

    def tidy() -> Flow[None]:
        try:
            yield from nap(1000)
        except Cancelled:
            yield from nap(3)
            yield from send("tidy")
            raise

    def flow() -> Flow[None]:
        background = yield from beside(tidy())
        yield from nap(1)
        yield from stop(background)
        assert driver.sent == ["tidy"]
        yield from stop(background)

    driver.run(flow())
    assert driver.times == [4.0]


@pytest.mark.parametrize("at_once", [True, False])
def test_an_error_is_kept(driver: Driver, at_once: bool) -> None:  # noqa: FBT001  # a case
    """It ends the flow alone, also before its first effect. Whoever started it finds it."""

    def fails() -> Flow[None]:
        if not at_once:
            yield from nap(1)
        raise BROKEN

    def flow() -> Flow[None]:
        background = yield from beside(fails())
        yield from nap(2)
        assert background.error is BROKEN
        yield from stop(background)

    driver.run(flow())
    gc.collect()  # asyncio would log an error that is not retrieved, and the test would fail


def test_it_outlives_its_starter(driver: Driver) -> None:
    """Until it is stopped, or the client is closed, which waits for its clean-up."""
    notes: list[object] = []
    names: list[str] = []

    def watch() -> Flow[None]:
        task = asyncio.current_task() if isinstance(driver, AsyncDriver) else None
        names.append(task.get_name() if task else threading.current_thread().name)
        yield from cleaning(ticks(notes, every=1), "tidy")

    if isinstance(driver, SyncDriver):
        runtime = driver.runtime
        background = runtime.run(beside(watch(), "ecskit-watch"))
        runtime.run(nap(2.5))
        runtime.close(lambda: driver.sent.append("closed"))
        assert not [each for each in threading.enumerate() if each.name == "ecskit-watch"]
    else:
        assert isinstance(driver, AsyncDriver)
        made = driver.runtime

        async def close() -> None:
            driver.sent.append("closed")

        async def main() -> Background:
            background = await made.run(beside(watch(), "ecskit-watch"))
            await made.run(nap(2.5))
            await made.close(close)
            assert asyncio.all_tasks() == {asyncio.current_task()}
            return background

        background = asyncio.run(main())
    assert notes[:2] == [1.0, 2.0]  # the clock moves on between the calls
    assert driver.sent == ["tidy", "closed"]
    assert names == ["ecskit-watch"]
    assert background.error is None


def test_it_does_not_begin_in_a_client_that_is_being_closed() -> None:
    """A clean-up during the close starts nothing: the error is kept."""
    driver, kept = SyncDriver(), list[BaseException | None]()
    runtime = driver.runtime

    def late() -> Flow[None]:
        try:
            yield from nap(1000)
        except Cancelled:
            background = yield from beside(nap(1))  # type: ignore[arg-type]  # its result is not read
            kept.append(background.error)
            raise

    with driver.clock.flow():  # the clock stands
        background = runtime.run(beside(late()))
        runtime.close(lambda: None)
    assert background.error is None
    assert [type(error) for error in kept] == [ClientClosedError]


def test_a_thread_that_cannot_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's error reaches the flow, and nothing of the thread is left."""
    runtime = SyncDriver().runtime

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError, match="can't start"):
        runtime.run(beside(ticks([], every=1)))
    runtime.close(lambda: None)
    assert not threads_of(runtime)


def test_a_cancelled_stop_waits_all_the_same() -> None:
    """The end of a block is often cancelled. What runs beside it has ended when the cancellation goes on."""
    driver = AsyncDriver()
    runtime = driver.runtime
    waits = asyncio.Event()

    def slow() -> Flow[None]:
        try:
            yield from nap(1000)
        except Cancelled:
            yield Invoke(lambda _: waits.wait(), None)
            yield from send("tidy")
            raise

    async def main() -> None:
        with driver.clock.flow():
            background: Any = await runtime.run(beside(slow()))
            stopping = asyncio.create_task(background.stop())
            await asyncio.sleep(0.01)
            stopping.cancel()
            await asyncio.sleep(0)
            assert not stopping.done()
            waits.set()
            with pytest.raises(asyncio.CancelledError):
                await stopping
            assert driver.sent == ["tidy"]
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main(), debug=True)


def test_a_cancelled_start_leaves_nothing() -> None:
    """A task that is cancelled while what it starts has not begun ends that, too."""
    driver = AsyncDriver()

    async def main() -> None:
        starting = asyncio.create_task(driver.runtime.run(beside(ticks([], every=1))))
        await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main(), debug=True)


@pytest.mark.parametrize("nested", [False, True], ids=["alone", "in parallel"])
def test_a_stop_ends_a_callback_that_waits(nested: bool) -> None:  # noqa: FBT001  # a case
    """A flow that waits for a link on the machine's clock is woken at once, however deep it is."""
    from .support import parallel

    runtime, begun, waits = Runtime(SyncDriver(), SystemClock(), Random(0)), threading.Event(), threading.Event()

    def wait(_: object) -> None:
        begun.set()
        waits.wait(100)

    def receive() -> Flow[None]:
        yield Invoke(wait, None, wake=waits.set)

    background = runtime.run(beside(parallel(receive()) if nested else receive()))  # type: ignore[arg-type]
    begun.wait()
    background.stop()
    assert waits.is_set()
    assert not threads_of(runtime)


def test_a_stop_event_wakes_whatever_was_cancelled_before() -> None:
    """No stop is lost between the check and the wait, and none is passed on after the end of the wait."""
    outer = StopEvent()
    inner, wakes = StopEvent(outer), list[int]()
    with inner.waking(lambda: wakes.append(1)):
        outer.set()
    with inner.waking(lambda: wakes.append(2)):
        pass
    outer.set()
    assert wakes[0] == 1
    assert set(wakes) == {1, 2}
    assert inner.wait()


def test_waits_of_a_caller_end_soon_after_the_event() -> None:
    """The event of a caller cannot wake anything: it is checked."""
    callers = threading.Event()
    stop = StopEvent(callers)
    assert not stop.wait(0.01)
    timer = threading.Timer(0.02, callers.set)
    timer.start()
    with pytest.raises(WaitCancelled):
        Runtime(SyncDriver(), SystemClock(), Random(0)).run(nap(100), callers)
    assert stop.wait()
    timer.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_no_thread_beside_it() -> None:
    """Stopping there ends at once, and the flow of the parent goes on."""
    driver, notes = SyncDriver(), list[object]()
    runtime = driver.runtime
    with driver.clock.flow():
        background = runtime.run(beside(cleaning(ticks(notes, every=1), "tidy")))
        child = os.fork()
        if child == 0:
            background.stop()
            os._exit(17 if driver.sent == [] and not threads_of(runtime) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 17
        background.stop()
    assert driver.sent == ["tidy"]


def test_connect_is_replied_to_with_the_link(driver: Driver) -> None:
    """Or with the error: it is data to the flow, as that of a request."""

    def flow() -> Flow[list[Any]]:
        opened: Reply[Any] = yield Connect("wss://host")
        failed: Reply[Any] = yield Connect("wss://broken")
        return [opened.get(), failed.error]

    assert driver.run(flow()) == ["link to wss://host", BROKEN]


def test_a_driver_without_links_reports_it() -> None:
    """Those of tests and of plain transports have none."""

    def flow() -> Flow[Any]:
        return (yield Connect("wss://host")).error

    with pytest.raises(ConfigurationError, match="opens no WebSockets"):
        raise Runtime(SyncDriver(), SystemClock(), Random(0)).run(flow())
