"""Rare cases: unknown container names, calls without a response, reads that lag behind an adoption."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from ecskit.errors import ConflictException, RequestError, TaskFailedError, TasksNotStarted
from ecskit.testing import Fault, Lag, Simulator, TaskScript

from .support import FARGATE, both


def used(sim: Simulator) -> None:
    """Let two tasks run that were started under the key `k`, with other parameters."""
    network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
    request = {"taskDefinition": "job", "launchType": "FARGATE", "count": 2, "networkConfiguration": network}
    sim.handle("RunTask", {**request, "clientToken": "k-0-0", "startedBy": "another-caller"})


def test_an_unknown_container_is_an_error_before_the_wait() -> None:
    """Not when the task has run to its end an hour later; what was started is cleaned up as the caller said."""

    def act(ecs: Any) -> Any:
        return ecs.tasks.run_to_completion("job", **FARGATE, essential=["ap"], on_cancel="stop")

    went = both(act, prepare=lambda sim: sim.script("job", TaskScript.runs_for(3600)))
    error: RequestError = went.raised(RequestError)
    assert error.problems[0][0] == "essential"
    assert "'ap' is not a container of the started tasks: arn:" in str(error)
    assert (went.elapsed, went.running) == (0, [])


def test_the_error_of_a_call_without_a_response_names_its_token() -> None:
    """The second call may have started tasks: the error names its token."""
    went = both(
        lambda ecs: ecs.tasks.run("job", count=20, **FARGATE, client_token="k"),
        hooks=lambda: {"answer": LosesTheSecondCall()},
    )
    error: TasksNotStarted = went.raised(TasksNotStarted)
    assert str(error).endswith("; the calls with these client tokens may have started more: k-1-0")
    assert len(error.result.tasks) == 10
    assert len(went.running) == 20


class LosesTheSecondCall:
    """Responds as the simulator does, but loses the response to the second call of a launch."""

    def __call__(self, sim: Simulator, send: Any) -> Any:
        from support.simulated_ecs import answer

        if send.params.get("clientToken") == "k-1-0":
            sim.fail("RunTask", Fault.reset(after_effect=True))
        return answer(sim, send)


def test_adopting_waits_for_reads_that_lag() -> None:
    """And for a throttle to pass."""

    def prepare(sim: Simulator) -> None:
        used(sim)
        sim.fail("DescribeTasks", Fault.throttled(), times=2)

    went = both(
        lambda ecs: ecs.tasks.run("job", count=2, **FARGATE, client_token="k", on_conflict="adopt"),
        prepare=prepare,
        lag=Lag(visible_after=5),
    )
    assert sorted(went.returned().task_arns) == sorted(went.running)
    assert 5 <= went.elapsed < 30


def test_a_conflict_says_what_exists() -> None:
    """S7: nothing is launched."""
    went = both(
        lambda ecs: ecs.tasks.run("job", count=2, **FARGATE, client_token="k"),
        prepare=used,
    )
    error: ConflictException = went.raised(ConflictException)
    assert sorted(error.resource_ids) == sorted(went.running)
    assert error.client_token == "k-0-0"


def test_a_definition_that_is_throttled_all_along_is_read_until_time_is_up(caplog: pytest.LogCaptureFixture) -> None:
    """Once with some polls, then until the deadline; after it, all containers count."""

    def prepare(sim: Simulator) -> None:
        sim.script("pair", TaskScript(run_time=10, exit_codes={"app": 0}, sigterm_exit_codes=9))
        sim.fail("DescribeTaskDefinition", Fault.throttled(), times=None)

    with caplog.at_level(logging.WARNING, "ecskit"):
        went = both(lambda ecs: ecs.tasks.run_to_completion("pair", **FARGATE, timeout=50), prepare=prepare)
    error: TaskFailedError = went.raised(TaskFailedError)
    assert (error.outcome.essential_source, error.outcome.container) == ("all containers", "sidecar")
    assert went.elapsed <= 50
    assert len([record for record in caplog.records if "cannot be read" in record.message]) == 2  # one each


def test_without_a_definition_a_killed_container_is_a_failure() -> None:
    """A container that exits with 0 may be one that does not matter: success would be a guess."""

    def prepare(sim: Simulator) -> None:
        sim.script("pair", TaskScript(run_time=10, exit_codes={"app": 137, "sidecar": 0}))
        sim.fail("DescribeTaskDefinition", Fault.access_denied(), times=None)

    went = both(lambda ecs: ecs.tasks.run_to_completion("pair", **FARGATE), prepare=prepare)
    error: TaskFailedError = went.raised(TaskFailedError)
    assert (error.outcome.kind, error.outcome.container) == ("EXITED", "app")


def test_the_same_key_for_more_tasks_stops_nothing_of_the_earlier_launch() -> None:
    """A call that contradicts an earlier one is a conflict, whatever `on_partial` says."""

    def act(ecs: Any) -> Any:
        return ecs.tasks.run("job", count=12, **FARGATE, client_token="k", on_partial="stop_started")

    def prepare(sim: Simulator) -> None:
        network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
        request = {"taskDefinition": "job", "launchType": "FARGATE", "count": 10, "networkConfiguration": network}
        for token in ("k-0-0", "k-1-0"):
            sim.handle("RunTask", {**request, "clientToken": token})

    went = both(act, prepare=prepare)
    went.raised(ConflictException)
    assert len(went.running) == 20


@pytest.mark.parametrize("raises", [SystemExit, TimeoutError])
def test_what_the_handler_of_a_signal_raises_cleans_up(raises: type[BaseException]) -> None:
    """SIGTERM's SystemExit, SIGALRM's TimeoutError: nothing is left running under `stop`."""
    from support.both_clients import Ecs

    from .support import furnished

    sim = furnished()

    def strike(number: int, operation: str) -> None:
        if number == 1 and operation == "RunTask":
            raise raises

    ecs = Ecs.sync(sim, after=strike)
    with pytest.raises(raises):
        ecs.tasks.run("job", count=15, **FARGATE, on_cancel="stop")
    assert [] == [task for task in sim.tasks() if task.desired_status == "RUNNING"]


def test_an_error_of_a_listener_is_its_own_whatever_it_is() -> None:
    """Also one that a wait of its own has raised: what the listener raises is a way to cancel."""
    from ecskit.errors import WaitTimeout

    def listen(story: Any) -> None:
        raise WaitTimeout(story)

    went = both(lambda ecs: ecs.tasks.run_to_completion("job", **FARGATE, on_poll=listen, on_cancel="stop"))
    went.raised(WaitTimeout)
    assert went.running == []


def test_a_handle_holds_no_commands() -> None:
    """They may hold passwords."""
    from ecskit.errors import WaitTimeout

    def act(ecs: Any) -> Any:
        return ecs.tasks.run_to_completion(
            "job", **FARGATE, container="app", command=["--password=hunter2"], environment={"A": "hunter2"}, timeout=1
        )

    went = both(act)
    error: WaitTimeout = went.raised(WaitTimeout)
    assert "hunter2" not in error.story.handle.to_json()
