"""Many waits are resumed side by side: in order, equal handles once, with few calls, and each with its own end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest
from support import both_clients
from support.both_clients import Act, Ecs, Went, comparable, through_botocore
from support.definitions import register
from support.simulated_ecs import answer

from ecskit._core.effects import RawResponse, Send
from ecskit.bulk import BulkProgress
from ecskit.errors import (
    AccessDeniedException,
    ClientClosedError,
    ClusterNotFoundException,
    RequestError,
    TaskStoppedEarly,
    WaitCancelled,
    WaitTimeout,
)
from ecskit.testing import PUBLISHED_QUOTAS, Simulator, TaskScript
from ecskit.waits import WaitHandle

NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
ACCOUNT = "arn:aws:ecs:us-east-1:123456789012"


def simulator(count: int = 1, *, seconds: float = 60, **options: Any) -> Callable[[], Simulator]:
    """Return a function that makes a simulator with tasks that run for some seconds."""

    def make() -> Simulator:
        sim = Simulator(**options)
        register(sim, "job", {"name": "app", "image": "image:1"})
        sim.script("job", TaskScript.runs_for(seconds))
        for start in range(0, count, 10):
            request = {"taskDefinition": "job", "launchType": "FARGATE", "networkConfiguration": NETWORK}
            sim.handle("RunTask", {**request, "count": min(10, count - start)})
        return sim

    return make


def stopping(arns: Sequence[str]) -> list[WaitHandle]:
    """Return a handle of the wait for each task to stop."""
    return [WaitHandle("tasks_stopped", [arn], {}, {}) for arn in arns]


def plainly(result: Any) -> Any:
    """Return a result with texts in place of errors, which are equal to themselves only."""
    return [repr(each) if isinstance(each, Exception) else each for each in result] if result is not None else None


def both(act: Act, make: Callable[[], Simulator], **hooks: Any) -> Went:
    """Perform an act with both clients, and check that they did the same."""
    return both_clients.both(act, make, compared=lambda went: comparable(went, result=plainly), **hooks)


def sizes(went: Went) -> list[int]:
    """Return how many tasks each poll read."""
    return [len(each["tasks"]) for each in went.requests("DescribeTasks")]


def names(result: Sequence[Any]) -> list[str]:
    """Return what each wait ended with."""
    return [type(each).__name__ if isinstance(each, Exception) else each[0].last_status for each in result]


def test_each_handle_has_its_end_in_order() -> None:
    """Waits of several kinds and clusters: the results of some, the errors of others, equal handles once."""

    def act(ecs: Any) -> Any:
        first, second = ecs.arns
        handles = [
            WaitHandle("tasks_running", [first], {}, {}),
            WaitHandle("tasks_stopped", ["0" * 32], {"cluster": "nowhere"}, {}),
            *stopping([first, second, first]),
            WaitHandle("clusters_active", ["default"], {}, {}),
            WaitHandle("tasks_stopped", ["0" * 32], {"cluster": "default"}, {}),
            WaitHandle("services_stable", ["web"], {"cluster": "nowhere"}, {}),
        ]
        return ecs.wait.resume_all(handles, timeout=300)

    went = both(act, simulator(2))
    result = went.returned()
    ends = ["RUNNING", "ClusterNotFoundException", "STOPPED", "STOPPED", "STOPPED"]
    assert names(result[:5]) == ends
    assert [each.task_arn for [each] in result[2:5]] == [went.sim.tasks()[n].arn for n in (0, 1, 0)]
    assert result[5][0].cluster_name == "default"
    assert [type(each).__name__ for each in result[6:]] == ["TaskNotVisible", "ClusterNotFoundException"]
    # Each error has its own story, with the handle that resumes that wait alone.
    assert [*result[6].story.handle.ids] == ["0" * 32]
    assert [*result[1].story.handle.ids] == ["0" * 32]
    assert 1 == [each["cluster"] for each in went.requests("DescribeTasks")].count("nowhere")


def test_polls_share_calls_and_throttles_are_no_errors() -> None:
    """Waits for 102 tasks need few calls, and end also with a hundredth of the published quotas."""

    def act(ecs: Any) -> Any:
        return ecs.wait.resume_all(stopping(ecs.arns), timeout=900)

    alone = both(act, simulator(102, seconds=3))
    assert {"STOPPED"} == set(names(alone.returned()))
    assert len(sizes(alone)) < 40  # each wait by itself would make half a dozen
    assert max(sizes(alone)) == 100
    quotas = [quota.scaled(0.01) for quota in PUBLISHED_QUOTAS if "DescribeTasks" in quota.operations]
    paced = both(act, simulator(9, quotas=quotas))
    assert {"ThrottlingException", None} == {call.code for call in paced.calls}
    assert {"STOPPED"} == set(names(paced.returned()))


def test_one_handle_makes_the_calls_of_resume() -> None:
    """Nothing is polled earlier, later, or more often."""
    one = both(lambda ecs: ecs.wait.resume(stopping(ecs.arns)[0]), simulator())
    many = both(lambda ecs: ecs.wait.resume_all(stopping(ecs.arns)), simulator())
    assert one.times("DescribeTasks") == many.times("DescribeTasks")
    assert [one.result] == many.result


def test_a_refusal_ends_only_the_wait_that_it_concerns() -> None:
    """A call for many is refused because of one of them; the others go on, each with its own error or result."""

    def respond(sim: Simulator, send: Send) -> RawResponse:
        body = answer(sim, send)
        if sim.tasks()[1].arn.rsplit("/", 1)[-1] in send.params.get("tasks", ()):
            message = f"not authorized on resource {sim.tasks()[1].arn}"
            error = {"Error": {"Code": "AccessDeniedException", "Message": message}}
            raise AccessDeniedException(error, send.operation)
        return body

    went = both(lambda ecs: ecs.wait.resume_all(stopping(ecs.arns)), simulator(3), hooks=lambda: {"answer": respond})
    assert names(went.returned()) == ["STOPPED", "AccessDeniedException", "STOPPED"]
    assert sizes(went)[:5] == [3, 1, 2, 1, 1]  # the refused call is divided until one wait is left
    assert [*went.result[1].story.handle.ids] == [went.sim.tasks()[1].arn]


def test_progress() -> None:
    """It is reported after the end of each wait, with the place of its handle."""

    def act(ecs: Any) -> Any:
        early = WaitHandle("tasks_running", [ecs.arns[0]], {}, {})
        late = WaitHandle("tasks_stopped", ["0" * 32], {"cluster": "nowhere"}, {})
        return ecs.wait.resume_all([*stopping(ecs.arns), late, early, early], on_progress=seen.append)

    seen: list[BulkProgress] = []
    both(act, simulator())
    assert seen[3:] != []
    shown = [(each.done, each.succeeded, each.failed, each.total, each.name) for each in seen]
    assert (
        shown[:3]
        == shown[3:]
        == [
            (1, 0, 1, 3, "handles[1]"),
            (2, 1, 1, 3, "handles[2]"),
            (3, 2, 1, 3, "handles[0]"),
        ]
    )
    assert isinstance(seen[0].error, ClusterNotFoundException)


def test_progress_of_an_async_client_may_be_awaited() -> None:
    """A sync client reports that it does not await."""
    seen: list[int] = []

    async def on_progress(progress: BulkProgress) -> None:
        await asyncio.sleep(0)
        seen.append(progress.done)

    async def run() -> None:
        sim = simulator(2)()
        await Ecs.aio(sim).wait.resume_all(stopping([task.arn for task in sim.tasks()]), on_progress=on_progress)

    asyncio.run(run())
    assert seen == [1, 2]
    sim = simulator(2)()
    with pytest.raises(TypeError, match="only AsyncClient awaits callbacks"):
        Ecs.sync(sim).wait.resume_all(stopping([task.arn for task in sim.tasks()]), on_progress=on_progress)


def test_an_error_of_the_callback_ends_the_call() -> None:
    """It is raised unchanged."""

    def on_progress(progress: BulkProgress) -> None:
        raise ZeroDivisionError(progress.done)

    went = both(lambda ecs: ecs.wait.resume_all(stopping(ecs.arns), on_progress=on_progress), simulator(3))
    assert went.raised(ZeroDivisionError).args == (1,)


def test_the_timeout_is_that_of_each_wait() -> None:
    """All end at their deadline, with a handle."""
    went = both(lambda ecs: ecs.wait.resume_all(stopping(ecs.arns), timeout=30), simulator(3))
    assert [type(each) for each in went.returned()] == 3 * [WaitTimeout]
    assert [[*each.story.handle.ids] for each in went.result] == [[task.arn] for task in went.sim.tasks()]
    assert went.elapsed == 30


def test_a_failed_wait_is_no_error_of_the_call() -> None:
    """Its error is the result, with the cause."""

    def act(ecs: Any) -> Any:
        return ecs.wait.resume_all([WaitHandle("tasks_healthy", [arn], {}, {}) for arn in ecs.arns])

    [error] = both(act, simulator(seconds=0)).returned()
    assert isinstance(error, TaskStoppedEarly)


def test_cancelling_ends_all_waits() -> None:
    """A sync call takes an event; closing the client ends it, too. No thread is left."""
    sim, cancel = simulator(20)(), threading.Event()
    handles = stopping([task.arn for task in sim.tasks()])
    before = threading.active_count()
    with sim.client() as ecs:
        with pytest.raises(WaitCancelled):
            ecs.wait.resume_all(handles, on_poll=lambda _: cancel.set(), cancel=cancel)
        with pytest.raises(ClientClosedError):
            ecs.wait.resume_all(handles, on_poll=lambda _: ecs.close())
    assert threading.active_count() == before


def test_an_async_call_is_cancelled_as_a_task() -> None:
    """All its waits end."""

    async def run() -> None:
        sim = simulator(20)()
        async with sim.async_client() as ecs:
            polled = asyncio.Event()
            handles = stopping([each.arn for each in sim.tasks()])
            task = asyncio.ensure_future(ecs.wait.resume_all(handles, on_poll=lambda _: polled.set()))
            await asyncio.wait_for(polled.wait(), 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert [each for each in asyncio.all_tasks() if each is not asyncio.current_task()] == []

    asyncio.run(run())


def wrong(*handles: Any, **options: Any) -> str:
    """Return the message of the error, for which nothing is sent."""
    went = both(lambda ecs: ecs.wait.resume_all(handles, **options), simulator(0))
    assert went.calls == []
    return str(went.raised(RequestError))


def test_bad_input() -> None:
    """The message names the handle and what to do."""
    here = WaitHandle("tasks_stopped", [f"{ACCOUNT}:task/prod/{'0' * 32}"], {}, {})
    there = attrs.evolve(here, ids=[here.ids[0].replace("us-east-1", "eu-west-1")])
    other = attrs.evolve(here, ids=["0" * 32], arguments={"cluster": "arn:aws:ecs:us-east-1:999999999999:cluster/prod"})
    seen = attrs.evolve(there, ids=["0" * 32], arguments={"cluster": "prod"}, observed={"0": {"taskArn": there.ids[0]}})
    assert wrong(here, there) == (
        "wait.resume_all: handles[1]: its wait is in eu-west-1, this client is in us-east-1; use a client of eu-west-1"
    )
    assert "handles[0]: its wait is in eu-west-1" in wrong(seen)
    assert wrong(here, other) == (
        "wait.resume_all: handles[1]: its wait is in account 999999999999, that of handles[0] is in 123456789012;"
        " use a client of each account"
    )
    as_text = "expected a WaitHandle, got str; for text, pass WaitHandle.from_json(text)"
    assert wrong(here, "text") == f"wait.resume_all: handles[1]: {as_text}"
    went = both(lambda ecs: ecs.wait.resume(here.to_json()), simulator(0))
    assert str(went.raised(RequestError)) == f"wait.resume: handle: {as_text}"
    assert "handles[0]: there is no wait 'naps'" in wrong(attrs.evolve(here, wait="naps"))
    assert "handles[0]: its arguments are not those of" in wrong(attrs.evolve(here, arguments={"colour": "red"}))
    assert "handles[1]: tasks[0]: 'a b' is not the id" in wrong(here, attrs.evolve(here, ids=["a b"]))
    assert "on_progress: expected a function, got int" in wrong(here, on_progress=1)
    assert "timeout: expected seconds" in wrong(here, timeout=-1)
    went = both(lambda ecs: ecs.wait.resume_all(here.to_json()), simulator(0))
    assert str(went.raised(RequestError)) == "wait.resume_all: handles: expected a list of WaitHandles, got str"
    alone = through_botocore(lambda ecs: ecs.wait.resume(there), simulator(0))
    assert "wait.resume: handle: its wait is in eu-west-1" in str(alone.raised(RequestError))
    assert alone.calls == []
