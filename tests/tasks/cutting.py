"""Ways to cut an act of `ecs.tasks` short beside those of `support.cutting_short`."""

from __future__ import annotations

import asyncio

from support.both_clients import Act, Ecs, Went, aperform
from support.cutting_short import Make


class Stop(Exception):  # noqa: N818  # what a caller's own code may raise
    """Raised by callbacks."""


def cancelled_after_steps(act: Act, make: Make, steps: int) -> Went:
    """Cancel the task of an async act when the event loop has gone round so many times."""

    async def run() -> Went:
        task = asyncio.ensure_future(aperform(act, Ecs.aio(make())))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        return await task

    return asyncio.run(run())
