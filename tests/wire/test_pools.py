"""The connection pool: its size, and the warning that it is too small."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.config import Config

from .model_server import Answer, ModelServer
from .support import REGION, Caller

BEYOND = {
    "sync": "connections beyond that are opened for one request and discarded",
    "async": "requests beyond that queue for a connection",
}


async def together(ecs: Caller, count: int) -> None:
    """Send requests at once."""
    if ecs.colour == "async":
        await asyncio.gather(*[ecs.call("list_clusters") for _ in range(count)])
    else:
        with ThreadPoolExecutor(count) as threads:
            list(threads.map(lambda _: ecs.client.list_clusters(), range(count)))


@pytest.mark.parametrize(("config", "size"), [({}, 10), ({"max_pool_connections": 2}, 2)])
async def test_a_pool_that_is_too_small_is_logged_once(
    colour: str, server: ModelServer, caplog: pytest.LogCaptureFixture, config: dict[str, Any], size: int
) -> None:
    """With its size and the size that was needed, by name."""
    caplog.set_level(logging.WARNING, "ecskit")
    ecs = Caller.open(colour, region_name=REGION, endpoint_url=server.url, config=Config(**config))
    await together(ecs, size)
    assert [] == [r for r in caplog.records if r.name == "ecskit"]
    for _ in range(2):
        server.will(*[Answer(delay=0.05)] * (size + 2))
        await together(ecs, size + 2)
    await ecs.close()
    (record,) = [r for r in caplog.records if r.name == "ecskit"]
    assert (
        f"{size + 2} requests at once, but the connection pool holds {size}: {BEYOND[colour]};"
        f" make the client with config=botocore.config.Config(max_pool_connections={size + 2})"
    ) == record.getMessage()


async def test_a_pool_that_is_large_enough_is_not_logged(
    colour: str, server: ModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    """As the warning advises."""
    config = Config(max_pool_connections=12)
    ecs = Caller.open(colour, region_name=REGION, endpoint_url=server.url, config=config)
    server.will(*[Answer(delay=0.02)] * 12)
    await together(ecs, 12)
    await ecs.close()
    assert [] == caplog.records
