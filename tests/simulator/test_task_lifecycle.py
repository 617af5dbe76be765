from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from ecskit._simulator.task_lifecycle import (
    ContainerPlan,
    Step,
    TaskPlan,
    scripted_lifecycle,
    snapshot,
    stopped_lifecycle,
)
from ecskit.testing import TaskScript

from .support import RANKS, Wire, World, exit_codes

APP_AND_SIDECAR = (
    {"name": "app", "image": "app:1"},
    {"name": "sidecar", "image": "side:1", "essential": False},
)

CONTAINERS = tuple(
    ContainerPlan(
        name=name, essential=name == "a", stop_timeout=30, has_health_check=True, when_attached={}, when_running={}
    )
    for name in "ab"
)
durations = st.none() | st.floats(0, 100, allow_nan=False)
scripts = st.builds(
    TaskScript,
    time_to_start=durations,
    run_time=durations,
    time_to_stop=durations,
    exit_codes=st.none() | st.integers(0, 255) | st.dictionaries(st.sampled_from("abc"), st.integers(0, 255)),
    sigterm_exit_codes=st.sampled_from([0, 137, 143]),
    reports_exit_codes=st.booleans(),
    stop_details_after=st.sampled_from([0.0, 0.5, 60.0]),
    health=st.sampled_from(["HEALTHY", {5: "UNHEALTHY", 1: "HEALTHY"}]),
    start_failure=st.none() | st.just("CannotPullContainerError: no such image"),
    stop_code=st.sampled_from(["EssentialContainerExited", "SpotInterruption"]),
)
plans = st.builds(
    TaskPlan,
    script=scripts,
    fargate=st.booleans(),
    containers=st.just(CONTAINERS),
    interface_details=st.none() | st.just([{"name": "subnetId", "value": "subnet-1"}]),
    has_exec_agent=st.booleans(),
)
moments = st.floats(0, 400, allow_nan=False)


@given(plans, st.none() | moments)
def test_a_life_only_moves_forward(plan: TaskPlan, stop_at: float | None) -> None:
    """With any script, versions and status ranks never decrease over time, and steps are in order."""
    steps = scripted_lifecycle(plan, 0)
    if stop_at is not None:
        steps = stopped_lifecycle(plan, steps, stop_at, stop_code="UserInitiated", reason="enough")
    times = [step.at for step in steps]
    assert times == sorted(times)
    states = [snapshot(steps, at).task for at in times]
    assert [state["version"] for state in states] == sorted(state["version"] for state in states)
    ranks = [RANKS.index(state["lastStatus"]) for state in states]
    assert ranks == sorted(ranks)


@given(plans, moments, moments)
def test_stopping_does_not_rewrite_the_past(plan: TaskPlan, stop_at: float, before: float) -> None:
    """A read of a moment before StopTask shows the state of that moment."""
    steps = scripted_lifecycle(plan, 0)
    stopped = stopped_lifecycle(plan, steps, stop_at, stop_code="UserInitiated", reason="enough")
    at = stop_at * before / 401
    if at < stop_at:
        assert snapshot(steps, at) == snapshot(stopped, at)


@given(plans, moments)
def test_a_stopped_task_ends(plan: TaskPlan, stop_at: float) -> None:
    """After StopTask at any moment, a task becomes STOPPED with all containers stopped."""
    steps: tuple[Step, ...] = stopped_lifecycle(
        plan, scripted_lifecycle(plan, 0), stop_at, stop_code="UserInitiated", reason="enough"
    )
    end = snapshot(steps, 10_000)
    assert end.task["lastStatus"] == end.task["desiredStatus"] == "STOPPED"
    assert end.task["stoppingAt"] <= end.task["stoppedAt"]
    assert {container["lastStatus"] for container in end.containers.values()} == {"STOPPED"}


def life(world: World, arn: str, seconds: float, step: float = 0.5) -> list[str]:
    """Return the statuses that a task shows over some seconds, without repetitions."""
    seen: list[str] = []
    for _ in range(int(seconds / step) + 1):
        status = world.task(arn)["lastStatus"]
        if not seen or seen[-1] != status:
            seen.append(status)
        world.pass_(step)
    return seen


def test_a_fargate_task_passes_through_every_status(world: World) -> None:
    """On Fargate a task goes from PROVISIONING to RUNNING, and to STOPPED when it is stopped."""
    world.register()
    arn = world.run_one()
    assert life(world, arn, 25) == ["PROVISIONING", "PENDING", "ACTIVATING", "RUNNING"]
    world.do("StopTask", task=arn)
    assert life(world, arn, 15) == ["RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"]


def test_a_task_on_an_instance_needs_no_provisioning(world: World) -> None:
    """Without a network interface of its own, a task starts as PENDING and ends without DEPROVISIONING."""
    world.add_instance()
    world.register_for_instances()
    arn = world.do("RunTask", taskDefinition="web")["tasks"][0]["taskArn"]
    assert life(world, arn, 4, 0.1) == ["PENDING", "ACTIVATING", "RUNNING"]
    world.do("StopTask", task=arn)
    assert life(world, arn, 4, 0.1) == ["RUNNING", "DEACTIVATING", "STOPPING", "STOPPED"]


def test_fargate_runs_after_twenty_seconds_by_default(world: World) -> None:
    """Without a script, a Fargate task is RUNNING after 20 seconds and stays RUNNING."""
    world.register()
    arn = world.run_one()
    world.pass_(19.9)
    assert world.task(arn)["lastStatus"] == "ACTIVATING"
    world.pass_(0.1)
    assert world.task(arn)["lastStatus"] == "RUNNING"
    world.pass_(1e6)
    assert world.task(arn)["lastStatus"] == "RUNNING"


def test_a_script_sets_the_durations(world: World) -> None:
    """A script sets when a task runs, for how long, and how long it takes to stop."""
    world.sim.script("web", TaskScript(time_to_start=1, run_time=10, time_to_stop=5))
    world.register()
    start = world.clock()
    arn = world.run_one()
    world.pass_(100)
    task = world.task(arn)
    times = {name: task[name] - start for name in ("createdAt", "startedAt", "stoppingAt", "stoppedAt")}
    assert times == {"createdAt": 0, "startedAt": 1, "stoppingAt": 11, "stoppedAt": 16}


def test_an_essential_container_ends_the_task(world: World) -> None:
    """When the first essential container exits, the others are sent SIGTERM and the task stops."""
    world.sim.script("web", TaskScript(run_time=10, exit_codes=1))
    world.register("web", *APP_AND_SIDECAR)
    arn = world.run_one()
    world.pass_(60)
    task = world.task(arn)
    assert (task["stopCode"], task["stoppedReason"]) == (
        "EssentialContainerExited",
        "Essential container in task exited",
    )
    assert exit_codes(task) == {"app": 1, "sidecar": 143}


def test_exit_codes_by_name(world: World) -> None:
    """A script can set the exit code and the reason of each container."""
    script = TaskScript(
        run_time=10, exit_codes={"app": 137, "sidecar": 0}, exit_reasons={"app": "OutOfMemoryError: killed"}
    )
    world.sim.script("web", script)
    world.register("web", *APP_AND_SIDECAR)
    arn = world.run_one()
    world.pass_(60)
    task = world.task(arn)
    assert exit_codes(task) == {"app": 137, "sidecar": 0}
    assert [container.get("reason") for container in task["containers"]] == ["OutOfMemoryError: killed", None]


def test_a_container_that_is_not_essential_ends_alone(world: World) -> None:
    """When only non-essential containers exit, the task runs on."""
    world.sim.script("web", TaskScript(run_time=10, exit_codes={"sidecar": 3}))
    world.register("web", *APP_AND_SIDECAR)
    arn = world.run_one()
    world.pass_(31)
    task = world.task(arn)
    assert (task["lastStatus"], task["desiredStatus"]) == ("RUNNING", "RUNNING")
    assert exit_codes(task) == {"app": None, "sidecar": 3}
    world.do("StopTask", task=arn)
    world.pass_(30)
    assert exit_codes(world.task(arn)) == {"app": 143, "sidecar": 3}


def test_a_spot_interruption(world: World) -> None:
    """With another stop code, the task is stopped from outside: containers are sent SIGTERM."""
    world.sim.script("web", TaskScript(run_time=5, stop_code="SpotInterruption", stopped_reason="Taken back."))
    world.register()
    arn = world.run_one()
    world.pass_(60)
    task = world.task(arn)
    assert (task["stopCode"], task["stoppedReason"]) == ("SpotInterruption", "Taken back.")
    assert exit_codes(task) == {"app": 143}


def test_a_failure_to_start(world: World) -> None:
    """A task that fails to start never runs: no startedAt, no exit codes, a reason."""
    reason = "CannotPullContainerError: manifest unknown"
    world.sim.script("web", TaskScript(start_failure=reason))
    world.register()
    arn = world.run_one()
    assert life(world, arn, 60) == ["PROVISIONING", "PENDING", "ACTIVATING", "DEPROVISIONING", "STOPPED"]
    task = world.task(arn)
    assert (task["stopCode"], task["stoppedReason"]) == ("TaskFailedToStart", reason)
    assert "startedAt" not in task
    assert exit_codes(task) == {"app": None}
    assert task["containers"][0]["reason"] == reason


def test_a_container_that_ignores_sigterm_is_killed(world: World) -> None:
    """With exit code 137 the task waits for the container's stopTimeout before it is killed."""
    world.sim.script("web", TaskScript(time_to_start=0, time_to_stop=0, sigterm_exit_codes=137))
    world.register("web", {"name": "app", "image": "i", "stopTimeout": 60})
    arn = world.run_one()
    world.do("StopTask", task=arn)
    world.pass_(59)
    assert world.task(arn)["lastStatus"] == "STOPPING"
    world.pass_(1)
    assert exit_codes(world.task(arn)) == {"app": 137}


def test_the_star_script_is_for_all_other_families(world: World) -> None:
    """The script of "*" is for families without one of their own."""
    world.sim.script("*", TaskScript(time_to_start=1))
    world.sim.script("slow", TaskScript(time_to_start=100))
    started = {}
    for family in ("slow", "other"):
        world.register(family)
        started[family] = world.run_one(family)
    world.pass_(2)
    assert [world.task(started[family])["lastStatus"] for family in ("slow", "other")] == ["PROVISIONING", "RUNNING"]


def test_health_follows_the_script(world: World) -> None:
    """A container with a health check becomes HEALTHY some seconds after RUNNING, in a new version."""
    world.sim.script("web", TaskScript(time_to_start=1, time_to_healthy=4))
    checked: Wire = {"name": "app", "image": "i", "healthCheck": {"command": ["CMD", "true"]}}
    world.register("web", checked)
    arn = world.run_one()
    world.pass_(2)
    before = world.task(arn)
    world.pass_(4)
    after = world.task(arn)
    assert (before["healthStatus"], after["healthStatus"]) == ("UNKNOWN", "HEALTHY")
    assert after["containers"][0]["healthStatus"] == "HEALTHY"
    assert (before["version"], after["version"]) == (3, 4)


def test_negative_durations_are_refused() -> None:
    """Negative durations are refused."""
    with pytest.raises(ValueError, match="run_time must not be negative: -1"):
        TaskScript(run_time=-1)


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("exit_codes", "1", TypeError),
        ("exit_codes", True, TypeError),
        ("exit_codes", -1, ValueError),
        ("exit_codes", {"app": "1"}, TypeError),
        ("sigterm_exit_codes", None, TypeError),
        ("sigterm_exit_codes", {"app": -9}, ValueError),
        ("time_to_start", "20", TypeError),
        ("time_to_stop", float("nan"), ValueError),
        ("time_to_healthy", -0.1, ValueError),
        ("stop_code", "Bored", ValueError),
        ("health", "FINE", ValueError),
    ],
)
def test_a_script_refuses_wrong_values(field: str, value: Any, error: type[Exception]) -> None:
    """A wrong value is an error when the script is made, and the message names the field."""
    with pytest.raises(error, match=f"^{field}"):
        TaskScript(**{field: value})
