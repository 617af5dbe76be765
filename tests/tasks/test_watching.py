"""`tasks.watch`: the tasks of a cluster and their changes, with events and without, sync and async."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from events.test_observing import LAUNCH, launched

from ecskit import AsyncClient, Client
from ecskit._core.effects import Emit, Observe, Reply
from ecskit._polling.observations import Observations
from ecskit._tasks.watching import _Round, watch
from ecskit.errors import ClusterNotFoundException, RequestError
from ecskit.models import Task
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


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_equal_streams_share_their_requests(is_async: bool) -> None:  # noqa: FBT001  # a case
    """Three make as many as one, and each shows each change once."""

    def until_stopped(families: Sequence[str]) -> tuple[Counter[str], list[list[str]]]:
        simulator, _ = launched(3, least=100, most=200)
        shown: list[list[str]] = [[] for _ in families]

        def follow(ecs: Client, family: str, changes: list[str]) -> None:
            with ecs.tasks.watch(family=family) as stream:
                for change in stream:
                    changes.append(str(change))
                    if change.task.last_status == "STOPPED":
                        return

        async def afollow(ecs: AsyncClient, family: str, changes: list[str]) -> None:
            async with ecs.tasks.watch(family=family) as stream:
                async for change in stream:
                    changes.append(str(change))
                    if change.task.last_status == "STOPPED":
                        return

        async def run() -> None:
            async with simulator.async_client() as ecs:
                await asyncio.gather(*(afollow(ecs, *each) for each in zip(families, shown, strict=True)))

        if is_async:
            asyncio.run(run())
        else:
            with simulator.client() as ecs, ThreadPoolExecutor(len(families)) as threads:
                for _ in threads.map(lambda each: follow(ecs, *each), zip(families, shown, strict=True)):
                    pass
        return Counter(call.operation for call in simulator.calls), shown

    alone, _ = until_stopped(["job"])
    calls, shown = until_stopped(["job", "job", "job"])
    assert [len({*each}) for each in shown] == [len(each) for each in shown]
    assert {"STOPPED"} == {each[-1].rpartition(" ")[2] for each in shown}
    for operation in ("ListTasks", "DescribeTasks"):
        assert calls[operation] <= alone[operation] + 6


def test_equal_streams_are_refused_each() -> None:
    """With an error of its own, also if they share the request that was refused."""

    async def run() -> list[Any]:
        async with Simulator().async_client() as ecs:
            streams = [ecs.tasks.watch(cluster="none") for _ in range(2)]
            errors = await asyncio.gather(*(anext(stream) for stream in streams), return_exceptions=True)
            assert {ClusterNotFoundException} == {type(error) for error in errors}
            return errors

    one, two = asyncio.run(run())
    assert one is not two


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


def test_a_stream_that_begins_while_events_flow_lists_at_once() -> None:
    """Only later rounds come every minute."""
    simulator, arns = launched(3, least=300)
    moments: list[float] = []

    async def run() -> None:
        async with simulator.async_client() as ecs, ecs.observing(simulator.event_source()):
            await ecs.wait.tasks_running(arns)
            with simulator.clock.flow():
                await simulator.clock.asleep(10)
            began = simulator.time()
            async with ecs.tasks.watch(family="job") as stream:
                async for change in stream:
                    moments.append(simulator.time() - began)
                    if change.gone:
                        return

    asyncio.run(run())
    assert moments[2] == 0


INSTANCE = "arn:aws:ecs:us-east-1:123456789012:container-instance/default/i1"


def seen(version: int, status: str, instance: str | None = INSTANCE) -> dict[str, Any]:
    arn = "arn:aws:ecs:us-east-1:123456789012:task/default/t1"
    members: dict[str, Any] = {"version": version, "last_status": status, "desired_status": "RUNNING"}
    return {"t1": Task(task_arn=arn, cluster_arn="default", container_instance_arn=instance, **members)}


def followed(*shown: tuple[float, Observations[Any]], container_instance: str | None = None) -> list[str]:
    """Return the changes that a stream yields if its polls, and events, show this at these moments."""
    flow: Any = watch(container_instance=container_instance)
    changes: list[str] = []
    now, left, effect = 0.0, [*shown], next(flow)
    while True:
        reply = Reply[Any](now, 0)
        if isinstance(effect, Observe):
            if not left:
                return changes
            now, value = left.pop(0)
            reply = Reply(now, value)
        elif isinstance(effect, Emit):
            changes.append(str(effect.item))
        effect = flow.send(reply)


def test_a_task_is_placed_on_the_instance_of_a_filter_after_its_first_event() -> None:
    """The filter is applied to each event, and to each poll."""
    unplaced = seen(1, "PROVISIONING", None)
    placed = (2.0, Observations(seen(2, "PENDING"), {}, by_event=True))
    for first in (Observations(unplaced, {}, by_event=True), Observations(unplaced, {})):
        assert followed((1.0, first), placed, container_instance=INSTANCE) == ["task t1: first seen -> PENDING"]
    elsewhere = (1.0, Observations(seen(1, "PENDING", f"{INSTANCE}2"), {}, by_event=True))
    assert followed(elsewhere, container_instance=INSTANCE) == []


def test_rounds_describe_those_again_that_a_filter_may_fit_later() -> None:
    """They skip tasks on other instances, and those that stopped before they were placed."""
    for one, skipped in (
        (seen(1, "PROVISIONING", None), []),
        (seen(1, "PENDING", f"{INSTANCE}2"), ["t1"]),
        (seen(1, "STOPPED", None), ["t1"]),
    ):
        query = _Round(None, {"container_instance": INSTANCE})
        assert query.merge("t1", one["t1"], 1.0, by_event=False) is None
        assert [*query.left_out] == skipped


def test_only_a_higher_version_brings_back_a_task_that_is_gone() -> None:
    """Late events and stale polls do not."""
    missing = [(moment, Observations({"t1": None}, {})) for moment in (10.0, 25.0, 41.0)]
    before = (1.0, Observations(seen(2, "RUNNING"), {}))
    for by_event in (True, False):
        stale, newer = (Observations(seen(number, "RUNNING"), {}, by_event=by_event) for number in (2, 3))
        changes = followed(before, *missing, (50.0, stale), (60.0, newer))
        assert changes == [
            "task t1: first seen -> RUNNING",
            "task t1: RUNNING -> gone",
            "task t1: first seen -> RUNNING",
        ]
    forgotten = (700.0, Observations(seen(2, "RUNNING"), {}))
    assert followed(before, *missing, forgotten)[-1] == "task t1: first seen -> RUNNING"
