"""Determine the outcomes of stopped tasks, with their task definitions, each of which is read once."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

import attrs

from ecskit._core.effects import Flow
from ecskit._core.errors import EcsError, described
from ecskit._core.retrying import Retrying, RetryLimits, is_retryable
from ecskit._polling.observations import WaitState
from ecskit._tasks.outcome import TaskOutcome
from ecskit._waits.revisions import Revisions
from ecskit.models.task_definitions import DescribeTaskDefinitionRequest, TaskDefinition
from ecskit.models.tasks import Task

__all__ = ["OutcomeReader"]

log = logging.getLogger("ecskit")


@attrs.frozen
class OutcomeReader:
    """Determines outcomes, and reads and keeps the task definitions that they need."""

    essential: Collection[str] | None
    """Names of the containers whose exit codes count; None for the essential containers of the task definition."""
    until: float
    """The monotonic time after which no read is repeated."""
    definitions: dict[str, TaskDefinition | None] = attrs.field(factory=dict[str, Any])
    """The definitions read so far, by ARN; None for one that cannot be read."""

    @classmethod
    def of(
        cls, essential: Collection[str] | None, given: str | TaskDefinition | None, now: float, timeout: float | None
    ) -> OutcomeReader:
        """Return a reader with the timeout of a wait. `given` needs no read if it is a task definition."""
        known = {given.task_definition_arn: given} if isinstance(given, TaskDefinition) else {}
        return cls(essential, float("inf") if timeout is None else now + timeout, dict[str, Any](known))

    def prepare(self, wait_state: WaitState[Task]) -> Flow[None]:
        """Read the task definitions that the outcomes will need, while the tasks run. Temporary errors are ignored.

        Reads come after polls 1, 2, 4, 8 and so on, so that throttled reads become rare.
        """
        if self.essential is not None or wait_state.polls & (wait_state.polls - 1) != 0:
            return
        arns = [each.last.task_definition_arn for each in wait_state.resources.values() if each.last is not None]
        for arn in dict.fromkeys(arns):
            if arn is not None and arn not in self.definitions:
                error = yield from self._read(arn, RetryLimits(attempts=1))
                if error is not None and not error.retryable:
                    self._skip(arn, error)

    def outcome(self, task: Task) -> Flow[TaskOutcome]:
        """Return the outcome of a stopped task.

        Raises:
            RequestError: The task has no container of a name in `essential`.
        """
        if self.essential is not None:
            outcome = TaskOutcome.of(task, essential=self.essential)
            if outcome.succeeded:
                return outcome  # the definition would add nothing but log streams
        definition = yield from self._definition(task.task_definition_arn)
        return TaskOutcome.of(task, essential=self.essential, definition=definition)

    def _definition(self, arn: str | None) -> Flow[TaskDefinition | None]:
        if arn is None:
            return None
        if arn not in self.definitions:
            error = yield from self._read(arn, RetryLimits(until=self.until))
            if error is not None:
                self._skip(arn, error)
        return self.definitions[arn]

    def _read(self, arn: str, limits: RetryLimits) -> Flow[EcsError | None]:
        """Read a definition; return the error if that fails."""
        request = Retrying(DescribeTaskDefinitionRequest(task_definition=arn), single_attempt=True)
        try:
            read = Revisions.contents_of(arn, lambda: request.send(limits, may_pass=is_retryable))
            self.definitions[arn] = yield from read
        except EcsError as error:
            return error
        return None

    def _skip(self, arn: str, error: EcsError) -> None:
        counted = "all containers" if self.essential is None else "the containers in `essential`"
        text = "task definition %s cannot be read, so the exit codes of %s count and log streams are not listed: %s"
        log.warning(text, arn, counted, described(error))
        self.definitions[arn] = None
