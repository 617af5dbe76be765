"""`tasks.watch`: the tasks of a cluster and their changes, with events and without, sync and async."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest
from events.test_observing import LAUNCH, launched

from ecskit.errors import ClusterNotFoundException, RequestError
from ecskit.tasks import TaskChange
from ecskit.testing import Fault, Simulator


def watched(
    simulator: Simulator, ends: Callable[[list[TaskChange]], bool], *, events: bool = False, family: str | None = "job"
) -> list[TaskChange]:
    """Return the changes until an end."""
    changes: list[TaskChange] = []

    async def run() -> None:
        async with simulator.async_client() as ecs, contextlib.AsyncExitStack() as stack:
            if events:
                await stack.enter_async_context(ecs.observing(simulator.event_source(late=(0.5, 2.5))))
            async with ecs.tasks.watch(family=family) as stream:
                async for change in stream:
                    changes.append(change)
                    if ends(changes):
                        return

    asyncio.run(run())
    return changes


def gone(count: int) -> Callable[[list[TaskChange]], bool]:
    return lambda changes: sum(change.gone for change in changes) == count


@pytest.mark.parametrize("events", [False, True], ids=["polls", "events"])
def test_tasks_are_listed_and_followed_until_they_are_gone(events: bool) -> None:  # noqa: FBT001  # a case
    """Each has a first sight, and its changes are a chain. A task that is launched later is among them."""
    simulator, arns = launched(3, most=100)

    def ends(changes: list[TaskChange]) -> bool:
        if len(changes) == 6:
            arns.extend(task["taskArn"] for task in simulator.handle("RunTask", LAUNCH)["tasks"])
        return gone(4)(changes)

    changes = watched(simulator, ends, events=events)
    assert len(arns) == 4
    for arn in arns:
        own = [change for change in changes if change.task.task_arn == arn]
        assert [own[0].before, own[-1].after, own[-1].gone] == [None, None, True]
        assert own[-1].task.last_status == "STOPPED"
        assert all(one.task.version == two.before.version for one, two in pairwise(own) if two.before)
        assert not any(change.gone for change in own[:-1])
    calls = Counter(call.operation for call in simulator.calls)
    assert calls["DescribeTasks"] <= (15 if events else 40)


def test_events_show_each_status() -> None:
    """Polls miss the short ones."""
    simulator, [arn] = launched(1, most=31)
    changes = watched(simulator, lambda all_: all_[-1].task.last_status == "STOPPED", events=True)
    statuses = list(dict.fromkeys(change.task.last_status for change in changes))
    assert {"PROVISIONING", "PENDING", "RUNNING", "DEPROVISIONING", "STOPPED"} <= set(statuses)
    id_ = arn.rpartition("/")[2]
    assert str(changes[0]) == f"task {id_}: first seen -> PROVISIONING"
    assert str(changes[-1]) == f"task {id_}: {changes[-2].task.last_status} -> STOPPED"


def test_filters_leave_others_out() -> None:
    """Of the listed ones, and of those that events show."""
    simulator, _ = launched(2, most=40)
    changes: list[TaskChange] = []
    with simulator.client() as ecs, ecs.observing(simulator.event_source()):
        other = simulator.handle("RunTask", {**LAUNCH, "startedBy": "me"})["tasks"][0]["taskArn"]
        with ecs.tasks.watch(family="job", started_by="me") as stream:
            for change in stream:
                changes.append(change)
                if change.task.last_status == "STOPPED":
                    break
    assert {change.task.task_arn for change in changes} == {other}


def test_failed_rounds_are_repeated() -> None:
    """A throttle shows nothing as gone, and the next round comes after a longer pause."""
    simulator, [_] = launched(1, most=31)
    simulator.fail("ListTasks", Fault.throttled(), times=4)
    simulator.fail("DescribeTasks", Fault.throttled(), times=2)
    changes = watched(simulator, lambda all_: all_[-1].task.last_status == "STOPPED")
    assert changes[0].before is None
    assert not any(change.gone for change in changes)


def test_refusals_are_raised() -> None:
    """Wrong arguments before anything is sent, a cluster that does not exist at the first item."""
    simulator = Simulator()
    with simulator.client() as ecs:
        with pytest.raises(RequestError, match="expected the name of a family without revision, got 'job:1'"):
            ecs.tasks.watch(family="job:1")
        with pytest.raises(ClusterNotFoundException), ecs.tasks.watch(cluster="none") as changes:
            next(changes)
