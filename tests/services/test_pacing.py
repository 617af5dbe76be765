"""Dozens of deployments in one client: their updates are sent at the pace that ECS takes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from support.both_clients import Ecs, aperform, perform

from ecskit.testing import PUBLISHED_QUOTAS, Fault, Simulator

from .support import create, furnished, register

MANY = 60


def services(**options: Any) -> Simulator:
    """Return a simulator with the published quotas and sixty services that are stable."""
    sim = Simulator(quotas=PUBLISHED_QUOTAS, **options)
    for family in ("web", "next"):
        register(sim, family)
    for number in range(MANY):
        create(sim, f"s{number}", wait=1, desiredCount=1)
    sim.clock.advance(100)
    return sim


def side_by_side(sim: Simulator, act: Callable[[Ecs, str], Any], *, threads: bool) -> list[Any]:
    """Perform an act for each service, all at the same time."""
    names = [f"s{number}" for number in range(MANY)]
    if threads:
        ecs = Ecs.sync(sim)
        with ThreadPoolExecutor(MANY) as pool:
            return list(pool.map(lambda name: act(ecs, name), names))

    async def run() -> list[Any]:
        ecs = Ecs.aio(sim)
        acts: list[Awaitable[Any]] = [act(ecs, name) for name in names]
        return await asyncio.gather(*acts)

    return asyncio.run(run())


ACTS: dict[str, tuple[Callable[[Ecs, str], Any], str]] = {
    "deploy": (lambda ecs, name: ecs.services.deploy(name, task_definition="next"), "UpdateService"),
    "scale": (lambda ecs, name: ecs.services.scale(name, desired_count=2), "UpdateService"),
    "delete": (lambda ecs, name: ecs.services.delete(name, force=True), "DeleteService"),
}


@pytest.mark.parametrize("threads", [False, True], ids=["tasks", "threads"])
@pytest.mark.parametrize("name", ACTS)
def test_changes_of_many_services(name: str, *, threads: bool) -> None:
    """ECS takes 50 changes, then five per second: none is throttled, and each is made once."""
    act, operation = ACTS[name]
    sim = services()
    before = len(sim.calls)
    assert MANY == len(side_by_side(sim, act, threads=threads))
    changes = [call for call in sim.calls[before:] if call.operation == operation]
    assert {None: MANY} == Counter(call.code for call in changes)
    assert threads or {None} == {call.code for call in sim.calls[before:]}  # nor are reads
    assert MANY == len({call.request["service"].rsplit("/", 1)[-1] for call in changes})
    assert changes[-1].time - changes[0].time >= 2
    assert threads or changes[-1].time - changes[0].time <= 4  # the clock moves while the system starts threads


@pytest.mark.parametrize("client", ["sync", "aio"])
def test_first_polls_without_an_answer(client: str) -> None:
    """The pauses between them grow, as between other polls."""
    sim = furnished()

    def after(_: int, operation: str) -> None:
        if operation == "UpdateService":
            for read in ("ListServiceDeployments", "DescribeServices"):
                sim.fail(read, Fault.throttled(), times=2)

    def act(ecs: Ecs) -> Any:
        return ecs.services.deploy("web", force=True)

    if client == "sync":
        went = perform(act, Ecs.sync(sim, after=after))
    else:
        went = asyncio.run(aperform(act, Ecs.aio(sim, after=after)))
    assert "SUCCESSFUL" == went.returned().status
    first, *others = went.naps("ListServiceDeployments")[:2]
    assert all(first > 1 and earlier < later for earlier, later in pairwise([first, *others])), [first, *others]
