"""Waits, bulk calls and iterators of one client share their polls; each ends by itself."""

from __future__ import annotations

from typing import Any

import pytest
from support.both_clients import Ecs
from support.definitions import NETWORK, register

from ecskit.testing import Simulator, TaskScript
from ecskit.waits import WaitHandle

from . import support
from .support import COLOURS, Start, stopped


class FailedError(Exception):
    """Raised by a callback."""


def services(sim: Simulator, count: int) -> list[str]:
    """Create services, and return their names."""
    register(sim, "web")
    register(sim, "web")
    sim.script("web", TaskScript(time_to_start=10.0))
    service = {"desiredCount": 1, "launchType": "FARGATE", "networkConfiguration": NETWORK}
    names = [f"web{n}" for n in range(count)]
    for name in names:
        sim.handle("CreateService", {"serviceName": name, "taskDefinition": "web:1", **service})
    support.watch(sim).advance(300)
    return names


@pytest.mark.parametrize("colour", COLOURS)
def test_waits_and_resumed_waits(colour: str) -> None:
    """`resume_all` with single waits beside it makes hardly more calls than alone."""
    counts: list[int] = []
    for single in (0, 20):
        sim = support.world()
        arns = support.launch(sim, "job", 40, TaskScript.runs_for(60))
        handles = [WaitHandle("tasks_stopped", [arn], {}, {}) for arn in arns[:20]]
        starts = [Start(0, lambda ecs, handles=handles: ecs.wait.resume_all(handles, timeout=400))]  # type: ignore[misc]
        starts += [Start(0, stopped(arn)) for arn in arns[20 : 20 + single]]
        [many, *ended] = support.perform(sim, support.client(colour, sim), starts)
        assert ["STOPPED"] * 20 == [tasks[0].last_status for tasks in many.result]
        assert ["STOPPED"] * single == [each.verdict for each in ended]
        counts.append(len(support.times(sim)))
    assert counts[1] < 1.5 * counts[0]


@pytest.mark.parametrize("colour", COLOURS)
def test_many_waits_for_the_same_task(colour: str) -> None:
    """They make the calls of a few."""
    counts: list[int] = []
    for count in (2, 250):
        sim = support.world()
        [arn] = support.launch(sim, "job", 1, TaskScript.runs_for(60))
        ended = support.perform(sim, support.client(colour, sim), [Start(0, stopped(arn))] * count)
        assert ["STOPPED"] * count == [end.verdict for end in ended]
        counts.append(len(support.times(sim)))
    assert counts[1] < 1.5 * counts[0]


@pytest.mark.parametrize("colour", COLOURS)
def test_failing_callbacks(colour: str) -> None:
    """They end their own wait, or bulk call, and no other."""
    sim = support.world()
    arns = support.launch(sim, "job", 12, TaskScript.runs_for(60))

    def fail(_: Any) -> None:
        raise FailedError

    handles = [WaitHandle("tasks_stopped", [arn], {}, {}) for arn in arns[:4]]
    starts = [
        Start(0, lambda ecs: ecs.wait.tasks_stopped(arns[4:6], on_poll=fail)),
        Start(20, lambda ecs: ecs.wait.tasks_running(arns[4:6], on_poll=fail)),
        Start(0, lambda ecs: ecs.wait.resume_all(handles, timeout=30, on_progress=fail)),
        *(Start(0, stopped(arn)) for arn in arns),
        Start(0, lambda ecs: ecs.wait.tasks_stopped(arns, timeout=20)),
    ]
    ended = support.perform(sim, support.client(colour, sim), starts)
    assert ["FailedError"] * 3 == [each.verdict for each in ended[:3]]
    assert "WaitTimeout" == ended[-1].verdict
    for each in ended[3:-1]:
        assert "STOPPED" == each.verdict
        assert 90 <= each.at < 97


def deployed(ecs: Ecs, name: str) -> Any:
    """Deploy a service."""
    return ecs.services.deploy(name, task_definition="web:2", timeout=900)


def watched(ecs: Ecs, names: list[str], most: int | None = None, hold: float = 0.0) -> Any:
    """Watch several deployments, take some events or all, and hold each for some seconds."""

    def take() -> list[Any]:
        begun = [ecs.services.start_deployment(name, task_definition="web:2") for name in names]
        taken: list[Any] = []
        with ecs.services.watch(begun, timeout=900) as events:
            for event in events:
                taken.append(event)
                if len(taken) == most:
                    break
                support.watch(ecs.sim).sleep(hold)
        return taken

    async def atake() -> list[Any]:
        begun = [await ecs.services.start_deployment(name, task_definition="web:2") for name in names]
        taken: list[Any] = []
        async with ecs.services.watch(begun, timeout=900) as events:
            async for event in events:
                taken.append(event)
                if len(taken) == most:
                    break
                await support.watch(ecs.sim).asleep(hold)
        return taken

    return take() if ecs.colour == "sync" else atake()


def test_deployments_and_watches_in_tasks() -> None:
    """Ten deployments, four of them watched together, need few calls more than one of them."""
    counts: list[dict[str, int]] = []
    for count in (1, 10):
        sim = support.world()
        names = services(sim, count)
        before = len(sim.calls)
        starts = [Start(0, lambda ecs, name=name: deployed(ecs, name)) for name in names[4:] or names]  # type: ignore[misc]
        starts += [Start(0, lambda ecs, names=names[:4]: watched(ecs, names))] if count > 4 else []  # type: ignore[misc]
        ended = support.perform(sim, support.client("async", sim), starts)
        assert [None] * len(starts) == [each.error for each in ended]
        calls = [call.operation for call in sim.calls[before:]]
        counts.append({name: calls.count(name) for name in ("DescribeServices", "DescribeServiceDeployments")})
    alone, together = counts
    for name in together:
        assert together[name] < 4 * alone[name], counts


@pytest.mark.parametrize("colour", COLOURS)
def test_an_iterator_whose_items_are_held(colour: str) -> None:
    """The waits beside it go on in time, and do not poll for it again and again; it goes on when it is closed late."""
    ends: list[list[float]] = []
    counts: list[int] = []
    for most in (1, 3):
        sim = support.world()
        names = services(sim, 4)
        arns = support.launch(sim, "job", 3, TaskScript.runs_for(60))
        starts = [
            Start(0.5, lambda ecs, most=most, names=names: watched(ecs, names[:2], most=most, hold=300)),  # type: ignore[misc]
            *(Start(0, lambda ecs, name=name: deployed(ecs, name)) for name in names[2:]),  # type: ignore[misc]
            *(Start(0, stopped(arn)) for arn in arns),
        ]
        ended = support.perform(sim, support.client(colour, sim), starts)
        assert [None] * len(starts) == [each.error for each in ended]
        assert most == len(ended[0].result)
        ends.append([each.at - each.began for each in ended[1:]])
        counts.append(len(support.times(sim, "DescribeServices", "DescribeServiceDeployments")))
    assert ends[0] == pytest.approx(ends[1], abs=7)
    assert counts[1] < counts[0] + 30
