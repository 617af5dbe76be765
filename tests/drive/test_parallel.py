"""Groups of flows side by side."""

from __future__ import annotations

import asyncio
import contextvars
from random import Random
from threading import Barrier, Event, Thread
from typing import Any

import pytest

from ecskit._core.effects import Cancelled, Flow, Reply, Send
from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.shared import FlowState
from ecskit._simulator.virtual_clock import VirtualClock

from .support import BROKEN, AsyncDriver, Driver, SyncDriver, cleaning, nap, parallel, send

WHO: contextvars.ContextVar[str] = contextvars.ContextVar("WHO", default="default")


def test_replies_are_in_the_order_of_the_flows(driver: Driver) -> None:
    """Whoever ends first."""
    replies = driver.run(parallel(*map(nap, [3, 1, 2])))
    assert [reply.value for reply in replies] == [3, 1, 2]


def test_replies_carry_the_time_at_which_each_flow_ended(driver: Driver) -> None:
    """Also those that failed."""

    def failing() -> Flow[None]:
        yield from nap(2)
        yield from send("break")

    replies = driver.run(parallel(nap(5), failing()))
    assert [reply.now for reply in replies] == [5, 2]


def test_one_failure_does_not_stop_the_others(driver: Driver) -> None:
    """It is in its reply."""
    first, second, third = driver.run(parallel(send("one"), send("break"), send("three")))
    assert (first.value, second.error, third.value) == (["one"], BROKEN, ["three"])


@pytest.mark.parametrize(("limit", "expected"), [(1, 60), (2, 30), (4, 20), (6, 10), (99, 10)])
def test_no_more_run_at_once_than_the_limit(driver: Driver, limit: int, expected: float) -> None:
    """Six naps of 10 s take as many rounds as they need; those that wait for room do not hold the clock."""
    driver.run(parallel(*(nap(10) for _ in range(6)), limit=limit))
    assert driver.clock.now() == expected


def test_groups_may_be_nested(driver: Driver) -> None:
    """Each with a limit of its own."""

    def inner() -> Flow[list[float]]:
        replies: list[Reply[float]] = yield from parallel(nap(1), nap(2), limit=1)
        return [reply.get() for reply in replies]

    replies = driver.run(parallel(inner(), inner(), inner()))
    assert [reply.value for reply in replies] == [[1, 3]] * 3


def test_context_variables_go_with_the_flows(driver: Driver) -> None:
    """Each flow sees its parent's, and keeps what it changes to itself."""
    reported: list[str] = []

    def report() -> None:
        reported.append(WHO.get())
        WHO.set("another")

    driver.acts = {"report": report}
    before = WHO.set("me")
    try:
        driver.run(parallel(*(send("report") for _ in range(5)), limit=2))
        assert reported == ["me"] * 5
        assert WHO.get() == "me"
    finally:
        WHO.reset(before)


def test_the_random_numbers_of_flows_differ(driver: Driver) -> None:
    """They share one source."""
    from .support import draw

    replies = driver.run(parallel(draw(), draw(), draw()))
    assert len({reply.value for reply in replies}) == 3


def test_a_bug_in_one_flow_ends_the_others_and_is_raised(driver: Driver) -> None:
    """Those that run clean up first, those that wait for room are not started."""

    def bug() -> None:
        raise ZeroDivisionError

    def late() -> Flow[None]:
        yield from send("never")

    def loop() -> Flow[None]:
        while True:
            yield from send("again")
            yield from nap(1)

    driver.acts = {"bug": bug}
    with pytest.raises(ZeroDivisionError):
        driver.run(parallel(cleaning(loop(), "clean"), send("bug"), cleaning(late(), "clean too"), limit=2))
    assert driver.sent.count("clean") == 1
    assert "clean too" not in driver.sent


def test_flows_elsewhere_do_not_miss_their_time_while_a_group_starts_and_ends(driver: Driver) -> None:
    """The clock never moves in the gap between a flow and its group, or between a group and its flow."""

    def group() -> Flow[list[float]]:
        times: list[float] = []
        for _ in range(20):
            replies: list[Reply[float]] = yield from parallel(nap(1), nap(2), nap(1), limit=2)
            times += [reply.now for reply in replies]
            reply: Reply[Any] = yield Send("now", {})
            times.append(reply.now)
        return times

    expected = [float(t) for i in range(0, 40, 2) for t in (i + 1, i + 2, i + 2, i + 2)]
    if isinstance(driver, SyncDriver):
        assert _beside_sleepers(driver, group()) == expected
    else:
        assert isinstance(driver, AsyncDriver)
        runtime = driver.runtime

        async def main() -> list[float]:
            _, _, times = await asyncio.gather(runtime.run(nap(0.5)), runtime.run(nap(100)), runtime.run(group()))
            return times

        assert asyncio.run(main()) == expected


def _beside_sleepers(driver: SyncDriver, flow: Flow[Any]) -> Any:
    """Run a flow in a thread of its own, beside others that sleep for 0.5 s and for 100 s."""
    results: list[Any] = []
    begin = Barrier(4)

    def run(flow: Flow[Any]) -> None:
        with driver.clock.flow():
            begin.wait()
            results.append(driver.runtime._run(flow, None, FlowState()))

    threads = [Thread(target=run, args=(each,)) for each in (nap(0.5), nap(100), flow)]
    for thread in threads:
        thread.start()
    begin.wait()
    for thread in threads:
        thread.join()
    return next(result for result in results if isinstance(result, list))


def test_cancel_reaches_all_flows_of_a_group_and_no_others() -> None:
    """Each cleans up; the caller's event is read, never set."""
    driver, cancel = SyncDriver(), Event()
    driver.acts = {"cancel": cancel.set}
    from ecskit.errors import WaitCancelled

    def cancels() -> Flow[None]:
        yield from nap(5)
        yield from send("cancel")
        yield from send("never")

    with pytest.raises(WaitCancelled):
        driver.runtime.run(parallel(cleaning(nap(3600), "clean"), cleaning(cancels(), "clean")), cancel)
    assert sorted(driver.sent) == ["cancel", "clean", "clean"]


def test_the_callers_cancel_event_is_not_set_when_something_else_ends_a_group() -> None:
    """Other waits may share it."""
    driver, cancel = SyncDriver(), Event()
    with pytest.raises(KeyboardInterrupt):
        driver.runtime.run(parallel(cleaning(nap(3600), "clean"), send("interrupt")), cancel)
    assert driver.sent == ["interrupt", "clean"]
    assert not cancel.is_set()


def test_a_flow_that_swallows_cancelled_in_a_group_is_closed(driver: Driver) -> None:
    """What it still wants is not performed once its time is over."""

    def stubborn() -> Flow[None]:
        while True:
            try:
                yield from nap(4)
                yield from send("still here")
            except Cancelled:
                pass

    with pytest.raises(driver.interruption):
        driver.run(parallel(stubborn(), send("interrupt")))
    assert driver.clock.now() <= 10
    assert driver.sent.count("still here") <= 2


def test_async_flows_share_the_loop_fairly() -> None:
    """A group of flows that only send does not starve other tasks."""
    driver = AsyncDriver(clock=VirtualClock())
    runtime = AsyncRuntime(driver, driver.clock, Random(0))
    seen: list[int] = []

    async def main() -> None:
        async def other() -> None:
            while len(driver.sent) < 50:
                seen.append(len(driver.sent))
                await asyncio.sleep(0)

        await asyncio.gather(runtime.run(parallel(*(send("x") for _ in range(50)), limit=5)), other())

    asyncio.run(main())
    assert len(seen) > 5
