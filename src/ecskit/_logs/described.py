"""What ECS shows of the tasks whose lines are read, and of their task definitions."""

from __future__ import annotations

from collections.abc import Mapping

from ecskit._core.effects import Flow, Share, Sleep
from ecskit._core.errors import EcsError
from ecskit._core.retrying import Retrying, back_off
from ecskit._polling.batches import Batches, Targets
from ecskit._polling.budget import PollBudget
from ecskit._waits.revisions import Revisions
from ecskit._waits.tasks import TASKS
from ecskit.models.task_definitions import DescribeTaskDefinitionRequest, TaskDefinition
from ecskit.models.tasks import Task

__all__ = ["definition_of", "poll_tasks"]

_ATTEMPTS = 6


def poll_tasks(targets: Targets[Task]) -> Flow[Mapping[str, Task]]:
    """Return the tasks that ECS shows, within the budget of polls. Errors that may pass are repeated."""
    if not targets.by_name:
        return {}
    batches = Batches(TASKS, targets.by_name)
    attempt = 1
    while True:
        budget: PollBudget = (yield Share(PollBudget)).get()
        yield Sleep(budget.take(TASKS.operation, (yield Sleep(0)).now))
        polled = yield from batches.poll(list(targets.by_name))
        errors: list[EcsError] = list(polled.unanswered.values())
        if not errors:
            return polled.observed
        if attempt >= _ATTEMPTS:
            raise errors[0]
        yield from back_off(attempt)
        attempt += 1


def definition_of(arn: str) -> Flow[TaskDefinition]:
    """Return the task definition with an ARN. Each client reads it once."""
    request = Retrying(DescribeTaskDefinitionRequest(task_definition=arn))
    return Revisions.contents_of(arn, request.send)
