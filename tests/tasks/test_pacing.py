"""Many launches in one client: ECS throttles none of them, and each task is started once."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support import both_clients
from support.both_clients import Act, Ecs, Went, aperform, perform
from support.cutting_short import CUTS
from support.definitions import register
from support.simulated_ecs import answer

from ecskit._core.effects import RawResponse, Send
from ecskit.bulk import BulkProgress
from ecskit.errors import FailuresError, RequestError, TasksNotStarted
from ecskit.testing import PUBLISHED_QUOTAS, Fault, Simulator, TaskScript

from .support import FARGATE, both, furnished


def paced() -> Simulator:
    """Return a simulator with the published quotas, whose tasks run for a minute."""
    sim = furnished(quotas=PUBLISHED_QUOTAS)
    sim.script("job", TaskScript.exits(0, after=60))
    return sim


def codes(sim: Simulator, operation: str = "RunTask") -> Counter[str | None]:
    """Return how often each error answered an operation; None counts the responses without one."""
    return Counter(call.code for call in sim.calls if call.operation == operation)


def counted(went: Went) -> Any:
    """Return what must be the same for both clients, whatever the order of the tasks."""
    return type(went.error), codes(went.sim), round(went.elapsed, 3), len(went.sim.tasks())


def running(count: int, **options: Any) -> Act:
    """Return an act that runs some tasks."""
    return lambda ecs, **more: ecs.tasks.run("job", count=count, **FARGATE, **options, **more)


def test_a_thousand_tasks() -> None:
    """Fargate takes 100 tasks, then 20 per second. Each task is reported once."""
    seen: list[BulkProgress] = []
    went = both_clients.both(running(1000, on_progress=seen.append), paced, compared=counted)
    arns = {task.arn for task in went.sim.tasks()}
    assert {task.task_arn for task in went.returned().tasks} == arns
    assert (1000, {None: 100}) == (len(arns), codes(went.sim))
    assert 45 <= went.elapsed <= 50
    for run in (seen[:1000], seen[1000:]):
        assert [(each.done, each.total, each.failed) for each in run] == [(n, 1000, 0) for n in range(1, 1001)]
        assert {each.name for each in run} == arns


def test_a_lone_launch_is_sent_at_once() -> None:
    """So are ten calls after it."""
    went = both(running(90), prepare=lambda sim: sim.script("job", TaskScript()))
    assert 0 == went.elapsed


def test_many_launches_side_by_side() -> None:
    """Tasks of one event loop share the quotas."""
    sim = paced()
    ecs = Ecs.aio(sim)

    async def launch() -> list[Any]:
        return await asyncio.gather(*(ecs.tasks.run("job", **FARGATE) for _ in range(300)))

    started = {task.task_arn for result in asyncio.run(launch()) for task in result.tasks}
    assert (300, {None: 300}) == (len(started), codes(sim))
    assert 14 <= sim.clock.now() <= 20


def test_many_launches_to_completion() -> None:
    """They are launched as others are, and then waited for."""
    sim = paced()
    ecs = Ecs.aio(sim)

    async def launch() -> list[Any]:
        return await asyncio.gather(*(ecs.tasks.run_to_completion("job", **FARGATE) for _ in range(120)))

    outcomes = asyncio.run(launch())
    assert (120, {None: 120}) == (len({outcome.task.task_arn for outcome in outcomes}), codes(sim))
    assert {None} == {call.code for call in sim.calls}  # nor are polls


def test_threads_share_the_quotas() -> None:
    """Launches and stops of 40 threads are not throttled, and none is lost."""
    sim = paced()
    ecs = Ecs.sync(sim)

    def act(_: int) -> list[str]:
        arns = ecs.tasks.run("job", count=6, **FARGATE).task_arns
        return [task.task_arn for task in ecs.tasks.stop(arns, until="requested")]

    with ThreadPoolExecutor(40) as threads:
        stopped = [arn for arns in threads.map(act, range(40)) for arn in arns]
    assert sorted(stopped) == sorted(task.arn for task in sim.tasks())
    assert (240, {None: 40}, {None: 240}) == (len(stopped), codes(sim), codes(sim, "StopTask"))


@pytest.mark.parametrize("cut", CUTS)
def test_cancelled_in_the_middle(cut: str) -> None:
    """Nothing is launched after that, and what was launched is stopped, before launches that wait."""
    cutting, kind = CUTS[cut]
    went = cutting(running(1000, on_cancel="stop"), paced, 25, after=True)
    assert type(went.error) is kind
    assert 240 <= len(went.sim.tasks()) <= 280
    assert [] == went.running
    assert {None} == set(codes(went.sim)) == set(codes(went.sim, "StopTask"))
    assert len(went.sim.tasks()) == len(went.requests("StopTask"))


def test_cancelled_launches_leave_their_turns_to_others() -> None:
    """The next launch does not wait for them, and none that waited is sent."""
    sim = paced()
    ecs = Ecs.aio(sim)

    async def launch() -> None:
        waiting = [asyncio.ensure_future(ecs.tasks.run("job", **FARGATE)) for _ in range(500)]
        await ecs.clock.asleep(3)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        before = sim.time(), len(sim.tasks())
        await ecs.tasks.run("job", **FARGATE)
        assert sim.time() - before[0] <= 0.1
        assert len(sim.tasks()) - before[1] == 1

    asyncio.run(launch())
    assert {None} == set(codes(sim))


def instances(sim: Simulator) -> None:
    """Add container instances with room for a thousand tasks."""
    for _ in range(10):
        room = [{"name": name, "type": "INTEGER", "integerValue": 10**6} for name in ("CPU", "MEMORY")]
        sim.handle("RegisterContainerInstance", {"totalResources": room})


@pytest.mark.parametrize("options", [{}, {"launch_type": "EC2"}])
def test_quotas_of_fargate_are_for_launches_on_fargate(options: dict[str, Any]) -> None:
    """If a launch names no launch type, the first tasks show which one is the default."""
    sim = paced()
    instances(sim)
    small = {"requiresCompatibilities": ["EC2"], "networkMode": "bridge", "cpu": "128", "memory": "8"}
    register(sim, "small", {"name": "app", "image": "image:1", "memory": 4}, **small)
    went = both_clients.perform(lambda ecs: ecs.tasks.run("small", count=600, **options), Ecs.sync(sim))
    assert (600, {None: 60}) == (len(went.returned().tasks), codes(sim))
    assert went.elapsed <= 1


def test_reports_of_tasks_that_are_not_started() -> None:
    """Each has its place among the tasks, and its error."""
    seen: list[BulkProgress] = []

    def prepare(sim: Simulator) -> None:
        sim.fail("RunTask", Fault.no_capacity("RESOURCE:MEMORY", last=2), times=1)

    act = running(12, on_partial="keep", on_progress=seen.append)
    went = both(act, prepare=prepare)
    assert len(went.returned().tasks) == 10
    failed = {each.name: each.error for each in seen[:12] if each.error is not None}
    assert ["tasks[8]", "tasks[9]"] == list(failed)
    assert {FailuresError} == {type(error) for error in failed.values()}
    assert "RunTask: 1 failed: RESOURCE:MEMORY" in str(failed["tasks[8]"])
    assert (12, 2) == (seen[11].done, seen[11].failed)


def test_reports_of_retries() -> None:
    """A task that is requested again is reported when it is started."""
    seen: list[BulkProgress] = []

    def prepare(sim: Simulator) -> None:
        sim.fail("RunTask", Fault.no_capacity("RESOURCE:MEMORY", last=2), times=1)

    went = both(running(5, on_partial="top_up", on_progress=seen.append), prepare=prepare)
    assert went.returned().complete
    assert [(each.done, each.failed) for each in seen[:5]] == [(n, 0) for n in range(1, 6)]


def test_an_error_of_the_callback_ends_the_call() -> None:
    """As a cancellation does: `on_cancel` says what becomes of the tasks."""

    def refuse(progress: BulkProgress) -> None:
        if progress.done == 15:
            raise ValueError("enough")

    went = both_clients.both(running(100, on_progress=refuse, on_cancel="stop"), paced, compared=lambda _: None)
    assert "enough" == str(went.error)
    assert [] == went.running
    cause = went.raised(ValueError).__cause__
    assert (True, True) == (cause.ended_early, cause.stopped)
    assert {task.arn for task in went.sim.tasks()} == {*cause.result.task_arns}


def test_an_error_of_the_callback_has_the_tasks_that_were_started() -> None:
    """All of them: a call under way is repeated under its token."""

    def refuse(progress: BulkProgress) -> None:
        if progress.done == 15:
            raise ValueError("enough")

    act = running(100, on_progress=refuse)
    ends = perform(act, Ecs.sync(furnished())), asyncio.run(aperform(act, Ecs.aio(furnished())))
    for went in ends:
        cause = went.raised(ValueError).__cause__
        assert isinstance(cause, TasksNotStarted)
        assert {task.arn for task in went.sim.tasks()} == {*cause.result.task_arns}
        assert 15 <= len(cause.result.task_arns) < 100
        text = f"RunTask: {len(cause.result.tasks)} of 100 tasks started: an exception of `on_progress` ended the call"
        assert str(cause).startswith(text)


def test_what_a_launch_leaves_after_ctrl_c_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The ARNs of the tasks, and the client tokens of calls without a response."""

    def press(progress: BulkProgress) -> None:
        if progress.done == 15:
            raise KeyboardInterrupt

    caplog.set_level("INFO", "ecskit")
    went = perform(running(100, on_progress=press), Ecs.sync(furnished()))
    assert isinstance(went.error, KeyboardInterrupt)
    [text] = [record.getMessage() for record in caplog.records if "ended early" in record.getMessage()]
    arns = [task.arn for task in went.sim.tasks()]
    assert text.startswith(f"a launch ended early; {len(arns)} tasks were started: ")
    assert [] == [arn for arn in arns if arn not in text]


@pytest.mark.parametrize("on_progress", [3, "print"])
def test_what_cannot_be_called(on_progress: Any) -> None:
    """It is refused before anything is sent."""
    went = both(running(1, on_progress=on_progress))
    kind = type(on_progress).__name__
    assert f"tasks.run: on_progress: expected a function, got {kind}" == str(went.raised(RequestError))
    assert [] == went.calls


def test_a_launch_that_starts_nothing() -> None:
    """The other calls are not sent, and are not reported."""
    seen: list[BulkProgress] = []

    def prepare(sim: Simulator) -> None:
        sim.fail("RunTask", Fault.no_capacity("ATTRIBUTE"), times=1)

    went = both(running(30, on_progress=seen.append), prepare=prepare)
    assert isinstance(went.error, TasksNotStarted)
    assert [f"tasks[{n}]" for n in range(10)] == [each.name for each in seen[:10]]


def test_callbacks_of_threads_come_one_after_the_other() -> None:
    """Also while calls of several threads end at the same time."""
    inside: list[int] = []
    most: list[int] = []

    def enter(progress: BulkProgress) -> None:
        inside.append(progress.done)
        most.append(len(inside))
        inside.pop()

    callback: Callable[[BulkProgress], None] = enter
    Ecs.sync(furnished()).tasks.run("job", count=400, on_progress=callback, **FARGATE)
    assert [1] * 400 == most


def test_the_time_for_capacity_does_not_end_while_calls_wait_for_their_turns() -> None:
    """The last calls begin after ten seconds, and have the five seconds, too."""

    def lacks(sim: Simulator, send: Send) -> RawResponse:
        if send.operation == "RunTask" and re.search(r"-(25|28)-[01]$", send.params["clientToken"]):
            sim.fail("RunTask", Fault.no_capacity("AGENT"))
        return answer(sim, send)

    act = running(300, capacity_timeout=5, client_token="k")
    went = both_clients.both(act, paced, hooks=lambda: {"answer": lacks}, compared=counted)
    assert went.returned().complete
    assert 34 == len(went.requests("RunTask"))
    assert max(went.times("RunTask")) > 10
