"""The error of applying a plan that no longer fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ecskit._core.errors import EcsError
from ecskit._core.wording import listed

if TYPE_CHECKING:
    from ecskit._plans.plan import Plan

__all__ = ["PlanOutdated"]


class PlanOutdated(EcsError):
    """A service, or the latest revision of its task definition, has changed since a plan was made. Nothing was changed.

    Attributes:
        plan: The plan that was to be applied.
        now: The plan as it would be made now.
        differences: What is different, a line for each.
    """

    def __init__(self, plan: Plan, now: Plan, differences: Sequence[str]) -> None:
        """Hold both plans, and what is different."""
        super().__init__(plan, now, differences)
        self.plan = plan
        self.now = now
        self.differences = tuple(differences)

    def _text(self) -> str:
        what = listed(self.differences, separator="; ")
        return (
            f"service {self.plan.service} has changed since the plan was made: {what}; nothing was changed. Make a new"
            " plan, or pass `require_unchanged=False`"
        )
