"""The error of a definition that names what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._core.errors import EcsError
from ecskit._core.wording import listed

if TYPE_CHECKING:
    from ecskit._verification.checks import Checks

__all__ = ["VerificationFailed"]


class VerificationFailed(EcsError):
    """A definition names resources that do not exist, or do not fit. Nothing was changed.

    Attributes:
        subject: What was verified, such as `service web`.
        checks: All checks. `checks.missing` are those that failed.
    """

    def __init__(self, subject: str, checks: Checks) -> None:
        """Hold what was verified, and all checks."""
        super().__init__(subject, checks)
        self.subject = subject
        self.checks = checks

    def _text(self) -> str:
        missing = self.checks.missing
        return f"{self.subject}: {len(missing)} missing: {listed(missing, most=20, separator='; ')}"
