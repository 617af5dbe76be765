"""The waits for tasks that have started, and for tasks whose health checks pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ecskit.errors import AccessDeniedException, TaskStoppedEarly
from ecskit.models import ContainerDefinition, HealthCheck, Task
from ecskit.testing import Fault, Simulator, TaskScript

from .support import arn, run_both, task, tasks_started, timeline

DEFINITION = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1"


def ended(**members: Any) -> Sequence[dict[str, Any]]:
    """Return a response with a task that has stopped."""
    return [task("STOPPED", stoppedAt=2.0, **members)]


STARTED = [
    ("it runs", timeline("V P R"), "RUNNING", 3),
    ("it was not visible at first", timeline("- - R"), "RUNNING", 3),
    ("it ran and is over", [ended(startedAt=1.0, stopCode="UserInitiated")], "STOPPED", 1),
    ("it is on its way down, and started", [[task("DEACTIVATING", startedAt=1.0)]], "DEACTIVATING", 1),
    ("it is stopping; unknown whether it ran", [[task("DEPROVISIONING")], ended(startedAt=1.0)], "STOPPED", 2),
    ("a container has exited", [[task("STOPPING", containers=[{"name": "app", "exitCode": 1}])]], "STOPPING", 1),
    ("its essential container exited, so it ran", [ended(stopCode="EssentialContainerExited")], "STOPPED", 1),
    ("it failed to start", [*timeline("P P"), ended(stopCode="TaskFailedToStart")], "TaskStoppedEarly", 3),
    ("it was stopped before it started", [ended(stopCode="UserInitiated")], "TaskStoppedEarly", 1),
    ("one runs, the other is over", timeline("R/P S/R"), "STOPPED/RUNNING", 2),
    ("never visible", timeline("-"), "TaskNotVisible", 0),
]


@pytest.mark.parametrize(("answers", "verdict", "calls"), [row[1:] for row in STARTED], ids=[row[0] for row in STARTED])
def test_started(answers: Sequence[Any], verdict: str, calls: int) -> None:
    """A task that was RUNNING has started; a stopped task only if a member proves it."""
    ids = [arn(id_) for id_ in "ab"[: verdict.count("/") + 1]]
    run = run_both(answers, lambda: tasks_started(ids))
    assert run.verdict == verdict, str(run.error)
    assert len(run.calls) == calls or not calls
    if run.verdict == "TaskStoppedEarly":
        assert "is STOPPED" in str(run.error)


def world(health: Any, *, checked: Sequence[str] = ("app",), after: float = 5.0) -> Simulator:
    """Return a simulator with a family `web` of two containers, of which some have a health check."""
    simulator = Simulator()
    check = HealthCheck(command=["CMD", "true"])
    with simulator.client() as ecs:
        ecs.register_task_definition(
            family="web",
            cpu="256",
            memory="512",
            network_mode="awsvpc",
            requires_compatibilities=["FARGATE"],
            container_definitions=[
                ContainerDefinition(name=name, image="image", health_check=check if name in checked else None)
                for name in ("app", "proxy")
            ],
        )
    simulator.script("web", TaskScript(time_to_start=20, health=health, time_to_healthy=after))
    return simulator


def network() -> Mapping[str, Any]:
    from ecskit.models import AwsVpcConfiguration

    return {"launch_type": "FARGATE", "network": AwsVpcConfiguration(subnets=["subnet-0a1b2c3d"])}


@pytest.mark.parametrize(
    ("checked", "after", "ends"),
    [(["app"], 40.0, 60.0), (["app", "proxy"], 40.0, 60.0), (["proxy"], 40.0, 60.0), ([], 40.0, 20.0)],
)
async def test_healthy_waits_for_those_that_have_a_health_check(checked: list[str], after: float, ends: float) -> None:
    """Tasks run after 20 s, and their checks report 40 s later, if there are any. The definition is read once."""
    sync = world("HEALTHY", checked=checked, after=after)
    with sync.client() as ecs:
        result = ecs.tasks.run("web", count=2, **network())
        began = sync.clock.now()
        tasks = ecs.wait.tasks_healthy(result, timeout=300)
    aio = world("HEALTHY", checked=checked, after=after)
    async with aio.async_client() as client:
        result = await client.tasks.run("web", count=2, **network())
        awaited = await client.wait.tasks_healthy(result, timeout=300)
    assert [task.last_status for task in tasks] == [task.last_status for task in awaited] == ["RUNNING", "RUNNING"]
    assert ends <= sync.clock.now() - began < ends + 17
    assert [(call.operation, call.time) for call in sync.calls] == [(call.operation, call.time) for call in aio.calls]
    assert [call.operation for call in sync.calls].count("DescribeTaskDefinition") == 1


def test_an_unhealthy_container_continues_the_wait() -> None:
    """An unhealthy container continues the wait; the timeout names it."""
    simulator = world({5: "UNHEALTHY", 60: "HEALTHY"})
    with simulator.client() as ecs:
        result = ecs.tasks.run("web", **network())
        with pytest.raises(Exception, match="is RUNNING, but container app is UNHEALTHY"):
            ecs.wait.tasks_healthy(result, timeout=40)
        [task] = ecs.wait.tasks_healthy(result, timeout=300)
    assert isinstance(task, Task)
    assert task.health_status == "HEALTHY"


def test_a_task_that_stops_is_not_healthy() -> None:
    """A task that stops fails the wait, whatever its health was."""
    simulator = world("HEALTHY", after=30.0)
    simulator.script("web", TaskScript(run_time=10, health="HEALTHY", time_to_healthy=30))
    with simulator.client() as ecs, pytest.raises(TaskStoppedEarly):
        ecs.wait.tasks_healthy(ecs.tasks.run("web", **network()))


def test_a_denied_task_definition_ends_the_wait() -> None:
    """If reading the definition is denied, that error ends the wait."""
    simulator = world("HEALTHY")
    simulator.fail("DescribeTaskDefinition", Fault.access_denied(), times=None)
    with simulator.client() as ecs:
        result = ecs.tasks.run("web", **network())
        with pytest.raises(AccessDeniedException) as caught:
            ecs.wait.tasks_healthy(result)
    assert caught.value.story is not None
    assert caught.value.story.handle.ids == result.task_arns
