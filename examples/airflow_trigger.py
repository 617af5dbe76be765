"""An Airflow operator that frees its worker while its ECS task runs, and the trigger that waits for the task.

DeferredEcsTask(task_id="report", task_definition="report", cluster="prod", subnets=["subnet-0a1b2c3d"],
command=["report", "{{ ds }}"])
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.triggers.base import BaseTrigger, TriggerEvent

import ecskit
from ecskit.errors import TaskFailedError, WaitTimeout
from ecskit.models import AwsVpcConfiguration, Task
from ecskit.tasks import TaskOutcome
from ecskit.waits import WaitHandle

DAY = 24 * 3600


class DeferredEcsTask(BaseOperator):
    """Run an ECS task on Fargate. A task that fails raises TaskFailedError.

    Args:
        task_definition: Family, family:revision or ARN.
        cluster: Name or ARN of the cluster.
        subnets: The subnets of the task.
        command: The command of its only essential container. A template.
        kwargs: The arguments of every operator.
    """

    template_fields = ("command",)

    def __init__(
        self, *, task_definition: str, cluster: str, subnets: list[str], command: list[str], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.task_definition = task_definition
        self.cluster = cluster
        self.subnets = subnets
        self.command = command

    def execute(self, context: Context) -> None:  # noqa: ARG002  # its name is Airflow's
        """Start the task, and defer until it has stopped."""
        with ecskit.Client() as ecs:
            self.start(ecs)

    def start(self, ecs: ecskit.Client) -> None:
        """Start the task with a client, poll it once, and defer with the handle of the wait."""
        result = ecs.tasks.run(
            self.task_definition,
            cluster=self.cluster,
            launch_type="FARGATE",
            network=AwsVpcConfiguration(subnets=self.subnets),
            command=self.command,
        )
        handles: list[WaitHandle] = []
        with suppress(WaitTimeout):
            ecs.wait.tasks_stopped(result, max_polls=1, on_poll=lambda story: handles.append(story.handle))
        self.defer(trigger=EcsTaskTrigger(handles[-1].to_json()), method_name="finish")

    def finish(self, context: Context, event: dict[str, Any]) -> int | None:  # noqa: ARG002
        """Return the exit code."""
        outcome = TaskOutcome.of(Task.from_dict(event))
        if not outcome.succeeded:
            raise TaskFailedError([outcome])
        return outcome.exit_code


class EcsTaskTrigger(BaseTrigger):
    """Waits until an ECS task has stopped.

    Args:
        handle: The handle of the wait, as JSON.
    """

    def __init__(self, handle: str) -> None:
        super().__init__()
        self.handle = handle

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what a triggerer makes the trigger from, also after a restart."""
        return "airflow_trigger.EcsTaskTrigger", {"handle": self.handle}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Resume the wait, and yield the stopped task. What it raises, Airflow logs, and fails its task."""
        async with shared_client() as ecs:
            [task] = await ecs.wait.resume(WaitHandle.from_json(self.handle), timeout=DAY)
        yield TriggerEvent(task.to_dict())


users: list[ecskit.AsyncClient] = []


@asynccontextmanager
async def shared_client() -> AsyncGenerator[ecskit.AsyncClient, None]:
    """Share one client between all triggers of the process, which run in one event loop. The last one closes it."""
    ecs = users[0] if users else ecskit.AsyncClient()
    users.append(ecs)
    try:
        yield ecs
    finally:
        users.pop()
        if not users:
            await ecs.aclose()
