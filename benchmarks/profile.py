"""Profiles the CPU time of ecskit's own calls: `python -m benchmarks.profile [sync|async] [COUNT] [CALLS]`."""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import sys

from benchmarks import bodies, peers
from benchmarks.__main__ import serving


async def _async(url: str, tasks: list[str], calls: int, profile: cProfile.Profile) -> None:
    async with peers.asynchronous("ecskit", url) as describe:
        await describe(tasks)
        profile.enable()
        for _ in range(calls):
            await describe(tasks)
        profile.disable()


def main(colour: str = "sync", count: str = "1", calls: str = "300") -> None:
    peers.isolate()
    tasks, profile = bodies.arns(int(count)), cProfile.Profile()
    with serving() as url:
        if colour == "async":
            asyncio.run(_async(url, tasks, int(calls), profile))
        else:
            describe = peers.sync("ecskit", url)
            describe(tasks)
            profile.enable()
            for _ in range(int(calls)):
                describe(tasks)
            profile.disable()
    pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(30)
    pstats.Stats(profile).strip_dirs().sort_stats("cumulative").print_stats(60)


if __name__ == "__main__":
    main(*sys.argv[1:])
