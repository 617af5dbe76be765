"""The result of running tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from ecskit._core.documented import Documented
from ecskit._core.errors import EcsError
from ecskit._tasks.errors import TasksNotStarted
from ecskit.models.common import Failure
from ecskit.models.tasks import Task

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["RunTaskResult"]


@attrs.frozen(kw_only=True)
class RunTaskResult(Documented):
    """The tasks that were started, and why others were not."""

    requested: int
    """How many tasks were requested."""
    tasks: Sequence[Task]
    """The tasks that were started, as the responses showed them."""
    failures: Sequence[Failure] = ()
    """Why ECS did not start the others. One failure may stand for several tasks."""
    errors: Sequence[EcsError] = ()
    """The errors of calls without a response; `client_token` is the token of the call."""
    client_tokens: Sequence[str] = ()
    """The idempotency tokens of all calls: a repeated call has the token of the first."""

    @property
    def task_arns(self) -> list[str]:
        """The ARNs of the tasks."""
        return [task.task_arn for task in self.tasks]

    @property
    def complete(self) -> bool:
        """Whether all requested tasks were started."""
        return len(self.tasks) >= self.requested

    def raise_for_failures(self) -> Self:
        """Return this result if all requested tasks were started.

        Raises:
            TasksNotStarted: Fewer were started; the error holds this result.
        """
        if not self.complete:
            raise TasksNotStarted(self) from (self.errors[0] if self.errors else None)
        return self
