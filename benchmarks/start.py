"""The cost of a fresh process: `python -m benchmarks.start WHAT [URL [TURN]]` prints seconds of CPU, or bytes."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks import bodies, peers

CALLS_FOR_MEMORY = 100


def _import_after_botocore(statement: str) -> float:
    import botocore.session  # noqa: F401  # measured is what follows

    start = time.process_time()
    exec(statement)
    return time.process_time() - start


def _models(statement: str) -> float:
    import ecskit.client  # noqa: F401  # includes attrs and the base classes of the models

    start = time.process_time()
    exec(statement)
    return time.process_time() - start


_SOME_MODELS = "from ecskit.models import DescribeTasksRequest, DescribeTasksResponse, RunTaskRequest, RunTaskResponse"
_ALL_MODELS = "from ecskit.models import *"
_OTHER_REGIONS = ("us-east-1", "us-west-2", "ap-south-1", "eu-west-1", "sa-east-1")


def _cold_sync(peer: str, url: str) -> float:
    start = time.process_time()
    assert len(peers.tasks_of(peers.sync(peer, url)(bodies.arns(1)))) == 1
    return time.process_time() - start


def _cold_async(peer: str, url: str) -> float:
    start = time.process_time()
    import asyncio

    async def once() -> None:
        async with peers.asynchronous(peer, url) as describe:
            assert len(peers.tasks_of(await describe(bodies.arns(1)))) == 1

    asyncio.run(once())
    return time.process_time() - start


def _pieces(peer: str, url: str) -> list[float]:
    """Return what a cold start consists of: botocore.session, the rest of the import, the client, its first call."""
    import asyncio
    import importlib

    marks = [time.process_time()]

    def mark() -> None:
        marks.append(time.process_time())

    def load(*modules: str) -> None:
        for module in modules:
            importlib.import_module(module)
            mark()

    async def run_async() -> None:
        async with peers.asynchronous(peer.removeprefix("async-"), url) as describe:
            mark()
            await describe(bodies.arns(1))
            mark()

    if peer in ("aiobotocore", "async-ecskit"):
        load("botocore.session", "aiobotocore.session" if peer == "aiobotocore" else "ecskit._transport.aio")
        asyncio.run(run_async())
    else:
        load("botocore.session", "boto3" if peer == "boto3" else "ecskit._transport.sync")
        describe = peers.sync(peer, url)
        mark()
        describe(bodies.arns(1))
        mark()
    return [after - before for before, after in itertools.pairwise(marks)]


def _regions(peer: str) -> float:
    """Return the time for a client of another region from a session that exists and has made a client already."""
    make: Callable[..., Any]
    if peer == "boto3":
        import boto3

        session = boto3.Session()
        make = partial(session.client, "ecs")
    else:
        import botocore.session

        from ecskit import Client

        first = Client(region_name=bodies.REGION)
        of_session = partial(Client, session=botocore.session.Session())
        make = {"with_options": first.with_options, "session": of_session}[peer]
    kept = [make(region_name=bodies.REGION)]
    start = time.process_time()
    kept += [make(region_name=region) for region in _OTHER_REGIONS]
    return (time.process_time() - start) / len(_OTHER_REGIONS)


def _memory(peer: str, url: str) -> float:
    import gc
    import tracemalloc

    describe, tasks = peers.sync(peer, url), bodies.arns(100)
    describe(tasks)  # the first call fills caches that do not belong to the response
    gc.collect()
    tracemalloc.start()
    kept = [peers.tasks_of(describe(tasks)) for _ in range(CALLS_FOR_MEMORY)]
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0]
    assert sum(map(len, kept)) == 100 * CALLS_FOR_MEMORY
    return taken


def main(what: str, url: str = "", turn: str = "0") -> None:
    # Where the first block of memory ends, CPython may return it and request it again thousands of times, which takes
    # up to a tenth of a cold start. Each turn moves this place, and the median does not depend on it.
    ballast = [bytes(40) for _ in range(1000 * int(turn))]
    peers.isolate()
    kind, _, peer = what.partition(":")
    found: float | list[float]
    match kind:
        case "import":
            found = _import_after_botocore(peer)
        case "models":
            found = _models(_SOME_MODELS if peer == "some" else _ALL_MODELS)
        case "cold":
            found = _cold_sync(peer, url)
        case "acold":
            found = _cold_async(peer, url)
        case "pieces":
            found = _pieces(peer, url)
        case "region":
            found = _regions(peer)
        case "memory":
            found = _memory(peer, url)
        case _:
            raise ValueError(what)
    print(*(found if isinstance(found, list) else [found]))
    del ballast


if __name__ == "__main__":
    main(*sys.argv[1:])
