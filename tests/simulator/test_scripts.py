from __future__ import annotations

from typing import Any

import attrs
import pytest

from ecskit.testing import TaskScript

from .support import Wire, World, exit_codes

MACHINES: tuple[Wire, ...] = (
    {"name": "sidecar", "image": "side:1", "essential": False},
    {"name": "app", "image": "app:1", "healthCheck": {"command": ["CMD", "true"]}},
)


def ended(world: World, script: TaskScript, seconds: float = 600) -> Wire:
    """Return a task some seconds after its launch with this script."""
    world.sim.script("job", script)
    world.register("job", *MACHINES)
    arn = world.run_one("job")
    world.pass_(seconds)
    return world.task(arn)


def end_of(task: Wire) -> tuple[Any, ...]:
    """Return the members of a task that describe its end."""
    return (task["stopCode"], task["stoppedReason"], exit_codes(task))


EXITED = ("EssentialContainerExited", "Essential container in task exited")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (TaskScript.runs_for(60), (*EXITED, {"sidecar": 143, "app": 0})),
        (TaskScript.exits(1, after=30), (*EXITED, {"sidecar": 143, "app": 1})),
        (TaskScript.exits(after=30), (*EXITED, {"sidecar": 143, "app": 0})),
        (TaskScript.exits(3, container="app"), (*EXITED, {"sidecar": 143, "app": 3})),
        (TaskScript.out_of_memory(after=30), (*EXITED, {"sidecar": 143, "app": 137})),
        (TaskScript.out_of_memory(container="app"), (*EXITED, {"sidecar": 143, "app": 137})),
        (
            TaskScript.fails_to_pull(),
            ("TaskFailedToStart", "CannotPullContainerError: manifest unknown", {"sidecar": None, "app": None}),
        ),
        (
            TaskScript.fails_to_start("ResourceInitializationError: no secret", after=3),
            ("TaskFailedToStart", "ResourceInitializationError: no secret", {"sidecar": None, "app": None}),
        ),
        (
            TaskScript.spot_interrupted(after=60),
            ("SpotInterruption", "Your Spot Task was interrupted.", {"sidecar": 143, "app": 143}),
        ),
        (
            TaskScript.loses_host(after=60),
            (
                "InfrastructureHealth",
                "Host EC2 (instance i-0123456789abcdef0) terminated.",
                {"sidecar": None, "app": None},
            ),
        ),
    ],
)
def test_an_end_by_name(world: World, script: TaskScript, expected: tuple[Any, ...]) -> None:
    """Each named script ends as its name describes."""
    assert expected == end_of(ended(world, script))


@pytest.mark.parametrize("container", [None, "app"])
def test_out_of_memory_gives_a_reason(world: World, container: str | None) -> None:
    """Only the container that used too much memory has that reason."""
    task = ended(world, TaskScript.out_of_memory(after=30, container=container))
    reasons = {each["name"]: each.get("reason") for each in task["containers"]}
    assert reasons == {"sidecar": None, "app": "OutOfMemoryError: Container killed due to memory usage"}


def test_a_reason_belongs_to_the_scripted_end(world: World) -> None:
    """A container that is stopped before its scripted end does not have the reason of that end."""
    world.sim.script("job", TaskScript.out_of_memory(after=1000))
    world.register("job")
    arn = world.run_one("job")
    world.pass_(60)
    world.do("StopTask", task=arn)
    world.pass_(60)
    (container,) = world.task(arn)["containers"]
    assert (container["exitCode"], container.get("reason")) == (143, None)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (TaskScript.healthy(after=30), ["UNKNOWN", "UNKNOWN", "HEALTHY"]),
        (TaskScript.unhealthy(), ["UNKNOWN", "UNHEALTHY", "UNHEALTHY"]),
        (TaskScript.unhealthy(after=30), ["UNKNOWN", "HEALTHY", "UNHEALTHY"]),
        (TaskScript(health={50: "HEALTHY", 10: "UNHEALTHY"}), ["UNKNOWN", "UNHEALTHY", "HEALTHY"]),
    ],
)
def test_health_over_time(world: World, script: TaskScript, expected: list[str]) -> None:
    """Health is UNKNOWN until the first report, then the latest report."""
    world.sim.script("job", attrs.evolve(script, time_to_start=0))
    world.register("job", *MACHINES)
    arn = world.run_one("job")
    seen = []
    for seconds in (2, 10, 60):
        world.pass_(seconds)
        seen.append(world.task(arn)["healthStatus"])
    assert expected == seen


def test_scripts_one_after_the_other(world: World) -> None:
    """The first task of a family has the first script, the second task the second; the last is for all others."""
    world.sim.script("job", [TaskScript.exits(1), TaskScript.exits(2), TaskScript.exits(0)])
    world.register("job")
    arns = [task["taskArn"] for task in (*world.run("job", count=2), *world.run("job", count=2))]
    world.pass_(600)
    assert [1, 2, 0, 0] == [exit_codes(world.task(arn))["app"] for arn in arns]


def test_each_family_starts_with_the_first_of_the_star_scripts(world: World) -> None:
    """The sequence of "*" is counted for each family."""
    world.sim.script("*", [TaskScript.exits(1), TaskScript.exits(0)])
    codes = {}
    for family in ("a", "b"):
        world.register(family)
        arns = [world.run_one(family), world.run_one(family)]
        world.pass_(600)
        codes[family] = [exit_codes(world.task(arn))["app"] for arn in arns]
    assert codes == {"a": [1, 0], "b": [1, 0]}


def test_an_empty_sequence_of_scripts_is_refused(world: World) -> None:
    """An empty sequence is refused."""
    with pytest.raises(ValueError, match="empty sequence"):
        world.sim.script("job", [])


@pytest.mark.parametrize("family", ["exits", "stopped", "broken"])
def test_details_can_come_after_stopped(world: World, family: str) -> None:
    """STOPPED is shown first; stop code, time, reason and exit codes are shown some seconds later, all at once."""
    scripts = {"exits": TaskScript.exits(1), "stopped": TaskScript(), "broken": TaskScript.fails_to_pull()}
    script = attrs.evolve(scripts[family], time_to_start=0, time_to_stop=4, stop_details_after=10)
    world.sim.script(family, script)
    world.register(family)
    arn = world.run_one(family)
    if family == "stopped":
        world.do("StopTask", task=arn)
    world.pass_(5)
    early = world.task(arn)
    world.pass_(10)
    late = world.task(arn)
    details = {"stopCode", "stoppedReason", "stoppedAt"}
    assert early["lastStatus"] == late["lastStatus"] == "STOPPED"
    assert (set(), details) == (details & set(early), details & set(late))
    assert {"app": None} == exit_codes(early)
    assert {"exits": 1, "stopped": 143, "broken": None}[family] == exit_codes(late)["app"]
    assert late["version"] == early["version"] + 1


def test_late_details_do_not_change_when_a_task_stopped(world: World) -> None:
    """`stoppedAt` is the time of the stop, not the time at which it is shown."""
    task = ended(world, attrs.evolve(TaskScript.runs_for(30), time_to_start=1, time_to_stop=4, stop_details_after=10))
    assert 35 == task["stoppedAt"] - task["createdAt"]


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("stop_details_after", -1, ValueError),
        ("health", {5: "FINE"}, ValueError),
        ("health", {-5: "HEALTHY"}, ValueError),
        ("health", {"5": "HEALTHY"}, TypeError),
    ],
)
def test_a_script_refuses_wrong_values(field: str, value: Any, error: type[Exception]) -> None:
    """A wrong value is an error when the script is made, and the message names the field."""
    with pytest.raises(error, match=field):
        TaskScript(**{field: value})
