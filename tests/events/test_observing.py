"""`observing`: waits end on events, on the virtual clock of the simulator, sync and async."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

from ecskit.testing import Simulator, TaskScript

NETWORK: dict[str, Any] = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}


def launched(count: int, *, seed: int = 0) -> tuple[Simulator, list[str]]:
    """Return a simulator with tasks that run for 30 to 600 s, and their ARNs."""
    simulator, random = Simulator(), Random(seed)
    containers = [{"name": "app", "image": "app", "essential": True}]
    definition = {"family": "job", "containerDefinitions": containers, "networkMode": "awsvpc", "cpu": "256"}
    simulator.handle("RegisterTaskDefinition", {**definition, "memory": "512", "requiresCompatibilities": ["FARGATE"]})
    simulator.script("job", [TaskScript.runs_for(random.uniform(30, 600)) for _ in range(count)])
    request = {"taskDefinition": "job", "launchType": "FARGATE", "networkConfiguration": NETWORK}
    arns: list[str] = []
    while len(arns) < count:
        ran = simulator.handle("RunTask", {**request, "count": min(10, count - len(arns))})
        arns += [task["taskArn"] for task in ran["tasks"]]
    return simulator, arns


def polls(simulator: Simulator) -> int:
    return sum(call.operation == "DescribeTasks" for call in simulator.calls)


def test_hundreds_of_waits_end_on_events() -> None:
    simulator, arns = launched(200)
    source, delays = simulator.event_source(late=(0.5, 2.5)), list[float]()

    async def run() -> None:
        async with simulator.async_client() as ecs, ecs.observing(source) as observed:

            async def one(arn: str) -> None:
                [task] = await ecs.wait.tasks_stopped(arn, timeout=1000)
                assert task.stopped_at is not None
                delays.append(simulator.time() - task.stopped_at.timestamp())

            await asyncio.gather(*map(one, arns))
            assert observed.counts.events > 200
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())
    assert len(delays) == 200
    assert max(delays) <= 2.5 + 1
    assert polls(simulator) <= 25
