"""Stop tasks: one StopTask for each live task, then a wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Event, Lock
from typing import Any

import pytest
from support.both_clients import Ecs, Went, perform
from support.simulated_ecs import answer

from ecskit._core.effects import RawResponse, Send
from ecskit.bulk import BulkProgress
from ecskit.errors import (
    AccessDeniedException,
    ClusterNotFoundException,
    InvalidParameterException,
    RequestError,
    TasksNotStarted,
    TasksNotStopped,
    ThrottledError,
    WaitCancelled,
    WaitTimeout,
)
from ecskit.testing import PUBLISHED_QUOTAS, Fault, Lag, SimulatedError, Simulator, TaskScript

from .ended import app, ended
from .support import NETWORK, both, furnished, id_of, stops
from .test_reading import launch, launched

UNKNOWN = SimulatedError("InvalidParameterException", "The referenced task was not found.")


def stopping(**options: Any) -> Callable[[Any], Any]:
    return lambda ecs: ecs.tasks.stop(ecs.arns, **options)


def statuses(went: Went) -> set[str]:
    return {task.last_status for task in went.sim.tasks()}


@pytest.mark.parametrize("count", [1, 9, 120])
def test_until_stopped(count: int) -> None:
    """One StopTask for each task; the last observations are returned in the order given."""
    went = both(stopping(reason="enough"), prepare=launched(count))
    assert [task.arn for task in went.sim.tasks()] == [task.task_arn for task in went.returned()]
    assert {("STOPPED", "UserInitiated", "enough")} == {
        (task.last_status, task.stop_code, task.stopped_reason) for task in went.result
    }
    assert [1] * count == list(stops(went).values())
    assert {"enough"} == {each["reason"] for each in went.requests("StopTask")}


def test_until_told() -> None:
    """Nothing is polled; the tasks are returned as StopTask shows them."""
    went = both(stopping(until="requested"), prepare=launched(3))
    assert ["StopTask"] * 3 == went.operations[-3:]
    assert not went.requests("DescribeTasks")
    assert ["STOPPED"] * 3 == [task.desired_status for task in went.returned()]
    assert 0 == went.elapsed


def test_what_is_known_to_have_stopped_is_not_told() -> None:
    """No request is sent for it; it is returned in its place."""

    def act(ecs: Any) -> Any:
        from datetime import datetime, timezone

        over = ended(app(0), task_arn=ecs.arns[0], stopped_at=datetime(2026, 1, 1, tzinfo=timezone.utc))
        return ecs.tasks.stop([over, ecs.arns[1]])

    went = both(act, prepare=launched(2))
    assert {id_of(went.sim.tasks()[1].arn): 1} == stops(went)
    assert [task.arn for task in went.sim.tasks()] == [task.task_arn for task in went.returned()]


@pytest.mark.parametrize("until", ["stopped", "requested"])
def test_all_have_stopped(until: str) -> None:
    """Nothing is sent."""
    from datetime import datetime, timezone

    over = ended(app(0), stopped_at=datetime(2026, 1, 1, tzinfo=timezone.utc))
    went = both(lambda ecs: ecs.tasks.stop(over, until=until))
    assert ([over], []) == (went.returned(), went.operations)


def test_what_has_stopped_without_anybody_knowing() -> None:
    """StopTask is sent once, and changes nothing."""

    def prepare(sim: Simulator) -> None:
        sim.script("job", TaskScript.runs_for(1))
        launch(sim)
        sim.clock.advance(100)

    went = both(stopping(), prepare=prepare)
    assert ["EssentialContainerExited"] == [task.stop_code for task in went.returned()]
    assert [1] == list(stops(went).values())


def test_reads_that_lag() -> None:
    """What StopTask has shown stands against older reads."""
    for seed in range(4):
        went = both(stopping(), prepare=launched(5), seed=seed, lag=Lag(visible_after=5, stale_by=8))
        assert {"STOPPED"} == statuses(went)
        assert [1] * 5 == list(stops(went).values())


# Faults.


@pytest.mark.parametrize(
    "fault",
    [
        Fault.throttled(),
        Fault.server_error(),
        Fault.server_error(after_effect=True),
        Fault.reset(),
        Fault.reset(after_effect=True),
        Fault.timeout(after_effect=True),
        Fault.garbled(),
        Fault.disguised_throttle(),
    ],
)
def test_what_may_pass_is_tried_again(fault: Fault) -> None:
    """The request is repeated as long as no response arrives."""

    def prepare(sim: Simulator) -> None:
        launch(sim)
        sim.fail("StopTask", fault, times=3)

    went = both(stopping(until="requested"), prepare=prepare)
    assert went.error is None
    assert 4 == len(went.requests("StopTask"))
    naps = went.naps("StopTask")
    assert naps[0] < min(naps[1:])
    assert max(naps) <= 2


@pytest.mark.parametrize("fault", [Fault.throttled(), Fault.server_error(), Fault.reset()])
def test_what_does_not_pass_is_told(fault: Fault) -> None:
    """After twelve times; trying again later is sensible."""

    def prepare(sim: Simulator) -> None:
        launch(sim)
        sim.fail("StopTask", fault, times=None)

    error = both(stopping(), prepare=prepare).raised(TasksNotStopped)
    assert error.retryable
    assert not error.requested


def test_many_are_paced_and_no_throttle_is_an_error() -> None:
    """Also where others use most of the quota: calls that are throttled come before new ones. Progress is reported."""
    [quota] = [quota for quota in PUBLISHED_QUOTAS if "StopTask" in quota.operations]
    sim, seen = furnished(quotas=[quota.scaled(0.1)]), list[BulkProgress]()
    launch(sim, 60)
    went = perform(stopping(until="requested", on_progress=seen.append), Ecs.sync(sim))
    assert [task.arn for task in sim.tasks()] == [task.task_arn for task in went.returned()]
    assert {"ThrottlingException", None} == {call.code for call in went.calls}
    assert [each.done for each in seen] == [*range(1, 61)]
    assert {each.name for each in seen} == {task.arn for task in sim.tasks()}


@pytest.mark.parametrize("until", ["stopped", "requested"])
def test_some_cannot_be_told(until: str) -> None:
    """The others are stopped, and there is no wait."""

    def deny(sim: Simulator, send: Send) -> RawResponse:
        # By task, not by turn: threads take turns as they like.
        denied = {id_of(task.arn) for task in sim.tasks()[:7]}
        if send.operation == "StopTask" and send.params["task"] in denied:
            sim.fail("StopTask", Fault.access_denied())
        return answer(sim, send)

    def one_at_a_time(sim: Simulator, send: Send) -> RawResponse:
        with lock:
            return deny(sim, send)

    lock = Lock()
    went = both(stopping(until=until), prepare=lambda sim: launch(sim, 20), hooks=lambda: {"answer": one_at_a_time})
    error: TasksNotStopped = went.raised(TasksNotStopped)
    assert (7, 13) == (len(error.errors), len(error.requested))
    assert {AccessDeniedException} == {type(each) for each in error.errors.values()}
    assert sorted(went.running) == sorted(error.errors)
    assert not went.requests("DescribeTasks")
    assert 20 == len(went.requests("StopTask"))


def test_an_unknown_task() -> None:
    """It may not be visible yet: three attempts, then an error; the others are stopped."""
    went = both(lambda ecs: ecs.tasks.stop([ecs.arns[0], "f" * 32], cluster="default"), prepare=launched())
    error: TasksNotStopped = went.raised(TasksNotStopped)
    assert {"f" * 32: InvalidParameterException} == {name: type(each) for name, each in error.errors.items()}
    assert {id_of(went.sim.tasks()[0].arn): 1, "f" * 32: 3} == stops(went)
    assert [] == went.running


@pytest.mark.parametrize("throttles", range(6))
def test_an_unknown_task_after_throttles(throttles: int) -> None:
    """In any mixture there is an end."""

    def prepare(sim: Simulator) -> None:
        launch(sim)
        if throttles:
            sim.fail("StopTask", Fault.throttled(), times=throttles)
        sim.fail("StopTask", UNKNOWN, times=40)

    went = both(stopping(), prepare=prepare)
    assert len(went.requests("StopTask")) <= 6
    assert isinstance(next(iter(went.raised(TasksNotStopped).errors.values())), InvalidParameterException)


def test_an_unknown_task_that_turns_up() -> None:
    """It is stopped at a later attempt."""

    def prepare(sim: Simulator) -> None:
        launch(sim)
        sim.fail("StopTask", UNKNOWN, times=2)

    assert 1 == len(both(stopping(), prepare=prepare).returned())


def test_other_bad_parameters_are_not_an_unknown_task() -> None:
    """One StopTask."""

    def prepare(sim: Simulator) -> None:
        launch(sim)
        sim.fail("StopTask", SimulatedError("InvalidParameterException", "Something else."), times=None)

    went = both(stopping(), prepare=prepare)
    assert ([1], TasksNotStopped) == (list(stops(went).values()), type(went.error))


def test_no_such_cluster() -> None:
    """The error is raised for each task."""
    went = both(lambda ecs: ecs.tasks.stop(["a", "b"], cluster="nowhere"))
    error: TasksNotStopped = went.raised(TasksNotStopped)
    assert {ClusterNotFoundException} == {type(each) for each in error.errors.values()}
    assert 2 == len(went.requests("StopTask"))


def test_failed_polls_are_not_observations() -> None:
    """StopTask is sent once for each task even so."""

    def prepare(sim: Simulator) -> None:
        launch(sim, 3)
        sim.fail("DescribeTasks", Fault.throttled(), times=4)

    went = both(stopping(), prepare=prepare)
    assert went.error is None
    assert [1] * 3 == list(stops(went).values())


def test_time_is_up() -> None:
    """StopTask was sent; the error names the tasks that have not stopped."""

    def prepare(sim: Simulator) -> None:
        sim.script("job", TaskScript(time_to_stop=100))
        launch(sim)

    went = both(stopping(timeout=20), prepare=prepare)
    assert 20 == went.raised(WaitTimeout).story.elapsed
    assert [] == went.running


def test_cancelled() -> None:
    """The requests that were sent take effect; the cancellation is raised."""
    event, sim = Event(), furnished()
    launch(sim, 2)
    went = perform(stopping(cancel=event, on_poll=lambda _: event.set()), Ecs.sync(sim))
    assert (WaitCancelled, []) == (type(went.error), went.running)

    async def run() -> None:
        sim = furnished()
        launch(sim, 2)
        tasks: list[asyncio.Future[Any]] = []
        tasks.append(asyncio.ensure_future(stopping(on_poll=lambda _: tasks[0].cancel())(Ecs.aio(sim))))
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        assert {"STOPPED"} == {task.desired_status for task in sim.tasks()}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"until": "dead"}, "until: expected one of stopped, requested, got 'dead'"),
        ({"timeout": "1"}, "timeout: expected seconds"),
        ({"reason": 3}, "reason: expected a str, got int"),
        ({"reason": "x" * 256}, "reason: expected at most 255 characters, got 256"),
    ],
)
def test_bad_input(options: dict[str, Any], message: str) -> None:
    """The error names the parameter, and is raised before anything is sent."""
    went = both(stopping(**options), prepare=launched())
    assert message in str(went.raised(RequestError))
    assert not went.requests("StopTask")


def test_a_refusal_that_passes_is_a_throttle() -> None:
    """The exception group is kept as the cause."""

    def prepare(sim: Simulator) -> None:
        launch(sim)
        sim.fail("StopTask", Fault.throttled(), times=None)

    [error] = both(stopping(), prepare=prepare).raised(TasksNotStopped).errors.values()
    assert isinstance(error, ThrottledError)


@pytest.mark.parametrize("verb", ["stop", "describe"])
def test_what_started_nothing_has_nothing_to_stop(verb: str) -> None:
    """The result of a launch that failed is accepted in the handler of its error."""
    sim = furnished()
    sim.fail("RunTask", Fault.no_capacity())
    with sim.client() as ecs:
        with pytest.raises(TasksNotStarted) as caught:
            ecs.tasks.run("job", count=2, launch_type="FARGATE", network=NETWORK)
        before = len(sim.calls)
        assert [] == getattr(ecs.tasks, verb)(caught.value.result)
    assert before == len(sim.calls)
