"""Answers about tasks are encoded once for each state of a task, and what is over is found without a search."""

from __future__ import annotations

import json
import sys
from random import Random
from typing import Any

import pytest

from ecskit._simulator.account import TOKEN_KEPT_FOR, Account
from ecskit._simulator.task_lifecycle import PURGED_AFTER
from ecskit._simulator.validation import check_response
from ecskit.testing import Lag, SimulatedError, Simulator, TaskScript

from .support import World

SCRIPTS = [
    TaskScript.exits(0, after=60),
    TaskScript.exits(1, after=5000),
    TaskScript.fails_to_pull(),
    TaskScript.unhealthy(after=40),
    TaskScript(run_time=30, stop_details_after=20),
    TaskScript(),
]


def describe(world: World, arns: list[str], **members: Any) -> dict[str, Any]:
    """Return the answer to DescribeTasks as it is sent."""
    body = json.dumps({"tasks": arns, **members}).encode()
    answer: dict[str, Any] = json.loads(
        world.sim.respond("AmazonEC2ContainerServiceV20141113.DescribeTasks", body).body
    )
    return answer


def disturb(world: World, random: Random, arns: list[str]) -> None:
    """Do something at random that changes what a read shows."""
    arn = random.choice(arns)
    try:
        match random.choice(["run", "stop", "tag", "untag", "wait", "wait", "wait"]):
            case "run":
                token = {"clientToken": str(random.random())} if random.random() < 0.5 else {}
                arns += [task["taskArn"] for task in world.run(count=random.randint(1, 3), **token)]
            case "stop":
                world.do("StopTask", task=arn)
            case "tag":
                world.do("TagResource", resourceArn=arn, tags=[{"key": str(random.randint(1, 3)), "value": "x"}])
            case "untag":
                world.do("UntagResource", resourceArn=arn, tagKeys=["1"])
            case _:
                world.pass_(random.choice([0.5, 5, 20, 1000]))
    except SimulatedError:
        world.pass_(1)  # the task is no longer shown


@pytest.mark.parametrize("seed", range(8))
def test_repeated_reads_show_what_each_task_is(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answer is that of the state at its moment, with lag, tags and stops. Nothing that is over remains."""
    random = Random(seed)
    world = World(seed=seed, lag=Lag(stale_by=15, visible_after=0.5))
    check = {"command": ["true"]}
    world.register("web", {"name": "app", "image": "app:1", "healthCheck": check}, {"name": "side", "image": "side:1"})
    world.sim.script("web", SCRIPTS * 20)
    moments: list[float] = []
    read_moment = Account.read_moment

    def recorded(account: Account) -> float:
        moments.append(read_moment(account))
        return moments[-1]

    monkeypatch.setattr(Account, "read_moment", recorded)
    account = world.sim._account
    arns = [task["taskArn"] for task in world.run(count=6)]
    seen: set[str] = set()
    for _ in range(150):
        disturb(world, random, arns)
        include = random.choice([[], ["TAGS"]])
        some = arns[-100:]
        shown = describe(world, some, include=include)
        tasks = [account.tasks[arn] for arn in some if arn in account.tasks]
        at = moments[-1]
        expected = [task.show(at, tags=bool(include)) for task in tasks if account.is_visible(task, at)]
        assert shown["tasks"] == expected
        assert len(shown["failures"]) == len(some) - len(expected)
        seen |= {task["lastStatus"] for task in expected}
        for task in tasks:
            assert [step.at for step in task.steps] == sorted(step.at for step in task.steps)
        ends = [task.steps[-1].at for task in account.tasks.values() if task.purged_at is not None]
        assert all(end + PURGED_AFTER > world.clock.time for end in ends)
        for launched in account.launches.values():
            assert any(arn in account.tasks for arn in launched.task_arns)
            assert launched.at + TOKEN_KEPT_FOR > world.clock.time
    assert {"PENDING", "RUNNING", "STOPPED"} < seen
    assert account.purged


def test_a_task_is_encoded_once_for_each_state() -> None:
    """Ten thousand tasks are read again and again while few of them change."""
    world = World()
    world.register()
    arn = world.run_one()
    task = world.sim._account.tasks[arn]
    first = task.encoded(world.clock.time, tags=True)
    world.pass_(1)
    assert task.encoded(world.clock.time, tags=True) is first
    world.pass_(60)
    running = task.encoded(world.clock.time, tags=True)
    assert running is not first
    assert running.value()["lastStatus"] == "RUNNING"
    world.do("TagResource", resourceArn=arn, tags=[{"key": "a", "value": "b"}])
    assert task.encoded(world.clock.time, tags=True).value()["tags"] == [{"key": "a", "value": "b"}]
    assert task.encoded(world.clock.time, tags=False).value()["tags"] == []


def test_answers_can_be_changed_by_their_receiver() -> None:
    """Each has its own objects, in the process too."""
    world = World()
    world.register()
    arn = world.run_one()
    first = world.do("DescribeTasks", tasks=[arn])
    first["tasks"][0]["containers"][0]["name"] = "other"
    first["tasks"].clear()
    assert world.do("DescribeTasks", tasks=[arn])["tasks"][0]["containers"][0]["name"] == "app"
    assert type(world.do("DescribeTasks", tasks=[arn])["tasks"][0]) is dict


def test_an_encoded_task_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against each shape once: what was found for one does not count for another."""
    from ecskit._simulator.errors import SimulatorBug
    from ecskit._simulator.wire import Encoded

    model = Simulator()._model
    task = Encoded({"taskArn": 1})
    for _ in range(2):
        with pytest.raises(SimulatorBug, match=r"tasks\[0\]\.taskArn must be a string, not that number"):
            check_response(model, "DescribeTasks", {"tasks": [task], "failures": []})
    good = Encoded({"taskArn": "x"})
    assert good.text == '{"taskArn":"x"}'
    check_response(model, "DescribeTasks", {"tasks": [good], "failures": []})
    with pytest.raises(SimulatorBug, match=r"services\[0\]\.taskArn is not a member"):
        check_response(model, "DescribeServices", {"services": [good], "failures": []})
    calls: list[object] = []
    monkeypatch.setattr(json, "loads", calls.append)
    check_response(model, "DescribeServices", {"services": [Encoded({})], "failures": []})
    assert calls == []


def test_calls_share_the_texts_of_their_requests() -> None:
    """Thousands of calls name the same tasks."""
    world = World()
    world.register()
    arns = [task["taskArn"] for task in world.run(count=10)]
    for _ in range(2):
        describe(world, arns)
    first, second = (call.request["tasks"] for call in world.sim.calls[-2:])
    assert first is not second
    assert all(one is other for one, other in zip(first, second, strict=True))
    assert sys.intern(first[0]) is first[0]
