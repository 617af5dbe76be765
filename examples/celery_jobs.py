"""A Celery task that runs an ECS task to completion.

    celery --app celery_jobs worker

Celery delivers a message again after its process was lost, and may deliver it twice. The client token is made from the
id of the message and the number of the retry, so ECS starts one task for each attempt.
"""

from __future__ import annotations

from functools import cache

from celery import Celery, Task
from celery.signals import worker_process_shutdown

import ecskit
from ecskit.errors import CapacityError, TaskFailedError, TasksNotStarted
from ecskit.models import AwsVpcConfiguration

app = Celery("jobs", broker="redis://localhost")
app.conf.task_acks_late = True
app.conf.task_reject_on_worker_lost = True
app.conf.worker_prefetch_multiplier = 1
# Redis delivers again what was not acknowledged for so many seconds. ECS forgets a token one hour after its task has
# stopped. If a task runs longer, two processes wait for the same one.
app.conf.broker_transport_options = {"visibility_timeout": 50 * 60}


@cache
def client() -> ecskit.Client:
    """Return the client of this process. It is made at the first use, after Celery has forked."""
    return ecskit.Client()


@worker_process_shutdown.connect
def close(**_: object) -> None:
    """Close the client when the process ends. Its tasks keep running: their messages are delivered again."""
    if client.cache_info().currsize:
        client().close()


@app.task(bind=True, max_retries=3)
def report(self: Task[[str], int], day: str) -> int:
    """Run the report of a day and return its exit code. Run it again after an interruption or a lack of capacity."""
    try:
        outcome = client().tasks.run_to_completion(
            "report",
            cluster="prod",
            launch_type="FARGATE",
            network=AwsVpcConfiguration(subnets=["subnet-0a1b2c3d"]),
            command=["report", day],
            timeout=3600,
            on_timeout="stop",
            client_token=f"{self.request.id}-{self.request.retries}",
        )
    except (TaskFailedError, TasksNotStarted, CapacityError) as error:
        if error.retryable:
            raise self.retry(exc=error, countdown=60) from error
        raise
    assert outcome.exit_code is not None  # it succeeded
    return outcome.exit_code
