"""Running tasks to their end: outcomes and errors, time that is up, callbacks that raise, credentials that expire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from support.both_clients import Ecs, aperform, perform
from tenacity.wait import wait_fixed

from ecskit.errors import (
    AccessDeniedError,
    EcsError,
    RequestError,
    ServerError,
    TaskFailedError,
    TasksNotStarted,
    TasksNotStopped,
    WaitTimeout,
)
from ecskit.tasks import TaskOutcome
from ecskit.testing import Fault, Simulator, TaskScript
from ecskit.waits import WaitHandle

from .cutting import Stop
from .support import FARGATE, SECRET, both, furnished, stops


def completed(family: str = "job", **options: Any) -> Callable[[Any], Any]:
    return lambda ecs: ecs.tasks.run_to_completion(family, **FARGATE, **options)


def plays(*scripts: TaskScript, family: str = "job") -> Callable[[Simulator], None]:
    return lambda sim: sim.script(family, scripts)


GOOD, BAD = TaskScript.runs_for(10), TaskScript.exits(3, after=5)


def test_one_task() -> None:
    """Its outcome, as it stopped; the task definition is read once, at the end."""
    went = both(completed(), prepare=plays(GOOD))
    outcome = went.returned()
    assert isinstance(outcome, TaskOutcome)
    assert ("SUCCEEDED", "task definition", "STOPPED") == (
        outcome.kind,
        outcome.essential_source,
        outcome.task.last_status,
    )
    assert ["group /ecs/job, stream run/app/" + outcome.task.task_arn.rsplit("/", 1)[-1]] == list(
        map(str, outcome.logs)
    )
    assert 1 == len(went.requests("DescribeTaskDefinition"))


def test_one_task_in_a_list() -> None:
    """A count of one makes a list of one."""
    outcomes = both(completed(count=1), prepare=plays(GOOD)).returned()
    assert (list, 1) == (type(outcomes), len(outcomes))


def test_many_tasks() -> None:
    """All are waited for, in calls of up to 100; the definition is read once for all."""
    went = both(completed(count=25), prepare=plays(*(TaskScript.runs_for(n) for n in range(25))))
    outcomes = went.returned()
    assert sorted(outcome.task.task_arn for outcome in outcomes) == sorted(task.arn for task in went.sim.tasks())
    assert {"STOPPED"} == {task.last_status for task in went.sim.tasks()}
    assert 1 == len(went.requests("DescribeTaskDefinition"))
    assert 25 == max(len(each["tasks"]) for each in went.requests("DescribeTasks"))
    assert len(went.requests("DescribeTasks")[-1]["tasks"]) < 25  # stopped tasks are not polled again


def test_one_failure_among_many() -> None:
    """All are waited for before the error is raised; it has all outcomes."""
    went = both(completed(count=3), prepare=plays(BAD, TaskScript.runs_for(50), GOOD))
    error: TaskFailedError = went.raised(TaskFailedError)
    assert ["EXITED", "SUCCEEDED", "SUCCEEDED"] == [outcome.kind for outcome in error.outcomes]
    assert (3, "app") == (error.outcome.exit_code, error.outcome.container)
    assert "1 of 3 tasks failed: task " in str(error)
    assert "logs: group /ecs/job, stream run/app/" in str(error)
    assert error.story is not None
    assert "STOPPED x3" in error.story.poll_summary
    assert went.elapsed >= 70


def test_names_of_the_caller() -> None:
    """`essential` defines which exit codes count; a success needs no task definition."""
    script = TaskScript(run_time=5, exit_codes={"app": 4}, sigterm_exit_codes=0)
    went = both(completed("pair", essential=["sidecar"]), prepare=plays(script, family="pair"))
    assert ("SUCCEEDED", "caller") == (went.returned().kind, went.returned().essential_source)
    assert not went.requests("DescribeTaskDefinition")
    failed = both(completed("pair", essential=["app"]), prepare=plays(script, family="pair"))
    assert "caller" == failed.raised(TaskFailedError).outcome.essential_source


def test_a_definition_that_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    """A warning is logged, all containers count, and the definition is read only once for all tasks."""

    def prepare(sim: Simulator) -> None:
        plays(TaskScript(run_time=5, exit_codes={"app": 0}, sigterm_exit_codes=9), family="pair")(sim)
        sim.fail("DescribeTaskDefinition", Fault.access_denied(), times=None)

    went = both(completed("pair", count=2), prepare=prepare)
    outcome = went.raised(TaskFailedError).outcome
    assert ("all containers", "sidecar") == (outcome.essential_source, outcome.container)
    assert 1 == len(went.requests("DescribeTaskDefinition"))
    warnings = [record.getMessage() for record in caplog.records if record.name == "ecskit"]
    assert 2 == len(warnings)  # one for each colour
    assert "job-definition" not in warnings[0]
    assert "pair:1 cannot be read, so the exit codes of all containers count" in warnings[0]


@pytest.mark.parametrize("fault", [Fault.throttled(), Fault.server_error(), Fault.reset()])
def test_a_definition_that_cannot_be_read_yet(fault: Fault) -> None:
    """It is read a little later."""

    def prepare(sim: Simulator) -> None:
        plays(GOOD)(sim)
        sim.fail("DescribeTaskDefinition", fault, times=3)

    went = both(completed(), prepare=prepare)
    assert "task definition" == went.returned().essential_source
    assert 4 == len(went.requests("DescribeTaskDefinition"))


def test_what_was_started_is_completed_with_keep() -> None:
    """Three of five run to their end; without it the error comes before any wait."""

    def prepare(sim: Simulator) -> None:
        plays(GOOD)(sim)
        sim.fail("RunTask", Fault.no_capacity("ATTRIBUTE", last=2))

    assert 3 == len(both(completed(count=5, on_partial="keep"), prepare=prepare).returned())
    went = both(completed(count=5), prepare=prepare)
    assert 3 == len(went.raised(TasksNotStarted).result.tasks)
    assert not went.requests("DescribeTasks")


def test_tags_and_environment_do_not_get_into_errors() -> None:
    """The environment of a failed task is not shown."""
    went = both(completed(container="app", environment={"PASSWORD": SECRET}), prepare=plays(BAD))
    error: TaskFailedError = went.raised(TaskFailedError)
    assert SECRET in json.dumps(went.requests("RunTask"))
    assert error.story is not None
    for text in (str(error), repr(error), repr(error.outcomes), repr(error.story), error.story.handle.to_json()):
        assert SECRET not in text


# When time is up.


@pytest.mark.parametrize(
    ("policy", "stops_sent", "elapsed"), [("leave", 0, 30), ("stop", 3, 30), ("stop_and_wait", 3, 40)]
)
def test_time_is_up(policy: str, stops_sent: int, elapsed: float) -> None:
    """The tasks are left, stopped, or stopped and waited for; the error is the timeout."""
    went = both(completed(count=3, timeout=30, on_timeout=policy, on_cancel="stop"), prepare=plays(TaskScript()))
    error: WaitTimeout = went.raised(WaitTimeout)
    assert 30 == error.story.elapsed
    assert [1] * stops_sent == list(stops(went).values())
    assert elapsed <= went.elapsed <= elapsed + 15 * (policy == "stop_and_wait")
    expected = {"leave": "RUNNING", "stop": "RUNNING", "stop_and_wait": "STOPPED"}
    assert {expected[policy]} == {task.last_status for task in went.sim.tasks()}


def test_time_is_up_for_some() -> None:
    """No StopTask is sent for tasks that have stopped."""
    went = both(
        completed(count=3, timeout=60, on_timeout="stop", poll=wait_fixed(2)),
        prepare=plays(TaskScript(), GOOD, TaskScript()),
    )
    went.raised(WaitTimeout)
    assert [1, 1] == list(stops(went).values())


def test_time_is_up_and_stopping_is_refused() -> None:
    """The timeout is raised, with the refusal as its cause."""

    def prepare(sim: Simulator) -> None:
        sim.fail("StopTask", Fault.access_denied(), times=None)

    went = both(completed(timeout=30, on_timeout="stop"), prepare=prepare)
    assert isinstance(went.raised(WaitTimeout).__cause__, TasksNotStopped)


def test_time_is_up_and_the_tasks_do_not_stop() -> None:
    """They are waited for for two minutes, then the timeout is raised."""
    went = both(completed(timeout=30, on_timeout="stop_and_wait"), prepare=plays(TaskScript(time_to_stop=1000)))
    assert isinstance(went.raised(WaitTimeout).__cause__, WaitTimeout)
    assert 150 == went.elapsed


# Callbacks that raise.


def raising(error: BaseException, at: int = 3) -> Callable[[Any], Any]:
    """Return what makes a callback that raises at its n-th call."""

    def make(ecs: Ecs) -> Callable[[Any], Any]:
        calls: list[Any] = []

        def on_poll(story: Any) -> None:
            calls.append(story)
            if len(calls) == at:
                raise error

        async def on_poll_async(story: Any) -> None:
            await asyncio.sleep(0)
            on_poll(story)

        return on_poll_async if ecs.colour == "async" else on_poll

    return make


def watched(error: BaseException, **options: Any) -> Callable[[Any], Any]:
    return lambda ecs: ecs.tasks.run_to_completion("job", **FARGATE, on_poll=raising(error)(ecs), count=2, **options)


@pytest.mark.parametrize("policy", ["leave", "stop", "stop_and_wait"])
def test_a_callback_raises(policy: str) -> None:
    """It counts as cancelling: the tasks are dealt with, then its own exception is raised."""
    error = Stop("enough")
    went = both(watched(error, on_cancel=policy), prepare=plays(TaskScript()))
    assert went.error is error
    assert ([] if policy == "leave" else [1, 1]) == list(stops(went).values())
    assert (2 if policy == "leave" else 0) == len(went.running)
    if policy == "stop_and_wait":
        assert {"STOPPED"} == {task.last_status for task in went.sim.tasks()}


def test_a_callback_raises_and_stopping_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    """Its exception is raised all the same, without a cause; the refusal is logged."""
    error = Stop("enough")

    def prepare(sim: Simulator) -> None:
        sim.fail("StopTask", Fault.access_denied(), times=None)

    went = both(watched(error, on_cancel="stop"), prepare=prepare)
    assert went.error is error
    assert error.__cause__ is None
    [refusal, _] = [record.exc_info for record in caplog.records if record.exc_info]
    assert refusal is not None
    assert refusal[0] is TasksNotStopped


def test_a_callback_raises_an_error_of_ecs() -> None:
    """Also what it got from ECS by a call of its own is its own exception."""
    error = ServerError({"Error": {"Code": "ServerException", "Message": ""}}, "DescribeServices")
    went = both(watched(error, on_cancel="stop"), prepare=plays(TaskScript()))
    assert went.error is error
    assert [] == went.running


def test_a_callback_raises_when_it_sees_an_end() -> None:
    """No StopTask is sent for a task that the last poll showed as stopped."""

    def on_poll(story: Any) -> None:
        if any(task.last_status == "STOPPED" for task in story.last.values()):
            raise Stop

    went = both(
        completed(count=2, on_cancel="stop", on_poll=on_poll, poll=wait_fixed(3)),
        prepare=plays(TaskScript(), GOOD),
    )
    [left, over] = went.sim.tasks()
    assert ("STOPPED", {left.arn.rsplit("/", 1)[-1]: 1}) == (over.last_status, stops(went))


def test_a_callback_is_interrupted() -> None:
    """Ctrl-C while the callback runs."""
    error = KeyboardInterrupt()
    went = perform(watched(error, on_cancel="stop"), Ecs.sync(furnished()))
    assert (error, []) == (went.error, went.running)


def test_a_callback_sets_the_cancel_event() -> None:
    """The wait ends before the next poll."""
    from threading import Event

    from ecskit.errors import WaitCancelled

    event, sim = Event(), furnished()
    act = completed(on_cancel="stop", cancel=event, on_poll=lambda _: event.set())
    went = perform(act, Ecs.sync(sim))
    assert (WaitCancelled, [], 1) == (type(went.error), went.running, len(went.requests("DescribeTasks")))
    assert [1] == list(stops(went).values())


# Where ECS has the say.


@pytest.mark.parametrize("fault", [Fault.expired_credentials(), Fault.access_denied()])
def test_s11_credentials_expire(fault: Fault) -> None:
    """Typed, with a handle; the tasks go on whatever the policies, and a fresh client sees them end."""

    def prepare(sim: Simulator) -> None:
        plays(TaskScript.runs_for(100))(sim)
        sim.fail("*", fault, times=None, after=40)

    went = both(completed(count=2, on_cancel="stop", on_timeout="stop"), prepare=prepare)
    assert isinstance(went.error, AccessDeniedError)
    assert not went.requests("StopTask")
    assert 2 == len(went.running)
    assert went.error.story is not None
    text = went.error.story.handle.to_json()
    went.sim.heal()
    fresh = perform(lambda ecs: ecs.wait.resume(WaitHandle.from_json(text)), Ecs.sync(went.sim))
    assert ["STOPPED"] * 2 == [task.last_status for task in fresh.returned()]
    afresh = asyncio.run(aperform(lambda ecs: ecs.wait.resume(WaitHandle.from_json(text)), Ecs.aio(went.sim)))
    assert [task.task_arn for task in fresh.returned()] == [task.task_arn for task in afresh.returned()]
    assert ["SUCCEEDED"] * 2 == [TaskOutcome.of(task).kind for task in fresh.returned()]


def test_s11_the_handle_holds_no_environment() -> None:
    """Neither of the launch nor of the task."""

    def prepare(sim: Simulator) -> None:
        sim.fail("*", Fault.expired_credentials(), times=None, after=40)

    went = both(completed(container="app", environment={"PASSWORD": SECRET}), prepare=prepare)
    assert isinstance(went.error, EcsError)
    assert went.error.story is not None
    handle = went.error.story.handle
    assert SECRET not in handle.to_json() + repr(handle) + str(handle.observed) + repr(went.error)
    assert "PASSWORD" not in handle.to_json()


@pytest.mark.parametrize(("at", "verdict"), [("RUNNING", "TaskPurged"), ("STOPPED", None)])
def test_s12_two_hours_later(at: str, verdict: str | None) -> None:
    """A task that was last seen running is purged; one that was seen to stop has its outcome."""
    handles: list[str] = []
    sim = furnished()
    plays(TaskScript.runs_for(30))(sim)
    perform(completed(on_poll=lambda story: handles.append(story.handle.to_json()), poll=wait_fixed(3)), Ecs.sync(sim))
    [handle] = [each for each in map(WaitHandle.from_json, handles) if at in str(each.observed)][-1:]
    sim.clock.advance(7200)
    went = perform(lambda ecs: ecs.wait.resume(handle), Ecs.sync(sim))
    if verdict is None:
        assert TaskOutcome.of(went.returned()[0]).succeeded
        assert 0 == went.elapsed
    else:
        assert verdict == type(went.error).__name__
        assert "was RUNNING" in str(went.error)


BAD_INPUT: list[tuple[dict[str, Any], str]] = [
    ({"timeout": -1}, "timeout: expected seconds"),
    ({"max_polls": 0}, "max_polls: expected a whole number"),
    ({"poll": 3}, "poll: expected a tenacity wait strategy"),
    ({"on_poll": 3}, "on_poll: expected a function"),
    ({"visibility_grace": "1"}, "visibility_grace: expected seconds"),
    ({"on_timeout": "kill"}, "on_timeout: expected one of leave, stop, stop_and_wait, got 'kill'"),
    ({"on_cancel": "kill"}, "on_cancel: expected one of leave, stop, stop_and_wait, got 'kill'"),
    ({"essential": "app"}, r"essential: expected names of containers, got 'app'; leave it out"),
    ({"count": 0}, "count: expected a whole number, 1 or more, got 0"),
    ({"on_partial": True}, "on_partial: expected one of"),
    ({"client_token": "x" * 53}, "client_token: expected 1 to 52 characters"),
]


@pytest.mark.parametrize(("options", "message"), BAD_INPUT)
def test_bad_input(options: dict[str, Any], message: str) -> None:
    """The error names the parameter, and is raised before anything is sent."""
    went = both(completed(**options))
    with pytest.raises(RequestError, match=message):
        went.returned()
    assert [] == went.operations
