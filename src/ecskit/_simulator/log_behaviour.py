"""How the simulated CloudWatch Logs answers, and what it records of tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from ecskit._simulator.records.resources import Task
    from ecskit._simulator.wire import Wire

MOST_EVENTS = 10_000
"""The most events of a page."""
_PAGE = [attrs.validators.ge(1), attrs.validators.le(MOST_EVENTS)]


@attrs.frozen(kw_only=True)
class LogBehaviour:
    """How CloudWatch Logs answers.

    Args:
        page_size: The most events of a page. Default 10,000, as in CloudWatch Logs.
        empty_pages: Whether an empty page comes before each page of a query, as it may. Default False.
        token_lifetime: Seconds in which a token of a page is valid. Default 24 hours.
        missing_groups: The names of log groups that do not exist. Default: those of task definitions exist.
    """

    page_size: int = attrs.field(default=MOST_EVENTS, validator=_PAGE)
    empty_pages: bool = False
    token_lifetime: float = 24 * 3600.0
    missing_groups: Sequence[str] = ()


@attrs.define(eq=False)
class LoggedTask:
    """A task that writes lines. CloudWatch Logs keeps them longer than ECS keeps tasks and task definitions.

    Args:
        task: The task.
        definition: The body of its task definition.
        lines: What was made of its steps so far.
        lines_of: These steps.
    """

    task: Task
    definition: Wire
    lines: Sequence[Any] = ()
    lines_of: object = None
