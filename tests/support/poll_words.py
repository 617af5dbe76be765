"""The language of timelines: what ECS answers to each poll, written in words.

A timeline is a text of words with blanks between them. The first word answers the first poll, the second word the
second poll, and so on; the last word answers all further polls. Each word is either an error (`!500`, see `ERRORS`)
or the state of each target, with `/` between targets, which are called a, b, c ... in this order. `-` is a target
that ECS does not show (MISSING). So `- P/R S/S` is: at first neither target is visible; then a is PENDING and b
RUNNING; then both are STOPPED.

The state of a task is a letter of `TASK_STATES`, and what follows it:

    R     RUNNING, without a version
    R5    RUNNING, version 5
    S~    STOPPED, but the stop code and time are not there yet (`S5~` has a version, too)
    S0    in the timelines of `tasks/timelines.py` alone: STOPPED, and the container has exited with code 0

So `- - - P R S` is the whole life of a task that becomes visible at the fourth poll, and `R !500 S` is one that a
server error hides for one poll.

The state of any other target is its parts with `+` between them: `ACTIVE+running=2`, or `A+2=I+1=C` for a service.
The parts are explained with the functions that read them, in `waits/other_support.py` and `waits/service_support.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ecskit import errors
from ecskit._core.errors import EcsError

TASK_STATES = {
    "V": "PROVISIONING",
    "P": "PENDING",
    "A": "ACTIVATING",
    "R": "RUNNING",
    "D": "DEACTIVATING",
    "G": "STOPPING",
    "E": "DEPROVISIONING",
    "S": "STOPPED",
    "X": "DELETED",
    "H": "HIBERNATING",  # which this version does not know
}

Item = TypeVar("Item")


def _service_error(kind: type[Any], code: str) -> Callable[[str], EcsError]:
    return lambda operation: kind({"Error": {"Code": code, "Message": "slow down"}}, operation)


ERRORS: dict[str, Callable[[str], EcsError]] = {
    "throttle": _service_error(errors.ThrottledError, "ThrottlingException"),
    "500": _service_error(errors.ServerException, "ServerException"),
    "reset": lambda operation: errors.ConnectionFailedError(operation, "reset"),
    "timeout": lambda operation: errors.TimedOutError(operation, "read timeout"),
    "garbled": lambda operation: errors.MalformedResponseError(operation, "not JSON"),
    "denied": _service_error(errors.AccessDeniedException, "AccessDeniedException"),
    "expired": _service_error(errors.AccessDeniedException, "ExpiredTokenException"),
    "conflict": _service_error(errors.ConflictException, "ConflictException"),
    "cluster": _service_error(errors.ClusterNotFoundException, "ClusterNotFoundException"),
    "credentials": lambda operation: errors.CredentialsError(operation, "no credentials"),
}
"""The error that each word behind `!` stands for, by the operation that meets it."""


def error_of(word: str, operation: str) -> EcsError | None:
    """Return the error that a word stands for; None if it stands for states."""
    return ERRORS[word[1:]](operation) if word.startswith("!") else None


def states_of(word: str) -> dict[str, str]:
    """Return the state of each target that a word shows, by the letter of the target."""
    return {name: state for name, state in zip("abcdefgh", word.split("/"), strict=False) if state != "-"}


def at(items: Sequence[Item], poll: int) -> Item:
    """Return what answers a poll, counted from 0: the last item answers all further polls."""
    return items[min(poll, len(items) - 1)]
