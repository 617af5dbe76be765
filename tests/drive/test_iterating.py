"""Flows that emit: they run lazily, and their consumer may end them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from contextlib import aclosing, closing
from typing import Any

import pytest

from ecskit._core.effects import Emit, Flow, Parallel, Reply, Send, Sleep
from ecskit._core.errors import ConnectionFailedError
from ecskit.errors import PaginationError

from .support import AsyncDriver, Driver, SyncDriver, cleaning, send


def emitting(*steps: str | float) -> Flow[None]:
    """Emit capital letters, send the rest, sleep numbers."""
    for step in steps:
        if not isinstance(step, str):
            yield Sleep(step)
        elif step.isupper():
            yield Emit(step)
        else:
            yield from send(step)


def test_items_come_in_order(driver: Driver) -> None:
    """With everything that lies between them performed."""
    assert driver.items(emitting("a", "A", "B", 3.0, "b", "C", "c")) == ["A", "B", "C"]
    assert (driver.sent, driver.times) == (["a", "b", "c"], [0, 3, 3])


def test_a_flow_that_emits_nothing_has_no_items(driver: Driver) -> None:
    """But is performed."""
    assert driver.items(emitting("a")) == []
    assert driver.sent == ["a"]


def test_nothing_is_performed_before_it_is_asked_for(driver: Driver) -> None:
    """Neither before the first item nor after the last that was taken."""
    assert driver.close_after(emitting("a", "A", "b", "B", "c"), 0) == []
    assert driver.sent == []
    assert driver.close_after(emitting("a", "A", "b", "B", "c"), 1) == ["A"]
    assert driver.sent == ["a"]


def test_closing_cleans_up(driver: Driver) -> None:
    """What a flow yields after `Cancelled` is performed, bounded, and counted on the clock."""
    assert driver.close_after(cleaning(emitting("A", "B"), "clean"), 1) == ["A"]
    assert driver.sent == ["clean"]


@pytest.mark.parametrize("error", ["break", "bug"])
def test_an_error_in_the_clean_up_of_an_iterator_is_not_raised(
    driver: Driver, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged: whoever closes has what they wanted."""

    def bug() -> None:
        raise ZeroDivisionError

    driver.acts = {"bug": bug}
    driver.close_after(cleaning(emitting("A", "B"), error, "never"), 1)
    assert driver.sent == [error]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_closing_takes_ten_seconds_at_the_most(driver: Driver) -> None:
    """As with every clean-up."""

    def flow() -> Flow[None]:
        try:
            yield Emit("A")
        finally:
            yield Sleep(3600)
            yield from send("never")

    assert driver.close_after(flow(), 1) == ["A"]
    assert (driver.clock.now(), driver.sent) == (10, [])


def test_a_flow_that_emits_while_it_cleans_up_is_ended(driver: Driver, caplog: pytest.LogCaptureFixture) -> None:
    """No consumer takes the item."""

    def flow() -> Flow[None]:
        try:
            yield Emit("A")
        finally:
            yield Emit("B")

    assert driver.close_after(flow(), 1) == ["A"]
    assert len(caplog.records) == 1


def test_errors_come_out_of_the_iteration(driver: Driver) -> None:
    """After the items that came before them."""
    with pytest.raises(ConnectionFailedError):
        driver.items(emitting("A", "break"))


def test_an_unexpected_error_is_raised_in_the_flow(driver: Driver) -> None:
    """A transport that raises StopIteration must not look like the end of a list."""

    def flow() -> Flow[None]:
        try:
            yield from emitting("A", "bug", "B")
        finally:
            yield from send("clean")

    def bug() -> None:
        raise ZeroDivisionError

    def end() -> None:
        raise StopIteration

    for act, error in ((bug, ZeroDivisionError), (end, RuntimeError)):
        driver.acts = {"bug": act}
        driver.sent.clear()
        with pytest.raises(error):
            driver.items(flow())
        assert driver.sent == ["bug", "clean"]


def test_an_interruption_between_items_cleans_up(driver: Driver) -> None:
    """As in a run."""
    with pytest.raises(driver.interruption):
        driver.items(cleaning(emitting("A", "interrupt", "B"), "clean"))
    assert driver.sent == ["interrupt", "clean"]


def test_a_group_between_items_works(driver: Driver) -> None:
    """Its flows cannot emit, the flow itself can."""

    def flow() -> Flow[None]:
        replies: Reply[Sequence[Reply[Any]]] = yield Parallel([send("a"), send("b")])
        for reply in replies.get():
            yield Emit(reply.get())

    assert driver.items(flow()) == [["a"], ["b"]]


def test_the_reply_to_an_item_carries_the_time_at_which_the_next_is_wanted(driver: Driver) -> None:
    """The consumer may have taken its time."""

    def flow() -> Flow[None]:
        first: Reply[None] = yield Emit("A")
        yield Emit(first.now)

    if isinstance(driver, SyncDriver):
        iterator = driver.runtime.iterate(flow())
        assert next(iterator) == "A"
        driver.clock.advance(7)
        assert next(iterator) == 7
        iterator.close()


def test_a_consumer_that_leaves_closes_a_sync_iterator() -> None:
    """`contextlib.closing` does it whatever the garbage collector thinks."""
    driver = SyncDriver()
    with closing(driver.runtime.iterate(cleaning(emitting("A", "B"), "clean"))) as items:
        for _ in items:
            break
    assert driver.sent == ["clean"]


def test_an_exception_thrown_into_a_sync_iterator_closes_the_flow() -> None:
    """Nothing is performed for an exception that is not an interruption."""
    driver = SyncDriver()
    flow = cleaning(emitting("A", "B"), "never")
    items = driver.runtime.iterate(flow)
    next(items)
    with pytest.raises(ValueError, match="no"):
        items.throw(ValueError("no"))
    assert driver.sent == []
    assert flow.gi_frame is None  # type: ignore[attr-defined]  # a generator at run time


async def test_a_consumer_that_is_cancelled_cleans_up() -> None:
    """In the middle of a call."""
    driver = AsyncDriver(acts={"hang": lambda: asyncio.Event().wait()})
    got: list[str] = []

    async def consume() -> None:
        async with aclosing(driver.runtime.iterate(cleaning(emitting("A", "hang"), "clean"))) as items:
            async for item in items:
                got.append(item)  # what came before the cancellation counts

    task = asyncio.ensure_future(consume())
    while driver.sent != ["hang"]:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (got, driver.sent) == (["A"], ["hang", "clean"])


def test_an_async_iterator_that_is_forgotten_is_closed_with_the_loop() -> None:
    """asyncio closes iterators that were left open, and that cleans up as well."""
    driver = AsyncDriver()

    async def main() -> None:
        items = driver.runtime.iterate(cleaning(emitting("A", "B"), "clean"))
        async for _ in items:
            break
        del items
        gc.collect()

    asyncio.run(main(), debug=True)
    assert driver.sent == ["clean"]


async def test_a_cancellation_while_an_async_iterator_is_closed_ends_its_clean_up() -> None:
    """It is not swallowed by the closing."""
    driver = AsyncDriver(acts={"hang": lambda: asyncio.Event().wait()})
    items = driver.runtime.iterate(cleaning(emitting("A", "B"), "hang", "never"))
    assert await anext(items) == "A"
    task = asyncio.ensure_future(items.aclose())
    while driver.sent != ["hang"]:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert driver.sent == ["hang"]


# The flows that emit today.


def page(*arns: str, token: str | None = None) -> bytes:
    import json

    return json.dumps({"taskArns": arns, **({} if token is None else {"nextToken": token})}).encode()


def follow(pages: Sequence[bytes], kind: str = "items") -> tuple[list[Any], list[Any]]:
    """Follow a list with the pure flow, and return what it emitted and sent."""
    from ecskit._core import pages as flows
    from ecskit._core.effects import RawResponse
    from ecskit.models import ListTasksRequest

    flow = getattr(flows, kind)(ListTasksRequest(cluster="prod"))
    emitted: list[Any] = []
    sent: list[Any] = []
    left = iter(pages)
    reply: Any = None
    try:
        while True:
            effect = flow.send(reply)
            reply = Reply(0.0)
            if isinstance(effect, Send):
                sent.append(effect.params.get("nextToken"))
                reply = Reply(0.0, RawResponse(next(left), {}))
            else:
                emitted.append(effect.item)
    except StopIteration:
        return emitted, sent


def test_a_list_is_followed_to_its_last_page() -> None:
    """An empty page is not the end; no token, or an empty one, is."""
    pages = [page("a", "b", token="1"), page(token="2"), page("c", token="")]
    assert follow(pages) == (["a", "b", "c"], [None, "1", "2"])
    emitted, _ = follow(pages, "pages")
    assert [list(p.task_arns) for p in emitted] == [["a", "b"], [], ["c"]]


@pytest.mark.parametrize("tokens", [["1", "1"], ["1", "2", "1"], ["1", "2", "3", "2"]])
def test_a_list_that_goes_in_circles_is_left(tokens: list[str]) -> None:
    """A token that came before, at once or later."""
    with pytest.raises(PaginationError, match="ListTasks"):
        follow([page("a", token=token) for token in tokens])
