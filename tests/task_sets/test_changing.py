"""Scaling task sets and switching the primary one: idempotent calls, and reads that lag behind them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from support.both_clients import Aside, Ecs, perform
from support.cutting_short import CUTS
from support.simulated_ecs import answer

from ecskit._core.effects import RawResponse, Send
from ecskit.errors import (
    AccessDeniedException,
    RequestError,
    TaskSetNotFoundException,
    ThrottledError,
    WaitFailed,
    WaitTimeout,
)
from ecskit.models import CreateTaskSetResponse, TaskSet
from ecskit.testing import Fault, Lag, Simulator, TaskScript
from ecskit.waits import WaitHandle

from .support import HERE, add, both, furnished, there, with_one

ARN = "arn:aws:ecs:us-east-1:123456789012:"


def arn_of(sim: Simulator, number: int = 0) -> str:
    """Return the ARN of one of the task sets."""
    [service] = sim.handle("DescribeServices", Aside(services=["web"]))["services"]
    arn: str = service["taskSets"][number]["taskSetArn"]
    return arn


def scaling(percent: Any = 50, **options: Any) -> Callable[..., Any]:
    return lambda ecs, **more: ecs.task_sets.scale(arn_of(ecs.sim), percent=percent, **options, **more)


def switching(number: int = 0, **options: Any) -> Callable[..., Any]:
    return lambda ecs, **more: ecs.task_sets.make_primary(arn_of(ecs.sim, number), **options, **more)


@pytest.mark.parametrize("percent", [0, 34, 66.7, 100])
@pytest.mark.parametrize("lag", [None, Lag(stale_by=30), Lag(stale_by=60, stale_share=0.9)], ids=["no", "some", "much"])
@pytest.mark.parametrize("seed", range(3))
def test_steady_at_the_new_scale(percent: float, lag: Lag | None, seed: int) -> None:
    """The steady state of before does not count, however often reads show it."""

    def prepare(sim: Simulator) -> None:
        with_one(sim)
        sim.script("web", TaskScript(time_to_start=20, time_to_stop=10))

    went = both(scaling(percent), prepare=prepare, lag=lag, seed=seed)
    seen = went.returned()
    wanted = -int(-3 * percent // 100)
    assert (percent, "STEADY_STATE", wanted) == (seen.scale.value, seen.stability_status, seen.running_count)
    assert 1 == len(went.requests("UpdateTaskSet"))
    [state] = went.sim.services("web")
    assert (wanted, 0) == (state.running_count, state.pending_count)


def test_until_requested() -> None:
    """Nothing is polled; the task set is returned as the response shows it."""
    went = both(scaling(until="requested"), prepare=with_one)
    assert ["UpdateTaskSet"] == went.operations
    assert ("STABILIZING", 50) == (went.returned().stability_status, went.returned().scale.value)


@pytest.mark.parametrize(
    "named",
    [
        lambda sim: (TaskSet(id="x", task_set_arn=arn_of(sim), status="ACTIVE"), {}),
        lambda sim: (
            CreateTaskSetResponse(task_set=TaskSet(id="x", task_set_arn=arn_of(sim), status="ACTIVE")),
            {},
        ),
        lambda sim: (arn_of(sim), {}),
        lambda sim: (arn_of(sim).rsplit("web/", 1)[1], HERE),
        lambda sim: (arn_of(sim).rsplit("/", 1)[1], {"service": f"{ARN}service/default/web"}),
    ],
    ids=["model", "answer", "arn", "id", "short id"],
)
def test_task_sets_are_named(named: Callable[[Simulator], tuple[Any, dict[str, str]]]) -> None:
    """By what there is of them."""

    def act(ecs: Any) -> Any:
        thing, said = named(ecs.sim)
        return ecs.task_sets.scale(thing, percent=50, **said)

    went = both(act, prepare=with_one)
    assert 2 == went.returned().running_count
    assert {("default", "web")} == {
        (each["cluster"].rsplit("/", 1)[-1], each["service"].rsplit("/", 1)[-1])
        for each in went.requests("UpdateTaskSet")
    }


def lying(seconds: float = 40, **members: Any) -> Callable[[], dict[str, Any]]:
    """Let reads show something else for some seconds after the change."""

    def respond(sim: Simulator, send: Send) -> RawResponse:
        raw = answer(sim, send)
        if send.operation != "DescribeTaskSets":
            return raw
        [sent] = [call.time for call in sim.calls if call.operation.startswith("Update")]
        if sim.time() > sent + seconds:
            return raw
        body = json.loads(raw.body)
        body["taskSets"] = [{**each, **members} for each in body["taskSets"]]
        return RawResponse(json.dumps(body).encode(), {})

    return lambda: {"answer": respond}


@pytest.mark.parametrize(
    "members",
    [
        {"stabilityStatus": "STEADY_STATE", "scale": {"value": 100.0, "unit": "PERCENT"}},
        {"stabilityStatus": "STEADY_STATE", "runningCount": 3},
        {"stabilityStatus": "STEADY_STATE", "pendingCount": 1},
    ],
    ids=["scale", "running", "pending"],
)
def test_steady_with_something_of_before(members: dict[str, Any]) -> None:
    """The scale has to be the new one, and as many tasks have to run as it computes to."""
    went = both(scaling(), prepare=with_one, hooks=lying(**members))
    assert "STEADY_STATE" == went.returned().stability_status
    assert went.elapsed > 40


def noting(simulators: list[Simulator]) -> Callable[[Simulator], None]:
    """Return what sets the scene and keeps the simulator, for hooks."""

    def prepare(sim: Simulator) -> None:
        with_one(sim)
        simulators.append(sim)

    return prepare


def test_another_caller_scales_it_too() -> None:
    """The timeout says so; the handle goes on, and means the same scale."""

    def after(_: int, operation: str) -> None:
        if operation == "UpdateTaskSet":
            scale = {"value": 75, "unit": "PERCENT"}
            simulators[-1].handle("UpdateTaskSet", {**HERE, "taskSet": arn_of(simulators[-1]), "scale": scale})

    simulators: list[Simulator] = []
    went = both(
        scaling(timeout=90),
        prepare=noting(simulators),
        hooks=lambda: {"after": after},
    )
    error = went.raised(WaitTimeout)
    assert "is ACTIVE STEADY_STATE at 75%, not at 50% yet" in str(error)
    handle = WaitHandle.from_json(error.story.handle.to_json())
    assert {"scale": 50.0} == handle.arguments
    went.sim.handle("UpdateTaskSet", {**HERE, "taskSet": arn_of(went.sim), "scale": {"value": 50, "unit": "PERCENT"}})
    [steady] = perform(lambda ecs: ecs.wait.resume(handle), Ecs.sync(went.sim)).returned()
    assert (50, 2) == (steady.scale.value, steady.running_count)


@pytest.mark.parametrize("fault", [Fault.throttled(), Fault.reset(after_effect=True), Fault.server_error()])
@pytest.mark.parametrize(
    ("act", "operation"), [(scaling(), "UpdateTaskSet"), (switching(), "UpdateServicePrimaryTaskSet")]
)
def test_what_may_pass_is_asked_again(act: Any, operation: str, fault: Fault) -> None:
    """Once more changes nothing."""

    def prepare(sim: Simulator) -> None:
        with_one(sim)
        sim.fail(operation, fault, times=3)

    went = both(act, prepare=prepare)
    assert went.error is None
    assert 4 == len(went.requests(operation))


@pytest.mark.parametrize(
    ("act", "operation"), [(scaling(), "UpdateTaskSet"), (switching(), "UpdateServicePrimaryTaskSet")]
)
@pytest.mark.parametrize(
    ("fault", "kind", "times"),
    [(Fault.throttled(), ThrottledError, 6), (Fault.access_denied(), AccessDeniedException, 1)],
)
def test_what_does_not_pass_is_raised(act: Any, operation: str, fault: Fault, kind: Any, times: int) -> None:
    """There is no wait."""

    def prepare(sim: Simulator) -> None:
        with_one(sim)
        sim.fail(operation, fault, times=None)

    went = both(act, prepare=prepare)
    assert isinstance(went.error, kind)
    assert times == len(went.requests(operation))
    assert [] == went.requests("DescribeTaskSets")


@pytest.mark.parametrize("verb", ["scale", "make_primary"])
def test_there_is_none(verb: str) -> None:
    """ECS's own error."""

    def act(ecs: Any) -> Any:
        return getattr(ecs.task_sets, verb)("ecs-svc/7", **({"percent": 50} if verb == "scale" else {}), **HERE)

    both(act).raised(TaskSetNotFoundException)


@pytest.mark.parametrize(("act", "wait"), [(scaling(), "task_sets_steady"), (switching(), "task_sets_primary")])
def test_one_that_drains(act: Any, wait: str) -> None:
    """Another caller deletes it during the wait: the error has the story."""
    simulators: list[Simulator] = []

    def after(_: int, operation: str) -> None:
        if operation.startswith("Update"):
            sim = simulators[-1]
            sim.handle("DeleteTaskSet", {**HERE, "taskSet": arn_of(sim), "force": True})

    went = both(act, prepare=noting(simulators), hooks=lambda: {"after": after})
    error = went.raised(WaitFailed)
    assert wait == error.story.handle.wait
    assert "DRAINING" in str(error)


# The primary one.


@pytest.mark.parametrize("lag", [None, Lag(stale_by=20, stale_share=0.8)], ids=["no", "much"])
@pytest.mark.parametrize("seed", range(3))
def test_until_reads_show_it_as_primary(lag: Lag | None, seed: int) -> None:
    """What the answer shows is no read."""

    def prepare(sim: Simulator) -> None:
        with_one(sim)
        sim.handle("UpdateServicePrimaryTaskSet", {**HERE, "primaryTaskSet": arn_of(sim)})
        add(sim)
        sim.clock.advance(100)

    went = both(switching(-1), prepare=prepare, lag=lag, seed=seed)
    assert "PRIMARY" == went.returned().status
    reads = went.requests("DescribeTaskSets")
    assert len(reads) >= 1
    went.sim.clock.advance(100)
    assert ["ACTIVE", "PRIMARY"] == [status for status, _ in there(went.sim)]


def test_reads_that_never_show_it() -> None:
    """However old they are, they count: the timeout names it, and how it is shown; the handle goes on."""
    went = both(
        switching(timeout=20), prepare=with_one, hooks=lying(status="ACTIVE", updatedAt=1.0, stabilityStatusAt=1.0)
    )
    error = went.raised(WaitTimeout)
    assert "is ACTIVE" in str(error)
    handle = WaitHandle.from_json(error.story.handle.to_json())
    assert ("task_sets_primary", 20) == (handle.wait, went.elapsed)
    [seen] = perform(lambda ecs: ecs.wait.resume(handle), Ecs.sync(went.sim)).returned()
    assert "PRIMARY" == seen.status


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(("act", "operation"), [(scaling(), "UpdateTaskSet")])
def test_cut_short(act: Any, operation: str, cut: str) -> None:
    """The request that was sent takes effect."""
    cutting, kind = CUTS[cut]
    went = cutting(act, lambda: furnished(with_one), 1, after=True)
    assert type(went.error) is kind
    assert 1 == len(went.requests(operation))
    assert [("ACTIVE", 50)] == there(went.sim)


# Bad input.


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (scaling(-1), "task_sets.scale: percent: expected percent, 0 to 100, got -1"),
        (scaling(100.1), "percent: expected percent"),
        (scaling("half"), "percent: expected percent"),
        (scaling(float("nan")), "percent: expected percent"),
        (scaling(until="done"), "until: expected one of steady, requested, got 'done'"),
        (scaling(timeout=-1), "timeout: expected seconds"),
        (switching(max_polls=0), "task_sets.make_primary: max_polls: expected a whole number"),
        (
            lambda ecs: ecs.task_sets.scale("1", percent=50, cluster="default"),
            "task_set: the service of '1' is unknown",
        ),
        (lambda ecs: ecs.task_sets.scale("1", percent=50, service="web"), "task_set: the cluster of '1' is unknown"),
        (lambda ecs: ecs.task_sets.make_primary(["1"], **HERE), "task_set: expected one task set, got list"),
        (
            lambda ecs: ecs.task_sets.make_primary(None, **HERE),
            "task_set: expected a name, id, ARN or model of a task set",
        ),
        (scaling(service="other"), "is in service web, not in other"),
    ],
)
def test_bad_input(act: Any, message: str) -> None:
    """The error names the parameter, and is raised before anything is sent."""
    went = both(act, prepare=with_one)
    assert message in str(went.raised(RequestError))
    assert [] == went.operations
