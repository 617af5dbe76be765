"""How the simulated CloudWatch Logs answers."""

from __future__ import annotations

from collections.abc import Collection

import attrs

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
    missing_groups: Collection[str] = ()
