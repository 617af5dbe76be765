"""What came of running tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from ecskit._core.errors import EcsError
from ecskit._tasks.errors import TasksNotStarted
from ecskit.models.common import Failure
from ecskit.models.tasks import Task

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["RunTaskResult"]


@attrs.frozen(kw_only=True)
class RunTaskResult:
    """The tasks that were started, and why others were not."""

    requested: int
    """How many tasks were asked for."""
    tasks: Sequence[Task]
    """The tasks that were started, as ECS showed them then."""
    failures: Sequence[Failure] = ()
    """Why the rest was not started, in ECS's words; it may give one reason for several tasks."""
    errors: Sequence[EcsError] = ()
    """What came in place of an answer, where calls failed; their `client_token` says which."""
    client_tokens: Sequence[str] = ()
    """The idempotency tokens that went out, one for each call that was to start other tasks."""

    @property
    def task_arns(self) -> list[str]:
        """The ARNs of the tasks."""
        return [task.task_arn for task in self.tasks]

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for was started."""
        return len(self.tasks) >= self.requested

    def raise_for_failures(self) -> Self:
        """Return this result if everything that was asked for was started.

        Raises:
            TasksNotStarted: It was not; the error holds this result.
        """
        if not self.complete:
            raise TasksNotStarted(self) from (self.errors[0] if self.errors else None)
        return self
