"""An Airflow operator that runs an ECS task to completion, and stops it when its Airflow task is killed.

EcsTask(task_id="report", task_definition="report", cluster="prod", subnets=["subnet-0a1b2c3d"],
command=["report", "{{ ds }}"], retries=2)
"""

from __future__ import annotations

from threading import Event, Thread
from typing import Any

from airflow.sdk import BaseOperator, Context

import ecskit
from ecskit.models import AwsVpcConfiguration


class EcsTask(BaseOperator):
    """Run an ECS task on Fargate. A task that fails raises TaskFailedError, which names its log stream.

    Args:
        task_definition: Family, family:revision or ARN.
        cluster: Name or ARN of the cluster.
        subnets: The subnets of the task.
        command: The command of its only essential container. A template.
        timeout: Seconds until it is stopped.
        kwargs: The arguments of every operator.
    """

    template_fields = ("command",)

    def __init__(
        self,
        *,
        task_definition: str,
        cluster: str,
        subnets: list[str],
        command: list[str],
        timeout: float = 3600,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.task_definition = task_definition
        self.cluster = cluster
        self.subnets = subnets
        self.command = command
        self.timeout = timeout
        self.killed: Event | None = None  # Airflow copies operators, and events cannot be copied

    def execute(self, context: Context) -> int | None:  # noqa: ARG002  # its name is Airflow's
        """Run the task and return its exit code."""
        self.killed = Event()
        with ecskit.Client() as ecs:
            return self.run_task(ecs)

    def run_task(self, ecs: ecskit.Client) -> int | None:
        """Run the task in a client."""
        return ecs.tasks.run_to_completion(
            self.task_definition,
            cluster=self.cluster,
            launch_type="FARGATE",
            network=AwsVpcConfiguration(subnets=self.subnets),
            command=self.command,
            timeout=self.timeout,
            on_timeout="stop",
            on_cancel="stop",
            cancel=self.killed,
        ).exit_code

    def on_kill(self) -> None:
        """Stop the task. Airflow calls this in a signal handler, where setting the event could block."""
        if self.killed is not None:
            Thread(target=self.killed.set).start()
