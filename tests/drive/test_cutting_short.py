"""Interrupted flows: they clean up within the time limit, and the interruption is raised again."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import logging
import signal
import sys
import threading
from contextlib import suppress
from random import Random
from threading import Event
from typing import Any, cast

import pytest

from ecskit._core.effects import Cancelled, Flow, Send, Sleep, Waker
from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.clock import SystemClock
from ecskit._drive.sync import Runtime
from ecskit.errors import RequestError, WaitCancelled

from .support import AsyncDriver, Driver, SyncDriver, cleaning, nap, parallel, send


def test_clean_up_is_performed_and_the_interruption_raised_again(driver: Driver) -> None:
    """Sends and naps alike."""

    def clean() -> Flow[None]:
        try:
            yield from send("interrupt")
        except Cancelled:
            yield from send("stop")
            yield from nap(3)
            yield from send("forget")

    with pytest.raises(driver.interruption):
        driver.run(clean())
    assert (driver.sent, driver.times) == (["interrupt", "stop", "forget"], [0, 0, 3])


def test_a_flow_without_clean_up_just_ends(driver: Driver) -> None:
    """Nothing more is sent."""
    with pytest.raises(driver.interruption):
        driver.run(send("interrupt", "never"))
    assert driver.sent == ["interrupt"]


def test_clean_up_may_be_in_finally(driver: Driver) -> None:
    """With `Cancelled` on its way through several of them."""

    def flow() -> Flow[None]:
        try:
            try:
                yield from send("interrupt")
            finally:
                yield from send("inner")
        finally:
            yield from send("outer")

    with pytest.raises(driver.interruption):
        driver.run(flow())
    assert driver.sent == ["interrupt", "inner", "outer"]


def test_a_result_after_cancelled_is_dropped(driver: Driver) -> None:
    """The interruption is not swallowed by a flow that returns."""

    def flow() -> Flow[str]:
        with suppress(Cancelled):
            yield from send("interrupt")
        return "result"

    with pytest.raises(driver.interruption):
        driver.run(flow())


@pytest.mark.parametrize("error", ["break", "bug"])
def test_an_error_in_the_clean_up_does_not_hide_the_interruption(
    driver: Driver, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged."""

    def bug() -> None:
        raise ZeroDivisionError

    driver.acts = {"bug": bug}
    with pytest.raises(driver.interruption):
        driver.run(cleaning(send("interrupt"), error, "never"))
    assert driver.sent == ["interrupt", error]
    assert [(record.name, record.levelname) for record in caplog.records] == [("ecskit", "WARNING")]


@pytest.mark.parametrize(("speed", "seconds"), [(1.0, 1.0), (1.0, 3.0), (1.0, 3600.0), (20.0, 30.0)])
def test_clean_up_takes_ten_real_seconds_at_the_most(driver: Driver, speed: float, seconds: float) -> None:
    """Whatever it yields, a nap is cut, and it is closed without a fuss even if it does not want to be."""
    driver.clock.speed = speed

    def stubborn() -> Flow[None]:
        closed = 0
        while closed < 4:
            try:
                yield Send("x", {})
                yield Sleep(seconds)
            except Cancelled:
                pass
            except GeneratorExit:
                closed += 1

    flow = stubborn()
    driver.acts = {"x": _once(driver)}
    with pytest.raises(driver.interruption):
        driver.run(flow)
    assert driver.clock.now() == 10 * speed
    assert flow.gi_frame is None  # type: ignore[attr-defined]  # a generator at run time: it has ended


def _once(driver: Driver) -> Any:
    """Return an act that interrupts the first time."""
    calls: list[int] = []

    def act() -> Any:
        calls.append(1)
        if len(calls) > 1:
            return None
        if isinstance(driver, AsyncDriver):
            assert driver.root
            driver.root.cancel()
            return asyncio.sleep(0)
        raise KeyboardInterrupt

    return act


def test_clean_up_that_yields_when_it_is_closed_is_closed_again(driver: Driver) -> None:
    """Layers of `finally` that each want to send end one by one, and none of them sends."""

    def layers() -> Flow[None]:
        try:
            try:
                try:
                    yield from send("interrupt")
                finally:
                    yield Sleep(20)
            finally:
                yield from send("never")
        finally:
            yield from send("never")

    flow = layers()
    with pytest.raises(driver.interruption):
        driver.run(flow)
    assert driver.sent == ["interrupt"]
    assert driver.clock.now() == 10
    assert flow.gi_frame is None  # type: ignore[attr-defined]  # a generator at run time: it has ended


def test_a_second_interruption_ends_the_clean_up(driver: Driver) -> None:
    """What is left of it is not performed."""
    flow = cleaning(cleaning(send("interrupt"), "one", "interrupt", "never"), "nor this")
    with pytest.raises(driver.interruption):
        driver.run(flow)
    assert driver.sent == ["interrupt", "one", "interrupt"]
    assert flow.gi_frame is None  # type: ignore[attr-defined]


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_each_running_flow_of_a_group_cleans_up(driver: Driver, limit: int) -> None:
    """And its parent after them; flows that still wait for room are not even started."""
    started: list[int] = []

    def child(i: int) -> Flow[None]:
        started.append(i)
        yield from nap(1)
        yield from send("interrupt" if i == 0 else f"child {i}")
        yield from nap(50)

    children = [cleaning(child(i), f"clean {i}") for i in range(6)]
    with pytest.raises(driver.interruption):
        driver.run(cleaning(parallel(*children, limit=limit), "clean parent"))
    cleaned = [sent for sent in driver.sent if sent.startswith("clean")]
    assert sorted(cleaned[:-1]) == [f"clean {i}" for i in range(limit)]
    assert cleaned[-1] == "clean parent"
    assert sorted(started) == list(range(limit))


def test_groups_in_groups_clean_up_from_the_inside(driver: Driver) -> None:
    """Every flow before its parent."""

    def middle(name: str, *operations: str) -> Flow[Any]:
        def first() -> Flow[None]:
            yield from nap(1)  # the others have started by then
            yield from send(*operations)

        inner = [cleaning(first(), f"{name} inner"), cleaning(nap(99), f"{name} inner")]
        return cleaning(parallel(*inner), f"{name} middle")

    def idle(name: str) -> Flow[Any]:
        return cleaning(parallel(cleaning(nap(99), f"{name} inner")), f"{name} middle")

    with pytest.raises(driver.interruption):
        driver.run(cleaning(parallel(middle("a", "interrupt"), idle("b")), "outer"))
    cleaned = [sent for sent in driver.sent if sent.split()[-1] in ("inner", "middle", "outer")]
    assert sorted(cleaned) == ["a inner", "a inner", "a middle", "b inner", "b middle", "outer"]
    assert cleaned[-1] == "outer"
    for name in "ab":
        assert cleaned.index(f"{name} middle") > max(i for i, c in enumerate(cleaned) if c == f"{name} inner")


def test_the_clean_up_of_a_group_may_be_a_group(driver: Driver) -> None:
    """It is bounded as any other."""

    def clean() -> Flow[None]:
        try:
            yield from send("interrupt")
        except Cancelled:
            yield from parallel(send("stop a"), send("stop b"), nap(3600), cleaning(nap(3600), "never"))
            raise

    with pytest.raises(driver.interruption):
        driver.run(clean())
    assert sorted(driver.sent) == ["interrupt", "stop a", "stop b"]
    assert driver.clock.now() == 10


def test_other_base_exceptions_close_the_flow(driver: Driver) -> None:
    """They are not ours to handle: nothing is performed, but the flow does not wait for the garbage collector."""

    class Strange(BaseException):
        pass

    def leave() -> None:
        raise Strange

    driver.acts = {"leave": leave}
    flow = cleaning(send("leave"), "never")
    with pytest.raises(Strange):
        driver.run(flow)
    assert driver.sent == ["leave"]
    assert flow.gi_frame is None  # type: ignore[attr-defined]


def test_a_program_that_is_reported_to_exit_cleans_up_first(driver: Driver) -> None:
    """As with Ctrl-C: containers receive SIGTERM, whose handlers raise SystemExit."""

    def leave() -> None:
        raise SystemExit(3)

    driver.acts = {"leave": leave}
    with pytest.raises(SystemExit):
        driver.run(cleaning(send("leave"), "cleaned"))
    assert driver.sent == ["leave", "cleaned"]


@pytest.mark.parametrize("left", [True, False])
def test_a_request_is_begun_when_it_leaves(driver: Driver, left: bool) -> None:  # noqa: FBT001  # a case of two
    """The transport reports it: before that, nothing can have come of it."""
    driver.leaves = left
    begun: list[bool] = []

    def flow() -> Flow[None]:
        try:
            yield from send("interrupt")
        except Cancelled as cancelled:
            begun.append(cancelled.sent)
            raise

    with pytest.raises(driver.interruption):
        driver.run(flow())
    assert [left] == begun


# The cancel event of the sync driver.


def test_a_cancel_event_that_is_set_before_lets_nothing_happen() -> None:
    """The flow is not even started, so there is nothing to clean up."""
    driver, cancel = SyncDriver(), Event()
    cancel.set()
    with pytest.raises(WaitCancelled, match="cancel"):
        driver.runtime.run(cleaning(send("never"), "nor this"), cancel)
    assert driver.sent == []


def test_a_cancel_event_ends_a_nap() -> None:
    """Not when the nap is over."""
    driver, cancel = SyncDriver(), Event()
    with driver.clock.flow():  # the nap would be over at once
        thread = threading.Thread(target=_set_when_asleep, args=(driver, cancel))
        thread.start()
        with pytest.raises(WaitCancelled):
            driver.runtime.run(cleaning(nap(3600), "clean"), cancel)
        thread.join()
    assert driver.sent == ["clean"]
    assert driver.clock.now() == 0


def _set_when_asleep(driver: Driver, cancel: Event) -> None:
    while not driver.clock._asleep:
        pass
    cancel.set()


def test_a_cancel_event_ends_a_nap_of_the_machines_clock() -> None:
    """At once."""
    cancel = Event()
    runtime = Runtime(SyncDriver(), SystemClock(), Random(0))
    asleep = Event()

    def flow() -> Flow[None]:
        asleep.set()
        yield Sleep(3600)
        yield Sleep(3600)

    def setter() -> None:
        asleep.wait()
        cancel.set()

    thread = threading.Thread(target=setter)
    thread.start()
    with pytest.raises(WaitCancelled):
        runtime.run(parallel(flow(), flow()), cancel)
    thread.join()


def test_a_flow_that_ends_while_cancel_is_set_has_its_result() -> None:
    """What is done is done."""
    driver, cancel = SyncDriver(), Event()
    driver.acts = {"last": cancel.set}
    assert driver.runtime.run(send("last"), cancel) == ["last"]


# Ctrl-C while the main thread waits for a group.


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_reaches_a_group_through_the_thread_that_waits_for_it() -> None:
    """All flows clean up, on the machine's clock too."""
    main = threading.main_thread().ident
    assert main
    for cancel in (None, Event()):
        clock, started = Bedside(), threading.Barrier(2)

        def ctrl_c(clock: Bedside = clock) -> None:
            while not (clock.stops and _waits_for_futures(main)):
                threading.Event().wait(0.001)  # a busy loop would keep the main thread from getting there
            signal.pthread_kill(main, signal.SIGINT)
            while not clock.stops[0].wait(0.3):  # CPython loses a signal just before it blocks: press it again
                signal.pthread_kill(main, signal.SIGINT)

        driver = SyncDriver(acts={"start": started.wait, "ctrl-c": ctrl_c})
        runtime = Runtime(driver, clock, Random(0))

        def child(*operations: str) -> Flow[None]:
            yield from send("start", *operations)
            yield Sleep(3600)

        flow = parallel(cleaning(child("ctrl-c"), "clean"), cleaning(child(), "clean"))
        with pytest.raises(KeyboardInterrupt):
            runtime.run(cleaning(flow, "clean parent"), cancel)
        assert driver.sent == ["start", "start", "ctrl-c", "clean", "clean", "clean parent"]
        assert cancel is None or not cancel.is_set()


class Bedside(SystemClock):
    """The machine's clock, with the events that would end its sleeps."""

    def __init__(self) -> None:
        self.stops: list[Event] = []

    def sleep(self, seconds: float, cancel: Event | None, waker: Waker | None = None) -> None:
        """Sleep."""
        assert cancel
        self.stops.append(cancel)
        super().sleep(seconds, cancel, waker)


def _waits_for_futures(thread: int) -> bool:
    frame = sys._current_frames().get(thread)
    while frame is not None:
        if frame.f_code is concurrent.futures.wait.__code__:
            return True
        frame = frame.f_back
    return False


# What asyncio has of its own.


async def test_a_timeout_waits_for_the_clean_up() -> None:
    """`asyncio.wait_for` gets its TimeoutError, after the flow has cleaned up."""
    driver = AsyncDriver()
    forever = asyncio.Event()
    driver.acts = {"hang": forever.wait}
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(driver.runtime.run(cleaning(send("hang"), "clean")), 0.01)
    assert driver.sent == ["hang", "clean"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio does not count cancellations")
@pytest.mark.parametrize("attempt", range(10))
@pytest.mark.parametrize("debug", [True, False])
def test_the_end_of_the_loop_lets_groups_clean_up(attempt: int, *, debug: bool) -> None:
    """`asyncio.run` cancels all tasks there are, a group's parent and children alike: that is one interruption."""
    driver = AsyncDriver()
    driver.acts = {"hang": lambda: asyncio.Event().wait()}

    def clean(name: str) -> Flow[None]:
        try:
            yield from send("hang")
        finally:
            yield from send(f"{name} 1")
            yield from send(f"{name} 2")

    async def main() -> None:
        flow = cleaning(parallel(*(clean(f"child {i}") for i in range(3))), "parent")
        _left.append(asyncio.ensure_future(driver.runtime.run(flow)))
        for _ in range(attempt):
            await asyncio.sleep(0)
        while driver.sent.count("hang") < 3:
            await asyncio.sleep(0)

    _left: list[Any] = []
    asyncio.run(main(), debug=debug)
    assert sorted(driver.sent[3:]) == [*(f"child {i} {j}" for i in range(3) for j in (1, 2)), "parent"]
    assert _left[0].cancelled()


async def test_a_child_that_is_cancelled_elsewhere_cancels_its_parent() -> None:
    """A group does not hang, and does not take the missing reply for a success."""
    driver = AsyncDriver()

    async def cancel_me() -> None:
        task = asyncio.current_task()
        assert task
        task.cancel()
        await asyncio.sleep(0)

    driver.acts = {"cancel me": cancel_me}
    with pytest.raises(asyncio.CancelledError):
        await driver.runtime.run(cleaning(parallel(send("cancel me"), send("other")), "clean"))
    assert driver.sent == ["cancel me", "other", "clean"]


async def test_clean_up_is_shielded() -> None:
    """It is not itself cancelled by the cancellation that caused it, however long it takes."""
    driver = AsyncDriver()

    async def slow() -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    driver.acts = {"hang": lambda: asyncio.Event().wait(), "slow": slow}
    task = asyncio.ensure_future(driver.runtime.run(cleaning(send("hang"), "slow", "done")))
    while driver.sent != ["hang"]:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert driver.sent == ["hang", "slow", "done"]


async def test_a_second_cancellation_reaches_the_clean_up_of_a_groups_flows() -> None:
    """It ends theirs as it ends the parent's, and nothing is left behind."""
    driver = AsyncDriver()
    driver.acts = {"hang": lambda: asyncio.Event().wait(), "hang on": lambda: asyncio.Event().wait()}
    flows = [cleaning(send("hang"), "hang on", "never") for _ in range(3)]
    task = asyncio.ensure_future(driver.runtime.run(cleaning(parallel(*flows), "parent")))
    for awaited in ("hang", "hang on"):
        while driver.sent.count(awaited) < 3:
            await asyncio.sleep(0)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert driver.sent == ["hang"] * 3 + ["hang on"] * 3 + ["parent"]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_task_that_is_cancelled_before_it_starts_performs_nothing() -> None:
    """And leaves no coroutine that was never awaited."""
    driver = AsyncDriver()
    task = asyncio.ensure_future(driver.runtime.run(cleaning(send("never"), "nor this")))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert driver.sent == []


def test_a_loop_that_is_torn_down_closes_the_flow(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is raised out of the garbage collector where a pending task is destroyed with its loop."""
    driver = AsyncDriver(acts={"hang": lambda: asyncio.Event().wait()})
    loop = asyncio.new_event_loop()
    flow = cleaning(send("hang"), "never")
    task = loop.create_task(driver.runtime.run(flow))
    while driver.sent != ["hang"]:
        loop.call_soon(loop.stop)
        loop.run_forever()
    loop.close()
    with caplog.at_level(logging.CRITICAL, logger="asyncio"):  # it says that the task was pending: it was
        del task
        gc.collect()
    assert driver.sent == ["hang"]
    assert flow.gi_frame is None  # type: ignore[attr-defined]


async def test_an_async_runtime_works_with_the_loops_own_debug_mode_off_and_on() -> None:
    """A plain run, many times, in one loop."""
    driver = AsyncDriver()
    runtime = AsyncRuntime(driver, driver.clock, Random(0))
    asyncio.get_running_loop().set_debug(True)
    assert await asyncio.gather(*(runtime.run(send("x")) for _ in range(20))) == [["x"]] * 20


def test_cancel_must_be_an_event() -> None:
    """An argument that is no event is rejected before the flow starts."""
    flow, flag = nap(1), cast("Event", True)  # noqa: FBT003  # wrong on purpose
    with pytest.raises(RequestError, match=r"cancel: expected a threading\.Event, got bool"):
        SyncDriver().runtime.run(flow, flag)
