"""What ECS's reasons mean: whether asking again later is sensible.

ECS tells many reasons only as text. What is matched here was read in its documentation and in reports of its users;
what matches nothing is taken to stay as it is.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html
"""

from __future__ import annotations

import re

from ecskit._core.errors import EcsError, InvalidRequestError
from ecskit.models.common import Failure

__all__ = ["is_lack_of_room", "is_passing", "is_unknown_task"]

_ROOM = re.compile(r"^RESOURCE\b|^AGENT$|capacity is unavailable|insufficient capacity|try again later", re.IGNORECASE)
_UNKNOWN_TASK = re.compile(r"task was not found", re.IGNORECASE)
_STAYS = re.compile(
    r"manifest unknown|not found|does not exist|no such|denied|unauthori[sz]ed|forbidden|invalid|no basic auth",
    re.IGNORECASE,
)
_PASSES = re.compile(
    r"time(d)?[ -]?out|deadline exceeded|capacity|RESOURCE:|rate exceeded|throttl|too ?many ?requests|connection reset"
    r"|temporar|service unavailable|internal ?error|try again|insufficient",
    re.IGNORECASE,
)


def is_lack_of_room(why: Failure | EcsError) -> bool:
    """Whether RunTask did not start a task because there is no room now; with other reasons there never will be."""
    if isinstance(why, Failure):
        return any(_ROOM.search(text) for text in (why.reason, why.detail) if text)
    return isinstance(why, InvalidRequestError) and bool(_ROOM.search(why.message))


def is_unknown_task(error: EcsError) -> bool:
    """Whether StopTask did not find the task: it is forgotten, was never there, or is too new."""
    return isinstance(error, InvalidRequestError) and bool(_UNKNOWN_TASK.search(error.message))


def is_passing(reason: str) -> bool:
    """Whether what stopped a task, or kept it from starting, may be gone when it is run again."""
    return bool(_PASSES.search(reason)) and not _STAYS.search(reason)
