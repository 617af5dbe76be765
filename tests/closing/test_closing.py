"""A client that is closed while verbs run in it: each is cancelled and cleans up, then the connections close.

Simulated clients, on the virtual clock, in threads and tasks.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import boto3
import pytest
from aiobotocore.session import AioSession
from guarding.verbs import VERBS, Account, furnished

import ecskit
from ecskit import errors
from ecskit.testing import Fault, TaskScript, attach, attach_async
from ecskit.waits import WaitStory

LAUNCH: dict[str, Any] = {
    "cluster": "default",
    "launch_type": "FARGATE",
    "network": ecskit.models.AwsVpcConfiguration(subnets=["subnet-1"]),
    "timeout": None,
}
WIRE: dict[str, Any] = {
    "region_name": "us-east-1",
    "endpoint_url": "http://simulator.invalid",
    "aws_access_key_id": "simulator",
    "aws_secret_access_key": "simulator",
}


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before, "a thread was left running"


def stops(sim: Account) -> int:
    """Return the number of StopTask requests."""
    return len({call.request["task"] for call in sim.calls if call.operation == "StopTask"})


class Polled:
    """A callback that notes which threads and tasks have polled."""

    def __init__(self) -> None:
        self.polled: set[object] = set()

    def __call__(self, _: object) -> None:
        """Note who polls."""
        try:
            self.polled.add(asyncio.current_task())
        except RuntimeError:
            self.polled.add(threading.get_ident())


Begin = Callable[[Polled], Any]
"""Calls a verb with a callback."""


def close_when_polled(ecs: ecskit.Client, *acts: Begin) -> list[Future[Any]]:
    """Perform acts, each in a thread, close the client when each has polled, and return what came of them."""
    polled = Polled()
    with ThreadPoolExecutor(len(acts)) as threads:
        futures = [threads.submit(act, polled) for act in acts]
        while len(polled.polled) < len(acts):
            time.sleep(0.001)
        ecs.close()
    return futures


async def aclose_when_polled(ecs: ecskit.AsyncClient, *acts: Begin) -> list[Any]:
    """Perform acts, each in a task, close the client when each has polled, and return what came of them."""
    polled = Polled()
    tasks = [asyncio.ensure_future(act(polled)) for act in acts]
    while len(polled.polled) < len(acts):
        await asyncio.sleep(0)
    await ecs.aclose()
    return await asyncio.gather(*tasks, return_exceptions=True)


def running(ecs: Any, **options: Any) -> Begin:
    """Return an act that runs a task that never stops by itself, and stops it when it is cancelled."""
    launch = {"count": 1, "on_cancel": "stop", **LAUNCH, **options}
    return lambda polled: ecs.tasks.run_to_completion("stuck", **{"on_poll": polled, **launch})


# Many verbs at once.


@pytest.mark.parametrize(("policy", "stopped"), [("leave", 0), ("stop", 20)])
def test_verbs_in_threads(policy: str, stopped: int) -> None:
    """Each caller gets ClientClosedError after StopTask was sent for its tasks. No call goes on."""
    sim = furnished()
    ecs = sim.client()
    ended = close_when_polled(ecs, *[running(ecs, count=2, on_cancel=policy)] * 10)
    assert {errors.ClientClosedError} == {type(each.exception()) for each in ended}
    assert stopped == stops(sim)


@pytest.mark.parametrize(("policy", "stopped"), [("leave", 0), ("stop", 20)])
async def test_verbs_in_tasks(policy: str, stopped: int) -> None:
    """The same."""
    sim = furnished()
    ecs = sim.async_client()
    ended = await aclose_when_polled(ecs, *[running(ecs, count=2, on_cancel=policy)] * 10)
    assert {errors.ClientClosedError} == {type(each) for each in ended}
    assert stopped == stops(sim)


@pytest.mark.parametrize("acts", [False, True])
@pytest.mark.parametrize("verb", VERBS)
async def test_every_verb(verb: str, *, acts: bool) -> None:
    """Closing is governed by `on_cancel`, sync and async."""
    options: dict[str, Any] = {"timeout": None}
    if acts:
        options["on_cancel"] = VERBS[verb].policies["on_cancel"]
    for aio in (False, True):
        sim = furnished()
        if aio:
            ecs: Any = sim.async_client()
            ecs.sim = sim
            [error] = await aclose_when_polled(ecs, partial(_begin_async, verb, ecs, options))
        else:
            ecs = sim.client()
            ecs.sim = sim
            [ended] = close_when_polled(ecs, partial(_begin, verb, ecs, options))
            error = ended.exception()
        assert errors.ClientClosedError is type(error), error
        assert acts == VERBS[verb].acted([(call.operation, call.request) for call in sim.calls])


def _begin(verb: str, ecs: Any, options: dict[str, Any], polled: Polled) -> None:
    steps: Any = VERBS[verb].act(ecs, on_poll=polled, **options)
    given = None
    while True:
        try:
            given = steps.send(given)
        except StopIteration:
            return
        given = list(given) if hasattr(given, "__next__") else given


async def _begin_async(verb: str, ecs: Any, options: dict[str, Any], polled: Polled) -> None:
    steps: Any = VERBS[verb].act(ecs, on_poll=polled, **options)
    given = None
    while True:
        try:
            given = steps.send(given)
        except StopIteration:
            return
        given = [each async for each in given] if hasattr(given, "__anext__") else await given


async def test_a_clean_up_takes_ten_seconds_at_the_most() -> None:
    """Tasks that take longer to stop are not waited for."""
    for aio in (False, True):
        sim = furnished()
        sim.script("stuck", TaskScript(time_to_start=1e6, time_to_stop=60))
        if aio:
            aioecs = sim.async_client()
            [error] = await aclose_when_polled(aioecs, running(aioecs, on_cancel="stop_and_wait"))
        else:
            ecs = sim.client()
            [ended] = close_when_polled(ecs, running(ecs, on_cancel="stop_and_wait"))
            error = ended.exception()
        assert errors.ClientClosedError is type(error)
        [reported] = [call for call in sim.calls if call.operation == "StopTask"]
        assert 10 == round(sim.time() - reported.time)


# Wrapped clients.


def test_a_wrapped_client_stays_open() -> None:
    """What ran in it has cleaned up; its owner goes on."""
    sim = furnished()
    theirs: Any = boto3.client("ecs", **WIRE)
    attach(theirs, sim)
    wrapped = ecskit.Client.wrap(theirs)
    ecs = wrapped._with_runtime(sim.clock, wrapped._runtime.random)
    [ended] = close_when_polled(ecs, running(ecs))
    assert errors.ClientClosedError is type(ended.exception())
    assert 1 == stops(sim)
    assert theirs.list_clusters()["clusterArns"]
    theirs.close()


async def test_a_wrapped_async_client_stays_open() -> None:
    """The same."""
    sim = furnished()
    session: Any = AioSession()
    async with session.create_client("ecs", **WIRE) as theirs:
        attach_async(theirs, sim)
        wrapped = ecskit.AsyncClient.wrap(theirs)
        ecs = wrapped._with_runtime(sim.clock, wrapped._runtime.random)
        [error] = await aclose_when_polled(ecs, running(ecs))
        assert errors.ClientClosedError is type(error)
        assert 1 == stops(sim)
        assert (await theirs.list_clusters())["clusterArns"]


# Requests under way.


def test_a_request_under_way_is_awaited() -> None:
    """Its answer is the caller's, if that is all that the caller waits for; what it has started is stopped if not."""
    sim = furnished()
    ecs = sim.client()
    under_way, go_on = threading.Barrier(3), threading.Event()

    def hold(**_: object) -> None:
        with sim.clock.elsewhere():  # the launch naps before its request
            under_way.wait(10)
            go_on.wait(10)

    ecs.botocore_client.meta.events.register_first("before-send.ecs", hold)
    with ThreadPoolExecutor(3) as threads:
        listing = threads.submit(ecs.list_clusters)
        launch = threads.submit(running(ecs), Polled())
        under_way.wait(10)
        ecs.botocore_client.meta.events.unregister("before-send.ecs", hold)
        closing = threads.submit(ecs.close)
        while ecs._runtime.flows._close is None:
            time.sleep(0.001)
        with pytest.raises(errors.ClientClosedError):
            ecs.list_clusters()  # begun too late
        go_on.set()
        assert (None, 1) == (closing.result(10), len(listing.result(10).cluster_arns))
        assert errors.ClientClosedError is type(launch.exception(10))
    assert 1 == stops(sim)


async def test_an_async_request_under_way_is_cancelled() -> None:
    """What may have come of it is found out under its token, and stopped."""
    sim = furnished()
    async with sim.async_client() as ecs:
        hang: list[asyncio.Event] = [asyncio.Event()]

        async def hold(**_: object) -> None:
            if hang:
                await hang.pop().wait()

        ecs.botocore_client.meta.events.register("before-parse.ecs.RunTask", hold)
        launch = asyncio.ensure_future(running(ecs)(Polled()))
        while hang:
            await asyncio.sleep(0)
    with pytest.raises(errors.ClientClosedError):
        await launch
    assert ["RunTask", "RunTask", "StopTask"] == [call.operation for call in sim.calls[-3:]]


# Callbacks.


def test_closing_inside_a_callback() -> None:
    """It only begins: the verb that has called back ends, cleans up, and closes the connections."""
    sim = furnished()
    ecs = sim.client()
    with pytest.raises(errors.ClientClosedError):
        running(ecs, on_poll=lambda _: ecs.close())(Polled())
    assert (1, True) == (stops(sim), ecs._transport._closed)


async def test_closing_inside_an_async_callback() -> None:
    """The same."""
    sim = furnished()
    ecs = sim.async_client()
    with pytest.raises(errors.ClientClosedError):
        await running(ecs, on_poll=lambda _: ecs.aclose())(Polled())
    await ecs.aclose()
    assert (1, True) == (stops(sim), ecs._transport._closed)


def test_two_callbacks_close_at_once() -> None:
    """Neither waits for the other."""
    sim = furnished()
    ecs = sim.client()
    both = threading.Barrier(2)

    def on_poll(_: object) -> None:
        with sim.clock.elsewhere():
            both.wait(10)
        ecs.close()

    with ThreadPoolExecutor(2) as threads:
        futures = [threads.submit(running(ecs, on_poll=on_poll), Polled()) for _ in range(2)]
    assert [errors.ClientClosedError] * 2 == [type(each.exception()) for each in futures]
    assert (2, True) == (stops(sim), ecs._transport._closed)


async def test_a_verb_that_ends_in_the_callback_that_closes() -> None:
    """It has its result, and no cancellation is left behind in its task."""
    for aio in (False, True):
        sim = furnished()
        sim.script("stuck", TaskScript.runs_for(5))
        launch = {**LAUNCH, "essential": ["app"]}  # nothing has to be read when it has stopped
        ecs: Any = sim.async_client() if aio else sim.client()

        def on_poll(story: WaitStory, ecs: Any = ecs, aio: bool = aio) -> Any:  # noqa: FBT001  # bound early
            if {"STOPPED"} == {task.last_status for task in story.last.values()}:
                return ecs.aclose() if aio else ecs.close()
            return None

        outcome = ecs.tasks.run_to_completion("stuck", on_poll=on_poll, **launch)
        if aio:
            outcome = await outcome
            await asyncio.sleep(0)
            await ecs.aclose()
        assert (True, True) == (outcome.succeeded, ecs._transport._closed)


def test_a_verb_inside_a_callback() -> None:
    """Both clean up."""
    sim = furnished()
    ecs = sim.client()

    def outer(polled: Polled) -> None:
        def on_poll(_: object) -> None:
            with sim.clock.elsewhere():
                running(ecs)(polled)

        running(ecs, on_poll=on_poll)(polled)

    [ended] = close_when_polled(ecs, outer)
    assert errors.ClientClosedError is type(ended.exception())
    assert 2 == stops(sim)


@pytest.mark.parametrize("swallows", [False, True])
async def test_a_verb_inside_an_async_callback(*, swallows: bool) -> None:
    """Both clean up, also where the callback goes on."""
    sim = furnished()
    ecs = sim.async_client()

    async def outer(polled: Polled) -> None:
        async def on_poll(_: object) -> None:
            try:
                with sim.clock.elsewhere():
                    await running(ecs)(polled)
            except errors.ClientClosedError:
                if not swallows:
                    raise

        await running(ecs, on_poll=on_poll)(polled)

    [error] = await aclose_when_polled(ecs, outer)
    assert errors.ClientClosedError is type(error)
    assert 2 == stops(sim)


# Streams.


def test_a_stream_whose_consumer_has_an_item_in_hand() -> None:
    """Closing cleans up behind it; its next step reports that the client was closed, and then it is over."""
    sim = furnished()
    with sim.client() as ecs:
        streams = [
            ecs.services.start_deployment("web", task_definition="stuck").events(on_cancel="rollback"),
            ecs.tasks.as_stopped(_two_tasks(sim), cluster="default"),
        ]
        for stream in streams:
            next(stream)
        pages = ecs.paginate.list_tasks().pages()
        next(pages)
    assert VERBS["deployment.events"].acted([(call.operation, call.request) for call in sim.calls])
    for ended in (*streams, pages):
        with pytest.raises(errors.ClientClosedError):
            next(ended)
        assert [] == list(ended)


def _two_tasks(sim: Account) -> list[str]:
    network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
    request = {"launchType": "FARGATE", "networkConfiguration": network}
    tasks = [
        sim.handle("RunTask", {"taskDefinition": family, **request})["tasks"][0] for family in ("failing", "stuck")
    ]
    return [task["taskArn"] for task in tasks]


async def test_an_async_stream_whose_consumer_has_an_item_in_hand() -> None:
    """The same."""
    sim = furnished()
    async with sim.async_client() as ecs:
        started = await ecs.services.start_deployment("web", task_definition="stuck")
        streams: list[Any] = [
            started.events(on_cancel="rollback"),
            ecs.tasks.as_stopped(_two_tasks(sim), cluster="default"),
            ecs.paginate.list_tasks().pages(),
        ]
        for stream in streams:
            await anext(stream)
    assert VERBS["deployment.events"].acted([(call.operation, call.request) for call in sim.calls])
    for ended in streams:
        with pytest.raises(errors.ClientClosedError):
            await anext(ended)
        assert [] == [item async for item in ended]


async def test_a_stream_whose_callback_closes() -> None:
    """It is cleaned up at its next step, and closes the connections."""
    for aio in (False, True):
        sim = furnished()
        ecs: Any = sim.async_client() if aio else sim.client()
        started = ecs.services.start_deployment("web", task_definition="stuck")
        started = await started if aio else started

        def on_poll(_: object, ecs: Any = ecs, aio: bool = aio) -> Any:  # noqa: FBT001  # bound early
            return ecs.aclose() if aio else ecs.close()

        events = started.events(on_cancel="rollback", on_poll=on_poll)
        with pytest.raises(errors.ClientClosedError):
            _ = [event async for event in events] if aio else list(events)
        if aio:
            await ecs.aclose()
        assert VERBS["deployment.events"].acted([(call.operation, call.request) for call in sim.calls])
        assert ecs._transport._closed


def test_a_stream_that_was_left_is_forgotten() -> None:
    """Closing has nothing to do with it."""
    sim = furnished()
    with sim.client() as ecs:
        with ecs.services.start_deployment("web", task_definition="stuck").events() as events:
            next(events)
        assert not ecs._runtime.flows._runs
    assert [] == list(events)


# Twice, and at the same time.


def test_closing_from_many_threads() -> None:
    """Each returns when it is closed."""
    sim = furnished()
    ecs = sim.client()
    polled = Polled()
    with ThreadPoolExecutor(5) as threads:
        launch = threads.submit(running(ecs), polled)
        while not polled.polled:
            time.sleep(0.001)
        closing = [threads.submit(ecs.close) for _ in range(4)]
        assert [None] * 4 == [each.result(10) for each in closing]
        assert ecs._transport._closed
    assert errors.ClientClosedError is type(launch.exception())
    assert 1 == stops(sim)
    ecs.close()


async def test_closing_from_many_tasks() -> None:
    """The same."""
    sim = furnished()
    ecs = sim.async_client()
    polled = Polled()
    launch = asyncio.ensure_future(running(ecs)(polled))
    while not polled.polled:
        await asyncio.sleep(0)
    await asyncio.gather(*(ecs.aclose() for _ in range(4)))
    with pytest.raises(errors.ClientClosedError):
        await launch
    assert 1 == stops(sim)
    await ecs.aclose()


@pytest.mark.parametrize("aio", [False, True])
async def test_a_failed_clean_up_does_not_keep_it_open(*, aio: bool, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged."""
    sim = furnished()
    sim.fail("StopTask", Fault.access_denied(), times=None)
    if aio:
        aioecs = sim.async_client()
        [error] = await aclose_when_polled(aioecs, running(aioecs))
    else:
        ecs = sim.client()
        [ended] = close_when_polled(ecs, running(ecs))
        error = ended.exception()
    assert errors.ClientClosedError is type(error)
    assert "the clean-up of a flow failed" in caplog.messages
