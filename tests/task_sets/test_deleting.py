"""Delete task sets: repeat the request until ECS responds, and wait until they are gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.both_clients import Ecs, perform
from support.cutting_short import CUTS
from support.simulated_ecs import answer

from ecskit._core.effects import RawResponse, Send
from ecskit.errors import (
    AccessDeniedException,
    InvalidParameterException,
    RequestError,
    TaskSetNotFoundException,
    ThrottledError,
    WaitTimeout,
)
from ecskit.models import TaskSet
from ecskit.testing import Fault, Lag, Simulator, TaskScript
from ecskit.waits import WaitHandle

from .support import HERE, add, both, furnished, there, with_one
from .test_changing import arn_of


def deleting(**options: Any) -> Callable[..., Any]:
    return lambda ecs, **more: ecs.task_sets.delete(arn_of(ecs.sim), **{"force": True, **options, **more})


def idle(sim: Simulator) -> None:
    """Give the service a task set without tasks, which is gone as soon as it is deleted."""
    add(sim, 0)
    sim.clock.advance(100)


@pytest.mark.parametrize("lag", [None, Lag(stale_by=20)], ids=["prompt", "lagging"])
@pytest.mark.parametrize("seed", range(3))
def test_until_deleted(lag: Lag | None, seed: int) -> None:
    """The task set is returned as it was last seen, and is gone with its tasks."""
    went = both(deleting(), prepare=with_one, lag=lag, seed=seed)
    assert went.returned() is not None
    assert 0 == went.sim.services("web")[0].running_count
    assert 1 == len(went.requests("DeleteTaskSet"))
    went.sim.clock.advance(100)
    assert [] == there(went.sim)


def test_until_requested() -> None:
    """Nothing is polled; the task set is returned as the response shows it."""
    went = both(deleting(until="requested"), prepare=with_one)
    assert (["DeleteTaskSet"], "DRAINING") == (went.operations, went.returned().status)


def test_force_is_for_the_caller_to_say() -> None:
    """Without it ECS refuses what is scaled above 0, and it is not sent."""
    went = both(deleting(force=False), prepare=with_one)
    went.raised(InvalidParameterException)
    [request] = went.requests("DeleteTaskSet")
    assert "force" not in request
    assert both(deleting(force=False), prepare=idle).error is None


@pytest.mark.parametrize(
    "fault", [Fault.throttled(), Fault.server_error(), Fault.reset(), Fault.reset(after_effect=True), Fault.garbled()]
)
def test_what_may_pass_is_asked_again(fault: Fault) -> None:
    """While it drains, once more changes nothing."""

    def prepare(sim: Simulator) -> None:
        sim.script("web", TaskScript(time_to_stop=60))
        with_one(sim)
        sim.fail("DeleteTaskSet", fault, times=3)

    went = both(deleting(), prepare=prepare)
    assert "DRAINING" == went.returned().status
    assert 4 == len(went.requests("DeleteTaskSet"))


@pytest.mark.parametrize("until", ["deleted", "requested"])
@pytest.mark.parametrize(
    "fault", [Fault.reset(after_effect=True), Fault.server_error(after_effect=True), Fault.garbled()]
)
def test_gone_when_it_is_asked_again(fault: Fault, until: str) -> None:
    """It was this that deleted it: what was seen of it is returned, if anything was."""

    def prepare(sim: Simulator) -> None:
        idle(sim)
        sim.fail("DeleteTaskSet", fault)
        sim.fail("DeleteTaskSet", Fault.throttled())

    def by_model(ecs: Any) -> Any:
        seen = TaskSet(id="x", task_set_arn=arn_of(ecs.sim), status="ACTIVE")
        return ecs.task_sets.delete(seen, until=until)

    went = both(deleting(until=until), prepare=prepare)
    assert (None, None) == (went.error, went.result)
    assert 3 == len(went.requests("DeleteTaskSet"))
    assert "ACTIVE" == both(by_model, prepare=prepare).returned().status


def test_each_attempt_is_sent_by_itself() -> None:
    """Through the client that makes one: no lost answer goes unnoticed."""
    alone: list[bool] = []

    def note(sim: Simulator, send: Send) -> RawResponse:
        if send.operation == "DeleteTaskSet":
            alone.append(send.single_attempt)
        return answer(sim, send)

    assert both(deleting(), prepare=with_one, hooks=lambda: {"answer": note}).error is None
    assert [True, True] == alone


@pytest.mark.parametrize("throttles", range(3))
def test_there_is_none(throttles: int) -> None:
    """ECS's own error, also where it was too busy to say so at first."""

    def prepare(sim: Simulator) -> None:
        if throttles:
            sim.fail("DeleteTaskSet", Fault.throttled(), times=throttles)

    both(lambda ecs: ecs.task_sets.delete("ecs-svc/7", **HERE), prepare=prepare).raised(TaskSetNotFoundException)


@pytest.mark.parametrize(
    ("fault", "kind", "times"),
    [(Fault.throttled(), ThrottledError, 6), (Fault.access_denied(), AccessDeniedException, 1)],
)
def test_what_does_not_pass_is_raised(fault: Fault, kind: Any, times: int) -> None:
    """There is no wait."""

    def prepare(sim: Simulator) -> None:
        with_one(sim)
        sim.fail("DeleteTaskSet", fault, times=None)

    went = both(deleting(), prepare=prepare)
    assert isinstance(went.error, kind)
    assert ["DeleteTaskSet"] * times == went.operations


def test_time_is_up() -> None:
    """The error has the number of remaining tasks, and its handle resumes the wait."""

    def prepare(sim: Simulator) -> None:
        sim.script("web", TaskScript(time_to_stop=100))
        with_one(sim)

    went = both(deleting(timeout=30), prepare=prepare)
    error = went.raised(WaitTimeout)
    assert "is DRAINING STEADY_STATE" in str(error) or "is DRAINING STABILIZING" in str(error)
    handle = WaitHandle.from_json(error.story.handle.to_json())
    assert "task_sets_deleted" == handle.wait
    assert perform(lambda ecs: ecs.wait.resume(handle), Ecs.sync(went.sim)).error is None
    assert [] == there(went.sim)


@pytest.mark.parametrize("cut", CUTS)
def test_cut_short(cut: str) -> None:
    """The request that was sent takes effect."""
    cutting, kind = CUTS[cut]
    went = cutting(deleting(), lambda: furnished(with_one), 1, after=True)
    assert type(went.error) is kind
    assert [("DRAINING", 100)] == there(went.sim)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"until": "gone"}, "task_sets.delete: until: expected one of deleted, requested, got 'gone'"),
        ({"force": "yes"}, "force: expected a bool, got str"),
        ({"timeout": "1"}, "timeout: expected seconds"),
        ({"cluster": "prod"}, "is in cluster default, not in prod"),
    ],
)
def test_bad_input(options: dict[str, Any], message: str) -> None:
    """The error names the parameter, and is raised before anything is sent."""
    went = both(deleting(**options), prepare=with_one)
    assert message in str(went.raised(RequestError))
    assert [] == went.operations
