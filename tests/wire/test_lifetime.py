"""Clients from the first call to the last: closing, threads, event loops, cancellation."""

from __future__ import annotations

import asyncio
import gc
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

import ecskit
from ecskit import errors, models
from ecskit._core.effects import Send
from ecskit._transport.exchange import Exchange
from ecskit._transport.translate import translate

from .model_server import Answer, ModelServer
from .support import REGION, Caller, drained

ENDPOINT = "http://127.0.0.1:9"


async def test_a_closed_client_says_so(colour: str, server: ModelServer) -> None:
    """Calls and pages end in an error that names the operation; nothing is sent."""
    ecs = Caller.open(colour, region_name=REGION, endpoint_url=server.url)
    await ecs.call("list_clusters")
    await ecs.close()
    with pytest.raises(errors.ClientClosedError, match="ListTasks: the client is closed"):
        await ecs.call("list_tasks")
    with pytest.raises(errors.ClientClosedError):
        await drained(ecs.paginate("list_tasks"))
    assert len(server.seen) == 1


async def test_a_client_that_was_never_used_can_be_closed(colour: str) -> None:
    """And says so afterwards, too."""
    ecs = Caller.open(colour, region_name=REGION, endpoint_url=ENDPOINT)
    await ecs.close()
    with pytest.raises(errors.ClientClosedError):
        await ecs.call("list_tasks")


async def test_closing_twice_does_nothing(colour: str, server: ModelServer) -> None:
    """So that both a context manager and its body may do it."""
    ecs = Caller.open(colour, region_name=REGION, endpoint_url=server.url)
    await ecs.call("list_clusters")
    await ecs.close()
    await ecs.close()


def test_a_client_is_a_context_manager(server: ModelServer) -> None:
    """It closes itself, also after an error."""
    ecs = ecskit.Client(region_name=REGION, endpoint_url=server.url)
    with pytest.raises(ZeroDivisionError), ecs:
        ecs.list_clusters()
        raise ZeroDivisionError
    with pytest.raises(errors.ClientClosedError):
        ecs.list_clusters()


async def test_an_async_client_is_an_async_context_manager(server: ModelServer) -> None:
    """It closes itself, also after an error."""
    ecs = ecskit.AsyncClient(region_name=REGION, endpoint_url=server.url)
    with pytest.raises(ZeroDivisionError):
        async with ecs:
            await ecs.list_clusters()
            raise ZeroDivisionError
    with pytest.raises(errors.ClientClosedError):
        await ecs.list_clusters()


async def test_an_async_client_can_do_without_async_with(server: ModelServer) -> None:
    """The first call connects, `aclose` disconnects."""
    ecs = ecskit.AsyncClient(region_name=REGION, endpoint_url=server.url)
    with pytest.raises(errors.ConfigurationError, match="`async with` or the first call makes it"):
        _ = ecs.botocore_client
    await ecs.list_clusters()
    assert REGION == ecs.botocore_client.meta.region_name
    await ecs.aclose()


async def test_leaves_nothing_open(colour: str, server: ModelServer) -> None:
    """After closing there is no socket left to warn about."""
    ecs = Caller.open(colour, region_name=REGION, endpoint_url=server.url)
    await ecs.call("list_clusters")
    await ecs.close()
    await asyncio.sleep(0)
    del ecs
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gc.collect()


def test_an_async_client_belongs_to_its_event_loop(server: ModelServer) -> None:
    """Its connections do: another loop is refused, not left hanging."""
    ecs = ecskit.AsyncClient(region_name=REGION, endpoint_url=server.url)

    async def first() -> None:
        await ecs.list_clusters()

    async def second() -> None:
        with pytest.raises(errors.WrongEventLoopError, match="first used in another event loop") as caught:
            await ecs.list_clusters()
        assert isinstance(caught.value, errors.ConfigurationError)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(first())
    asyncio.run(second())
    loop.run_until_complete(ecs.aclose())
    loop.close()


async def test_the_first_calls_may_come_at_once(server: ModelServer) -> None:
    """They share one client, made once."""
    async with ecskit.AsyncClient(region_name=REGION, endpoint_url=server.url) as warm:
        assert warm.botocore_client is not None
    ecs = ecskit.AsyncClient(region_name=REGION, endpoint_url=server.url)
    await asyncio.gather(*[ecs.list_clusters() for _ in range(20)])
    assert len(server.seen) == 20
    await ecs.aclose()


async def test_tasks_do_not_mix_up_their_answers(server: ModelServer) -> None:
    """Concurrent calls of one async client each get their own answer and token."""
    server.full = True
    async with ecskit.AsyncClient(region_name=REGION, endpoint_url=server.url) as ecs:
        responses = await asyncio.gather(
            *[ecs.run_task(task_definition=f"d{i}", client_token=f"t{i}") for i in range(30)],
            *[ecs.list_clusters() for _ in range(30)],
        )
    assert [f"t{i}" for i in range(30)] == [r.metadata.client_token for r in responses[:30] if r.metadata]
    assert {models.RunTaskResponse: 30, models.ListClustersResponse: 30} == count(responses)


def test_threads_share_a_client(server: ModelServer) -> None:
    """Concurrent calls of one client each get their own answer, token and error."""
    server.full = True

    def one(i: int) -> Any:
        if i % 3 == 0:
            return ecs.run_task(task_definition="d", client_token=f"t{i}")
        if i % 3 == 1:
            return ecs.list_clusters()
        try:
            return ecs.describe_tasks(tasks="t")  # type: ignore[arg-type]
        except errors.RequestError as error:
            return error

    with ecskit.Client(region_name=REGION, endpoint_url=server.url) as ecs, ThreadPoolExecutor(12) as threads:
        results = list(threads.map(one, range(120)))
    assert {models.RunTaskResponse: 40, models.ListClustersResponse: 40, errors.RequestError: 40} == count(results)
    assert [f"t{i}" for i in range(0, 120, 3)] == [results[i].metadata.client_token for i in range(0, 120, 3)]


def test_threads_share_the_first_use_of_everything(server: ModelServer) -> None:
    """Classes are compiled and modules loaded at first use, whichever threads come first."""
    from ecskit._core import wire

    wire.converter.cache_clear()
    server.full = True
    with ecskit.Client(region_name=REGION, endpoint_url=server.url) as ecs, ThreadPoolExecutor(12) as threads:
        results = list(threads.map(lambda _: ecs.describe_tasks(tasks=["t"]), range(24)))
    assert {models.DescribeTasksResponse: 24} == count(results)
    assert {2} == {len(response.tasks) for response in results}


async def test_a_cancelled_call_leaves_the_client_usable(server: ModelServer) -> None:
    """The next call is answered as if nothing had been."""
    async with ecskit.AsyncClient(region_name=REGION, endpoint_url=server.url) as ecs:
        await ecs.list_clusters()
        server.will(Answer(delay=0.3))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(ecs.list_clusters(), 0.05)
        server.will(Answer.of({"clusterArns": ["a"]}))
        assert ["a"] == list((await ecs.list_clusters()).cluster_arns)


def count(things: list[Any]) -> dict[type[Any], int]:
    """Return how many things of each class there are."""
    return {cls: sum(type(thing) is cls for thing in things) for cls in {type(thing) for thing in things}}


async def test_closing_while_a_client_is_made_leaves_nothing_open(server: ModelServer) -> None:
    """The call that had it made is cancelled, reports that the client was closed, and sends nothing."""
    ecs = ecskit.AsyncClient(region_name=REGION, endpoint_url=server.url, session=boto3.Session())
    calling = asyncio.ensure_future(ecs.list_clusters())
    await asyncio.sleep(0)  # credentials of a boto3 session are asked for in a thread, so it is still being made
    assert ecs._transport._pool is None
    await ecs.aclose()
    with pytest.raises(errors.ClientClosedError):
        await calling
    assert (None, []) == (ecs._transport._pool, server.seen)


def test_a_closed_client_cannot_be_entered() -> None:
    """`with` raises the error at once."""
    ecs = ecskit.Client(region_name=REGION, endpoint_url=ENDPOINT)
    ecs.close()
    with pytest.raises(errors.ClientClosedError):
        ecs.__enter__()


async def test_a_closed_async_client_cannot_be_entered() -> None:
    """`async with` does so, too."""
    ecs = ecskit.AsyncClient(region_name=REGION, endpoint_url=ENDPOINT)
    await ecs.aclose()
    with pytest.raises(errors.ClientClosedError):
        await ecs.__aenter__()


def test_options_are_checked_when_they_are_varied() -> None:
    """A dict is no botocore Config, with a config before it or without."""
    reported = r"config must be a botocore\.config\.Config, not dict"
    for config in (None, Config(read_timeout=7)):
        with (
            ecskit.Client(region_name=REGION, config=config) as ecs,
            pytest.raises(errors.ConfigurationError, match=reported),
        ):
            ecs.with_options(config={"read_timeout": 7})  # type: ignore[arg-type]


def test_an_answer_that_came_is_reported_though_the_client_was_closed_meanwhile() -> None:
    """What ECS said is never replaced; a connection that broke because of the closing is."""
    with ecskit.Client(region_name=REGION, endpoint_url=ENDPOINT) as ecs:
        under_way = Exchange(ecs.botocore_client, Send("ListTasks", {}), lambda: None)
    reported = {"Error": {"Code": "ClusterNotFoundException", "Message": "gone"}, "ResponseMetadata": {}}
    answered = translate(ClientError(reported, "ListTasks"), under_way, closed=True)  # type: ignore[arg-type]  # a few will do
    assert type(answered) is errors.ClusterNotFoundException
    broken = ReadTimeoutError(endpoint_url=ENDPOINT)
    assert type(translate(broken, under_way, closed=True)) is errors.ClientClosedError
    assert type(translate(broken, under_way, closed=False)) is errors.TimedOutError
