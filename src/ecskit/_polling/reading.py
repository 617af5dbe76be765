"""Describe any number of resources: those of a list of names, or those of the pages that ECS lists."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias, TypeVar

from ecskit._core.bulk_errors import BulkError, MissingError
from ecskit._core.effects import Emit, Emits, Flow, Sleep
from ecskit._core.errors import EcsError
from ecskit._core.model import Request
from ecskit._core.pages import follow
from ecskit._core.turns import await_turn
from ecskit._core.wording import listed
from ecskit._polling.batches import DescribedType, Target, Targets, names_only
from ecskit._polling.bulk import AsyncOnProgress, Call, check_on_progress, gather, parted
from ecskit._polling.side_by_side import PARALLEL_CALLS

__all__ = ["describe_listed", "describe_named"]

T = TypeVar("T")

log = logging.getLogger("ecskit")

_READS = 3
"""How often to describe a resource that a list holds: the describe operation may lag behind the list."""
_PAUSE = 1.0
"""Seconds between these reads."""


MakeError: TypeAlias = Callable[[Sequence[str], Mapping[str, Any], Sequence[str]], MissingError]
"""Makes the error for resources that ECS does not show: what is missing, what was found, and the clusters."""


def describe_named(
    verb: str,
    resource_type: DescribedType[T],
    targets: Targets[T],
    missing_error: MakeError,
    *,
    allow_missing: bool,
    on_progress: AsyncOnProgress | None,
) -> Flow[list[T]]:
    """Describe all targets, and return what ECS shows, in the order of the targets, each once.

    Raises:
        MissingError: ECS does not show some targets, and `allow_missing` is False.
        BulkError: Some calls failed, and others did not.
        EcsError: All calls failed; this is the error of the first.
    """
    check_on_progress(verb, on_progress)
    return _describe(verb, resource_type, targets.by_name, missing_error, on_progress, allow_missing=allow_missing)


def _describe(
    verb: str,
    resource_type: DescribedType[T],
    by_name: Mapping[str, Target],
    missing_error: MakeError,
    on_progress: AsyncOnProgress | None,
    *,
    allow_missing: bool,
) -> Flow[list[T]]:
    calls = [_call(resource_type, some, missing_error) for some in _batches(by_name, resource_type.batch_size)]
    bulk_error = functools.partial(BulkError, operation=resource_type.operation, noun=resource_type.noun)
    ended = yield from gather(verb, calls, bulk_error, on_progress, most=PARALLEL_CALLS)
    errors, results = parted(ended, list(by_name))
    missing = [name for name, error in errors.items() if isinstance(error, MissingError)]
    failed = next((error for error in errors.values() if not isinstance(error, MissingError)), None)
    if failed is not None:
        if not (results or missing):
            raise failed
        if allow_missing:
            errors = {name: error for name, error in errors.items() if name not in missing}
        raise bulk_error(errors, results) from failed
    if missing and not allow_missing:
        raise missing_error(missing, results, [by_name[name].scope for name in missing])
    once: dict[tuple[str, str], T] = {}  # names of several kinds, such as a name and an ARN, may be of one resource
    for name, one in results.items():
        once.setdefault((names_only(by_name[name].scope), resource_type.id_of(one)), one)
    return list(once.values())


def _batches(by_name: Mapping[str, Target], size: int) -> Iterator[dict[str, Target]]:
    """Yield the targets of each request: those of one scope, at most `size`."""
    scopes: dict[str, dict[str, Target]] = {}
    for name, target in by_name.items():
        scopes.setdefault(names_only(target.scope), {})[name] = target
    for targets in scopes.values():
        rest = iter(targets.items())
        while some := dict(islice(rest, size)):
            yield some


def _call(resource_type: DescribedType[T], by_name: Mapping[str, Target], missing_error: MakeError) -> Call[T]:
    def flow() -> Flow[Mapping[str, T | EcsError]]:
        yield from await_turn({resource_type.operation: 1.0})
        found = yield from resource_type.read(list(by_name.values()))
        return {
            name: found[target] if target in found else missing_error([name], {}, [target.scope])
            for name, target in by_name.items()
        }

    return Call(list(by_name), flow())


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
