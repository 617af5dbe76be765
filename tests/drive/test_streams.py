"""Streams: iterators over flows that emit, which a `with` block closes."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from typing import Any

import pytest

from ecskit import AsyncStream, Stream
from ecskit._core.effects import Flow
from ecskit._core.errors import ConnectionFailedError

from .support import AsyncDriver, SyncDriver, cleaning
from .test_iterating import emitting


def stream(driver: SyncDriver, *steps: str) -> Stream[str]:
    """Return a stream of capital letters that cleans up behind itself if it is left early."""
    return Stream(driver.runtime.iterate(flow(*steps)))


def astream(driver: AsyncDriver, *steps: str) -> AsyncStream[str]:
    """Return the same, async."""
    return AsyncStream(driver.runtime.iterate(flow(*steps)))


def flow(*steps: str) -> Flow[None]:
    return cleaning(emitting(*steps), "clean")


async def test_items_come_in_order() -> None:
    """As from the generator; to go through it twice gives nothing more."""
    items, aitems = stream(SyncDriver(), "A", "b", "B"), astream(AsyncDriver(), "A", "b", "B")
    assert isinstance(items, Iterator)
    assert isinstance(aitems, AsyncIterator)
    assert [["A", "B"], []] == [list(items), list(items)]
    assert [["A", "B"], []] == [[item async for item in aitems], [item async for item in aitems]]


async def test_nothing_is_performed_before_it_is_asked_for() -> None:
    """To enter the block, and to leave it, asks for nothing."""
    sync, aio = SyncDriver(), AsyncDriver()
    with stream(sync, "a", "A"):
        pass
    async with astream(aio, "a", "A"):
        pass
    assert [] == sync.sent + aio.sent


async def test_leaving_the_block_cleans_up_at_once() -> None:
    """While it is still held by a name; then there are no more items."""
    sync, aio = SyncDriver(), AsyncDriver()
    with stream(sync, "A", "b", "B") as items:
        assert next(items) == "A"
        assert sync.sent == []
    assert sync.sent == ["clean"]
    assert list(items) == []
    async with astream(aio, "A", "b", "B") as aitems:
        async for item in aitems:
            assert item == "A"
            break
        assert aio.sent == []
    assert aio.sent == ["clean"]
    assert [item async for item in aitems] == []


async def test_closing_twice_does_nothing() -> None:
    """Nor does closing what is exhausted, or what a block has closed."""
    sync, aio = SyncDriver(), AsyncDriver()
    with closing(stream(sync, "A", "B")) as items:
        next(items)
        items.close()
        items.close()
        with items:
            pass
    async with aclosing(astream(aio, "A", "B")) as aitems:
        await anext(aitems)
        await aitems.aclose()
        await aitems.aclose()
        async with aitems:
            pass
    assert sync.sent == aio.sent == ["clean"]


@pytest.mark.parametrize(
    "error", [ValueError("no"), StopIteration(), StopAsyncIteration(), GeneratorExit(), KeyboardInterrupt()]
)
async def test_an_exception_in_the_block_is_raised_unchanged(error: BaseException) -> None:
    """After the clean-up; also one that means something to iterators."""
    sync, aio = SyncDriver(), AsyncDriver()
    with pytest.raises(type(error)) as caught, stream(sync, "A", "B") as items:
        next(items)
        raise error
    assert caught.value is error
    with pytest.raises(type(error)) as caught:
        async with astream(aio, "A", "B") as aitems:
            await anext(aitems)
            raise error
    assert caught.value is error
    assert error.__context__ is None
    assert sync.sent == aio.sent == ["clean"]


async def test_an_error_of_the_flow_comes_out_of_the_block() -> None:
    """The flow has ended by it, and has nothing more to clean up."""
    sync, aio = SyncDriver(), AsyncDriver()
    items, aitems = stream(sync, "A", "break"), astream(aio, "A", "break")
    assert ("A", "A") == (next(items), await anext(aitems))
    with pytest.raises(ConnectionFailedError), items:
        next(items)
    with pytest.raises(ConnectionFailedError):
        async with aitems:
            await anext(aitems)
    assert ["break"] == sync.sent == aio.sent
    assert [] == [*items, *[item async for item in aitems]]


async def test_the_async_block_waits_for_the_clean_up() -> None:
    """It is over when the block is."""
    over = asyncio.Event()

    async def slowly() -> None:
        for _ in range(10):
            await asyncio.sleep(0)
        over.set()

    driver = AsyncDriver(acts={"clean": slowly})
    async with astream(driver, "A", "B") as items:
        assert await anext(items) == "A"
    assert over.is_set()


@pytest.mark.parametrize(("second", "sent"), [("hang", ["hang", "clean"]), ("B", ["clean"])])
async def test_a_consumer_that_is_cancelled_cleans_up_once(second: str, sent: list[str]) -> None:
    """In a call, or in the body of the loop; the cancellation is raised."""
    driver = AsyncDriver(acts={"hang": lambda: asyncio.Event().wait()})
    got: list[str] = []

    async def consume() -> None:
        async with astream(driver, "A", second) as items:
            async for item in items:
                got.append(item)
                if second == "B":
                    await asyncio.Event().wait()

    task = asyncio.ensure_future(consume())
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (["A"], sent) == (got, driver.sent)


async def test_an_item_can_be_waited_for_in_a_task() -> None:
    """`anext` gives a coroutine, as `asyncio.create_task` wants it."""
    async with astream(AsyncDriver(), "A") as items:
        assert await asyncio.create_task(anext(items)) == "A"
        assert await anext(items, "none") == "none"


def test_a_stream_that_is_forgotten_is_closed() -> None:
    """As for a generator: a loop over an unnamed stream needs no block, if it may end when garbage is collected."""
    sync, aio = SyncDriver(), AsyncDriver()
    for _ in stream(sync, "A", "B"):
        break
    gc.collect()

    async def main() -> None:
        async for _ in astream(aio, "A", "B"):
            break
        gc.collect()

    asyncio.run(main(), debug=True)
    assert sync.sent == aio.sent == ["clean"]


def test_streams_are_what_they_are() -> None:
    """Equal to themselves only, without attributes of a user's own, and as referable as generators."""
    one, other = stream(SyncDriver()), stream(SyncDriver())
    assert {one, other} == {other, one}
    assert one != other
    assert weakref.ref(one)() is one
    anything: Any = one
    with pytest.raises(AttributeError):
        anything.note = 1
