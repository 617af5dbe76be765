"""An AWS Lambda function that runs an ECS task, and continues to wait for it in its next invocation.

An invocation takes at most 15 minutes. If the task takes longer, the function returns the handle of the wait. A state
machine of Step Functions passes it back, until `done` is true:

    {"StartAt": "Report", "States": {
      "Report": {"Type": "Task", "Resource": "FUNCTION ARN", "Next": "Done?"},
      "Done?": {"Type": "Choice", "Choices": [{"Variable": "$.done", "BooleanEquals": true, "Next": "End"}],
                "Default": "Report"},
      "End": {"Type": "Succeed"}}}

The client token is the id of the event, so an invocation that Lambda repeats starts no second task.
"""

from __future__ import annotations

from functools import cache
from typing import Protocol, TypedDict

import ecskit
from ecskit.errors import WaitTimeout
from ecskit.models import AwsVpcConfiguration, Task
from ecskit.tasks import TaskOutcome
from ecskit.waits import WaitHandle

MARGIN = 30
"""Seconds that an invocation keeps for its last requests."""


class Event(TypedDict, total=False):
    """What starts the function: an event of EventBridge, or what the previous invocation returned."""

    id: str
    handle: str


class Result(TypedDict, total=False):
    """What it returns."""

    done: bool
    exit_code: int | None
    handle: str


class Context(Protocol):
    """The part of Lambda's context object that is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the invocation."""
        ...


@cache
def client() -> ecskit.Client:
    """Return the client, which all invocations of an instance of the function share."""
    return ecskit.Client()


def handler(event: Event, context: Context) -> Result:
    """Start a task, or continue to wait for it."""
    return run(client(), event, context.get_remaining_time_in_millis() / 1000 - MARGIN)


def run(ecs: ecskit.Client, event: Event, seconds: float) -> Result:
    """Wait for at most `seconds`."""
    task: Task
    try:
        if "handle" in event:
            [task] = ecs.wait.resume(WaitHandle.from_json(event["handle"]), timeout=seconds)
        else:
            started = ecs.tasks.run(
                "report",
                cluster="prod",
                launch_type="FARGATE",
                network=AwsVpcConfiguration(subnets=["subnet-0a1b2c3d"]),
                client_token=event.get("id"),
            )
            [task] = ecs.wait.tasks_stopped(started, timeout=seconds)
    except WaitTimeout as error:
        return {"done": False, "handle": error.story.handle.to_json()}
    outcome = TaskOutcome.of(task).raise_for_outcome()
    return {"done": True, "exit_code": outcome.exit_code}
