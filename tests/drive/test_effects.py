"""What drivers do with each effect, the same for both."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random
from threading import Event
from typing import Any

import attrs
import pytest

from ecskit._core.effects import Cancelled, Emit, Flow, Invoke, Observe, Parallel, Reply, Send, Sleep
from ecskit._core.errors import ConnectionFailedError
from ecskit._drive.clock import SystemClock
from ecskit._drive.sync import Runtime
from ecskit._polling.batches import Target
from ecskit._polling.shared_polls import poll

from .support import BROKEN, AsyncDriver, Driver, SyncDriver, draw, nap, parallel, send


def test_send_is_replied_to_with_the_answer(driver: Driver) -> None:
    """A flow gets what the transport brings, and its result is the driver's."""
    assert driver.run(send("one", "two")) == ["one", "two"]
    assert driver.sent == ["one", "two"]


def test_send_is_replied_to_with_the_error(driver: Driver) -> None:
    """An error of a call is data to the flow."""

    def flow() -> Flow[Any]:
        reply: Reply[Any] = yield Send("break", {})
        return reply.error

    assert driver.run(flow()) is BROKEN


def test_an_error_that_the_flow_does_not_handle_is_raised(driver: Driver) -> None:
    """It comes out as it is."""
    with pytest.raises(ConnectionFailedError) as caught:
        driver.run(send("break"))
    assert caught.value is BROKEN


@pytest.mark.parametrize(("seconds", "now"), [(60.0, 60.0), (0.0, 0.0), (-5.0, 0.0)])
def test_sleep_takes_that_long(driver: Driver, seconds: float, now: float) -> None:
    """A reply carries the time at which it came; less than nothing is nothing."""
    assert driver.run(nap(seconds)) == now


def test_sleep_takes_less_than_nothing_on_the_machines_clock_too() -> None:
    """`time.sleep` would raise."""

    def flow() -> Flow[str]:
        yield Sleep(-1)
        return "awake"

    runtime = Runtime(SyncDriver(), SystemClock(), Random(0))
    assert runtime.run(flow()) == "awake"
    assert runtime.run(flow(), Event()) == "awake"


def test_draw_comes_from_the_drivers_randomness(driver: Driver) -> None:
    """The same seed, the same numbers."""

    def flow() -> Flow[list[int]]:
        return [(yield from draw()), (yield from draw())]

    expected = Random(0)
    assert driver.run(flow()) == [expected.getrandbits(128), expected.getrandbits(128)]


@attrs.frozen
class ByTheLook:
    """A query that sends, or breaks."""

    operations: Sequence[str] = ("look",)
    kind: object = "look"
    operation: str = "look"
    batch_size: int = 10

    def targets(self, ids: Sequence[str]) -> Sequence[Target]:
        """Return the ids, in one scope."""
        return [Target("", id_) for id_ in ids]

    def poll(self, ids: Sequence[str], _by: float) -> Flow[list[str]]:
        """Look."""
        return [*(yield from send(*self.operations)), *ids]


def observe(query: Any, until: float) -> Flow[tuple[float, Any]]:
    now = (yield Sleep(0)).now
    effect = Observe(query=query, ids=["a", "b"], born=now, after=until, due=until)
    reply: Reply[Any] = yield from poll(effect)
    return reply.now, reply.error or reply.get()


@pytest.mark.parametrize("until", [30.0, 0.1, 1e9 + 0.1])
def test_observe_looks_at_the_time_given(driver: Driver, until: float) -> None:
    """Not a moment earlier, also where the sum of two floats is."""
    driver.clock.advance(until / 3)
    assert driver.run(observe(ByTheLook(), until)) == (until, ["look", "a", "b"])
    assert driver.times == [until]


def test_observe_looks_at_once_where_the_time_has_passed(driver: Driver) -> None:
    """A late look is better than none."""
    driver.clock.advance(10)
    assert driver.run(observe(ByTheLook(), 3)) == (10, ["look", "a", "b"])


def test_observe_is_replied_to_with_the_error_of_the_look(driver: Driver) -> None:
    """As with `Send`, it is data to the flow, which gets an error of its own."""
    now, error = driver.run(observe(ByTheLook(["break"]), 3))
    assert (now, type(error), str(error)) == (3, type(BROKEN), str(BROKEN))


def test_tell_calls_the_listener(driver: Driver) -> None:
    """With the value, and before the flow goes on."""
    heard: list[str] = []

    def flow() -> Flow[list[str]]:
        yield Invoke(heard.append, "news")
        return list(heard)

    assert driver.run(flow()) == ["news"]


@pytest.mark.parametrize("answer", ["yes", None, BROKEN])
def test_the_reply_to_tell_holds_what_the_listener_returned(driver: Driver, answer: object) -> None:
    """Whatever it is: an error that is returned, not raised, is a value."""

    def flow() -> Flow[Reply[Any]]:
        return (yield Invoke(lambda _: answer, "news"))

    assert driver.run(flow()) == Reply(0.0, answer)


def test_the_async_driver_awaits_what_the_listener_returned() -> None:
    """A coroutine, or anything else that is awaitable; the reply holds what comes of it."""

    async def coroutine(news: str) -> str:
        await asyncio.sleep(0)
        return news.upper()

    def future(news: str) -> asyncio.Future[str]:
        made = asyncio.get_running_loop().create_future()
        made.get_loop().call_soon(made.set_result, news.title())
        return made

    def flow() -> Flow[list[str]]:
        first: Reply[str] = yield Invoke(coroutine, "news")
        second: Reply[str] = yield Invoke(future, "news")
        return [first.get(), second.get()]

    assert AsyncDriver().run(flow()) == ["NEWS", "News"]


def test_what_a_listener_raises_passes_through_the_flow(driver: Driver) -> None:
    """The flow can clean up behind it, cannot take it for an error of its own, and the caller gets the same object."""

    def listener(error: Exception) -> None:
        raise error

    def flow(error: Exception) -> Flow[None]:
        try:
            yield Invoke(listener, error)
        except Exception:  # noqa: BLE001  # what handlers in flows must not take it for
            yield from send("mistaken")
        finally:
            yield from send("clean")

    def nested(error: Exception) -> Flow[None]:
        yield from parallel(flow(error))

    for error in (ValueError("no"), ConnectionFailedError("break", "of the listener")):
        for run in (driver.run, driver.items):
            for each in (flow, nested):
                with pytest.raises(type(error)) as caught:
                    run(each(error))
                assert (error, None, None) == (caught.value, error.__cause__, error.__context__)
    assert driver.sent == ["clean"] * 8


def test_a_listener_raises_stop_iteration(driver: Driver) -> None:
    """Its flow cleans up; a coroutine cannot raise it, so that there it is RuntimeError."""

    def listener(_: object) -> None:
        raise StopIteration

    def flow() -> Flow[None]:
        try:
            yield Invoke(listener, None)
        finally:
            yield from send("clean")

    with pytest.raises((StopIteration, RuntimeError)):
        driver.run(flow())
    assert driver.sent == ["clean"]


def test_a_listener_raises_in_a_clean_up(driver: Driver, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged; what cut the flow short is raised."""

    def listener(_: object) -> None:
        raise ValueError("no")

    def flow() -> Flow[None]:
        try:
            yield from send("interrupt")
        except Cancelled:
            yield Invoke(listener, None)

    with pytest.raises(driver.interruption):
        driver.run(flow())
    assert ["the clean-up of a flow failed"] == caplog.messages


def test_a_sync_driver_refuses_a_coroutine_function_as_listener() -> None:
    """The sync driver cannot await it."""

    async def listener(_: str) -> None:
        raise AssertionError

    def flow() -> Flow[None]:
        yield Invoke(listener, "news")

    with pytest.raises(TypeError, match="only AsyncClient awaits"):
        SyncDriver().run(flow())


def test_an_unexpected_error_is_raised_in_the_flow(driver: Driver) -> None:
    """A bug in a transport must not leave a flow half done, nor end it as if it were over."""

    def flow() -> Flow[str]:
        try:
            yield from send("bug")
        finally:
            yield from send("clean")
        return "went on"

    def bug() -> None:
        raise ZeroDivisionError

    def end() -> None:
        raise StopIteration

    driver.acts = {"bug": bug}
    with pytest.raises(ZeroDivisionError):
        driver.run(flow())
    driver.acts = {"bug": end}
    with pytest.raises(RuntimeError):
        driver.run(flow())
    assert driver.sent == ["bug", "clean"] * 2


def test_only_iteration_takes_what_is_emitted(driver: Driver) -> None:
    """A flow that emits and is run would lose its items."""

    def flow() -> Flow[None]:
        yield Emit("item")

    with pytest.raises(TypeError, match="iterated"):
        driver.run(flow())


def test_a_group_of_none_is_over_at_once(driver: Driver) -> None:
    """No flows, no replies."""
    assert driver.run(parallel()) == []


@pytest.mark.parametrize("limit", [0, -1])
def test_a_group_has_room_for_one_at_least(limit: int) -> None:
    """With less it would never end."""
    with pytest.raises(ValueError, match="limit"):
        Parallel([], limit=limit)
