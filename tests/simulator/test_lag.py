from __future__ import annotations

import random

import pytest

from ecskit.testing import Lag, TaskScript

from .support import RANKS, World


def test_a_new_task_is_invisible_for_a_while() -> None:
    """Until `visible_after`, a new task is MISSING for DescribeTasks and absent from ListTasks."""
    world = World(lag=Lag(visible_after=3))
    world.register()
    arn = world.run_one()
    world.pass_(2.9)
    assert world.do("DescribeTasks", tasks=[arn])["failures"] == [{"arn": arn, "reason": "MISSING"}]
    assert world.do("ListTasks")["taskArns"] == []
    world.pass_(0.1)
    assert world.task(arn)["taskArn"] == arn
    assert world.do("ListTasks")["taskArns"] == [arn]


def test_stop_finds_a_task_that_reads_do_not_show() -> None:
    """Writes have no lag: StopTask finds the task at once."""
    world = World(lag=Lag(visible_after=3))
    world.register()
    assert world.do("StopTask", task=world.run_one())["task"]["desiredStatus"] == "STOPPED"


def test_stale_reads_step_back() -> None:
    """With `stale_by`, some reads are older than the one before: versions decrease, and a shown task can be MISSING."""
    world = World(lag=Lag(stale_by=5))
    world.sim.script("web", TaskScript(time_to_start=4))
    world.register()
    arn = world.run_one()
    world.pass_(1)
    versions = []
    for _ in range(40):
        found = world.do("DescribeTasks", tasks=[arn])["tasks"]
        versions.append(found[0]["version"] if found else 0)
        world.pass_(0.2)
    assert sorted(versions) != versions
    assert 0 in versions
    world.pass_(10)
    assert world.task(arn)["lastStatus"] == "RUNNING"


def test_a_stale_read_shows_the_past_as_it_was() -> None:
    """A read of a moment before StopTask does not show the stop."""
    world = World(lag=Lag(stale_by=5, stale_share=1))
    world.register()
    arn = world.run_one()
    world.pass_(60)
    world.do("StopTask", task=arn)
    world.pass_(0.001)
    task = world.task(arn)
    assert (task["desiredStatus"], "stopCode" in task, RANKS.index(task["lastStatus"])) == ("RUNNING", False, 3)


def test_a_task_can_vanish_again() -> None:
    """At the edge of its visibility a task is MISSING, shown, and MISSING again."""
    world = World(lag=Lag(visible_after=3, stale_by=4))
    world.register()
    arn = world.run_one()
    seen = ""
    for _ in range(70):
        world.pass_(0.1)
        seen += "-+"[bool(world.do("DescribeTasks", tasks=[arn])["tasks"])]
    assert "-+-" in seen
    world.pass_(1)
    assert {arn} == {world.task(arn)["taskArn"] for _ in range(50)}


def test_a_stop_is_seen_late() -> None:
    """The answer of StopTask is current; stale reads of DescribeTasks and ListTasks show the task as RUNNING."""
    world = World(lag=Lag(stale_by=5))
    world.register()
    arn = world.run_one()
    world.pass_(60)
    assert "STOPPED" == world.do("StopTask", task=arn)["task"]["desiredStatus"]
    seen, listed = set(), set()
    for _ in range(60):
        world.pass_(0.05)
        seen.add(world.task(arn)["desiredStatus"])
        listed.add(len(world.do("ListTasks")["taskArns"]))
    assert ({"RUNNING", "STOPPED"}, {0, 1}) == (seen, listed)
    world.pass_(5)
    assert ({"STOPPED"}, {0}) == (
        {world.task(arn)["desiredStatus"] for _ in range(30)},
        {len(world.do("ListTasks")["taskArns"]) for _ in range(30)},
    )


def test_a_replay_of_a_stop_changes_nothing() -> None:
    """A second StopTask while stale reads show RUNNING succeeds, and the first reason stays."""
    world = World(lag=Lag(stale_by=5, stale_share=1))
    world.register()
    arn = world.run_one()
    world.pass_(60)
    world.do("StopTask", task=arn, reason="first")
    assert "first" == world.do("StopTask", task=arn, reason="second")["task"]["stoppedReason"]


def test_without_lag_reads_are_current() -> None:
    """The default is no lag at all."""
    assert Lag().read_moment(10, random.Random(0)) == 10


@pytest.mark.parametrize("numbers", [{"visible_after": -1}, {"stale_by": -0.1}, {"stale_share": 1.1}])
def test_bounds(numbers: dict[str, float]) -> None:
    """Seconds are not negative, and a share is from 0 to 1."""
    with pytest.raises(ValueError, match=next(iter(numbers))):
        Lag(**numbers)
