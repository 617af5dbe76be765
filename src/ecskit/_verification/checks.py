"""The checks of a verification, as values. They hold no secret: only names of resources."""

from __future__ import annotations

from typing import Literal

import attrs

from ecskit._core.documented import Documented
from ecskit._core.wording import escaped

__all__ = ["Check", "CheckStatus", "Checks"]

CheckStatus = Literal["holds", "missing", "not made"]


@attrs.frozen
class Check(Documented):
    """One check of a definition: whether a resource that it names exists, and fits."""

    path: str
    """The place in the definition as in its JSON file, such as `containerDefinitions[0].image`."""
    what: str
    """What was checked, such as `the log group /ecs/web`."""
    status: CheckStatus
    """`holds`; `missing`: it does not exist, or does not fit; or `not made`, which is no failure."""
    reason: str = ""
    """What is missing and what to do, or why the check was not made."""

    def __str__(self) -> str:
        reason = self.reason and (" " if self.status == "missing" else ": ") + self.reason
        return escaped(f"{self.path}: {self.what}{reason}")


class Checks(tuple[Check, ...]):
    """All checks of a definition. `str` has a line for each, with its status."""

    __slots__ = ()

    @property
    def missing(self) -> tuple[Check, ...]:
        """The checks that found something missing."""
        return tuple(check for check in self if check.status == "missing")

    @property
    def not_made(self) -> tuple[Check, ...]:
        """The checks that were not made."""
        return tuple(check for check in self if check.status == "not made")

    def __str__(self) -> str:
        return "\n".join(f"{check.status:<8}  {check}" for check in self) or "nothing to check"
