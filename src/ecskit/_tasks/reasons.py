"""Classify the reasons that ECS gives: whether the same request or task may succeed later.

ECS gives many reasons as free text. The patterns come from its documentation and from reports of users. A reason that
matches no pattern counts as permanent.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html
"""

from __future__ import annotations

import re

from ecskit._core.errors import EcsError, InvalidRequestError
from ecskit.models.common import Failure

__all__ = ["is_lack_of_room", "is_passing", "is_unknown_task"]

_CAPACITY = re.compile(
    r"^RESOURCE\b|^AGENT$|capacity is unavailable|insufficient capacity|try again later", re.IGNORECASE
)
_UNKNOWN_TASK = re.compile(r"task was not found", re.IGNORECASE)
_PERMANENT = re.compile(
    r"manifest unknown|not found|does not exist|no such|denied|unauthori[sz]ed|forbidden|invalid|no basic auth",
    re.IGNORECASE,
)
_TEMPORARY = re.compile(
    r"time(d)?[ -]?out|deadline exceeded|capacity|RESOURCE:|rate exceeded|throttl|too ?many ?requests|connection reset"
    r"|temporar|service unavailable|internal ?error|try again|insufficient",
    re.IGNORECASE,
)


def is_lack_of_room(reason: Failure | EcsError) -> bool:
    """Return whether RunTask failed for lack of capacity, so that it may succeed later."""
    if isinstance(reason, Failure):
        return any(_CAPACITY.search(text) for text in (reason.reason, reason.detail) if text)
    return isinstance(reason, InvalidRequestError) and bool(_CAPACITY.search(reason.message))


def is_unknown_task(error: EcsError) -> bool:
    """Return whether StopTask did not find the task: it never existed, is no longer shown, or is not visible yet."""
    return isinstance(error, InvalidRequestError) and bool(_UNKNOWN_TASK.search(error.message))


def is_passing(reason: str) -> bool:
    """Return whether the cause that stopped a task may be gone when the task is run again."""
    return bool(_TEMPORARY.search(reason)) and not _PERMANENT.search(reason)
