"""Deregister and delete many task definitions: in order, each once, paced, and typed errors for what was not done."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from support import both_clients
from support.both_clients import Act, Ecs, Went, comparable
from support.definitions import register

from ecskit.bulk import BulkProgress
from ecskit.errors import (
    BulkError,
    ClientException,
    FailuresError,
    RequestError,
    TaskDefinitionsNotDeleted,
    TaskDefinitionsNotDeregistered,
)
from ecskit.testing import PUBLISHED_QUOTAS, Fault, Simulator

ACCOUNT = "arn:aws:ecs:us-east-1:123456789012"
[QUOTA] = [quota for quota in PUBLISHED_QUOTAS if "DeleteTaskDefinitions" in quota.operations]
OPERATIONS = {"DeregisterTaskDefinition", "DeleteTaskDefinitions"}


def simulator(
    count: int, *faults: tuple[str, Fault], inactive: bool = False, **options: Any
) -> Callable[[], Simulator]:
    """Return a function that makes a simulator with the revisions job:1, job:2 and so on. Its buckets are full."""

    def make() -> Simulator:
        sim = Simulator(**options)
        for revision in range(1, count + 1):
            register(sim, "job", {"name": "app", "image": "image:1"})
            sim.clock.advance(2)
            if inactive:
                sim.handle("DeregisterTaskDefinition", {"taskDefinition": f"job:{revision}"})
                sim.clock.advance(2)
        sim.clock.advance(60)
        for operation, fault in faults:
            sim.fail(operation, fault)
        return sim

    return make


def both(act: Act, make: Callable[[], Simulator]) -> Went:
    """Perform an act with both clients, and check that they did the same."""
    return both_clients.both(act, make, compared=lambda went: comparable(went, result=repr))


def jobs(*revisions: int) -> list[str]:
    return [f"job:{revision}" for revision in revisions]


def names(definitions: Sequence[Any]) -> list[str]:
    return [f"{each.family}:{each.revision}" for each in definitions]


def test_deregister_and_delete() -> None:
    """In the order given, each once, whatever it is called; ten share a call of DeleteTaskDefinitions."""
    given = [*jobs(*range(12, 0, -1)), f"{ACCOUNT}:task-definition/job:3"]
    went = both(lambda ecs: ecs.task_definitions.deregister(given), simulator(12))
    assert names(went.returned()) == given[:12]
    assert {each.status for each in went.result} == {"INACTIVE"}
    assert went.operations == 12 * ["DeregisterTaskDefinition"]
    assert went.elapsed == 0  # the first twenty are not paced
    went = both(lambda ecs: ecs.task_definitions.delete(given), simulator(12, inactive=True))
    assert names(went.returned()) == given[:12]
    assert {each.status for each in went.result} == {"DELETE_IN_PROGRESS"}
    assert sorted(len(each["taskDefinitions"]) for each in went.requests("DeleteTaskDefinitions")) == [2, 10]


def test_models_are_taken() -> None:
    """What one of them returns is what the other takes."""
    ecs = Ecs.sync(simulator(2)())
    deleted = ecs.task_definitions.delete(ecs.task_definitions.deregister(jobs(2, 1)))
    assert names(deleted) == jobs(2, 1)


@pytest.mark.parametrize(("scale", "codes"), [(1.0, {None}), (0.4, {None, "ThrottlingException"})])
def test_calls_are_paced(scale: float, codes: set[str | None]) -> None:
    """They take what ECS publishes, without a throttle. Where others take some of it, throttled calls are repeated."""
    given = jobs(*range(1, 31))
    ecs = Ecs.sync(simulator(30, quotas=[QUOTA.scaled(scale)])())
    went = both_clients.perform(lambda ecs: ecs.task_definitions.deregister(given), ecs)
    assert names(went.returned()) == given
    assert {call.code for call in went.calls} == codes
    assert went.elapsed >= 10


def test_some_fail() -> None:
    """The error has what was done and what was not. All calls are made."""
    went = both(lambda ecs: ecs.task_definitions.deregister(jobs(1, 9, 2, 8)), simulator(2))
    error = went.raised(TaskDefinitionsNotDeregistered)
    assert [*error.errors] == jobs(9, 8)
    assert isinstance(error.errors["job:9"], ClientException)
    assert [*error.results] == jobs(1, 2)
    assert names(error.results.values()) == jobs(1, 2)
    assert not error.retryable
    assert isinstance(error, BulkError)
    assert str(error).startswith(
        "DeregisterTaskDefinition failed for 2 of 4 task definitions: job:9: DeregisterTaskDefinition: ClientException:"
    )
    assert "; job:8: " in str(error)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), [*copy.results]) == (str(error), jobs(1, 2))


def test_failures_of_a_deletion_belong_to_what_they_name() -> None:
    """One that is active, and one that does not exist."""

    def make() -> Simulator:
        sim = simulator(2, inactive=True)()
        register(sim, "job", {"name": "app", "image": "image:1"})
        return sim

    went = both(lambda ecs: ecs.task_definitions.delete(jobs(1, 3, 99, 2)), make)
    error = went.raised(TaskDefinitionsNotDeleted)
    assert [*error.errors] == jobs(3, 99)
    assert [*error.results] == jobs(1, 2)
    assert all(isinstance(each, FailuresError) for each in error.errors.values())
    assert "DeleteTaskDefinitions failed for 2 of 4 task definitions: job:3: " in str(error)
    assert "still in ACTIVE status" in str(error)
    assert "does not exist" in str(error.errors["job:99"])


def test_what_is_done_already_is_done() -> None:
    """After a lost response, after an earlier call, and for one that is being deleted."""
    lost = ("DeregisterTaskDefinition", Fault.reset(after_effect=True))
    went = both(lambda ecs: ecs.task_definitions.deregister(jobs(1)), simulator(1, lost))
    assert names(went.returned()) == jobs(1)
    assert went.operations == [*2 * ["DeregisterTaskDefinition"], "DescribeTaskDefinition"]
    went = both(lambda ecs: ecs.task_definitions.deregister(jobs(1, 2)), simulator(2, inactive=True))
    assert names(went.returned()) == jobs(1, 2)
    denied = ("DescribeTaskDefinition", Fault.access_denied())
    went = both(lambda ecs: ecs.task_definitions.deregister(jobs(1)), simulator(1, denied, inactive=True))
    assert isinstance(went.raised(TaskDefinitionsNotDeregistered).errors["job:1"], ClientException)
    lost = ("DeleteTaskDefinitions", Fault.reset(after_effect=True))
    went = both(lambda ecs: ecs.task_definitions.delete(jobs(1)), simulator(1, lost, inactive=True))
    assert names(went.returned()) == jobs(1)


def test_progress() -> None:
    """It names the one that has just ended, also where ten share a call."""
    seen: list[BulkProgress] = []
    both(lambda ecs: ecs.task_definitions.delete(jobs(2, 9, 1), on_progress=seen.append), simulator(2, inactive=True))
    shown = [(each.name, each.done, each.succeeded, each.failed, each.total, type(each.error)) for each in seen]
    none = type(None)
    once = [("job:2", 1, 1, 0, 3, none), ("job:9", 2, 1, 1, 3, FailuresError), ("job:1", 3, 2, 1, 3, none)]
    assert shown == 2 * once


def test_a_cancelled_call_has_reported_what_it_did(caplog: pytest.LogCaptureFixture) -> None:
    """The callback has named each; the log has the number. Another call does the rest."""
    ecs, seen = Ecs.aio(simulator(30)()), list[str]()
    caplog.set_level("INFO", "ecskit")

    async def run() -> None:
        def on_progress(progress: BulkProgress) -> None:
            seen.append(progress.name)
            if progress.done == 22:
                task.cancel()

        given = jobs(*range(1, 31))
        task = asyncio.ensure_future(ecs.task_definitions.deregister(given, on_progress=on_progress))
        with pytest.raises(asyncio.CancelledError):
            await task
        assert names(await ecs.task_definitions.deregister(given)) == given

    asyncio.run(run())
    assert seen == jobs(*range(1, 23))
    text = "task_definitions.deregister was cancelled after 22 of 30; the calls under way may take effect"
    assert text in caplog.messages


def test_bad_input() -> None:
    """The message names the parameter, and nothing is sent."""
    for method in ("deregister", "delete"):

        def wrong(given: Any, method: str = method, **options: Any) -> str:
            went = both(lambda ecs: getattr(ecs.task_definitions, method)(given, **options), simulator(0))
            assert went.calls == []
            return str(went.raised(RequestError))

        verb = f"task_definitions.{method}"
        assert wrong("job") == f"{verb}: task_definitions: 'job' is not the name, id or ARN of a task definition"
        assert "task_definitions[1]: expected" in wrong(["job:1", 2])
        assert "on_progress: expected a function, got str" in wrong("job:1", on_progress="x")
        arns = [f"{ACCOUNT}:task-definition/job:1", f"{ACCOUNT.replace('us', 'eu')}:task-definition/job:1"]
        assert wrong(arns).startswith(
            f"{verb}: task_definitions: they are in several accounts or regions: arn:aws:ecs:"
        )
