"""Cut an act short at its n-th request, before or after the effect: by Ctrl-C, by the `cancel` event, by asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Event
from typing import Any

from ecskit.errors import WaitCancelled
from ecskit.testing import Simulator

from .both_clients import Ecs, Went, aperform, perform

Make = Callable[[], Simulator]
CancellableAct = Callable[..., Any]
"""Takes the namespaces, and the `cancel` event by keyword."""


def interrupted(act: CancellableAct, make: Make, n: int, *, after: bool) -> Went:
    """Press Ctrl-C."""

    def press(number: int, _: str) -> None:
        if number == n:
            raise KeyboardInterrupt

    return perform(act, Ecs.sync(make(), **{"after" if after else "before": press}))


def cancelled_by_event(act: CancellableAct, make: Make, n: int, *, after: bool) -> Went:
    """Set the `cancel` event."""
    event = Event()

    def set_(number: int, _: str) -> None:
        if number == n:
            event.set()

    return perform(lambda ecs: act(ecs, cancel=event), Ecs.sync(make(), **{"after" if after else "before": set_}))


def cancelled_task(act: CancellableAct, make: Make, n: int, *, after: bool) -> Went:
    """Cancel the asyncio task of the act."""
    running: list[asyncio.Task[Went]] = []

    def cancel(number: int, _: str) -> None:
        if number == n:
            running[0].cancel()

    async def run() -> Went:
        ecs = Ecs.aio(make(), **{"after" if after else "before": cancel})
        running.append(asyncio.ensure_future(aperform(act, ecs)))
        return await running[0]

    return asyncio.run(run())


CUTS: dict[str, tuple[Callable[..., Went], type[BaseException]]] = {
    "Ctrl-C": (interrupted, KeyboardInterrupt),
    "cancel event": (cancelled_by_event, WaitCancelled),
    "asyncio": (cancelled_task, asyncio.CancelledError),
}


def requests_of(act: CancellableAct, make: Make) -> int:
    """Return how many requests an act sends when it is not cut short."""
    count: list[int] = []
    perform(act, Ecs.sync(make(), before=lambda n, _: count.append(n)))
    return len(count)


def cuts_of(act: CancellableAct, make: Make) -> list[tuple[int, bool]]:
    """Return where to cut an act: at which request, and whether after it.

    Before and after each request that changes something, and once at each point between reads: after one read is before
    the next one.
    """
    sent: list[str] = []
    perform(act, Ecs.sync(make(), before=lambda _, operation: sent.append(operation)))
    numbers = [n for n, operation in enumerate(sent) if n % 2 == 0 or not operation.startswith(("Describe", "List"))]
    return [(n, after) for n in numbers for after in (False, True)]
