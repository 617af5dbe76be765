"""Requests and delays of waits: both peers wait for tasks without faults.

Only the durations of the statuses and the jitter are random. Responses are made here and not by the simulator, which
always divides the start of a task in the same proportions: the results must not depend on these.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import attrs
import botocore.loaders
import botocore.waiter

from benchmarks.waiting import DELAY, sleeping_on
from ecskit._core.effects import RawResponse, Send
from ecskit._drive.sync import Runtime
from ecskit._polling.options import WaitOptions
from ecskit._simulator.virtual_clock import VirtualClock
from ecskit._waits.tasks import RANKS, tasks_running, tasks_stopped
from ecskit.models import Task

ARN = "arn:aws:ecs:eu-west-1:123456789012:task/prod/0123456789abcdef0123456789abcdef"


@attrs.frozen
class Life:
    """The start of each status of a task."""

    launch_type: str
    began: Mapping[str, float]

    def status(self, now: float) -> str:
        """Return the status at this time."""
        return list(self.began)[bisect_right(list(self.began.values()), now) - 1]

    def task(self, now: float) -> dict[str, Any]:
        """Return the task as DescribeTasks shows it at this time, with the members that waits use."""
        status = self.status(now)
        task: dict[str, Any] = {
            "taskArn": ARN,
            "lastStatus": status,
            "desiredStatus": "RUNNING" if RANKS[status] <= RANKS["RUNNING"] else "STOPPED",
            "launchType": self.launch_type,
            "version": RANKS[status] + 1,
        }
        if status == "STOPPED":
            task |= {"stopCode": "EssentialContainerExited", "stoppedAt": self.began[status]}
        return task


@attrs.frozen
class Costs:
    """The cost of a wait."""

    calls: int
    delay: float
    """Seconds from the actual change to the verdict."""


# Lives. Seconds: Fargate starts in 20 to 60 and stops in 8 to 12; instances start in 2 to 10 and stop in 1 to 3. Tasks
# run for 5 s to an hour, as many for 5 to 10 s as for half an hour to an hour.

Starts = Callable[[Random], Mapping[str, float]]
"""The starts of the statuses up to RUNNING."""


def fargate_by_shares(random: Random) -> Mapping[str, float]:
    """A third of the start for the network interface, half for the image."""
    ready = random.uniform(20, 60)
    return {"PROVISIONING": 0, "PENDING": 0.35 * ready, "ACTIVATING": 0.85 * ready, "RUNNING": ready}


def fargate_by_the_image(random: Random) -> Mapping[str, float]:
    """10 to 15 s for the network interface, 1 to 2 s to come up, and the rest for the image."""
    ready = random.uniform(20, 60)
    attached, pulled = random.uniform(10, 15), ready - random.uniform(1, 2)
    return {"PROVISIONING": 0, "PENDING": attached, "ACTIVATING": pulled, "RUNNING": ready}


def instance(random: Random) -> Mapping[str, float]:
    """Mostly the image."""
    ready = random.uniform(2, 10)
    return {"PENDING": 0, "ACTIVATING": 0.85 * ready, "RUNNING": ready}


def instance_in_a_hurry(random: Random) -> Mapping[str, float]:
    """Almost only the image."""
    ready = random.uniform(2, 10)
    return {"PENDING": 0, "ACTIVATING": ready - random.uniform(0.2, 0.6), "RUNNING": ready}


def instance_awsvpc(random: Random) -> Mapping[str, float]:
    """The same with a network interface."""
    ready = random.uniform(2, 10)
    return {"PROVISIONING": 0, "PENDING": 0.35 * ready, "ACTIVATING": 0.85 * ready, "RUNNING": ready}


FARGATE = "FARGATE"
STARTS: Mapping[str, tuple[str, Starts]] = {
    "Fargate": (FARGATE, fargate_by_shares),
    "Fargate, mostly image": (FARGATE, fargate_by_the_image),
    "EC2": ("EC2", instance),
    "EC2, short ACTIVATING": ("EC2", instance_in_a_hurry),
    "EC2, awsvpc": ("EC2", instance_awsvpc),
}


def lives(where: str, count: int) -> list[Life]:
    """Return the lives, from a fixed seed."""
    launch_type, starts = STARTS[where]
    random = Random(where)
    return [Life(launch_type, {**(start := starts(random)), **_rest(launch_type, start, random)}) for _ in range(count)]


def _rest(launch_type: str, start: Mapping[str, float], random: Random) -> Mapping[str, float]:
    end = start["RUNNING"] + math.exp(random.uniform(math.log(5), math.log(3600)))
    if launch_type == FARGATE:
        takes = random.uniform(8, 12)
        shares = {"DEACTIVATING": 0.0, "STOPPING": 0.2, "DEPROVISIONING": 0.6, "STOPPED": 1.0}
    else:
        takes = random.uniform(1, 3)
        shares = {"DEACTIVATING": 0.0, "STOPPING": 0.2, "STOPPED": 1.0}
    return {status: end + share * takes for status, share in shares.items()}


# Waits. Each begins at the launch or at RUNNING, and is given the response of RunTask or of the wait before.


@attrs.define
class _Ecs:
    """Responds to DescribeTasks for one life, and counts the requests."""

    life: Life
    clock: VirtualClock
    calls: int = 0

    def answer(self, **_: object) -> dict[str, Any]:
        self.calls += 1
        return {"tasks": [self.life.task(self.clock.now())], "failures": []}

    def send(self, send: Send, begin: Callable[[], object]) -> RawResponse:
        begin()
        return RawResponse(json.dumps(self.answer(**send.params)).encode(), {})

    def costs(self, goal: str, begins: float) -> Costs:
        return Costs(self.calls, self.clock.now() - max(begins, self.life.began[goal]))


WAITS = {"tasks_running": ("RUNNING", tasks_running), "tasks_stopped": ("STOPPED", tasks_stopped)}
_MODEL = botocore.waiter.WaiterModel(botocore.loaders.Loader().load_service_model("ecs", "waiters-2"))
_NAMES = {"tasks_running": "TasksRunning", "tasks_stopped": "TasksStopped"}


def _cut(life: Life, wait: str) -> Life:
    """Return the part of the life that a wait uses: a task that must run does not stop before a poll shows it."""
    began = {status: at for status, at in life.began.items() if RANKS[status] <= RANKS[WAITS[wait][0]]}
    return attrs.evolve(life, began=began)


def by_botocore(life: Life, wait: str, begins: float) -> Costs:
    """Run botocore's waiter with its default interval of 6 s, but without its limit, which is below one hour."""
    ecs = _Ecs(life, VirtualClock())
    ecs.clock.advance(begins)
    config: Any = _MODEL.get_waiter(_NAMES[wait])
    waiter = botocore.waiter.Waiter(_NAMES[wait], config, ecs.answer)
    with sleeping_on(ecs.clock):
        waiter.wait(WaiterConfig={"Delay": DELAY, "MaxAttempts": 10**6})
    return ecs.costs(WAITS[wait][0], begins)


def by_ecskit(life: Life, wait: str, begins: float, seed: int) -> Costs:
    """Run ecskit's wait with default settings, without a timeout."""
    ecs = _Ecs(life, VirtualClock())
    ecs.clock.advance(begins)
    status, flow = WAITS[wait]
    seen = Task(
        task_arn=ARN,
        last_status=life.status(begins),
        desired_status="RUNNING",
        launch_type=life.launch_type,
        version=life.task(begins)["version"],
    )
    Runtime(ecs, ecs.clock, Random(seed)).run(flow(seen, wait_options=WaitOptions(timeout=None)))
    return ecs.costs(status, begins)


def measure(some: Sequence[Life], wait: str, *, from_running: bool) -> dict[str, list[Costs]]:
    """Return the costs of both peers for each life."""
    costs: dict[str, list[Costs]] = {"botocore": [], "ecskit": []}
    for seed, life in enumerate(_cut(life, wait) for life in some):
        begins = life.began["RUNNING"] if from_running else 0.0
        costs["botocore"].append(by_botocore(life, wait, begins))
        costs["ecskit"].append(by_ecskit(life, wait, begins, seed))
    return costs


def percentile(values: Sequence[float], share: float) -> float:
    """Return a percentile, for a share between 0 and 1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
