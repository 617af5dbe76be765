"""Outcomes in the order in which tasks end: each once, also beside tasks that are lost, and with an early goodbye."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timezone
from threading import Event
from typing import Any

import pytest
from support.both_clients import Ecs, Went, perform
from support.simulated_ecs import answer
from tenacity.wait import wait_fixed

from ecskit._core.effects import RawResponse, Send
from ecskit.errors import FailuresError, RequestError, TaskNotVisible, TaskPurged, WaitCancelled, WaitTimeout
from ecskit.models import Failure, RunTaskResponse
from ecskit.tasks import TaskOutcome
from ecskit.testing import Fault, Simulator, TaskScript

from .ended import app, ended
from .support import FARGATE, both, furnished, id_of

NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}


def launched(*scripts: TaskScript, family: str = "job") -> Callable[[Simulator], None]:
    """Let a task run for each script."""

    def prepare(sim: Simulator) -> None:
        sim.script(family, scripts)
        request = {"taskDefinition": family, "launchType": "FARGATE", "networkConfiguration": NETWORK}
        sim.handle("RunTask", {**request, "count": len(scripts)})

    return prepare


def stopped(**options: Any) -> Callable[[Any], Any]:
    return lambda ecs: ecs.tasks.as_stopped(ecs.arns, poll=wait_fixed(2), **options)


def order(went: Went) -> list[int]:
    """Return the numbers of the tasks in the order in which their outcomes were yielded."""
    arns = [task.arn for task in went.sim.tasks()]
    return [arns.index(outcome.task.task_arn) for outcome in went.items]


SECONDS = (50, 10, 90, 30)
LIVES = [TaskScript.runs_for(seconds) for seconds in SECONDS]


def hiding(*lost: int, after: float = 0) -> Callable[[], dict[str, Any]]:
    """Let ECS forget some tasks."""

    def respond(sim: Simulator, send: Send) -> RawResponse:
        answered = answer(sim, send)
        if send.operation != "DescribeTasks" or sim.clock.now() < after:
            return answered
        hidden = {task.arn for i, task in enumerate(sim.tasks()) if i in lost}
        body = json.loads(answered.body)
        body["tasks"] = [task for task in body["tasks"] if task["taskArn"] not in hidden]
        return RawResponse(json.dumps(body).encode(), {})

    return lambda: {"answer": respond}


def test_in_the_order_in_which_they_end() -> None:
    """Each once, and each with its own outcome."""
    went = both(stopped(), prepare=launched(*LIVES))
    assert went.error is None
    assert [1, 3, 0, 2] == order(went)
    assert {"SUCCEEDED"} == {outcome.kind for outcome in went.items}
    assert 1 == len(went.requests("DescribeTaskDefinition"))


def test_failures_are_yielded_not_raised() -> None:
    """It is for the caller to see."""
    went = both(stopped(), prepare=launched(TaskScript.exits(1, after=30), TaskScript.runs_for(3)))
    assert went.error is None
    assert ["SUCCEEDED", "EXITED"] == [outcome.kind for outcome in went.items]


def test_an_outcome_comes_when_its_task_has_ended() -> None:
    """Not when all have."""
    sim = furnished()
    launched(*LIVES)(sim)
    times = [(sim.clock.now(), outcome.task.task_arn) for outcome in stopped()(Ecs.sync(sim))]
    ends = {task.arn: 20 + 10 + seconds for task, seconds in zip(sim.tasks(), SECONDS, strict=True)}
    for now, arn in times:
        assert ends[arn] <= now <= ends[arn] + 2.3


def test_what_takes_long_between_two_outcomes_is_not_missed() -> None:
    """A consumer that sleeps finds the others at once."""
    sim = furnished()
    launched(*LIVES)(sim)
    seen: list[str] = []
    for outcome in stopped()(Ecs.sync(sim)):
        seen.append(outcome.task.task_arn)
        if len(seen) == 1:
            sim.clock.advance(300)
    assert sorted(seen) == sorted(task.arn for task in sim.tasks())


def test_stopped_tasks_are_yielded_without_a_poll() -> None:
    """A task passed as stopped needs no poll; a task passed twice is yielded once."""
    over = ended(app(2), stopped_at=moment())
    went = both(lambda ecs: ecs.tasks.as_stopped([over, over], essential=["app"]))
    assert ["EXITED"] == [outcome.kind for outcome in went.items]
    assert not went.requests("DescribeTasks")


def moment() -> datetime:
    return datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize("essential", [["sidecar"], ["app"], None])
def test_names_of_the_caller(essential: list[str] | None) -> None:
    """Say which exit codes count."""
    script = TaskScript(run_time=5, exit_codes={"app": 4}, sigterm_exit_codes=0)
    went = both(stopped(essential=essential), prepare=launched(script, family="pair"))
    assert [("SUCCEEDED" if essential == ["sidecar"] else "EXITED")] == [outcome.kind for outcome in went.items]


# Tasks that are lost.


def test_a_task_that_is_purged_hides_no_other() -> None:
    """The error comes last, and names it alone."""
    went = both(stopped(), prepare=launched(*LIVES), hooks=hiding(0, after=25))
    assert [1, 3, 2] == order(went)
    error: TaskPurged = went.raised(TaskPurged)
    assert [went.sim.tasks()[0].arn] == list(error.story.reasons)
    assert "was RUNNING" in str(error)


def test_a_task_that_was_never_visible_hides_no_other() -> None:
    """The grace is over long before the last one ends."""
    went = both(stopped(), prepare=launched(*LIVES), hooks=hiding(1))
    assert [3, 0, 2] == order(went)
    assert [went.sim.tasks()[1].arn] == list(went.raised(TaskNotVisible).story.reasons)
    assert went.elapsed >= 120


def test_all_are_lost() -> None:
    """The wait ends without a poll."""
    went = both(stopped(), prepare=launched(*LIVES), hooks=hiding(0, 1, 2, 3))
    assert ([], 60) == (went.items, went.elapsed)
    assert 4 == len(went.raised(TaskNotVisible).story.reasons)


def test_lost_in_two_ways() -> None:
    """One was purged, one never visible: the error names both."""

    def hooks() -> dict[str, Any]:
        purged, unseen = hiding(0, 1, after=25)()["answer"], hiding(1)()["answer"]

        def respond(sim: Simulator, send: Send) -> RawResponse:
            shown: RawResponse = (purged if sim.clock.now() >= 25 else unseen)(sim, send)
            return shown

        return {"answer": respond}

    went = both(stopped(), prepare=launched(*LIVES), hooks=hooks)
    assert [3, 2] == order(went)
    assert isinstance(went.error, (TaskPurged, TaskNotVisible))
    reasons = went.error.story.reasons
    [purged, unseen, *_] = [task.arn for task in went.sim.tasks()]
    assert {purged, unseen} == set(reasons)
    assert reasons[purged].startswith("was RUNNING, then not found")
    assert reasons[unseen].startswith("was not visible within")


def test_lost_and_late() -> None:
    """The error at the deadline is the timeout, and its message names both."""
    went = both(stopped(timeout=100), prepare=launched(*LIVES), hooks=hiding(0, after=25))
    assert [1, 3] == order(went)
    reasons = went.raised(WaitTimeout).story.reasons
    assert {task.arn for i, task in enumerate(went.sim.tasks()) if i in (0, 2)} == set(reasons)
    assert 100 == went.elapsed


def test_lost_and_back() -> None:
    """A task that is visible again is waited for and yielded."""

    def hooks() -> dict[str, Any]:
        hide = hiding(0)()["answer"]

        def respond(sim: Simulator, send: Send) -> RawResponse:
            shown: RawResponse = (hide if 25 < sim.clock.now() < 75 else answer)(sim, send)
            return shown

        return {"answer": respond}

    went = both(stopped(), prepare=launched(*LIVES), hooks=hooks)
    assert went.error is None
    assert [0, 1, 2, 3] == sorted(order(went))


def test_failed_polls_are_not_observations() -> None:
    """Throttles and 500 delay, and hide nothing."""

    def prepare(sim: Simulator) -> None:
        launched(*LIVES)(sim)
        sim.misbehave(rate=0.3, seed=3, operations=["DescribeTasks"])

    went = both(stopped(), prepare=prepare)
    assert went.error is None
    assert [0, 1, 2, 3] == sorted(order(went))


# Goodbyes.


def test_closing_the_iterator_early() -> None:
    """No further request is sent, StopTask neither."""
    sim = furnished()
    launched(*LIVES)(sim)
    iterator = stopped()(Ecs.sync(sim))
    first = next(iterator)
    calls = len(sim.calls)
    iterator.close()
    assert first.succeeded
    assert calls == len(sim.calls)
    assert [] == list(iterator)

    async def run() -> None:
        sim = furnished()
        launched(*LIVES)(sim)
        iterator = stopped()(Ecs.aio(sim))
        assert first.task.task_arn == (await anext(iterator)).task.task_arn
        await iterator.aclose()
        assert calls == len(sim.calls)

    asyncio.run(run())


def test_cancelled_by_the_event() -> None:
    """Between two outcomes; those before it were yielded."""
    event, sim = Event(), furnished()
    launched(*LIVES)(sim)

    def on_poll(story: Any) -> None:
        if story.elapsed > 70:
            event.set()

    went = perform(stopped(cancel=event, on_poll=on_poll), Ecs.sync(sim))
    assert (WaitCancelled, [1, 3]) == (type(went.error), order(went))
    assert not went.requests("StopTask")


def test_cancelled_by_asyncio() -> None:
    """The cancellation is raised, and no StopTask is sent."""
    sim = furnished()
    launched(*LIVES)(sim)
    outcomes: list[TaskOutcome] = []

    tasks: list[asyncio.Future[None]] = []

    async def consume() -> None:
        async for outcome in stopped()(Ecs.aio(sim)):
            outcomes.append(outcome)
            if len(outcomes) == 2:
                tasks[0].cancel()

    async def run() -> None:
        tasks.append(asyncio.ensure_future(consume()))
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]

    asyncio.run(run())
    assert 2 == len(outcomes)
    assert "StopTask" not in [call.operation for call in sim.calls]


# Input.


def test_failures_of_a_response() -> None:
    """The error is raised before anything is sent, unless partial results are allowed."""
    response = RunTaskResponse(tasks=[ended(app(0), stopped_at=moment())], failures=[Failure(reason="AGENT")])
    went = both(lambda ecs: ecs.tasks.as_stopped(response))
    assert (FailuresError, []) == (type(went.error), went.operations)
    partial = both(lambda ecs: ecs.tasks.as_stopped(response, allow_partial=True, essential=["app"]))
    assert 1 == len(partial.result)


def test_the_result_of_run_is_taken() -> None:
    """What `tasks.run` returned is what can be waited for."""

    def act(ecs: Any) -> Any:
        if ecs.colour == "sync":
            return ecs.tasks.as_stopped(ecs.tasks.run("job", count=2, **FARGATE))

        async def run() -> Any:
            started = await ecs.tasks.run("job", count=2, **FARGATE)
            return [outcome async for outcome in ecs.tasks.as_stopped(started)]

        return run()

    went = both(act, prepare=lambda sim: sim.script("job", TaskScript.runs_for(5)))
    assert ["SUCCEEDED"] * 2 == [outcome.kind for outcome in went.returned()]


@pytest.mark.parametrize(
    ("tasks", "options", "message"),
    [
        (["a"], {}, "tasks.0.: the cluster of 'a' is unknown; pass cluster="),
        (3, {}, "tasks: expected tasks, ids, ARNs or a response, got int"),
        ([3], {}, r"tasks\[0\]: expected a task, id or ARN, got int"),
        ("a", {"cluster": "c", "essential": "app"}, "essential: expected names of containers, got 'app'"),
        ("a", {"cluster": "c", "timeout": -1}, "timeout: expected seconds"),
    ],
)
def test_bad_input(tasks: Any, options: dict[str, Any], message: str) -> None:
    """The error is raised before anything is sent."""
    went = both(lambda ecs: ecs.tasks.as_stopped(tasks, **options))
    with pytest.raises(RequestError, match=message):
        went.returned()
    assert [] == went.operations


def test_an_unknown_name_of_a_container() -> None:
    """The error is raised when the first task has stopped: its containers are unknown before."""
    went = both(stopped(essential=["web"]), prepare=launched(*LIVES))
    with pytest.raises(RequestError, match="essential: 'web' is not a container of the task; it has app"):
        went.returned()


def test_denied() -> None:
    """The outcomes before it were yielded; the error has the handle."""

    def prepare(sim: Simulator) -> None:
        launched(*LIVES)(sim)
        sim.fail("DescribeTasks", Fault.access_denied(), times=None, after=65)

    went = both(stopped(), prepare=prepare)
    assert [1, 3] == order(went)
    assert "AccessDeniedException" == type(went.error).__name__
    assert {id_of(arn) for arn in went.error.story.handle.ids} == {id_of(task.arn) for task in went.sim.tasks()}  # type: ignore[union-attr]  # an EcsError
