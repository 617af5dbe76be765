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
from ecskit._polling.observations import WaitState
from ecskit._tasks.outcome import TaskOutcome
from ecskit.models.task_definitions import DescribeTaskDefinitionRequest, TaskDefinition
from ecskit.models.tasks import Task

__all__ = ["Judge"]

log = logging.getLogger("ecskit")


@attrs.frozen
class Judge:
    """Judges tasks that have stopped."""

    essential: Collection[str] | None
    """Names of the containers whose exit codes count; None for those that the task definition says are essential."""
    until: float
    """The monotonic time from which on nothing is asked twice."""
    definitions: dict[str, TaskDefinition | None] = attrs.field(factory=dict[str, Any])
    """The definitions that were read, by ARN; None of one that cannot be read."""

    @classmethod
    def of(
        cls, essential: Collection[str] | None, given: str | TaskDefinition | None, now: float, timeout: float | None
    ) -> Judge:
        """Return a judge who has `given` in hand, if it is a definition, and as much patience as a wait."""
        known = {given.task_definition_arn: given} if isinstance(given, TaskDefinition) else {}
        return cls(essential, float("inf") if timeout is None else now + timeout, dict[str, Any](known))

    def prepare(self, wait_state: WaitState[Task]) -> Flow[None]:
        """Read what will be needed when tasks have stopped, while there is time: what fails now is read later."""
        if self.essential is not None:
            return
        seen = [known.last.task_definition_arn for known in wait_state.resources.values() if known.last is not None]
        for arn in dict.fromkeys(seen):
            # After the first look, the second, the fourth and so on: what is throttled is left alone.
            if arn is not None and arn not in self.definitions and wait_state.polls & (wait_state.polls - 1) == 0:
                yield from self._read(arn)

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
        attempt = 1
        while arn not in self.definitions:
            error = yield from self._read(arn)
            if error is not None:
                now = yield from back_off(attempt, until=self.until)
                attempt += 1
                if now >= self.until or attempt > ATTEMPTS:
                    self._give_up(arn, error)
        return self.definitions[arn]

    def _read(self, arn: str) -> Flow[EcsError | None]:
        """Read a definition; return the error of one that may be read later."""
        request = DescribeTaskDefinitionRequest(task_definition=arn)
        try:
            answer = yield from call(request, single_attempt=True)
        except EcsError as error:
            if error.retryable:
                return error
            self._give_up(arn, error)
        else:
            self.definitions[arn] = answer.task_definition
        return None

    def _give_up(self, arn: str, error: EcsError) -> None:
        judged = "all containers are" if self.essential is None else "the containers you named are"
        log.warning("%s cannot be read, so that %s judged and logs are not named: %s", arn, judged, error)
        self.definitions[arn] = None
