"""Too little room: which reasons are waited for, how long, and that the last ask comes exactly at the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from support.simulated_ecs import answer

from ecskit._core.effects import RawResponse, Send
from ecskit.errors import CapacityError, FailuresError, InvalidRequestError, TasksNotStarted
from ecskit.models import Failure
from ecskit.testing import Fault, SimulatedError, Simulator, TaskScript

from .support import FARGATE, both

FARGATE_FULL = "Capacity is unavailable at this time. Please try again later or in a different availability zone"
PROVISIONING = "Tasks provisioning capacity limit exceeded."
QUOTAS = [
    "You've reached the limit on the number of tasks you can run concurrently",
    "You\u2019ve reached the limit on the number of vCPUs you can run concurrently",
]
EMPTY = ["No Container Instances were found in your cluster.", "EMPTY CAPACITY PROVIDER", "NO ACTIVE INSTANCES"]
PASSES = [
    *("RESOURCE:CPU", "RESOURCE:MEMORY", "RESOURCE:PORTS", "RESOURCE:ENI", "RESOURCE:GPU", "AGENT", FARGATE_FULL),
    *(PROVISIONING, *QUOTAS, *EMPTY),
    "Request limit exceeded. (ErrorCode: RequestLimitExceeded)",
]
STAYS = [
    "ATTRIBUTE",
    "LOCATION",
    "INACTIVE",
    "MISSING",
    "MemberOf placement constraint unsatisfied.",
    "DistinctInstance placement constraint unsatisfied.",
    "something new",
]


def no_room(reason: str, **options: Any) -> Callable[[Simulator], None]:
    return lambda sim: sim.fail("RunTask", Fault.no_capacity(reason), times=None, **options)


def run(count: int = 1, **options: Any) -> Callable[[Any], Any]:
    return lambda ecs: ecs.tasks.run("job", **FARGATE, count=count, **options)


@pytest.mark.parametrize("reason", PASSES)
def test_a_lack_of_room_is_waited_for(reason: str) -> None:
    """For `capacity_timeout` seconds, the last ask exactly when they are over; each under a token of its own."""
    went = both(run(capacity_timeout=47.5, client_token="k"), prepare=no_room(reason))
    error: TasksNotStarted = went.raised(TasksNotStarted)
    times = went.times("RunTask")
    assert (0, 47.5, 47.5) == (times[0], times[-1], went.elapsed)
    assert [f"k-0-{n}" for n in range(len(times))] == [each["clientToken"] for each in went.requests("RunTask")]
    assert [reason] == [failure.reason for failure in error.failures]
    assert 5 <= len(times) <= 12


@pytest.mark.parametrize("reason", STAYS)
@pytest.mark.parametrize("options", [{"capacity_timeout": 300}, {"on_partial": "top_up"}])
def test_what_stays_is_not(reason: str, options: dict[str, Any]) -> None:
    """There will never be room."""
    went = both(run(**options), prepare=no_room(reason))
    assert type(went.error) is TasksNotStarted
    assert ([0], 0) == (went.times("RunTask"), went.elapsed)


@pytest.mark.parametrize("reason", PASSES + STAYS)
def test_the_detail_is_read_as_well(reason: str) -> None:
    """ECS may give the reason in the detail."""
    for failure in (Failure(reason=reason), Failure(reason="", detail=reason)):
        assert (reason in PASSES) == FailuresError("RunTask", [failure]).retryable
    assert not FailuresError("RunTask", [Failure()]).retryable


@pytest.mark.parametrize("on_partial", ["raise", "keep", "stop_started"])
def test_by_default_it_is_asked_once(on_partial: str) -> None:
    """The default is no retry."""
    went = both(run(on_partial=on_partial), prepare=no_room("AGENT"))
    assert [0] == went.times("RunTask")


@pytest.mark.parametrize(("capacity_timeout", "end"), [(None, 60), (0, 0), (25, 25)])
def test_top_up_asks_for_a_minute_unless_told(capacity_timeout: float | None, end: float) -> None:
    """And then raises, with what was started."""

    def prepare(sim: Simulator) -> None:
        sim.fail("RunTask", Fault.no_capacity("AGENT", last=4))
        sim.fail("RunTask", Fault.no_capacity("AGENT"), times=None)

    went = both(run(10, on_partial="top_up", capacity_timeout=capacity_timeout), prepare=prepare)
    error: TasksNotStarted = went.raised(TasksNotStarted)
    assert (6, 4) == (len(error.result.tasks), len(error.failures))
    assert (end, end) == (went.elapsed, went.times("RunTask")[-1])
    counts = [each["count"] for each in went.requests("RunTask")]
    assert [10, *[4] * (len(counts) - 1)] == counts
    assert 6 == len(went.running)


def test_the_end_is_the_same_for_all_calls() -> None:
    """It is counted from the start of the launch, not from the start of each call."""

    def prepare(sim: Simulator) -> None:
        for _ in range(3):
            sim.fail("RunTask", Fault.no_capacity("AGENT"))
        sim.fail("RunTask", Fault.no_capacity("LOCATION", last=1))  # the first call is through, late
        sim.fail("RunTask", Fault.no_capacity("AGENT"), times=None)

    went = both(run(20, capacity_timeout=30), prepare=prepare)
    assert 9 == len(went.raised(TasksNotStarted).result.tasks)
    assert (30, 30) == (went.elapsed, went.times("RunTask")[-1])


@pytest.mark.parametrize("seconds", [1, 5, 20])
def test_room_that_turns_up_is_taken(seconds: float) -> None:
    """At the next ask."""

    def prepare(sim: Simulator) -> None:
        sim.fail("RunTask", Fault.no_capacity("RESOURCE:CPU"), times=4)

    went = both(run(3, capacity_timeout=seconds), prepare=prepare)
    if seconds == 20:
        assert (3, 5) == (len(went.returned().tasks), len(went.times("RunTask")))
    else:
        assert went.elapsed <= seconds
    assert went.elapsed <= seconds


def test_real_room_on_an_instance() -> None:
    """An instance has room for two of three; when one ends, the third starts."""

    def prepare(sim: Simulator) -> None:
        resources = [
            {"name": "CPU", "type": "INTEGER", "integerValue": 1024},
            {"name": "MEMORY", "type": "INTEGER", "integerValue": 1024},
        ]
        sim.handle("RegisterContainerInstance", {"totalResources": resources})
        container = {"name": "app", "image": "image:1", "cpu": 512, "memory": 512}
        sim.handle("RegisterTaskDefinition", {"family": "box", "containerDefinitions": [container]})
        sim.script("box", TaskScript.runs_for(20))

    def act(ecs: Any) -> Any:
        return ecs.tasks.run("box", count=3, launch_type="EC2", on_partial="top_up")

    went = both(act, prepare=prepare)
    assert went.returned().complete
    assert 3 == len(went.sim.tasks())
    assert [3, *[1] * (len(went.times("RunTask")) - 1)] == [each["count"] for each in went.requests("RunTask")]


def test_a_lack_of_room_among_others_is_waited_for() -> None:
    """One task of two has no room, the other one no attribute: there may be room for one."""

    def answers() -> Any:
        def respond(sim: Simulator, send: Send) -> RawResponse:
            answer(sim, send)
            failures = [{"reason": "ATTRIBUTE"}, {"reason": "RESOURCE:CPU"}]
            return RawResponse(json.dumps({"tasks": [], "failures": failures}).encode(), {})

        return {"answer": respond}

    went = both(run(2, capacity_timeout=10), prepare=no_room("AGENT"), hooks=answers)
    assert 10 == went.times("RunTask")[-1]
    assert "ATTRIBUTE; RESOURCE:CPU" in str(went.error)


def test_a_cluster_that_scales_from_zero() -> None:
    """An empty cluster is refused with InvalidParameterException. The task starts when an instance has registered."""

    def prepare(sim: Simulator) -> None:
        container = {"name": "app", "image": "image:1", "cpu": 512, "memory": 512}
        sim.handle("RegisterTaskDefinition", {"family": "box", "containerDefinitions": [container]})

    def hooks() -> Any:
        launches: list[Send] = []

        def respond(sim: Simulator, send: Send) -> RawResponse:
            launches.extend([send] if send.operation == "RunTask" else [])
            if len(launches) == 4:
                sim.handle("RegisterContainerInstance", {})
            return answer(sim, send)

        return {"answer": respond}

    def act(ecs: Any) -> Any:
        return ecs.tasks.run("box", launch_type="EC2", capacity_timeout=300)

    went = both(act, prepare=prepare, hooks=hooks)
    assert (True, 4) == (went.returned().complete, len(went.times("RunTask")))


CODES = ["ClientException", "InvalidParameterException", "LimitExceededException"]


@pytest.mark.parametrize("message", [FARGATE_FULL, PROVISIONING, *QUOTAS, EMPTY[0]])
@pytest.mark.parametrize("code", CODES)
def test_a_lack_of_room_may_be_an_error(code: str, message: str) -> None:
    """It is waited for in the same way, each time under a new token; then it is raised as what it is."""
    refused = Fault(error=SimulatedError(code, message))
    went = both(run(capacity_timeout=20), prepare=lambda sim: sim.fail("RunTask", refused, times=None))
    assert (0, 20) == (went.times("RunTask")[0], went.times("RunTask")[-1])
    assert isinstance(went.error, CapacityError)
    assert (code, message, True) == (went.error.code, went.error.message, went.error.retryable)
    assert f"RunTask: {code}: {message.removesuffix('.')} (" in str(went.error)


def test_an_error_for_a_lack_of_room_is_raised_at_once_by_default() -> None:
    """One request, as for failures: the default of `capacity_timeout` is 0."""
    refused = Fault(error=SimulatedError("ClientException", PROVISIONING))
    went = both(run(3), prepare=lambda sim: sim.fail("RunTask", refused, times=None))
    assert isinstance(went.error, CapacityError)
    assert [0] == went.times("RunTask")


@pytest.mark.parametrize(("message", "retryable"), [(PROVISIONING, True), ("No such container.", False)])
def test_a_partial_launch_shows_whether_the_rest_may_start_later(message: str, *, retryable: bool) -> None:
    """`retryable` covers failures and errors. No token of a refused request is listed: it started nothing."""

    def prepare(sim: Simulator) -> None:
        sim.fail("RunTask", Fault.no_capacity("AGENT", last=4))
        sim.fail("RunTask", Fault(error=SimulatedError("ClientException", message)), times=None)

    error = both(run(20), prepare=prepare).raised(TasksNotStarted)
    assert (6, retryable) == (len(error.result.tasks), error.retryable)
    assert "may have started more" not in str(error)


def test_what_does_not_pass_is_no_lack_of_room() -> None:
    """Advice to correct the request and to try again is permanent."""
    text = "The new ARN and resource ID format must be enabled to add tags. Opt in to the new format and try again."
    refused = Fault(error=SimulatedError("InvalidParameterException", text))
    went = both(run(capacity_timeout=60), prepare=lambda sim: sim.fail("RunTask", refused, times=None))
    assert [0] == went.times("RunTask")
    assert isinstance(went.error, InvalidRequestError)
    assert not isinstance(went.error, CapacityError)
    assert not went.error.retryable


THROTTLES = ["Rate exceeded (ErrorCode: Throttling)", "Request limit exceeded. (ErrorCode: RequestLimitExceeded)"]


@pytest.mark.parametrize("message", THROTTLES)
@pytest.mark.parametrize("operation", ["RunTask", "DescribeTasks", "DescribeTaskDefinition"])
def test_throttles_pass_in_launches_polls_and_reads(operation: str, message: str) -> None:
    """Whatever the request is: it is repeated."""
    throttled = Fault(error=SimulatedError("InvalidParameterException", f"Error retrieving subnets: {message}"))

    def act(ecs: Any) -> Any:
        return ecs.tasks.run_to_completion("job", **FARGATE)

    def prepare(sim: Simulator) -> None:
        sim.script("job", TaskScript.runs_for(10))
        sim.fail(operation, throttled, times=3)

    went = both(act, prepare=prepare)
    assert went.returned().succeeded
    assert 1 == len(went.sim.tasks())
