from __future__ import annotations

from ecskit.testing import Lag, TaskScript, TaskState

from .support import ARN, World


def test_states_are_current() -> None:
    """Tasks that reads do not show yet are included, in the order of launches, in their current state."""
    world = World(lag=Lag(visible_after=1000))
    world.sim.script("job", TaskScript(time_to_start=5))
    world.register("job")
    world.register("web")
    arns = [world.run_one("job"), world.run_one("web"), world.run_one("job")]
    world.pass_(10)
    assert arns == [state.arn for state in world.sim.tasks()]
    assert [arns[0], arns[2]] == [state.arn for state in world.sim.tasks("job")]
    assert world.sim.tasks("job")[0] == TaskState(
        arn=arns[0],
        family="job",
        cluster_arn=f"{ARN}cluster/default",
        last_status="RUNNING",
        desired_status="RUNNING",
    )


def test_a_stop_is_shown_at_once(world: World) -> None:
    """`desired_status` is STOPPED while a stopped task still runs."""
    world.register("job")
    arn = world.run_one("job")
    world.pass_(60)
    world.do("StopTask", task=arn)
    (state,) = world.sim.tasks()
    assert ("RUNNING", "STOPPED") == (state.last_status, state.desired_status)


def test_purged_tasks_are_included(world: World) -> None:
    """A purged task is still in the list, in order, and marked as purged."""
    world.sim.script("job", [TaskScript.runs_for(60), TaskScript()])
    world.register("job")
    arns = [world.run_one("job"), world.run_one("job")]
    world.pass_(7200)
    found = [(state.arn, state.last_status, state.purged) for state in world.sim.tasks()]
    assert [(arns[0], "STOPPED", True), (arns[1], "RUNNING", False)] == found
    assert "MISSING" == world.do("DescribeTasks", tasks=arns)["failures"][0]["reason"]


def test_reading_states_is_no_call(world: World) -> None:
    """`tasks()` is no request: it meets no fault and is not recorded."""
    assert [] == world.sim.tasks()
    assert [] == world.sim.calls
