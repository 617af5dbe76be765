"""The cost of a fresh process: `python -m benchmarks.start WHAT [URL]` prints CPU seconds, or bytes for `memory-*`."""

from __future__ import annotations

import sys
import time

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
    match kind:
        case "import":
            found = _import_after_botocore(peer)
        case "models":
            found = _models(_SOME_MODELS if peer == "some" else _ALL_MODELS)
        case "cold":
            found = _cold_sync(peer, url)
        case "acold":
            found = _cold_async(peer, url)
        case "memory":
            found = _memory(peer, url)
        case _:
            raise ValueError(what)
    print(found)
    del ballast


if __name__ == "__main__":
    main(*sys.argv[1:])
