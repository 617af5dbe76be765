"""Tasks of services that end without a failure of their deployment, tasks that crash, and stuck services."""

from __future__ import annotations

from itertools import pairwise

import attrs
import pytest

from ecskit.testing import TaskScript

from .service_support import BREAKER, Shop, messages, summary
from .support import Wire, World

ENDS = {
    "SpotInterruption": TaskScript.spot_interrupted(after=120),
    "TerminationNotice": TaskScript(run_time=120, stop_code="TerminationNotice"),
    "InfrastructureHealth": TaskScript.loses_host(after=120),
}


def stopped(shop: Shop) -> list[Wire]:
    """Return the stopped tasks of the service as DescribeTasks shows them."""
    arns = shop.do("ListTasks", serviceName="web", desiredStatus="STOPPED")["taskArns"]
    return [shop.task(arn) for arn in arns]


@pytest.mark.parametrize("code", ENDS)
def test_a_stop_from_outside_is_no_failure(code: str) -> None:
    """The task is replaced within seconds, and neither `failedTasks` nor the circuit breaker counts it."""
    shop = Shop()
    shop.sim.script("web", [ENDS[code], TaskScript()])
    shop.ready(deploymentConfiguration={"deploymentCircuitBreaker": BREAKER})
    shop.pass_(120)
    assert [code] == [task["stopCode"] for task in stopped(shop)]
    [deployment] = shop.service()["deployments"]
    assert ("COMPLETED", 0, 2) == (deployment["rolloutState"], deployment["failedTasks"], deployment["runningCount"])
    assert (0, "SUCCESSFUL") == (shop.rollout()["deploymentCircuitBreaker"]["failureCount"], shop.last.status)


@pytest.mark.parametrize("code", ENDS)
def test_a_stop_from_outside_during_a_deployment_is_no_failure(code: str) -> None:
    """A deployment continues however often its tasks are stopped from outside."""
    shop = Shop()
    shop.ready(deploymentConfiguration={"deploymentCircuitBreaker": BREAKER})
    taken = attrs.evolve(ENDS[code], run_time=0)
    shop.sim.script("next", [*[taken] * 12, TaskScript()])
    shop.update(taskDefinition="next")
    assert ["PENDING", "IN_PROGRESS", "SUCCESSFUL"] == shop.statuses(400)
    assert 12 == len([task for task in stopped(shop) if task["stopCode"] == code])


@pytest.mark.parametrize("seconds", [1, 40])
def test_a_task_that_a_user_stops_is_no_failure(seconds: int) -> None:
    """Running or still starting, it is replaced and not counted."""
    shop = Shop()
    shop.ready(deploymentConfiguration={"deploymentCircuitBreaker": BREAKER})
    shop.sim.script("next", TaskScript(time_to_start=20, health="UNKNOWN"))
    shop.register("next", {"name": "app", "image": "i", "healthCheck": {"command": ["CMD", "true"]}})
    shop.update(taskDefinition="next")
    for _ in range(6):
        shop.pass_(seconds + 2)
        for task in shop.sim.tasks("next"):
            if task.desired_status == "RUNNING":
                shop.do("StopTask", task=task.arn)
        shop.pass_(2)
    assert 6 <= len([task for task in stopped(shop) if task["stopCode"] == "UserInitiated"])
    assert 0 == shop.service()["deployments"][0]["failedTasks"]
    assert "IN_PROGRESS" == shop.last.status


def test_a_crash_loop_may_be_deployed() -> None:
    """Tasks that exit after RUNNING are replaced and not counted; the deployment has been SUCCESSFUL meanwhile."""
    shop = Shop()
    shop.ready(deploymentConfiguration={"deploymentCircuitBreaker": BREAKER})
    shop.sim.script("next", TaskScript.exits(1, after=5))
    shop.update(taskDefinition="next")
    assert ["PENDING", "IN_PROGRESS", "SUCCESSFUL"] == shop.statuses(120)
    shop.pass_(480)
    assert [("PRIMARY", "COMPLETED")] == [each[:2] for each in summary(shop.service())]
    assert 0 == shop.service()["deployments"][0]["failedTasks"]
    assert 20 <= len([task for task in stopped(shop) if task["containers"][0].get("exitCode") == 1])


# Moving to another Availability Zone.


def test_a_task_moves_to_another_zone() -> None:
    """The replacement is healthy before the task is stopped; the events have the documented texts."""
    shop = Shop()
    shop.ready(desiredCount=3)
    before = len(messages(shop.service()))
    old = shop.sim.rebalance("web")
    zone = shop.task(old)["availabilityZone"]
    fewest: list[int] = []
    for _ in range(60):
        fewest.append(shop.state.running_count)
        shop.pass_(1)
    assert 3 == min(fewest)
    [task] = stopped(shop)
    assert (old, "ServiceSchedulerInitiated") == (task["taskArn"], task["stopCode"])
    [_, _, _, new] = shop.sim.tasks("web")
    there = shop.task(new.arn)["availabilityZone"]
    assert zone != there
    first, started, gone, last, steady = messages(shop.service())[before:]
    assert first.startswith("is not AZ balanced with ")
    assert first.endswith(". AZ Rebalancing in progress.")
    assert f"has started 1 tasks in {there} to AZ Rebalance: (task {new.arn[-32:]})." == started
    assert f"has stopped 1 running tasks in {zone} due to AZ rebalancing: (task {old[-32:]})." == gone
    assert last.startswith("is AZ balanced with ")
    assert f" tasks in {there}" in last
    assert "has reached a steady state." == steady
    assert [("PRIMARY", "COMPLETED", 3, 0)] == summary(shop.service())
    assert 0 == shop.service()["deployments"][0]["failedTasks"]


def test_the_task_is_from_the_fullest_zone() -> None:
    """The numbers of the events are those of the tasks before and after; each move makes the zones more even."""
    shop = Shop()
    shop.ready(desiredCount=9)

    def spread() -> list[int]:
        running = [shop.task(task.arn) for task in shop.sim.tasks("web") if task.last_status == "RUNNING"]
        zones = [task["availabilityZone"] for task in running]
        return sorted(zones.count(f"us-east-1{letter}") for letter in "abc")

    for _ in range(6):
        shop.sim.rebalance("web")
        shop.pass_(60)
    assert 1 >= max(spread()) - 3
    last = [message for message in messages(shop.service()) if message.startswith("is AZ balanced")][-1]
    assert spread() == sorted(int(part.split()[0]) for part in last.removeprefix("is AZ balanced with ").split(", "))


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"availabilityZoneRebalancing": "DISABLED"}, "DISABLED"),
        ({"deploymentConfiguration": {"maximumPercent": 100, "minimumHealthyPercent": 0}}, "maximumPercent is 100"),
        ({"desiredCount": 0}, "no task"),
    ],
)
def test_what_is_not_rebalanced(members: Wire, why: str) -> None:
    """The simulator refuses to rebalance services that ECS does not rebalance."""
    shop = Shop()
    shop.ready(**members)
    with pytest.raises(ValueError, match=why):
        shop.sim.rebalance("web")


def test_no_rebalancing_of_what_is_deployed_or_is_not_there() -> None:
    """Rebalancing during a deployment or of an unknown service is an error."""
    shop = Shop()
    with pytest.raises(ValueError, match="there is no ACTIVE service 'web'"):
        shop.sim.rebalance("web")
    shop.create()
    with pytest.raises(ValueError, match="a deployment is in progress"):
        shop.sim.rebalance("web")


# Services that are stuck.


def times_of(world: World, name: str, text: str, hours: float) -> list[float]:
    """Let time pass, and return when an event was shown, in seconds from the first."""
    world.pass_(hours * 3600)
    [service] = world.do("DescribeServices", services=[name])["services"]
    times = sorted(event["createdAt"] for event in service["events"] if text in event["message"])
    return [round(at - times[0]) for at in times]


def test_a_service_without_room_reports_it_again_and_again() -> None:
    """The same event comes after about 1, 2, 4 minutes and so on, in the end every six hours."""
    world = World()
    world.register_for_instances("job", memory=1024)
    world.add_instance(memory=512)
    world.do("CreateService", serviceName="jobs", taskDefinition="job", desiredCount=1)
    times = times_of(world, "jobs", "was unable to place a task", 48)
    gaps = [after - before for before, after in pairwise(times)]
    expected = [*(60 * 2**step for step in range(9)), *[21600] * 6]
    assert [pytest.approx(gap, abs=15) for gap in expected] == gaps[: len(expected)]


def test_room_ends_the_complaint() -> None:
    """If a service is stuck again after it was not, it shows the event at once."""
    world = World()
    world.register_for_instances("job", memory=1024)
    world.do("CreateService", serviceName="jobs", taskDefinition="job", desiredCount=1)
    world.pass_(1000)
    world.add_instance(memory=1024)
    world.pass_(60)
    world.do("UpdateService", service="jobs", desiredCount=2)
    [service] = world.do("DescribeServices", services=["jobs"])["services"]
    assert "was unable to place a task" in messages(service)[-1]


def test_percentages_that_allow_nothing_are_reported() -> None:
    """If no task may be added or removed, a deployment does not proceed, and an event shows the reason."""
    shop = Shop()
    shop.ready(desiredCount=1, deploymentConfiguration={"minimumHealthyPercent": 50, "maximumPercent": 150})
    shop.update(taskDefinition="next")
    assert ["PENDING", "IN_PROGRESS"] == shop.statuses(600)
    stuck = [each for each in messages(shop.service()) if "was unable to stop or start tasks" in each]
    assert 4 == len(stuck)
    assert [("PRIMARY", "IN_PROGRESS", 0, 0), ("ACTIVE", "COMPLETED", 1, 0)] == summary(shop.service())
    shop.update(deploymentConfiguration={"maximumPercent": 200})
    assert "SUCCESSFUL" == shop.statuses(60)[-1]
