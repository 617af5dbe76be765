"""Protecting tasks: ten a call, cluster by cluster. The answers are made up: standalone tasks take none."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from support import both_clients
from support.both_clients import Went
from support.simulated_ecs import answer

from ecskit._core.effects import RawResponse, Send
from ecskit.bulk import BulkProgress
from ecskit.errors import AccessDeniedException, FailuresError, RequestError, TasksNotProtected
from ecskit.testing import Fault, Simulator

from .support import both, id_of, simulator
from .test_reading import launch, launched


def protecting(*refused: int) -> Callable[[], dict[str, Any]]:
    """Protect all tasks but some, by their number."""

    def respond(sim: Simulator, send: Send) -> RawResponse:
        answer(sim, send)  # which keeps the call
        request = send.params
        arns = {id_of(task.arn): task.arn for task in sim.tasks()}
        numbers = {id_: number for number, id_ in enumerate(arns)}
        body: dict[str, list[Any]] = {"protectedTasks": [], "failures": []}
        for id_ in request["tasks"]:
            if numbers[id_] in refused:
                body["failures"].append({"arn": arns[id_], "reason": "TASK_NOT_VALID", "detail": "no service"})
            else:
                made = {"taskArn": arns[id_], "protectionEnabled": request["protectionEnabled"]}
                body["protectedTasks"].append({**made, "expirationDate": 60.0 * request.get("expiresInMinutes", 120)})
        return RawResponse(json.dumps(body).encode(), {})

    return lambda: {"answer": respond}


def protect(**options: Any) -> Callable[[Any], Any]:
    return lambda ecs: ecs.tasks.protect(ecs.arns, **options)


def chunks(went: Went) -> list[int]:
    return sorted(len(each["tasks"]) for each in went.requests("UpdateTaskProtection"))


@pytest.mark.parametrize(("count", "expected"), [(1, [1]), (10, [10]), (11, [1, 10]), (35, [5, 10, 10, 10])])
def test_ten_tasks_share_a_call(count: int, expected: list[int]) -> None:
    """All are protected, and returned as ECS shows them."""
    went = both(protect(expires_in_minutes=30), prepare=launched(count), hooks=protecting())
    assert [task.arn for task in went.sim.tasks()] == [task.task_arn for task in went.returned()]
    assert expected == chunks(went)
    assert {(True, 30)} == {
        (each["protectionEnabled"], each["expiresInMinutes"]) for each in went.requests("UpdateTaskProtection")
    }
    assert {True} == {task.protection_enabled for task in went.result}


def test_ending_protection() -> None:
    """Without minutes, which would mean nothing."""
    went = both(protect(protected=False), prepare=launched(2), hooks=protecting())
    assert [False, False] == [task.protection_enabled for task in went.returned()]
    [request] = went.requests("UpdateTaskProtection")
    assert (False, False) == (request["protectionEnabled"], "expiresInMinutes" in request)


def test_several_clusters() -> None:
    """A call for each."""

    def prepare(sim: Simulator) -> None:
        sim.handle("CreateCluster", {"clusterName": "prod"})
        launch(sim, 12)
        launch(sim, 3, cluster="prod")

    went = both(protect(), prepare=prepare, hooks=protecting())
    assert 15 == len(went.returned())
    targets = sorted((id_of(each["cluster"]), len(each["tasks"])) for each in went.requests("UpdateTaskProtection"))
    assert [("default", 2), ("default", 10), ("prod", 3)] == targets


def test_some_are_refused() -> None:
    """The reason for each, and what was protected all the same."""
    went = both(protect(), prepare=launched(25), hooks=protecting(3, 24))
    error = went.raised(TasksNotProtected)
    arns = [task.arn for task in went.sim.tasks()]
    assert [arns[3], arns[24]] == [*error.errors]
    assert isinstance(error.errors[arns[3]], FailuresError)
    assert [arn for arn in arns if arn not in error.errors] == [*error.results]
    assert [task.task_arn for task in error.results.values()] == [*error.results]
    assert str(error).startswith(f"UpdateTaskProtection failed for 2 of 25 tasks: {arns[3]}: UpdateTaskProtection: ")
    assert "TASK_NOT_VALID (no service) for " in str(error)


def test_standalone_tasks_are_refused() -> None:
    """As ECS does: they belong to no service."""
    error = both(protect(), prepare=launched(2)).raised(TasksNotProtected)
    assert (2, {}) == (len(error.errors), error.results)


def test_a_call_is_refused() -> None:
    """That is the error of its tasks; the other calls are made."""

    def prepare(sim: Simulator) -> None:
        launch(sim, 25)
        sim.fail("UpdateTaskProtection", Fault.access_denied())

    went = both_clients.both(protect(), simulator(prepare), hooks=protecting(), compared=chunks)
    error = went.raised(TasksNotProtected)
    assert {AccessDeniedException} == {type(each) for each in error.errors.values()}
    assert 25 == len(error.errors) + len(error.results)
    assert [5, 10, 10] == chunks(went)


def test_throttles_and_lost_responses_are_repeated() -> None:
    """They are no errors. A hundred calls and more are paced; progress is reported for each task."""
    seen: list[BulkProgress] = []

    def prepare(sim: Simulator) -> None:
        launch(sim, 25)
        sim.fail("UpdateTaskProtection", Fault.throttled(), times=5)
        sim.fail("UpdateTaskProtection", Fault.reset(after_effect=True))

    act = protect(on_progress=seen.append)
    went = both_clients.both(act, simulator(prepare), hooks=protecting(), compared=lambda went: len(went.calls))
    assert [task.arn for task in went.sim.tasks()] == [task.task_arn for task in went.returned()]
    assert [each.done for each in seen] == 2 * [*range(1, 26)]
    assert {each.name for each in seen[:25]} == {task.arn for task in went.sim.tasks()}


@pytest.mark.parametrize("minutes", [0, -1, 2881, 1.5, "60", True])
def test_minutes_out_of_bounds(minutes: Any) -> None:
    """A whole number from 1 to 2880; anything else is an error before anything is sent."""
    went = both(protect(expires_in_minutes=minutes), prepare=launched())
    with pytest.raises(RequestError, match="expires_in_minutes: expected a whole number, 1 to 2880"):
        went.returned()
    assert not went.requests("UpdateTaskProtection")


def test_minutes_of_no_protection() -> None:
    """A contradiction."""
    went = both(protect(protected=False, expires_in_minutes=10), prepare=launched())
    with pytest.raises(RequestError, match="expires_in_minutes: applies only to protected=True"):
        went.returned()


@pytest.mark.parametrize("minutes", [1, 2880])
def test_minutes_at_the_bounds(minutes: int) -> None:
    """Are accepted."""
    went = both(protect(expires_in_minutes=minutes), prepare=launched(), hooks=protecting())
    assert 1 == len(went.returned())
