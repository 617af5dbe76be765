"""Tasks that run to completion again: those that did not start; never those that ran, unless the caller asks for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import pairwise
from threading import Event
from typing import Any

import pytest
from support.both_clients import Ecs, Went, Wire, perform
from support.cutting_short import CUTS, requests_of
from support.simulated_ecs import answer
from tenacity.wait import wait_fixed

from ecskit._core.effects import RawResponse, Send
from ecskit._simulator.task_lifecycle import latest
from ecskit._simulator.virtual_clock import EPOCH
from ecskit.bulk import BulkProgress
from ecskit.errors import (
    AccessDeniedException,
    BulkError,
    RequestError,
    TaskFailedError,
    TasksNotStarted,
    TasksNotStopped,
    TransportError,
    WaitTimeout,
)
from ecskit.tasks import TaskOutcome
from ecskit.testing import Fault, Lag, Simulator, TaskScript
from ecskit.waits import WaitStory

from .cutting import cancelled_after_steps
from .support import FARGATE, _register, both, id_of, simulator, stops

SLOW = TaskScript(time_to_start=1000)
RATE = TaskScript.fails_to_pull("toomanyrequests: You have reached your pull rate limit")
NO_IMAGE = TaskScript.fails_to_pull("manifest unknown: Requested image not found")
NETWORK = TaskScript.fails_to_start("Timeout waiting for network interface provisioning to complete.")
SPOT = TaskScript.spot_interrupted(after=30)
HOST = TaskScript.loses_host(after=30)
GOOD, BAD = TaskScript.runs_for(10), TaskScript.exits(3, after=5)


def completed(family: str = "job", **options: Any) -> Callable[[Any], Any]:
    return lambda ecs: ecs.tasks.run_to_completion(family, **FARGATE, **options)


def plays(*scripts: TaskScript, family: str = "job") -> Callable[[Simulator], None]:
    return lambda sim: sim.script(family, scripts)


def kinds(outcome: TaskOutcome) -> list[str]:
    """Return the kinds of all attempts."""
    return [each.kind for each in outcome.attempts]


def check_one_at_a_time(sim: Simulator, count: int = 1) -> None:
    """Check that no more tasks had not stopped at the same time than were requested."""
    tasks = list(sim._account.tasks.values())
    for task in tasks:
        before = [each for each in tasks if each.created_at <= task.created_at]
        alive = [each for each in before if latest(each.steps, task.created_at, "lastStatus") != "STOPPED"]
        assert len(alive) <= count, sim.tasks()


def edited(edit: Callable[[Wire], object]) -> Callable[[], Any]:
    """Return hooks with which each stopped task in a response is edited."""

    def changed(sim: Simulator, send: Send) -> RawResponse:
        body = json.loads(answer(sim, send).body)
        for task in body.get("tasks", ()):
            if task["lastStatus"] == "STOPPED":
                edit(task)
        return RawResponse(json.dumps(body).encode(), {})

    return lambda: {"answer": changed}


AGAIN: dict[str, tuple[TaskScript, dict[str, Any], list[str]]] = {
    "a throttled pull": (RATE, {"retries": 1}, ["FAILED_TO_START", "SUCCEEDED"]),
    "a network interface": (NETWORK, {"retries": 2}, ["FAILED_TO_START", "SUCCEEDED"]),
    "too slow": (SLOW, {"retries": 1, "start_timeout": 60}, ["STOPPED_BY_USER", "SUCCEEDED"]),
    "a spot interruption": (SPOT, {"retries": 1, "retry_interrupted": True}, ["INTERRUPTED", "SUCCEEDED"]),
    "a lost host": (HOST, {"retries": 1, "retry_interrupted": True}, ["INTERRUPTED", "SUCCEEDED"]),
}


@pytest.mark.parametrize("name", AGAIN)
def test_run_again(name: str) -> None:
    """One task at a time, each under a token of its own, of the same revision; the outcome has both attempts."""
    script, options, expected = AGAIN[name]
    went = both(completed(**options), prepare=plays(script, GOOD))
    outcome = went.returned()
    assert kinds(outcome) == expected
    first, last = went.sim.tasks()
    assert [id_of(each.task.task_arn) for each in outcome.attempts] == [id_of(first.arn), id_of(last.arn)]
    check_one_at_a_time(went.sim)
    _, again = went.requests("RunTask")
    assert again["clientToken"] == f"again1-{id_of(first.arn)}-0"
    assert again["taskDefinition"].endswith("task-definition/job:1")
    assert outcome.attempts[0].attempts == (outcome.attempts[0],)
    assert f", in place of task {id_of(first.arn)} of job:1 {expected[0]}" in str(outcome)


NEVER: dict[str, tuple[TaskScript, dict[str, Any], str]] = {
    "it ran and failed": (BAD, {"retry_interrupted": True}, "EXITED"),
    "it ran out of memory": (TaskScript.out_of_memory(after=5), {"retry_interrupted": True}, "OUT_OF_MEMORY"),
    "it was interrupted, which was not asked for": (SPOT, {}, "INTERRUPTED"),
    "its host was lost, which was not asked for": (HOST, {}, "INTERRUPTED"),
    "its image does not exist": (NO_IMAGE, {"retry_interrupted": True}, "FAILED_TO_START"),
}


@pytest.mark.parametrize("name", NEVER)
def test_not_run_again(name: str) -> None:
    """There is one attempt."""
    script, options, kind = NEVER[name]
    went = both(completed(retries=5, start_timeout=300, **options), prepare=plays(script, GOOD))
    error: TaskFailedError = went.raised(TaskFailedError)
    assert kinds(error.outcome) == [kind]
    assert len(went.requests("RunTask")) == 1
    assert not went.requests("StopTask")


def test_interrupted_before_it_ran() -> None:
    """Nothing was done yet, so `retries` is enough."""

    def interrupt(task: Wire) -> None:
        if "startedAt" not in task:
            task |= {"stopCode": "SpotInterruption", "stoppedReason": "Your Spot Task was interrupted."}

    went = both(completed(retries=1), prepare=plays(NO_IMAGE, GOOD), hooks=edited(interrupt))
    assert kinds(went.returned()) == ["INTERRUPTED", "SUCCEEDED"]


def test_what_ran_in_part_has_run() -> None:
    """If a container has an exit code, it did its work, although the task was never RUNNING."""
    hooks = edited(lambda task: task["containers"][0].update(exitCode=0))
    went = both(completed(retries=3), prepare=plays(RATE), hooks=hooks)
    assert kinds(went.raised(TaskFailedError).outcome) == ["FAILED_TO_START"]


def test_the_attempts_are_used_up() -> None:
    """The message has all of them; the pauses grow; the handle is of the last one."""
    went = both(completed(retries=3, timeout=900), prepare=plays(RATE))
    error: TaskFailedError = went.raised(TaskFailedError)
    assert kinds(error.outcome) == ["FAILED_TO_START"] * 4
    ids = [id_of(task.arn) for task in went.sim.tasks()]
    reason = "CannotPullContainerError: toomanyrequests: You have reached your pull rate limit"
    assert str(error).startswith(
        f'task {ids[3]} of job:1 FAILED_TO_START (container app: "{reason}"), in place of task'
    )
    assert all(id_ in str(error) for id_ in ids)
    assert error.retryable
    gaps = [later - earlier for earlier, later in pairwise(went.times("RunTask"))]
    assert gaps == sorted(gaps)
    assert 30 < gaps[0] < 45
    assert 40 < gaps[2] < 75
    assert error.story is not None
    assert error.story.handle.ids == [went.sim.tasks()[-1].arn]
    assert error.story.polls == len(went.requests("DescribeTasks"))
    assert round(error.story.elapsed) == round(went.elapsed)


def test_too_slow() -> None:
    """It is stopped when its time is up, with a reason. Without retries this is a failure that may pass."""
    went = both(completed(start_timeout=45), prepare=plays(SLOW, GOOD))
    error: TaskFailedError = went.raised(TaskFailedError)
    assert [request["reason"] for request in went.requests("StopTask")] == ["not RUNNING within 45 s"]
    assert went.times("StopTask")[0] - went.times("RunTask")[0] == 45
    assert "not RUNNING within 45 s" in str(error)
    assert error.retryable
    assert error.outcome.kind == "STOPPED_BY_USER"
    assert kinds(error.outcome) == ["STOPPED_BY_USER"]


def test_it_starts_while_it_is_stopped() -> None:
    """A poll showed it before RUNNING, then it ran: it is not run again, unless the caller accepts interruptions."""
    script = TaskScript(time_to_start=45.5)

    def begins(sim: Simulator) -> None:
        plays(script, GOOD)(sim)
        sim.fail("StopTask", Fault.throttled(), times=1)

    went = both(completed(start_timeout=45, retries=2), prepare=begins)
    assert kinds(went.raised(TaskFailedError).outcome) == ["STOPPED_BY_USER"]
    assert not went.raised(TaskFailedError).retryable
    went = both(completed(start_timeout=45, retries=2, retry_interrupted=True), prepare=begins)
    assert kinds(went.returned()) == ["STOPPED_BY_USER", "SUCCEEDED"]


def test_it_starts_in_time() -> None:
    """Nothing is stopped, also if polls are rare and reads lag behind."""
    slow = TaskScript(time_to_start=40, run_time=100)
    act = completed(start_timeout=60, retries=3, poll=wait_fixed(300), timeout=3000)
    went = both(act, prepare=plays(slow), lag=Lag(stale_by=5))
    assert kinds(went.returned()) == ["SUCCEEDED"]
    assert not went.requests("StopTask")


def test_many_tasks() -> None:
    """Each has its own attempts; the others run on meanwhile. The order is that of the launch."""
    scripts = [RATE, TaskScript.runs_for(300), SLOW, BAD, GOOD]
    went = both(completed(count=4, retries=2, start_timeout=60, timeout=900), prepare=plays(*scripts))
    error: TaskFailedError = went.raised(TaskFailedError)
    assert [kinds(outcome) for outcome in error.outcomes] == [
        ["FAILED_TO_START", "SUCCEEDED"],
        ["SUCCEEDED"],
        ["STOPPED_BY_USER", "SUCCEEDED"],
        ["EXITED"],
    ]
    check_one_at_a_time(went.sim, 4)
    assert went.times("RunTask")[1] - went.times("RunTask")[0] < 60  # while the second task runs
    assert error.story is not None
    assert len(error.story.last) == 4
    assert error.story.polls == len(went.requests("DescribeTasks"))


def test_the_same_revision() -> None:
    """A revision that is registered meanwhile is not run in its place."""

    def act(ecs: Any) -> Any:
        registered: list[bool] = []

        def on_poll(_: WaitStory) -> None:
            if not registered:
                registered.append(True)
                _register(ecs.sim, "job", {"name": "app", "image": "image:2"})

        return ecs.tasks.run_to_completion("job", **FARGATE, retries=1, on_poll=on_poll)

    went = both(act, prepare=plays(RATE, GOOD))
    assert [each.task.task_definition_arn[-6:] for each in went.returned().attempts] == ["/job:1", "/job:1"]


# Launches that go wrong.


def fails_again(fault: Fault, times: int = 1) -> Callable[[Simulator], None]:
    """Return what lets the first task fail to start, and then the next launches."""

    def prepare(sim: Simulator) -> None:
        plays(RATE, GOOD)(sim)
        sim.fail("RunTask", fault, times=times, after=15)

    return prepare


@pytest.mark.parametrize("fault", [Fault.reset(after_effect=True), Fault.reset(), Fault.throttled()])
def test_a_lost_answer(fault: Fault) -> None:
    """The request is repeated under its token: one task runs."""
    went = both(completed(retries=1), prepare=fails_again(fault, 2))
    assert kinds(went.returned()) == ["FAILED_TO_START", "SUCCEEDED"]
    assert len(went.sim.tasks()) == 2
    assert len({request["clientToken"] for request in went.requests("RunTask")}) == 2


def test_no_answer_at_all() -> None:
    """A task may run, so no further attempt is made; the cause of the error has the token."""
    went = both(completed(retries=5), prepare=fails_again(Fault.reset(after_effect=True), 99))
    error: TaskFailedError = went.raised(TaskFailedError)
    assert isinstance(error.__cause__, TransportError)
    [first, last] = went.sim.tasks()
    assert f"repeat it with the client token again1-{id_of(first.arn)}-0" in str(error.__cause__)
    assert last.desired_status == "RUNNING"


def test_no_capacity() -> None:
    """It counts as an attempt that started no task; another one follows."""
    went = both(completed(retries=2), prepare=fails_again(Fault.no_capacity()))
    assert kinds(went.returned()) == ["FAILED_TO_START", "SUCCEEDED"]
    tokens = [request["clientToken"][:7] for request in went.requests("RunTask")[1:]]
    assert tokens == ["again1-", "again2-"]
    went = both(completed(retries=1), prepare=fails_again(Fault.no_capacity()))
    assert isinstance(went.raised(TaskFailedError).__cause__, TasksNotStarted)


def test_refused(caplog: pytest.LogCaptureFixture) -> None:
    """The failure of the first task is raised, with the refusal as its cause."""
    went = both(completed(retries=5), prepare=fails_again(Fault.access_denied(), 99))
    error = went.raised(TaskFailedError)
    assert isinstance(error.__cause__, AccessDeniedException)
    assert len(went.requests("RunTask")) == 2
    [first] = went.sim.tasks()
    assert f"task {id_of(first.arn)} was not started again (attempt 2): RunTask: AccessDenied" in caplog.text


def test_stopping_is_refused() -> None:
    """Nothing is started while the slow task may start."""

    def prepare(sim: Simulator) -> None:
        plays(SLOW, GOOD)(sim)
        sim.fail("StopTask", Fault.access_denied(), times=None)

    went = both(completed(start_timeout=30, retries=3), prepare=prepare)
    went.raised(TasksNotStopped)
    assert len(went.sim.tasks()) == 1


# Ends.


def test_time_is_up() -> None:
    """The time counts for all attempts. The task of the last one is stopped; no attempt begins after the end."""
    went = both(completed(retries=9, start_timeout=50, on_timeout="stop", timeout=100), prepare=plays(SLOW))
    error: WaitTimeout = went.raised(WaitTimeout)
    assert (100, 100) == (error.story.elapsed, went.elapsed)
    assert list(stops(went).values()) == [1, 1]
    assert not went.running
    went = both(completed(retries=9, timeout=32), prepare=plays(RATE))
    assert kinds(went.raised(TaskFailedError).outcome) == ["FAILED_TO_START"]


def test_polls_are_counted_together() -> None:
    """`max_polls` is for all attempts."""
    went = both(completed(retries=9, max_polls=12), prepare=plays(RATE))
    assert went.raised(WaitTimeout).story.polls == 12
    assert len(went.requests("DescribeTasks")) == 12


def test_callbacks_see_one_wait() -> None:
    """Polls and seconds go on from one attempt to the next."""
    seen: list[tuple[int, float]] = []

    def act(ecs: Any) -> Any:
        seen.clear()
        return ecs.tasks.run_to_completion(
            "job", **FARGATE, retries=2, on_poll=lambda story: seen.append((story.polls, story.elapsed))
        )

    both(act, prepare=plays(RATE, GOOD))
    assert [polls for polls, _ in seen] == [*range(1, len(seen) + 1)]
    assert [seconds for _, seconds in seen] == sorted(seconds for _, seconds in seen)


def completing(**options: Any) -> Callable[..., Any]:
    def act(ecs: Any, cancel: Event | None = None) -> Any:
        more = {} if cancel is None else {"cancel": cancel}
        return ecs.tasks.run_to_completion(
            "job", **FARGATE, retries=2, start_timeout=12, poll=wait_fixed(9), **options, **more
        )

    return act


def check_cut(went: Went, kind: type[BaseException], where: object) -> None:
    """No task is left, none was started beside another one, and the interruption was raised."""
    if went.error is not None:
        assert type(went.error) is kind, (where, went.error)
        assert [] == went.running, (where, went.operations)
    check_one_at_a_time(went.sim)


def cut_scene(sim: Simulator) -> None:
    """A task that fails to start, one that is slow, and a launch whose answer is lost."""
    slow = TaskScript(time_to_start=99, time_to_stop=1)
    plays(TaskScript.fails_to_start("Rate exceeded", after=3), slow, TaskScript(time_to_start=3, run_time=5))(sim)
    sim.fail("RunTask", Fault.reset(after_effect=True), after=4)


@pytest.mark.parametrize("options", [{}, {"on_log": print}], ids=["alone", "with lines"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("cut", CUTS)
def test_stopped_wherever_it_is_cut(cut: str, options: dict[str, Any], *, after: bool) -> None:
    """At each request, before and after its effect; also if log lines are followed meanwhile."""
    cutting, kind = CUTS[cut]
    act, make = completing(on_cancel="stop", **options), simulator(cut_scene)
    for n in range(0, requests_of(act, make), 5 if options else 1):
        check_cut(cutting(act, make, n, after=after), kind, n)


def test_stopped_wherever_it_is_cancelled() -> None:
    """At each await of an async client."""
    act, make = completing(on_cancel="stop"), simulator(cut_scene)
    cut, steps = True, 1
    while cut and steps < 600:
        went = cancelled_after_steps(act, make, steps)
        cut = went.error is not None
        check_cut(went, asyncio.CancelledError, steps)
        steps += 3
    assert 50 < steps < 600


@pytest.mark.parametrize("cut", ["Ctrl-C", "asyncio"])
def test_a_program_that_is_run_again(cut: str) -> None:
    """With the same key, it finds the tasks of its first run, also those that were started again: none is doubled."""
    act, make = completing(client_token="nightly"), simulator(cut_scene)
    for n in range(requests_of(act, make)):
        first = CUTS[cut][0](act, make, n, after=True)
        again = perform(act, Ecs.sync(first.sim))
        check_one_at_a_time(first.sim)
        assert kinds(again.returned())[-1] == "SUCCEEDED"
        assert len(first.sim.tasks()) == 3


def test_bad_input() -> None:
    """The message names the parameter, and nothing is sent."""

    def wrong(**options: Any) -> str:
        went = both(completed(**options))
        assert went.calls == []
        return str(went.raised(RequestError)).removeprefix("tasks.run_to_completion: ")

    assert wrong(start_timeout=0) == "start_timeout: expected seconds, more than 0, or None, got 0"
    assert wrong(start_timeout="60") == "start_timeout: expected seconds, more than 0, or None, got '60'"
    assert wrong(retries=-1) == "retries: expected a whole number, 0 or more, got -1"
    assert wrong(retries=True) == "retries: expected a whole number, 0 or more, got True"
    assert wrong(retry_interrupted=True) == (
        "retry_interrupted: has no effect without `retries`; pass how often to run a task again"
    )


def test_progress_of_tasks_that_end_at_different_times() -> None:
    """Each task is reported once, when it has stopped and is not run again; in time, not at the end."""
    seen: list[tuple[float, BulkProgress]] = []
    scripts = TaskScript.runs_for(300), SLOW, BAD, TaskScript.runs_for(10), GOOD
    options: dict[str, Any] = {"count": 4, "start_timeout": 100, "retries": 1, "timeout": None}

    def act(ecs: Ecs) -> Any:
        seen.clear()
        begun = ecs.sim.time()
        return completed(**options, on_progress=lambda each: seen.append((ecs.sim.time() - begun, each)))(ecs)

    error = both(act, prepare=plays(*scripts)).raised(TaskFailedError)
    assert [(1, 4), (2, 4), (3, 4), (4, 4)] == [(each.done, each.total) for _, each in seen]
    by_name = {each.name: (at, each.error) for at, each in seen}
    assert {outcome.task.task_arn for outcome in error.outcomes} == {*by_name}  # of the latest attempts
    for outcome in error.outcomes:
        at, failure = by_name[outcome.task.task_arn]
        assert outcome.succeeded == (failure is None)
        stopped = outcome.task.stopped_at
        assert stopped is not None
        assert 0 <= at - (stopped.timestamp() - EPOCH) < 15
    [failure] = [each for _, each in by_name.values() if each is not None]
    assert isinstance(failure, TaskFailedError)
    assert failure.outcome == error.outcome


def test_an_exception_of_on_progress_has_the_outcomes() -> None:
    """The others are stopped if `on_cancel` says so."""

    def refuse(progress: BulkProgress) -> None:
        if progress.done == 2:
            raise ZeroDivisionError

    scripts = GOOD, BAD, TaskScript.runs_for(500)
    went = both(completed(count=3, on_cancel="stop", on_progress=refuse), prepare=plays(*scripts))
    cause = went.raised(ZeroDivisionError).__cause__
    assert isinstance(cause, BulkError)
    assert ["SUCCEEDED"] == [each.kind for each in cause.results.values()]
    assert [TaskFailedError] == [type(each) for each in cause.errors.values()]
    assert [] == went.running
    assert str(cause).startswith("RunTask ended after 2 of 3 tasks, 1 of which failed: arn:")
    went = both(completed(on_progress="print"))
    problem = "tasks.run_to_completion: on_progress: expected a function, got str"
    assert problem == str(went.raised(RequestError))
    assert [] == went.calls
