"""History, rollback, prune and repeated tasks over sockets, through botocore and aiobotocore, on a virtual clock."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.served_simulator import served_simulator

import ecskit
from ecskit.models import AwsVpcConfiguration
from ecskit.testing import Fault, Simulator, TaskScript

from .support import create, register, update

FARGATE: dict[str, Any] = {"launch_type": "FARGATE", "network": AwsVpcConfiguration(subnets=["subnet-1"])}


def furnish(sim: Simulator) -> None:
    """Deploy web:1, web:3 and next:1; the first task of `job` fails to start, and its next launch gets no response."""
    for number in range(4):
        register(sim, "web", image=f"image:{number}")
    for family in ("next", "job"):
        register(sim, family)
    create(sim, taskDefinition="web:1")
    update(sim, wait=300, taskDefinition="web:3")
    update(sim, wait=300, taskDefinition="next")
    sim.script("job", [TaskScript.fails_to_pull("toomanyrequests: rate limit", after=5), TaskScript.runs_for(10)])
    sim.fail("RunTask", Fault.throttled(), times=2, after=4)


def check(sim: Simulator, lines: list[str], pruned: Any, back: Any, outcome: Any) -> None:
    """Check what the four calls returned."""
    assert [line.split("  ")[1].split()[0] for line in lines] == ["next:1", "web:3", "web:1"]
    assert [arn.rsplit("/", 1)[-1] for arn in pruned.unused] == ["web:1", "web:2"]
    assert back.started.task_definition.endswith("/web:5")  # a copy of web:1, which was pruned
    assert back.started.copy_of.endswith("/web:1")
    assert [each.kind for each in outcome.attempts] == ["FAILED_TO_START", "SUCCEEDED"]
    assert len(sim.tasks("job")) == 2


def test_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `Client`."""
    with served_simulator(monkeypatch) as sim, ecskit.Client(region_name="us-east-1") as ecs:
        furnish(sim)
        revisions = list(ecs.services.history("web"))
        pruned = ecs.task_definitions.prune("web", keep=1, dry_run=False)
        back = ecs.services.rollback("web", to=revisions[-1])
        outcome = ecs.tasks.run_to_completion("job", **FARGATE, retries=1, start_timeout=60)
        check(sim, [str(each) for each in revisions], pruned, back, outcome)


def test_async(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `AsyncClient`."""

    async def run(sim: Simulator) -> None:
        async with ecskit.AsyncClient(region_name="us-east-1") as ecs:
            revisions = [each async for each in ecs.services.history("web")]
            pruned = await ecs.task_definitions.prune("web", keep=1, dry_run=False)
            back = await ecs.services.rollback("web", to=revisions[-1])
            outcome = await ecs.tasks.run_to_completion("job", **FARGATE, retries=1, start_timeout=60)
            check(sim, [str(each) for each in revisions], pruned, back, outcome)

    with served_simulator(monkeypatch) as sim:
        furnish(sim)
        asyncio.run(run(sim))
