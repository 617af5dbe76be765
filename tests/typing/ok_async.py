"""Async code as users write it, with the types that they can rely on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from typing_extensions import assert_type

import ecskit
from ecskit import models
from ecskit.models import RunTaskRequest, RunTaskResponse, Task
from ecskit.tasks import RunTaskResult, TaskOutcome


async def calls(ecs: ecskit.AsyncClient) -> None:
    assert_type(await ecs.run_task(task_definition="web"), RunTaskResponse)
    assert_type(await ecs.send(RunTaskRequest(task_definition="web")), RunTaskResponse)
    one, two = await asyncio.gather(ecs.describe_tasks(tasks=["a"]), ecs.list_clusters())
    assert_type(one, models.DescribeTasksResponse)
    assert_type(two, models.ListClustersResponse)


async def lists(ecs: ecskit.AsyncClient) -> None:
    async for arn in ecs.paginate.list_tasks(cluster="prod"):
        assert_type(arn, str)
    async for page in ecs.paginate.list_tasks(cluster="prod").pages():
        assert_type(page, models.ListTasksResponse)
    assert_type(aiter(ecs.paginate.list_account_settings()), AsyncGenerator[models.Setting, None])


async def waits(ecs: ecskit.AsyncClient) -> None:
    started = await ecs.run_task(task_definition="web")
    assert_type(await ecs.wait.tasks_running(started, timeout=60), list[Task])


async def life() -> None:
    async with ecskit.AsyncClient(region_name="eu-west-1") as ecs:
        assert_type(ecs, ecskit.AsyncClient)
    explicit = ecskit.AsyncClient(region_name="eu-west-1")
    await explicit.aclose()


async def verbs(ecs: ecskit.AsyncClient) -> None:
    result = await ecs.tasks.run("batch:7", cluster="prod", count=37, capacity_timeout=300)
    assert_type(result, RunTaskResult)
    assert_type(ecs.tasks.as_stopped(result), AsyncGenerator[TaskOutcome, None])
    async for outcome in ecs.tasks.as_stopped(result, allow_partial=True):
        assert_type(outcome, TaskOutcome)
    assert_type(await ecs.tasks.run_to_completion("migrate", on_cancel="stop"), TaskOutcome)
    assert_type(await ecs.tasks.run_to_completion("migrate", count=2), list[TaskOutcome])
    assert_type(ecs.tasks.iter(cluster="prod"), AsyncGenerator[Task, None])
    assert_type(await ecs.tasks.stop(result), list[Task])
