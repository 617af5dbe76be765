"""Describe any number of resources: those of a list of names, or those of the pages that ECS lists."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias, TypeVar

from ecskit._core.effects import Emit, Emits, Flow, Sleep
from ecskit._core.errors import MissingError
from ecskit._core.model import Request
from ecskit._core.pages import follow
from ecskit._core.wording import listed
from ecskit._polling.batches import Batches

__all__ = ["describe_listed", "describe_named"]

T = TypeVar("T")

log = logging.getLogger("ecskit")

_READS = 3
"""How often to describe a resource that a list holds: the describe operation may lag behind the list."""
_PAUSE = 1.0
"""Seconds between these reads."""


MakeError: TypeAlias = Callable[[Sequence[str], Sequence[Any], Sequence[str]], MissingError]
"""Makes the error for resources that ECS does not show: what is missing, what was found, and the clusters."""


def describe_named(batches: Batches[T], missing_error: MakeError, *, allow_missing: bool) -> Flow[list[T]]:
    """Describe all targets of `batches`, and return what ECS shows, in the order of the targets.

    Raises:
        MissingError: ECS does not show some targets, and `allow_missing` is False.
        EcsError: A call failed.
    """
    poll = yield from batches.poll(list(batches.by_name))
    for error in poll.unanswered.values():
        raise error
    missing = [name for name in batches.by_name if name not in poll.observed]
    found = [poll.observed[name] for name in batches.by_name if name in poll.observed]
    if missing and not allow_missing:
        raise missing_error(missing, found, [batches.by_name[name].scope for name in missing])
    return found


def describe_listed(
    lists: Iterable[Request[Any]],
    describe: Callable[[list[str]], Iterable[Flow[Sequence[T]]]],
    arn_of: Callable[[T], str],
    wanted: Callable[[T], bool] = lambda _: True,
) -> Emits[T]:
    """Emit each resource that the lists hold, described, once; leave out what ECS lists but does not describe.

    Args:
        lists: List requests, whose pages hold ARNs.
        describe: Returns the calls that describe some ARNs.
        arn_of: Returns the ARN of a described resource.
        wanted: Whether to emit a described resource.
    """
    described: set[str] = set()

    def emit(items: str, page: Any) -> Emits[T]:
        remaining: list[str] = [arn for arn in dict.fromkeys(getattr(page, items)) if arn not in described]
        for read in range(_READS):
            if not remaining:
                return
            if read:
                yield Sleep(_PAUSE)
            for call in describe(remaining):
                for resource in (yield from call):
                    described.add(arn_of(resource))
                    if wanted(resource):
                        yield Emit(resource)
            remaining = [arn for arn in remaining if arn not in described]
        log.debug("left out, because ECS lists but does not describe them: %s", listed(remaining))

    for request in lists:
        yield from follow(request, functools.partial(emit, request._items))
