"""Ways to cut an act short at every place there is, in each colour."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Event
from typing import Any

from ecskit.testing import Simulator

from .support import Act, Ecs, Went, aperform, furnished, nothing, perform

Make = Callable[[], Simulator]


class Stop(Exception):  # noqa: N818  # what a caller's own code may raise
    """Raised by callbacks."""


def simulator(prepare: Callable[[Simulator], object] = nothing, **options: Any) -> Make:
    """Return a function that makes the same simulator again and again."""

    def make() -> Simulator:
        sim = furnished(**options)
        prepare(sim)
        return sim

    return make


def interrupted(act: Act, make: Make, n: int, *, after: bool) -> Went:
    """Press Ctrl-C at the n-th request, before or after its effect."""

    def press(number: int, _: str) -> None:
        if number == n:
            raise KeyboardInterrupt

    return perform(act, Ecs.sync(make(), **{"after" if after else "before": press}))


def cancelled_at_request(act: Callable[[Any, Event], Any], make: Make, n: int, *, after: bool) -> Went:
    """Set the `cancel` event of a sync act at the n-th request, before or after its effect."""
    event = Event()

    def set_(number: int, _: str) -> None:
        if number == n:
            event.set()

    ecs = Ecs.sync(make(), **{"after" if after else "before": set_})
    return perform(lambda ecs: act(ecs, event), ecs)


def cancelled_after_steps(act: Act, make: Make, steps: int) -> Went:
    """Cancel the task of an async act when the event loop has gone round so many times."""

    async def run() -> Went:
        task = asyncio.ensure_future(aperform(act, Ecs.aio(make())))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        return await task

    return asyncio.run(run())


def cancelled_at_request_async(act: Act, make: Make, n: int, *, after: bool) -> Went:
    """Cancel the task of an async act at its n-th request, before or after its effect."""
    running: list[asyncio.Task[Went]] = []

    def cancel(number: int, _: str) -> None:
        if number == n:
            running[0].cancel()

    async def run() -> Went:
        ecs = Ecs.aio(make(), **{"after" if after else "before": cancel})
        running.append(asyncio.ensure_future(aperform(act, ecs)))
        return await running[0]

    return asyncio.run(run())


def requests_of(act: Act, make: Make) -> int:
    """Return how many requests an act sends when nobody cuts it short."""
    count: list[int] = []
    perform(act, Ecs.sync(make(), before=lambda n, _: count.append(n)))
    return len(count)
