"""CPU time of whole calls. All peers run in one process, in turn, and each round has its own baseline.

`python -m benchmarks.calls URL orjson|stdlib` prints JSON: for each kind of call and each peer, its CPU time as a share
of the baseline's in the same round, as the median of all rounds.
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import sys
import time
from contextlib import AsyncExitStack

from benchmarks import bodies, peers

# Tasks per request, rounds, calls of each peer in a round.
SIZES = ((100, 15, 4), (1, 21, 40))

Times = dict[str, list[float]]


def _ratios(times: Times, baseline: str) -> dict[str, float]:
    return {
        peer: statistics.median(mine / base for mine, base in zip(took, times[baseline], strict=True))
        for peer, took in times.items()
    }


def _turns(names: list[str], turn: int) -> list[str]:
    # The first peer after a pause is slower, so the peers take turns at being first.
    at = turn % len(names)
    return names[at:] + names[:at]


def _sync(url: str, count: int, rounds: int, repeat: int) -> dict[str, float]:
    tasks = bodies.arns(count)
    describe = {peer: peers.sync(peer, url) for peer in peers.SYNC if peers.installed(peer)}
    for call in describe.values():
        assert len(peers.tasks_of([call(tasks) for _ in range(repeat)][-1])) == count
    times: Times = {peer: [] for peer in describe}
    gc.collect()
    gc.freeze()
    for turn in range(rounds):
        for peer in _turns(list(describe), turn):
            call = describe[peer]
            gc.collect()
            start = time.process_time()
            for _ in range(repeat):
                call(tasks)
            times[peer].append(time.process_time() - start)
    return _ratios(times, peers.SYNC[0])


async def _async(url: str, count: int, rounds: int, repeat: int) -> dict[str, float]:
    tasks = bodies.arns(count)
    async with AsyncExitStack() as stack:
        describe = {
            peer: await stack.enter_async_context(peers.asynchronous(peer, url))
            for peer in peers.ASYNC
            if peers.installed(peer)
        }
        for call in describe.values():
            assert len(peers.tasks_of([await call(tasks) for _ in range(repeat)][-1])) == count
        times: Times = {peer: [] for peer in describe}
        gc.collect()
        gc.freeze()
        for turn in range(rounds):
            for peer in _turns(list(describe), turn):
                call = describe[peer]
                gc.collect()
                start = time.process_time()
                for _ in range(repeat):
                    await call(tasks)
                times[peer].append(time.process_time() - start)
    return _ratios(times, peers.ASYNC[0])


def main(url: str, parser: str) -> None:
    if parser == "stdlib":
        sys.modules["orjson"] = None  # type: ignore[assignment]  # None makes an import fail
    peers.isolate()
    found: dict[str, dict[str, float]] = {}
    for size in SIZES:
        found[f"sync {size[0]}"] = _sync(url, *size)
        found[f"async {size[0]}"] = asyncio.run(_async(url, *size))
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
