"""Clients that are collected without having been closed."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
import warnings
from typing import Any

import pytest

import ecskit

from .model_server import ModelServer
from .support import REGION, Caller


@pytest.fixture(autouse=True, scope="module")
def _only_new_objects() -> None:
    """Keep the collections of this module from walking through all that the tests before it have left."""
    gc.collect()
    gc.freeze()


async def collected(server: ModelServer, *, used: bool = True, closed: bool = False) -> list[str]:
    """Return the warnings and the reports to the event loop when an async client is collected."""
    reports: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reports.append(context["message"]))
    ecs = ecskit.AsyncClient(region_name=REGION, endpoint_url=server.url)
    if used:
        await ecs.list_clusters()
    if closed:
        await ecs.aclose()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del ecs
        gc.collect()
        await asyncio.sleep(0)
        gc.collect()
    loop.set_exception_handler(None)
    return [f"{w.category.__name__}: {w.message}" for w in caught] + reports


async def test_an_unclosed_async_client_is_named_once(server: ModelServer) -> None:
    """In place of what aiohttp reports about its sessions, connectors and connections."""
    url = server.url
    expected = (
        f"ResourceWarning: unclosed AsyncClient(region_name={REGION!r}, endpoint_url={url!r});"
        " use it with `async with`, or call `await aclose()`"
    )
    assert [expected] == await collected(server)


async def test_with_debugging_the_warning_says_where_it_was_made(server: ModelServer) -> None:
    """The line of the program, not of ecskit."""
    tracemalloc.start()
    try:
        (warning,) = await collected(server)
    finally:
        tracemalloc.stop()
    assert f", made at {__file__}:" in warning


@pytest.mark.parametrize("ends", [{"used": False}, {"closed": True}, {"used": False, "closed": True}])
async def test_closed_and_unused_clients_are_silent(server: ModelServer, ends: dict[str, Any]) -> None:
    """They hold nothing."""
    assert [] == await collected(server, **ends)


async def test_a_wrapping_client_is_silent(server: ModelServer) -> None:
    """The wrapped client is its owner's."""
    ecs = Caller.open("async", region_name=REGION, endpoint_url=server.url)
    wrapping = ecskit.AsyncClient.wrap(await ecs.botocore_client())
    await wrapping.list_clusters()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del wrapping
        gc.collect()
    await ecs.close()


def test_an_unclosed_sync_client_is_silent(server: ModelServer) -> None:
    """Users of boto3 never close clients."""
    ecs = ecskit.Client(region_name=REGION, endpoint_url=server.url)
    ecs.list_clusters()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del ecs
        gc.collect()


def test_a_client_that_outlives_its_event_loop_is_named(server: ModelServer) -> None:
    """Although its connections cannot be closed any more."""
    kept: list[Any] = []

    async def use() -> None:
        ecs = ecskit.AsyncClient(region_name=REGION, endpoint_url=server.url)
        await ecs.list_clusters()
        kept.append(ecs)

    asyncio.run(use())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        kept.clear()
        gc.collect()
    texts = [str(w.message) for w in caught]
    assert 1 == sum(text.startswith(f"unclosed AsyncClient(region_name={REGION!r}") for text in texts)
    assert not any(text.startswith("Unclosed") for text in texts)  # as aiohttp's do
