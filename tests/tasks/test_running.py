"""Running any number of tasks: chunks, tokens, faults at every place, partial launches, too little room."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from support.both_clients import Ecs, Went, perform

from ecskit._core.errors import described
from ecskit.errors import (
    AccessDeniedError,
    AccessDeniedException,
    ConflictException,
    EcsError,
    ServerError,
    TasksNotStarted,
    TasksNotStopped,
    ThrottledError,
    TransportError,
)
from ecskit.testing import Fault, Lag, SimulatedError, Simulator

from .support import FARGATE, both, furnished, stops


def run(count: int = 1, **options: Any) -> Callable[[Any], Any]:
    return lambda ecs: ecs.tasks.run("job", **FARGATE, count=count, **options)


def fails(*faults: Fault | SimulatedError, operation: str = "RunTask") -> Callable[[Simulator], None]:
    def prepare(sim: Simulator) -> None:
        for fault in faults:
            sim.fail(operation, fault)

    return prepare


def targets(went: Went) -> list[tuple[int, str]]:
    """Return the count and the client token of each RunTask."""
    return sorted((each.get("count", 1), each["clientToken"]) for each in went.requests("RunTask"))


# Chunks and tokens.


@pytest.mark.parametrize(
    ("count", "chunks"),
    [(1, [1]), (9, [9]), (10, [10]), (11, [10, 1]), (37, [10, 10, 10, 7]), (100, [10] * 10)],
)
def test_ten_tasks_share_a_call(count: int, chunks: list[int]) -> None:
    """All are started, each call under a token of its own."""
    went = both(run(count))
    result = went.returned()
    assert sorted(chunks) == [wanted for wanted, _ in targets(went)]
    assert (count, count, True) == (result.requested, len(went.sim.tasks()), result.complete)
    assert sorted(went.running) == sorted(result.task_arns)
    assert sorted(result.client_tokens) == sorted(token for _, token in targets(went))
    assert len(chunks) == len(set(result.client_tokens))


def test_tokens_are_made_from_the_callers_key() -> None:
    """Number of the call, number of the ask; at most 64 characters, also of the longest key."""
    went = both(run(21, client_token="k" * 52))
    tokens = went.returned().client_tokens
    assert [f"{'k' * 52}-{i}-0" for i in range(3)] == list(tokens)
    assert max(map(len, tokens)) <= 64


def test_tokens_without_a_key_are_random() -> None:
    """But one key for all calls of a launch, and another one for the next."""

    def twice(ecs: Any) -> Any:
        if ecs.colour == "sync":
            return [ecs.tasks.run("job", **FARGATE, count=11) for _ in range(2)]

        async def run() -> Any:
            return [await ecs.tasks.run("job", **FARGATE, count=11) for _ in range(2)]

        return run()

    keys = [{token.split("-")[0] for token in result.client_tokens} for result in both(twice).returned()]
    assert [1, 1] == [len(key) for key in keys]
    assert keys[0] != keys[1]
    assert all(len(token) <= 64 for key in keys for token in key)


def test_the_same_key_finds_the_same_tasks() -> None:
    """A program that starts over launches nothing more; with bare replays neither."""

    def twice(ecs: Any) -> Any:
        if ecs.colour == "sync":
            return [ecs.tasks.run("job", **FARGATE, count=21, client_token="k") for _ in range(2)]

        async def run() -> Any:
            return [await ecs.tasks.run("job", **FARGATE, count=21, client_token="k") for _ in range(2)]

        return run()

    for bare in (False, True):
        went = both(twice, bare_replays=bare)
        first, second = went.returned()
        assert sorted(first.task_arns) == sorted(second.task_arns) == sorted(went.running)
        assert 21 == len(went.running)


# Faults.

UNKNOWN = {
    "reset before": Fault.reset(),
    "reset after": Fault.reset(after_effect=True),
    "500 before": Fault.server_error(),
    "500 after": Fault.server_error(after_effect=True),
    "timeout before": Fault.timeout(),
    "timeout after": Fault.timeout(after_effect=True),
    "cut": Fault.cut(),
    "garbled": Fault.garbled(),
}
KNOWN = {"throttled": Fault.throttled(), "disguised": Fault.disguised_throttle()}


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("name", UNKNOWN | KNOWN)
def test_what_may_pass_is_asked_again_under_the_same_token(name: str, times: int) -> None:
    """Whatever became of it: one launch in the end."""
    went = both(run(3, client_token="k"), prepare=fails(*[{**UNKNOWN, **KNOWN}[name]] * times))
    assert [(3, "k-0-0")] * (times + 1) == targets(went)
    assert 3 == len(went.sim.tasks()) == len(went.returned().tasks)


@pytest.mark.parametrize("name", UNKNOWN | KNOWN)
def test_what_does_not_pass_is_raised_in_the_end(name: str) -> None:
    """After six asks under one token, which the error has."""
    went = both(
        run(3, client_token="k"), prepare=lambda sim: sim.fail("RunTask", {**UNKNOWN, **KNOWN}[name], times=None)
    )
    assert [(3, "k-0-0")] * 6 == targets(went)
    assert isinstance(went.error, EcsError)
    assert "k-0-0" == went.error.client_token
    assert len(went.sim.tasks()) in {0, 3}


@pytest.mark.parametrize("pair", [*itertools.permutations(["reset after", "500 before", "throttled", "disguised"], 2)])
def test_a_mixture_is_asked_again_under_the_same_token(pair: tuple[str, str]) -> None:
    """A refusal after a lost answer does not say what became of the first request."""
    went = both(run(3, client_token="k"), prepare=fails(*[{**UNKNOWN, **KNOWN}[name] for name in pair]))
    assert [(3, "k-0-0")] * 3 == targets(went)
    assert 3 == len(went.sim.tasks())


@pytest.mark.parametrize("position", range(5))
@pytest.mark.parametrize("name", UNKNOWN)
def test_nothing_is_launched_twice_wherever_it_fails(name: str, position: int) -> None:
    """The n-th of five requests meets a fault, the others go well."""

    def prepare(sim: Simulator) -> None:
        for _ in range(position):
            sim.fail("RunTask", Fault.no_capacity("AGENT", last=1))
        sim.fail("RunTask", UNKNOWN[name])

    went = both(run(5, on_partial="top_up", client_token="k"), prepare=prepare)
    assert 5 == len(went.sim.tasks()) == len(went.returned().tasks)
    assert sorted(went.running) == sorted(went.returned().task_arns)


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_launched_twice_whatever_fails(seed: int) -> None:
    """Four calls side by side, a third of all requests fail by chance: every task exists once and is in the result."""
    sim = furnished(seed=seed)
    sim.misbehave(rate=0.33, seed=seed, operations=["RunTask"])
    went = perform(run(37, client_token="k"), Ecs.sync(sim))
    launched = went.sim.tasks()
    if went.error is None:
        assert sorted(task.arn for task in launched) == sorted(went.result.task_arns)
    assert len(launched) <= 37
    tokens = {token for _, token in targets(went)}
    assert {f"k-{i}-0" for i in range(4)} >= tokens


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.access_denied(), AccessDeniedException),
        (Fault.expired_credentials(), AccessDeniedError),
        (SimulatedError("ClientException", "TaskDefinition not found."), None),
    ],
)
def test_a_definite_refusal_is_raised_at_once(fault: Any, kind: type[EcsError] | None) -> None:
    """The first call goes alone, so that it is heard once, and nothing is launched."""
    went = both(run(100), prepare=lambda sim: sim.fail("RunTask", fault, times=None))
    assert 1 == len(targets(went))
    assert [] == went.sim.tasks()
    assert type(went.error) is kind or (kind is None and type(went.error).__name__ == "ClientException")


def test_a_new_token_after_a_definite_failure() -> None:
    """ECS has said that it did not start three: another question."""
    faults = [Fault.no_capacity("AGENT", last=3), Fault.reset(after_effect=True), Fault.no_capacity("AGENT", last=1)]
    went = both(run(10, client_token="k", capacity_timeout=100), prepare=fails(*faults))
    assert [(3, "k-0-1"), (3, "k-0-1"), (10, "k-0-0")] == targets(went)
    assert 10 == len(went.running)


# A later call that fails.

REFUSED: dict[str, tuple[Fault, type[EcsError]]] = {
    "denied": (Fault.access_denied(), AccessDeniedException),
    "throttled": (Fault.throttled(), ThrottledError),
    "500": (Fault.server_error(), ServerError),
    "reset": (Fault.reset(), TransportError),
}


def later(fault: Fault) -> Callable[[Simulator], None]:
    """Let the first request start nine of its ten tasks, and all others meet a fault."""

    def prepare(sim: Simulator) -> None:
        sim.fail("RunTask", Fault.no_capacity("LOCATION", last=1))
        sim.fail("RunTask", fault, times=None)

    return prepare


@pytest.mark.parametrize("name", REFUSED)
def test_a_later_call_is_refused(name: str) -> None:
    """The error has what was started, and comes from the refusal."""
    fault, kind = REFUSED[name]
    went = both(run(20), prepare=later(fault))
    error: TasksNotStarted = went.raised(TasksNotStarted)
    assert 9 == len(error.result.tasks) == len(went.running)
    assert sorted(went.running) == sorted(error.result.task_arns)
    assert isinstance(error.__cause__, kind)
    assert [error.__cause__] == list(error.result.errors)
    assert described(error.__cause__) in str(error)
    assert 20 == error.result.requested


def test_a_later_call_is_refused_and_the_rest_is_kept() -> None:
    """With "keep" the result has the error as well."""
    went = both(run(20, on_partial="keep"), prepare=later(Fault.access_denied()))
    result = went.returned()
    assert (9, False) == (len(result.tasks), result.complete)
    assert [AccessDeniedException] == [type(error) for error in result.errors]
    with pytest.raises(TasksNotStarted):
        result.raise_for_failures()


def test_a_later_call_is_refused_and_the_rest_is_stopped() -> None:
    """With "stop_started", StopTask is sent once for each started task."""
    went = both(run(20, on_partial="stop_started"), prepare=later(Fault.access_denied()))
    error: TasksNotStarted = went.raised(TasksNotStarted)
    assert (True, []) == (error.stopped, went.running)
    assert [1] * 9 == list(stops(went).values())
    assert isinstance(error.__cause__, AccessDeniedException)


# Partial launches.


@pytest.mark.parametrize("on_partial", ["raise", "keep", "stop_started", "top_up"])
def test_none_started_is_raised_in_any_case(on_partial: str) -> None:
    """There is nothing to keep."""
    went = both(run(3, on_partial=on_partial), prepare=fails(Fault.no_capacity("ATTRIBUTE")))
    error: TasksNotStarted = went.raised(TasksNotStarted)
    assert (0, 3, 1) == (len(error.result.tasks), len(error.failures), len(targets(went)))
    assert not went.requests("StopTask")


def test_a_refused_stop_is_the_cause() -> None:
    """Those that could not be stopped run on: the error does not say that they were stopped."""

    def prepare(sim: Simulator) -> None:
        sim.fail("RunTask", Fault.no_capacity("ATTRIBUTE", last=1))
        sim.fail("StopTask", Fault.access_denied(), times=None)

    went = both(run(3, on_partial="stop_started"), prepare=prepare)
    error: TasksNotStarted = went.raised(TasksNotStarted)
    assert not error.stopped
    assert isinstance(error.__cause__, TasksNotStopped)
    assert sorted(went.running) == sorted(error.__cause__.errors)


@pytest.mark.parametrize("fault", [Fault.throttled(), Fault.reset(after_effect=True), Fault.server_error()])
def test_stopping_what_was_started_is_tried_again(fault: Fault) -> None:
    """As long as it may pass."""

    def prepare(sim: Simulator) -> None:
        sim.fail("RunTask", Fault.no_capacity("ATTRIBUTE", last=1))
        sim.fail("StopTask", fault, times=3)

    went = both(run(2, on_partial="stop_started"), prepare=prepare)
    assert went.raised(TasksNotStarted).stopped
    assert ([], 4) == (went.running, len(went.requests("StopTask")))


# Conflicts.


def used(sim: Simulator) -> None:
    network = {"awsvpcConfiguration": {"subnets": ["s"]}}
    request = {"taskDefinition": "two", "launchType": "FARGATE", "networkConfiguration": network, "count": 2}
    sim.handle("RunTask", {**request, "clientToken": "k-0-0"})


@pytest.mark.parametrize("on_partial", ["raise", "keep", "stop_started", "top_up"])
def test_a_conflict_names_the_tasks(on_partial: str) -> None:
    """Nothing is launched, stopped or requested again."""
    went = both(run(2, client_token="k", on_partial=on_partial), prepare=used)
    error: ConflictException = went.raised(ConflictException)
    assert sorted(went.running) == sorted(error.resource_ids)
    assert ["RunTask"] == went.operations


def test_a_conflict_is_adopted() -> None:
    """The tasks that were started under the token are the result."""
    went = both(run(2, client_token="k", on_conflict="adopt"), prepare=used)
    assert sorted(went.running) == sorted(went.returned().task_arns)
    assert went.returned().complete
    assert 2 == len(went.running)


def test_a_conflict_over_tasks_that_are_not_shown_is_raised() -> None:
    """ECS does not show what became of them."""
    went = both(run(2, client_token="k", on_conflict="adopt"), prepare=used, lag=Lag(visible_after=1000))
    error: ConflictException = went.raised(ConflictException)
    assert sorted(went.running) == sorted(error.resource_ids)
