"""The clock that moves only when everybody sleeps, for threads and for tasks."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from random import Random
from threading import Barrier, Event, Thread
from typing import Any

import pytest

from ecskit._core.effects import Flow, Waker
from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.running import RunningFlows
from ecskit._drive.shared import FlowState
from ecskit._drive.sync import Runtime
from ecskit._simulator.virtual_clock import VirtualClock

from .support import AsyncDriver, SyncDriver, nap, send

Log = list[tuple[float, str]]


def in_threads(clock: VirtualClock, *bodies: Callable[[], object]) -> None:
    """Run functions in threads, none of which sees time pass before all have started."""
    threads: list[Thread] = []
    begin = Barrier(len(bodies) + 1)

    def counted(body: Callable[[], object]) -> None:
        with clock.flow():
            begin.wait(10)
            body()

    with clock.flow():
        for body in bodies:
            threads.append(Thread(target=counted, args=(body,)))
            threads[-1].start()
        begin.wait(10)
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads), "a thread was not woken"


def sleeper(clock: VirtualClock, name: str, naps: Sequence[float], log: Log) -> Callable[[], None]:
    """Return a function that sleeps some times and notes when it woke."""

    def body() -> None:
        for seconds in naps:
            clock.sleep(seconds)
            log.append((clock.now(), name))

    return body


async def async_sleeper(clock: VirtualClock, name: str, naps: Sequence[float], log: Log) -> None:
    """Sleep some times and note when it woke."""
    with clock.flow():
        for seconds in naps:
            await clock.asleep(seconds)
            log.append((clock.now(), name))


def test_ten_threads_that_sleep_a_minute_take_a_minute() -> None:
    """Not ten."""
    clock, log = VirtualClock(), Log()
    in_threads(clock, *(sleeper(clock, "", [60], log) for _ in range(10)))
    assert (clock.now(), log) == (60, [(60, "")] * 10)


async def test_ten_tasks_that_sleep_a_minute_take_a_minute() -> None:
    """Gathered, without any help."""
    clock, log = VirtualClock(), Log()
    await asyncio.gather(*(async_sleeper(clock, "", [60], log) for _ in range(10)))
    assert (clock.now(), log) == (60, [(60, "")] * 10)


async def test_ten_runs_of_a_flow_take_as_long_as_one() -> None:
    """As users have them: of one client, gathered."""
    driver = AsyncDriver()
    runtime = driver.runtime
    assert await asyncio.gather(*(runtime.run(nap(60)) for _ in range(10))) == [60] * 10


NAPS: dict[str, list[float]] = {"a": [5, 5, 5], "b": [3, 9], "c": [0, 4, 0, 7.5]}
EXPECTED = [(0, "c"), (3, "b"), (4, "c"), (4, "c"), (5, "a"), (10, "a"), (11.5, "c"), (12, "b"), (15, "a")]


def test_threads_wake_in_the_order_of_their_moments() -> None:
    """Each at exactly its own."""
    clock, log = VirtualClock(), Log()
    in_threads(clock, *(sleeper(clock, name, naps, log) for name, naps in NAPS.items()))
    assert log == EXPECTED


async def test_tasks_wake_in_the_order_of_their_moments() -> None:
    """The same."""
    clock, log = VirtualClock(), Log()
    await asyncio.gather(*(async_sleeper(clock, name, naps, log) for name, naps in NAPS.items()))
    assert log == EXPECTED


async def test_tasks_that_wake_together_go_on_in_the_order_in_which_they_went_to_sleep() -> None:
    """So that runs are alike."""
    clock, log = VirtualClock(), Log()
    await asyncio.gather(*(async_sleeper(clock, name, [7], log) for name in "dacb"))
    assert "".join(name for _, name in log) == "dacb"


def test_threads_and_tasks_share_a_clock() -> None:
    """Two threads and a loop with three tasks, all of them with the same naps."""
    clock, log = VirtualClock(), Log()

    def loop() -> None:
        async def main() -> None:
            tasks = [asyncio.ensure_future(async_sleeper(clock, "task", [60, 30], log)) for _ in range(3)]
            await asyncio.sleep(0)  # a task counts from its first step on, and the threads do not wait for it
            with clock.elsewhere():
                await asyncio.gather(*tasks)

        asyncio.run(main())

    in_threads(clock, loop, *(sleeper(clock, "thread", [30, 60], log) for _ in range(2)))
    assert [time for time, _ in log] == [30, 30, 60, 60, 60, 90, 90, 90, 90, 90]


def test_the_end_of_a_loop_does_not_leave_threads_asleep() -> None:
    """Its last flow has still moved the clock for them."""
    clock, log = VirtualClock(), Log()

    def loop() -> None:
        runtime = AsyncRuntime(AsyncDriver(clock=clock), clock, Random(0))
        made = asyncio.new_event_loop()
        with clock.elsewhere():
            made.run_until_complete(runtime.run(nap(3)))
            made.run_until_complete(runtime.run(send("x")))
        made.close()

    in_threads(clock, loop, sleeper(clock, "thread", [5, 60], log))
    assert log == [(5, "thread"), (65, "thread")]


async def test_a_flow_that_ends_at_once_does_not_move_the_clock_for_others() -> None:
    """Tasks that were created together start together, whatever the first of them does."""
    driver = AsyncDriver()
    runtime = driver.runtime

    def nothing() -> Flow[None]:
        yield from ()

    flows: list[Flow[Any]] = [nap(60), nothing(), send("x"), nap(5), nap(60)]
    assert await asyncio.gather(*map(runtime.run, flows)) == [60, None, ["x"], 5, 60]
    assert driver.times == [0]


async def test_a_task_may_run_one_flow_after_another() -> None:
    """The clock does not use the gap between them."""
    driver, log = AsyncDriver(), Log()
    runtime = driver.runtime

    async def steps() -> None:
        for _ in range(5):
            log.append((await runtime.run(nap(2)), ""))

    await asyncio.gather(runtime.run(nap(1000)), steps())
    assert [time for time, _ in log] == [2, 4, 6, 8, 10]


async def test_a_flow_that_waits_for_something_else_holds_the_clock() -> None:
    """A call under way takes no time of this clock, and none passes meanwhile."""
    answered = asyncio.Event()
    driver = AsyncDriver(acts={"slow": answered.wait})
    sleeping = asyncio.ensure_future(driver.runtime.run(nap(60)))
    calling = asyncio.ensure_future(driver.runtime.run(send("slow")))
    for _ in range(20):
        await asyncio.sleep(0)
    assert (driver.clock.now(), sleeping.done()) == (0, False)
    answered.set()
    assert await calling == ["slow"]
    assert await sleeping == 60


def test_contexts_are_nested() -> None:
    """The clock is held until the last one is left; `elsewhere` lets go of one."""
    clock, log = VirtualClock(), Log()
    woken = Event()

    def body() -> None:
        sleeper(clock, "", [60], log)()
        woken.set()

    thread = Thread(target=body)
    with clock.flow(), clock.flow(), clock.flow():
        thread.start()
        while not clock._asleep:
            pass
        # A sleeper that is not counted itself takes one count away: two are left.
        assert not woken.wait(0.01)
        with clock.elsewhere():
            assert not woken.wait(0.01)
            with clock.elsewhere():
                thread.join(10)
    assert log == [(60, "")]


def test_a_counted_thread_may_wait_for_others_elsewhere() -> None:
    """And be counted again afterwards."""
    clock, log = VirtualClock(), Log()
    with clock.flow():
        with clock.elsewhere():
            in_threads(clock, sleeper(clock, "a", [60], log))
        assert clock.now() == 60
        assert clock._running == 1
    assert clock._running == 0


def test_advance_moves_by_hand_and_wakes_who_is_due() -> None:
    """Others sleep on."""
    clock, log = VirtualClock(), Log()
    with clock.flow():
        threads = [Thread(target=_counted, args=(clock, sleeper(clock, str(s), [s], log))) for s in (10, 20, 30)]
        for thread in threads:
            thread.start()
        while len(clock._asleep) < 3:
            pass
        clock.advance(9.5)
        assert (clock.now(), log) == (9.5, [])
        clock.advance(10.5)
        for thread in threads[:2]:
            thread.join(10)
        assert sorted(name for _, name in log) == ["10", "20"]
        assert clock.now() == 20
    threads[2].join(10)
    assert log[-1] == (30, "30")


def _counted(clock: VirtualClock, body: Callable[[], object]) -> None:
    with clock.flow():
        body()


def test_advance_does_not_go_back() -> None:
    """Time never does."""
    clock = VirtualClock()
    clock.advance(0)
    with pytest.raises(ValueError, match="-1"):
        clock.advance(-1)
    assert clock.now() == 0


def test_epoch_moves_with_the_clock() -> None:
    """From a fixed moment."""
    clock = VirtualClock()
    began = clock.epoch()
    clock.advance(5)
    assert clock.epoch() == began + 5
    assert VirtualClock().epoch() == began


async def test_a_cancelled_sleeper_neither_blocks_nor_moves_the_clock() -> None:
    """Its wake-up time is dropped: time moves on with the other flows, and not without them."""
    driver, log = AsyncDriver(), Log()
    runtime, clock = driver.runtime, driver.clock
    cancelled = asyncio.ensure_future(runtime.run(nap(60)))
    with clock.flow():
        while not clock._asleep:
            await asyncio.sleep(0)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
    await asyncio.sleep(0)
    assert clock.now() == 0
    await asyncio.gather(async_sleeper(clock, "a", [10], log), async_sleeper(clock, "b", [90], log))
    assert (log, clock.now()) == ([(10, "a"), (90, "b")], 90)
    assert (clock._running, clock._asleep) == (0, [])


async def test_many_cancelled_sleepers_are_forgotten() -> None:
    """Whichever of them are cancelled, and while others wake."""
    driver = AsyncDriver()
    runtime, clock, random = driver.runtime, driver.clock, Random(5)
    tasks = [asyncio.ensure_future(runtime.run(nap(random.randrange(1, 50)))) for _ in range(200)]
    with clock.flow():
        while len(clock._asleep) < 200:
            await asyncio.sleep(0)
        for task in random.sample(tasks, 100):
            task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    slept = [result for result in done if isinstance(result, (int, float))]
    assert len(slept) == 100
    assert clock.now() == max(slept)
    assert (clock._running, clock._asleep) == (0, [])


def test_a_cancelled_thread_neither_blocks_nor_moves_the_clock() -> None:
    """It wakes at the moment at which the others are."""
    clock, log, cancel = VirtualClock(), Log(), Event()

    def cancels() -> None:
        clock.sleep(7)
        cancel.set()
        clock.sleep(100)

    def cancelled() -> None:
        clock.sleep(60, cancel)
        log.append((clock.now(), "cancelled"))

    in_threads(clock, cancels, cancelled)
    assert (log, clock.now()) == ([(7, "cancelled")], 107)
    assert clock._running == 0


def test_a_cancelled_sleeper_alone_does_not_move_the_clock() -> None:
    """Not even when the thread is no longer counted."""
    clock, cancel = VirtualClock(), Event()
    cancel.set()
    with clock.flow():
        clock.sleep(60, cancel)
    assert clock.now() == 0


class CountedEvent(Event):
    """An event that counts how often it is checked."""

    checks = 0

    def is_set(self) -> bool:
        self.checks += 1
        return super().is_set()


def test_the_clock_checks_an_event_once_for_all_who_share_it() -> None:
    """Not once for each sleeper, or the work would grow with their square."""
    clock, log, cancel = VirtualClock(), Log(), CountedEvent()

    def naps(i: int) -> Callable[[], None]:
        def body() -> None:
            for n in range(10):
                clock.sleep(1 + i + n / 100, cancel)
            log.append((clock.now(), ""))

        return body

    in_threads(clock, *map(naps, range(40)))
    assert len(log) == 40
    # Once for each of the 400 moves, and now and then while a thread starts to run.
    assert cancel.checks < 1200


def test_one_sleeper_checks_the_events_of_all() -> None:
    """While another flow runs, each wakes soon after its event is set, also after the one that checked has gone."""
    clock, log, cancels = VirtualClock(), Log(), [Event() for _ in range(20)]

    def cancelled(cancel: Event) -> Callable[[], None]:
        def body() -> None:
            clock.sleep(60, cancel)
            log.append((clock.now(), ""))

        return body

    def cancelling() -> None:
        while len(clock._asleep) < len(cancels):
            pass
        for count, event in enumerate(cancels, 1):
            event.set()
            while len(log) < count:
                Event().wait(0.001)
        assert clock._cancels == {}

    in_threads(clock, cancelling, *map(cancelled, cancels))
    assert (log, clock.now(), clock._running) == ([(0, "")] * 20, 0, 0)


def test_flows_of_a_client_with_the_same_event_share_one() -> None:
    """So a clock has one event to check, and closing the client stops all of them, but none that comes later."""
    flows, cancel = RunningFlows(), Event()
    events = [flows.enter(nap(1), each).stop for each in (None, None, cancel, cancel, Event())]
    assert events[0] is events[1] is not events[2] is events[3] is not events[4]
    cancel.set()
    assert [event.is_set() for event in events] == [False, False, True, True, False]
    flows.close(lambda _: None, lambda: None)
    assert all(event.is_set() for event in events)
    for run in list(flows._runs):
        flows.leave(run)
    assert not flows.enter(nap(1), None).stop.is_set()


def test_no_wakeup_is_lost_under_stress() -> None:
    """Eight threads and a loop of twenty tasks, thousands of naps; every one ends exactly when it should."""
    clock, wrong = VirtualClock(), Log()

    def nap_exactly(now: float, seconds: float) -> None:
        if clock.now() != now + seconds:
            wrong.append((clock.now(), f"slept {seconds} from {now}"))

    def thread(seed: int) -> Callable[[], None]:
        random = Random(seed)

        def body() -> None:
            for _ in range(100):
                now, seconds = clock.now(), random.randrange(8)
                clock.sleep(seconds, Event() if random.random() < 0.2 else None)
                nap_exactly(now, seconds)

        return body

    async def task(seed: int) -> None:
        random = Random(seed)
        with clock.flow():
            for _ in range(50):
                now, seconds = clock.now(), random.randrange(8)
                await clock.asleep(seconds)
                nap_exactly(now, seconds)

    def loop() -> None:
        async def main() -> None:
            with clock.elsewhere():
                await asyncio.gather(*(task(100 + i) for i in range(20)))

        asyncio.run(main())

    in_threads(clock, loop, *map(thread, range(8)))
    assert wrong == []
    assert (clock._running, clock._asleep) == (0, [])


def test_groups_in_threads_under_stress() -> None:
    """The counts of groups come out even, whatever ends first."""
    from .support import parallel

    driver = SyncDriver()
    runtime = Runtime(driver, driver.clock, Random(0))
    random = Random(3)

    def tree(depth: int) -> Flow[Any]:
        if depth == 0:
            yield from nap(random.randrange(5))
            yield from send("x")
        else:
            flows = [tree(depth - 1) for _ in range(3)]
            yield from parallel(*flows, limit=random.randrange(1, 4))

    in_threads(driver.clock, *(lambda: runtime._run(tree(2), None, FlowState()) for _ in range(5)))
    assert len(driver.sent) == 45
    assert (driver.clock._running, driver.clock._asleep) == (0, [])


def idler(clock: VirtualClock, seconds: float, log: Log) -> Thread:
    """Start a thread that sleeps idly, and return it once it sleeps."""
    entered = Event()

    def body() -> None:
        with clock.flow():
            entered.set()
            clock.sleep(seconds, idle=True)
            log.append((clock.now(), "idler"))

    thread = Thread(target=body)
    with clock.flow():
        thread.start()
        assert entered.wait(10)
    return thread


def test_the_clock_does_not_move_for_an_idle_sleeper_alone() -> None:
    """Nor for one and a flow elsewhere. It wakes on the way to the moment of another one."""
    clock, log = VirtualClock(), Log()
    threads = [idler(clock, seconds, log) for seconds in (5.0, 20.0, 60.0)]
    with clock.flow(), clock.elsewhere():
        threads[0].join(0.05)
    assert (clock.now(), log) == (0, [])
    in_threads(clock, sleeper(clock, "active", [10.0], log))
    assert log == [(5, "idler"), (10, "active")]
    in_threads(clock, sleeper(clock, "active", [10.0, 40.0], log))
    for thread in threads:
        thread.join(10)
    assert sorted(log[2:]) == [(20, "active"), (20, "idler"), (60, "active"), (60, "idler")]


async def test_an_idle_task_wakes_one_that_waits_for_it() -> None:
    """A sleeper without end lets time pass, though the clock never moves to infinity."""
    clock, waker = VirtualClock(), Waker()

    async def idle() -> None:
        with clock.flow():
            await clock.asleep(5.0, idle=True)
            waker.rouse()
            await clock.asleep(math.inf, idle=True)

    async def active() -> float:
        waker.roused = False
        with clock.flow():
            await clock.asleep(math.inf, waker)
            return clock.now()

    other = asyncio.ensure_future(idle())
    await asyncio.sleep(0.01)
    assert clock.now() == 0
    assert await active() == 5
    forever = asyncio.ensure_future(active())
    await asyncio.sleep(0.01)
    assert clock.now() == 5
    for task in (other, forever):
        task.cancel()
        await asyncio.wait([task])
    await asyncio.wait_for(async_sleeper(clock, "", [1.0], []), 10)
    assert clock.now() == 6
