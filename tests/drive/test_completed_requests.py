"""Requests that a cancellation lets complete: the flow gets their responses, and is cancelled at its next effect."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ecskit._core.effects import Cancelled, Flow, Reply, Send
from ecskit._drive import aio
from ecskit.errors import EcsError

from .support import BROKEN, AsyncDriver, send


async def cut(driver: AsyncDriver, flow: Flow[Any], *, times: int = 1) -> asyncio.Task[Any]:
    """Cancel a flow while its first request is under way, and return its task once that has ended."""
    task = asyncio.ensure_future(driver.runtime.run(flow))
    while not driver.sent:
        await asyncio.sleep(0)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    await asyncio.wait({task})
    assert asyncio.all_tasks() == {asyncio.current_task()}
    return task


def beginning(found: list[object], *then: str) -> Flow[None]:
    """Begin something; note the response, and what cancels the flow after it."""
    try:
        reply: Reply[Any] = yield Send("begin", {}, completes=True)
        found.append(reply.error or reply.get().body)
        yield from send(*then)
    except Cancelled as cancelled:
        found.append(cancelled.sent)
        yield from send("end")


async def slow() -> None:
    """Take some turns of the loop."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_flow_gets_the_response_and_is_cancelled_at_its_next_effect() -> None:
    """That effect is not performed: its request was not sent."""
    driver, found = AsyncDriver(acts={"begin": slow}), list[object]()
    task = await cut(driver, beginning(found, "never"))
    assert task.cancelled()
    assert found == [b"begin", False]
    assert driver.sent == ["begin", "end"]


async def test_an_error_is_a_response_too() -> None:
    """The flow decides what it means."""

    async def fail() -> None:
        await slow()
        raise BROKEN

    driver, found = AsyncDriver(acts={"begin": fail}), list[object]()
    task = await cut(driver, beginning(found, "never"))
    assert task.cancelled()
    assert isinstance(found[0], EcsError)
    assert (found[1:], driver.sent) == ([False], ["begin", "end"])


async def test_a_flow_that_ends_with_the_response_is_cancelled_all_the_same() -> None:
    """Whoever cancels a task may rely on its end by CancelledError."""
    driver, found = AsyncDriver(acts={"begin": slow}), list[object]()
    task = await cut(driver, beginning(found))
    assert task.cancelled()
    assert (found, driver.sent) == ([b"begin"], ["begin"])


async def test_a_request_that_was_not_sent_is_cancelled_at_once() -> None:
    """It has begun nothing."""
    driver, found = AsyncDriver(acts={"begin": lambda: asyncio.Event().wait()}, leaves=False), list[object]()
    task = await cut(driver, beginning(found, "never"))
    assert task.cancelled()
    assert (found, driver.sent) == ([False], ["begin", "end"])


@pytest.mark.parametrize("times", [1, 2])
async def test_a_response_that_never_comes_is_awaited_for_some_seconds(
    times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same limit holds as for clean-up. A second cancellation ends the wait."""
    monkeypatch.setattr(aio, "CLEAN_UP_TIMEOUT", 0.02 if times == 1 else 60)
    driver, found = AsyncDriver(acts={"begin": lambda: asyncio.Event().wait()}), list[object]()
    task = await cut(driver, beginning(found, "never"), times=times)
    assert task.cancelled()
    assert (found, driver.sent) == ([True], ["begin", "end"])
