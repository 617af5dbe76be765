"""Tests of nightly_job.py with the simulator, as an example: the virtual clock skips the hours of the tasks."""

from __future__ import annotations

import pytest
from nightly_job import nightly

import ecskit
from ecskit.errors import WaitTimeout
from ecskit.models import ContainerDefinition
from ecskit.testing import Fault, Simulator, TaskScript


@pytest.fixture
def ecs(ecs_client: ecskit.Client) -> ecskit.Client:
    """A client of a simulator that has the task definition."""
    ecs_client.register_task_definition(
        family="nightly",
        cpu="256",
        memory="512",
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        container_definitions=[ContainerDefinition(name="app", image="nightly:1")],
    )
    return ecs_client


def run(ecs: ecskit.Client, count: int = 3) -> int:
    """Run the job."""
    return nightly(ecs, "nightly", "default", count, ["subnet-0a1b2c3d"])


def test_all_succeed(ecs: ecskit.Client, ecs_simulator: Simulator) -> None:
    """The exit code is 0."""
    ecs_simulator.script("nightly", TaskScript.runs_for(1800))
    assert run(ecs) == 0


def test_one_fails(ecs: ecskit.Client, ecs_simulator: Simulator) -> None:
    """The exit code is 1, and nothing is run again: a program that failed will fail again."""
    ecs_simulator.script("nightly", [TaskScript.exits(3, after=60), TaskScript.runs_for(1800)])
    assert run(ecs) == 1
    assert len(ecs_simulator.tasks("nightly")) == 3


def test_one_is_interrupted(ecs: ecskit.Client, ecs_simulator: Simulator) -> None:
    """Only the interrupted task is run again."""
    ecs_simulator.script("nightly", [TaskScript.spot_interrupted(after=600), TaskScript.runs_for(1800)])
    assert run(ecs) == 0
    assert len(ecs_simulator.tasks("nightly")) == 4


def test_one_does_not_start(ecs: ecskit.Client, ecs_simulator: Simulator) -> None:
    """It is stopped after ten minutes, and started a second time."""
    ecs_simulator.script("nightly", [TaskScript(time_to_start=5000), TaskScript.runs_for(1800)])
    assert run(ecs) == 0
    assert len(ecs_simulator.tasks("nightly")) == 4


def test_there_is_no_capacity(ecs: ecskit.Client, ecs_simulator: Simulator) -> None:
    """The exit code is 2 after five minutes, and the started tasks are stopped."""
    ecs_simulator.script("nightly", TaskScript.runs_for(1800))
    ecs_simulator.fail("RunTask", Fault.no_capacity(last=1), times=None)
    assert run(ecs) == 2
    assert [task.desired_status for task in ecs_simulator.tasks("nightly")] == ["STOPPED", "STOPPED"]


def test_a_response_is_lost(ecs: ecskit.Client, ecs_simulator: Simulator) -> None:
    """No task is run twice."""
    ecs_simulator.script("nightly", TaskScript.runs_for(1800))
    ecs_simulator.fail("RunTask", Fault.reset(after_effect=True))
    assert run(ecs) == 0
    assert len(ecs_simulator.tasks("nightly")) == 3


def test_it_never_ends(ecs: ecskit.Client, ecs_simulator: Simulator) -> None:
    """The job gives up after an hour and stops the tasks."""
    with pytest.raises(WaitTimeout, match="timed out after 3600 s"):
        run(ecs)
    assert {task.desired_status for task in ecs_simulator.tasks("nightly")} == {"STOPPED"}
