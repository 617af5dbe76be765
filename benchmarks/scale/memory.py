"""The memory that waits need beyond the tasks that they have decoded."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import tracemalloc
from collections.abc import Sequence

from benchmarks.scale.account import Account
from benchmarks.scale.arms import PER_CALL
from ecskit import AsyncClient

MOMENTS = (55.0, 200.0)
"""Seconds from the start of the waits to the measurements. The first task stops after 60 s."""
SIMULATOR = tracemalloc.Filter(inclusive=False, filename_pattern="*/_simulator/*")
BENCHMARK = tracemalloc.Filter(inclusive=False, filename_pattern="*/benchmarks/*")


def beyond_tasks(count: int, *, seed: int) -> float:
    """Return the most bytes that waits for this many tasks need beyond one decoded task for each."""
    account = Account(seed=seed, quotas=False)
    arns = account.launch(count, seed=seed)
    return asyncio.run(_measured(account, arns))


async def _measured(account: Account, arns: Sequence[str]) -> float:
    async with account.async_client() as ecs:
        decoded = await _decoded(ecs, arns)
        tracemalloc.start()
        with account.clock.flow():
            waits = [asyncio.create_task(ecs.wait.tasks_stopped(arn, timeout=None)) for arn in arns]
            most = 0
            for moment in MOMENTS:
                await account.clock.asleep(moment - account.clock.now())
                most = max(most, _held())
        tracemalloc.stop()
        for wait in waits:
            wait.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*waits)
    return most - decoded


async def _decoded(ecs: AsyncClient, arns: Sequence[str]) -> int:
    """Return the bytes of all tasks as one describe call for each hundred returns them."""
    await ecs.describe_tasks(tasks=arns[:1])  # what the first call loads is no task
    tracemalloc.start()
    before = _held()
    tasks = [await ecs.describe_tasks(tasks=arns[first : first + PER_CALL]) for first in range(0, len(arns), PER_CALL)]
    took = _held() - before
    tracemalloc.stop()
    del tasks
    return took


def _held() -> int:
    gc.collect()
    snapshot = tracemalloc.take_snapshot().filter_traces((SIMULATOR, BENCHMARK))
    return sum(trace.size for trace in snapshot.traces)
