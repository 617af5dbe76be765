from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest

from ecskit._simulator.records.services import FINISHED
from ecskit.testing import DeploymentScript, SimulatedError, TaskScript

from .service_support import Shop

CHECK = {"command": ["CMD", "true"]}
ARROWS = {
    "PENDING": {"IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "SUCCESSFUL"},
    "IN_PROGRESS": {"SUCCESSFUL", "STOP_REQUESTED", "ROLLBACK_REQUESTED"},
    "STOP_REQUESTED": {"STOPPED"},
    "ROLLBACK_REQUESTED": {"ROLLBACK_IN_PROGRESS", "ROLLBACK_FAILED"},
    "ROLLBACK_IN_PROGRESS": {"ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"},
}


class Story:
    """Changes a service at random, and checks it every second."""

    def __init__(self, seed: int, configuration: dict[str, Any]) -> None:
        self.random = random.Random(seed)
        self.shop = Shop(seed=seed)
        self.shop.register("checked", {"name": "app", "image": "i", "healthCheck": CHECK})
        self.configuration = configuration
        self.shop.create(desiredCount=self.random.randint(0, 5), deploymentConfiguration=configuration)
        self.statuses: dict[str, str] = {}

    def act(self) -> None:
        """Do one random change."""
        shop, choice = self.shop, self.random.choice
        with contextlib.suppress(SimulatedError):
            action = self.random.random()
            if action < 0.4:
                shop.update(
                    taskDefinition=choice(["web", "next", "bad", "checked"]), forceNewDeployment=choice([True, False])
                )
            elif action < 0.6:
                shop.update(desiredCount=self.random.randint(0, 6))
            elif action < 0.7:
                stop_type = choice(["ABORT", "ROLLBACK"])
                shop.do("StopServiceDeployment", serviceDeploymentArn=shop.last.arn, stopType=stop_type)
            elif action < 0.8:
                tasks = shop.do("ListTasks", serviceName="web")["taskArns"]
                if tasks:
                    shop.do("StopTask", task=choice(tasks))
            elif action < 0.9:
                shop.sim.fire_alarm("errors")
            else:
                shop.sim.script("next", choice([TaskScript(), TaskScript.fails_to_pull(), TaskScript.runs_for(40)]))

    def watch(self, seconds: int) -> None:
        """Let seconds pass one by one, and check what must hold at each of them."""
        for _ in range(seconds):
            self.shop.pass_(1)
            self.check()

    def check(self) -> None:
        """Check what must hold at any time."""
        shop = self.shop
        service = shop.service()
        deployments = service["deployments"]
        assert [each["status"] for each in deployments] == ["PRIMARY", *["ACTIVE"] * (len(deployments) - 1)]
        tasks = {task["taskArn"]: task for task in self.live_tasks()}
        for each in (*deployments, service):
            own = [task for task in tasks.values() if each is service or task["startedBy"] == each["id"]]
            assert each["runningCount"] == sum(task["lastStatus"] == "RUNNING" for task in own)
            assert each["pendingCount"] == sum(
                task["desiredStatus"] == "RUNNING" and task["lastStatus"] != "RUNNING" for task in own
            )
        assert {task["startedBy"] for task in tasks.values()} <= {each["id"] for each in deployments}
        rollouts = shop.sim.deployments("web")
        for rollout in rollouts:
            before = self.statuses.get(rollout.arn, "PENDING")
            assert rollout.status == before or rollout.status in reachable(before)
            assert (rollout.finished_at is not None) == (rollout.status in FINISHED)
            self.statuses[rollout.arn] = rollout.status
        assert all(rollout.status in (*FINISHED, "STOP_REQUESTED") for rollout in rollouts[:-1])

    def live_tasks(self) -> list[dict[str, Any]]:
        """Return the tasks of the service that are not stopped."""
        arns = [task.arn for task in self.shop.sim.tasks() if task.last_status != "STOPPED"]
        return [
            task
            for start in range(0, len(arns), 100)
            for task in self.shop.do("DescribeTasks", tasks=arns[start : start + 100])["tasks"]
        ]


def reachable(status: str) -> set[str]:
    """Return the statuses that are reachable from a status."""
    found: set[str] = set()
    todo = [status]
    while todo:
        for each in ARROWS.get(todo.pop(), set()) - found:
            found.add(each)
            todo.append(each)
    return found


def configuration(rng: random.Random, strategy: str) -> dict[str, Any]:
    """Return a deployment configuration."""
    return {
        "strategy": strategy,
        "minimumHealthyPercent": rng.choice([0, 50, 100]),
        "maximumPercent": rng.choice([125, 150, 200]),
        "deploymentCircuitBreaker": {"enable": rng.random() < 0.7, "rollback": rng.random() < 0.7},
        "alarms": {"alarmNames": ["errors"], "enable": rng.random() < 0.5, "rollback": rng.random() < 0.5},
        "bakeTimeInMinutes": 1,
    }


@pytest.mark.parametrize("seed", range(24))
def test_counts_and_statuses_always_fit(seed: int) -> None:
    """There is always one PRIMARY, counts equal the tasks, statuses follow the allowed order, and deployments end."""
    rng = random.Random(seed)
    strategy = rng.choice(["ROLLING", "ROLLING", "BLUE_GREEN", "CANARY"])
    story = Story(seed, configuration(rng, strategy))
    story.shop.sim.script_deployment("*", DeploymentScript(pending_seconds=rng.choice([0, 2, 10])))
    for _ in range(15):
        story.act()
        story.check()
        story.watch(rng.choice([0, 1, 5, 30]))
    story.shop.sim.script("bad", TaskScript())
    story.shop.sim.script("next", TaskScript())
    story.shop.update(forceNewDeployment=True, desiredCount=4)
    story.watch(200)
    story.shop.pass_(2400)
    story.check()
    state = story.shop.state
    assert (state.steady, state.running_count, state.rollout_state) == (True, 4, "COMPLETED")


@pytest.mark.parametrize("seed", range(12))
def test_rolling_deployments_keep_their_bounds(seed: int) -> None:
    """While healthy revisions replace each other, running tasks stay between minimum and maximum percent."""
    rng = random.Random(seed)
    desired, low, high = rng.randint(1, 8), rng.choice([0, 50, 75, 100]), rng.choice([150, 175, 200])
    shop = Shop(seed=seed)
    percents = {"minimumHealthyPercent": low, "maximumPercent": high}
    shop.ready(desiredCount=desired, deploymentConfiguration=percents)
    for _ in range(6):
        shop.update(forceNewDeployment=True)
        for _ in range(rng.choice([1, 10, 25, 60])):
            shop.pass_(1)
            state = shop.state
            assert state.running_count + state.pending_count <= desired * high // 100
            assert state.running_count >= -(-desired * low // 100)
    if desired * high // 100 > desired or low < 100:
        shop.pass_(600)
        assert shop.last.status == "SUCCESSFUL"


@pytest.mark.parametrize("seed", range(5))
def test_the_same_seed_gives_the_same_history(seed: int) -> None:
    """The result depends on the seed and the moments of the requests alone."""

    def history() -> tuple[Any, Any]:
        story = Story(seed, configuration(random.Random(seed), "ROLLING"))
        for _ in range(10):
            story.act()
            story.shop.pass_(7)
        return story.shop.service(), story.shop.sim.deployments("web")

    assert history() == history()
