"""Values about running tasks: what was started, and how it ended. The verbs are in the clients' `tasks` namespace."""

from __future__ import annotations

from ecskit.tasks.outcome import LogStream, OutcomeKind, TaskOutcome
from ecskit.tasks.result import RunTaskResult

__all__ = ["LogStream", "OutcomeKind", "RunTaskResult", "TaskOutcome"]
