"""Poll many targets with few requests.

A `DescribedType` names the Describe operation of a resource type and its limits. Each target gets one observation or
one error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs

from ecskit._core.effects import Flow, Parallel, Reply, Sleep
from ecskit._core.errors import EcsError, TimedOutError
from ecskit._polling.observations import Observations, ResourceType

__all__ = ["Batches", "DescribedType", "Target", "Targets", "names_only"]

T = TypeVar("T")


PARALLEL_REQUESTS = 4
"""The maximum number of requests of one poll that run at the same time."""
DEADLINE_SLACK = 1.0
"""Seconds after the deadline in which requests of the last poll may still begin."""


@attrs.frozen
class Target:
    """One resource to wait for."""

    scope: str
    """Where the resource is, such as its cluster; empty if the resource type has no scope."""
    id: str


@attrs.frozen(kw_only=True)
class Targets(Generic[T]):
    """The resources to wait for."""

    by_name: Mapping[str, Target]
    """The targets, by the name, id or ARN that the caller gave."""
    observed: Mapping[str, T] = attrs.field(factory=dict)
    """Observations made before the wait, by the same names: the models that the caller gave."""
    arguments: Mapping[str, Any] = attrs.field(factory=dict)
    """Other arguments of the wait, such as the cluster. Handles hold them."""


def _no_aliases(_: Any) -> Sequence[str | None]:
    return ()


@attrs.frozen(kw_only=True)
class DescribedType(ResourceType[T]):
    """A resource type that a Describe operation reads."""

    batch_size: int
    """The maximum number of ids that one request takes."""
    describe: Callable[[str, list[str]], Flow[Sequence[T]]]
    """Returns the flow that reads some ids of one scope; it results in the resources that exist."""
    id_of: Callable[[T], str]
    """Returns the id of a resource."""
    aliases: Callable[[T], Sequence[str | None]] = _no_aliases
    """Returns the other ids of a resource that callers may use, such as its ARN."""


@attrs.frozen
class Batches(Generic[T]):
    """The query that polls targets in batches."""

    resource_type: DescribedType[T]
    by_name: Mapping[str, Target]

    def poll(self, names: Sequence[str], by: float = float("inf")) -> Flow[Observations[T]]:
        """Poll some targets once. No request begins later than `by`, in monotonic seconds.

        Raises:
            EcsError: A request failed and repeating it cannot help. Temporary errors are in the result.
        """
        batches = list(self._batches(names))
        flows = [_or_error(self.resource_type.describe(scope, list(batch))) for scope, batch in batches]
        # The first requests begin at once. The others begin later, maybe too late.
        flows[PARALLEL_REQUESTS:] = [_unless_late(flow, by) for flow in flows[PARALLEL_REQUESTS:]]
        answers: list[Sequence[T] | EcsError]
        if len(flows) == 1:
            answers = [(yield from flows[0])]  # one request needs no thread
        else:
            replies: Reply[list[Reply[Sequence[T] | EcsError]]] = yield Parallel(flows, PARALLEL_REQUESTS)
            answers = [reply.get() for reply in replies.get()]
        observed: dict[str, T] = {}
        unanswered: dict[str, EcsError] = {}
        for (_, batch), answer in zip(batches, answers, strict=True):
            if not isinstance(answer, EcsError):
                found = {
                    id_: one
                    for one in answer
                    for id_ in (self.resource_type.id_of(one), *self.resource_type.aliases(one))
                }
                observed |= {name: found[id_] for id_, same in batch.items() if id_ in found for name in same}
            elif answer.retryable:
                unanswered |= {name: answer for same in batch.values() for name in same}
            else:
                raise answer
        return Observations(observed, unanswered)

    def _batches(self, names: Sequence[str]) -> Iterator[tuple[str, dict[str, list[str]]]]:
        """Yield the scope of each request, and the names of the targets by the ids that it reads."""
        scopes: dict[str, tuple[str, dict[str, list[str]]]] = {}
        for name in names:
            target = self.by_name[name]
            # The name and the ARN of a cluster are the same scope.
            _, ids = scopes.setdefault(names_only(target.scope), (target.scope, {}))
            ids.setdefault(target.id, []).append(name)
        for scope, ids in scopes.values():
            pairs = list(ids.items())
            for start in range(0, len(pairs), self.resource_type.batch_size):
                yield scope, dict(pairs[start : start + self.resource_type.batch_size])


def names_only(scope: str) -> str:
    """Return a scope with names in place of ARNs: the name and the ARN of a cluster are the same."""
    return " ".join(part.rsplit("/", 1)[-1] for part in scope.split())


def _unless_late(flow: Flow[T | EcsError], by: float) -> Flow[T | EcsError]:
    if (yield Sleep(0)).now > by + DEADLINE_SLACK:
        return TimedOutError("poll", "the deadline passed before the request began")
    return (yield from flow)


def _or_error(flow: Flow[T]) -> Flow[T | EcsError]:
    try:
        return (yield from flow)
    except EcsError as error:
        return error
