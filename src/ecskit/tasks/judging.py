"""How tasks ended, with what their task definitions say about them: each definition is read once."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

import attrs

from ecskit._core.backing_off import ATTEMPTS, back_off
from ecskit._core.call import call
from ecskit._core.effects import Flow
from ecskit._core.errors import EcsError
from ecskit._generated.operations import OPERATIONS
from ecskit.models.task_definitions import DescribeTaskDefinitionRequest, TaskDefinition
from ecskit.models.tasks import Task
from ecskit.tasks.outcome import TaskOutcome

__all__ = ["Judge"]

log = logging.getLogger("ecskit")


@attrs.frozen
class Judge:
    """Judges tasks that have stopped."""

    essential: Collection[str] | None
    """Names of the containers whose exit codes count; None for those that the task definition says are essential."""
    definitions: dict[str, TaskDefinition | None] = attrs.field(factory=dict[str, Any])
    """The definitions that were read, by ARN; None of one that cannot be read."""

    def outcome(self, task: Task) -> Flow[TaskOutcome]:
        """Return how a task ended.

        Raises:
            RequestError: The task has no container of a name in `essential`.
        """
        if self.essential is not None:
            outcome = TaskOutcome.of(task, essential=self.essential)
            if outcome.succeeded:
                return outcome  # nobody asks for its logs
        definition = yield from self._definition(task.task_definition_arn)
        return TaskOutcome.of(task, essential=self.essential, definition=definition)

    def _definition(self, arn: str | None) -> Flow[TaskDefinition | None]:
        if arn is None:
            return None
        if arn not in self.definitions:
            self.definitions[arn] = yield from self._read(arn)
        return self.definitions[arn]

    def _read(self, arn: str) -> Flow[TaskDefinition | None]:
        request = DescribeTaskDefinitionRequest(task_definition=arn)
        attempt = 1
        while True:
            try:
                return (yield from call(OPERATIONS["DescribeTaskDefinition"], request)).task_definition
            except EcsError as error:
                if not error.retryable or attempt == ATTEMPTS:
                    judged = "all containers are" if self.essential is None else "the containers you named are"
                    log.warning("%s cannot be read, so that %s judged and logs are not named: %s", arn, judged, error)
                    return None
            yield from back_off(attempt)
            attempt += 1
