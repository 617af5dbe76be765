"""asyncio only: the cancellation by closing the client is distinguished from that by the owner of a task."""

from __future__ import annotations

import asyncio
import sys
from random import Random
from typing import Any

import pytest
from drive.support import AsyncDriver, SyncDriver, cleaning, nap, send

from ecskit import errors
from ecskit._core.effects import Emit, Flow, Sleep
from ecskit._drive import aio_running
from ecskit._drive.aio import AsyncRuntime
from ecskit._drive.clock import SystemClock
from ecskit._drive.sync import Runtime


async def connections() -> None:
    """Close nothing."""


@pytest.fixture(params=["counts", "messages"])
def counting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both ways to know a cancellation: by the count of a task, and by the message, as before Python 3.11."""
    counts: bool = request.param == "counts"
    if counts and sys.version_info < (3, 11):
        pytest.skip("tasks do not count their cancellations")
    monkeypatch.setattr(aio_running, "_COUNTS", counts)
    return counts


async def hanging(driver: AsyncDriver, runtime: AsyncRuntime, *clean_up: str) -> asyncio.Task[Any]:
    """Return a task that performs a flow which hangs in a request, and cleans up."""
    task = asyncio.ensure_future(runtime.run(cleaning(send("hang"), *clean_up)))
    while driver.sent != ["hang"]:
        await asyncio.sleep(0)
    return task


def runtime_of(driver: AsyncDriver) -> AsyncRuntime:
    """Return one runtime over a driver whose requests `hang` and `slow` take long."""

    async def slow() -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    driver.acts = {"hang": lambda: asyncio.Event().wait(), "slow": slow}
    return AsyncRuntime(driver, driver.clock, Random(0))


@pytest.mark.usefixtures("counting")
async def test_the_cancellation_is_taken_back() -> None:
    """The task goes on as if there had been none."""
    driver = AsyncDriver()
    runtime = runtime_of(driver)

    async def caller() -> str:
        with pytest.raises(errors.ClientClosedError):
            await runtime.run(cleaning(send("hang"), "clean"))
        await asyncio.sleep(0)
        return "went on"

    task = asyncio.ensure_future(caller())
    while driver.sent != ["hang"]:
        await asyncio.sleep(0)
    await runtime.close(connections)
    assert "went on" == await task
    assert ["hang", "clean"] == driver.sent


async def test_the_count_of_cancellations_is_as_before() -> None:
    """So that timeouts and task groups around a verb work."""
    if sys.version_info < (3, 11):
        pytest.skip("tasks do not count their cancellations")
    driver = AsyncDriver()
    runtime = runtime_of(driver)
    counts: list[int] = []

    async def caller() -> None:
        async with asyncio.timeout(60):
            with pytest.raises(errors.ClientClosedError):
                await runtime.run(send("hang"))
            current = asyncio.current_task()
            assert current is not None
            counts.append(current.cancelling())

    async with asyncio.TaskGroup() as group:
        group.create_task(caller())
        while driver.sent != ["hang"]:
            await asyncio.sleep(0)
        await runtime.close(connections)
    assert [0] == counts


@pytest.mark.parametrize("first", [True, False])
async def test_the_owner_cancels_at_the_same_time(counting: bool, *, first: bool) -> None:  # noqa: FBT001  # a fixture
    """Its cancellation is not lost. Before Python 3.11 that cannot be known if it comes last."""
    driver = AsyncDriver()
    runtime = runtime_of(driver)
    task = await hanging(driver, runtime)
    if first:
        task.cancel()
    closing = asyncio.ensure_future(runtime.close(connections))
    await asyncio.sleep(0)
    if not first:
        asyncio.get_running_loop().call_soon(task.cancel)
    await closing
    with pytest.raises(asyncio.CancelledError if counting or first else errors.ClientClosedError):
        await task


@pytest.mark.usefixtures("counting")
async def test_the_owner_cancels_during_the_clean_up() -> None:
    """It ends the clean-up, as any second cancellation, and is raised."""
    driver = AsyncDriver()
    runtime = runtime_of(driver)
    task = await hanging(driver, runtime, "slow", "never")
    closing = asyncio.ensure_future(runtime.close(connections))
    while driver.sent[-1] != "slow":
        await asyncio.sleep(0)
    task.cancel()
    await closing
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ["hang", "slow"] == driver.sent


async def test_closing_that_is_cancelled_goes_on() -> None:
    """Nothing is left open."""
    driver = AsyncDriver()
    runtime = runtime_of(driver)
    closed: list[str] = []

    async def close() -> None:
        closed.append("closed")

    task = await hanging(driver, runtime, "slow", "done")
    closing = asyncio.ensure_future(runtime.close(close))
    while driver.sent[-1] != "slow":
        await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    with pytest.raises(errors.ClientClosedError):
        await task
    await runtime.close(close)
    assert (["hang", "slow", "done"], ["closed"]) == (driver.sent, closed)


async def test_nothing_begins_while_it_closes() -> None:
    """Also not in a clean-up that takes its time."""
    driver = AsyncDriver()
    runtime = runtime_of(driver)
    task = await hanging(driver, runtime, "slow")
    closing = asyncio.ensure_future(runtime.close(connections))
    while driver.sent[-1] != "slow":
        await asyncio.sleep(0)
    with pytest.raises(errors.ClientClosedError):
        await runtime.run(send("too late"))
    await closing
    with pytest.raises(errors.ClientClosedError):
        await task
    assert ["hang", "slow"] == driver.sent


async def test_a_stream_goes_on_while_the_client_closes() -> None:
    """It is cleaned up at once, whatever it waits for then."""
    driver = AsyncDriver()
    runtime = runtime_of(driver)

    def emitting() -> Flow[None]:
        yield Emit("item")
        yield Sleep(3600)

    with driver.clock.flow():  # time stands still
        stream = runtime.iterate(cleaning(emitting(), "clean stream"))
        assert "item" == await anext(stream)
        task = await hanging(driver, runtime, "slow")
        closing = asyncio.ensure_future(runtime.close(connections))
        while driver.sent[-1] != "slow":
            await asyncio.sleep(0)
        with pytest.raises(errors.ClientClosedError):
            await anext(stream)
        with pytest.raises(errors.ClientClosedError):
            await task
        await closing
    assert ["hang", "slow", "clean stream"] == driver.sent


def test_flows_of_a_loop_that_has_ended_are_not_waited_for() -> None:
    """They ended with it."""
    driver = AsyncDriver()
    runtime = runtime_of(driver)

    async def begin() -> asyncio.Task[Any]:
        return await hanging(driver, runtime)

    loop = asyncio.new_event_loop()
    task = loop.run_until_complete(begin())
    asyncio.run(runtime.close(connections))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()


async def test_naps_of_the_machines_clock_end_at_once() -> None:
    """In threads and in tasks."""
    aio = AsyncRuntime(AsyncDriver(), SystemClock(), Random(0))
    napping = asyncio.ensure_future(aio.run(nap(3600)))
    await asyncio.sleep(0.01)
    await aio.close(connections)
    with pytest.raises(errors.ClientClosedError):
        await napping
    sync = Runtime(SyncDriver(), SystemClock(), Random(0))
    thread = asyncio.ensure_future(asyncio.to_thread(sync.run, nap(3600)))
    while not sync.flows._runs:
        await asyncio.sleep(0.001)
    await asyncio.to_thread(sync.close, lambda: None)
    with pytest.raises(errors.ClientClosedError):
        await thread
