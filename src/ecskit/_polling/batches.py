"""Poll many targets with few requests.

A `DescribedType` names the Describe operation of a resource type and its limits. Each target gets one observation or
one error.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from itertools import chain
from typing import Any, Generic, TypeAlias, TypeVar

import attrs

from ecskit._core.effects import Flow, Parallel, Read, Reply, Sleep
from ecskit._core.errors import (
    AccessDeniedError,
    ConfigurationError,
    CredentialsError,
    EcsError,
    MalformedResponseError,
    TimedOutError,
)
from ecskit._polling.observations import Observations, ResourceType

__all__ = ["DEADLINE_SLACK", "Batches", "DescribedType", "Target", "Targets", "names_only", "read_together"]

T = TypeVar("T")


PARALLEL_REQUESTS = 4
"""The maximum number of requests of one poll that run at the same time."""
DEADLINE_SLACK = 1.0
"""Seconds after the deadline in which requests of the last poll may still begin."""


@attrs.frozen(cache_hash=True)  # each poll uses it as a key
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


def _no_check(_: Sequence[Any]) -> Flow[None]:
    yield from ()


@attrs.frozen(kw_only=True)
class DescribedType(ResourceType[T]):
    """A resource type that a Describe operation reads."""

    operation: str
    """The operation, by whose quota polls are paced."""
    batch_size: int
    """The maximum number of ids that one request takes."""
    describe: Callable[[str, list[str]], Flow[Sequence[T]]]
    """Returns the flow that reads some ids of one scope; it results in the resources that exist."""
    id_of: Callable[[T], str]
    """Returns the id of a resource."""
    by_events: bool = False
    """Whether events show each change of what the conditions of waits read, so that polls need only reconcile."""
    aliases: Callable[[T], Sequence[str | None]] = _no_aliases
    """Returns the other ids of a resource that callers may use, such as its ARN."""
    check: Callable[[Sequence[T]], Flow[None]] = _no_check
    """Returns a flow to run with what a poll showed of the targets of one wait: further reads, or an error."""

    def read(self, targets: Sequence[Target], by: float = math.inf) -> Flow[Mapping[Target, T | EcsError]]:
        """Read some targets, and return what ECS shows, or the error, of each.

        Reads of several flows share requests where an outer flow runs them together.

        Args:
            targets: The targets.
            by: The monotonic time after which no further request begins, except the first ones.
        """
        read = Read(resource_type=self, targets=targets, by=by)
        found: Mapping[Target, T | EcsError] | None = (yield read).get()
        if found is None:
            [found] = yield from read_together([read])
        for one in found.values():
            if isinstance(one, Exception) and not isinstance(one, EcsError):
                raise one  # a resource that ecskit cannot handle
        return found


@attrs.frozen
class Batches(Generic[T]):
    """The query that polls targets in batches."""

    resource_type: DescribedType[T]
    by_name: Mapping[str, Target]
    _shared: Mapping[str, Target] = attrs.field(
        init=False, default=attrs.Factory(lambda self: _with_names(self.by_name), takes_self=True)
    )
    """The targets with the names of their scopes: the name and the ARN of a cluster are the same scope."""

    @property
    def kind(self) -> object:
        """What the polls of several waits must have in common to share requests."""
        return self.resource_type.describe

    @property
    def operation(self) -> str:
        """The operation that polls use."""
        return self.resource_type.operation

    @property
    def batch_size(self) -> int:
        """The maximum number of targets of one scope in a request."""
        return self.resource_type.batch_size

    @property
    def describes(self) -> object:
        """How resources are read of which events show newer versions."""
        return self.resource_type.describe

    @property
    def by_events(self) -> bool:
        """Whether events show each change that waits wait for."""
        return self.resource_type.by_events

    def concerned(self, names: Sequence[str]) -> Sequence[Target]:
        """Return what events are about that concern the targets with some names: the targets."""
        return self.targets(names)

    def targets(self, names: Sequence[str]) -> Sequence[Target]:
        """Return the targets with some names, whose scopes are those of `_shared`."""
        return [self._shared[name] for name in names]

    def poll(self, names: Sequence[str], by: float = math.inf) -> Flow[Observations[T]]:
        """Poll some targets once. No request begins later than `by`, in monotonic seconds.

        Raises:
            EcsError: A request failed and repeating it cannot help. Temporary errors are in the result.
        """
        found = yield from self.resource_type.read([self.by_name[name] for name in names], by)
        observed: dict[str, T] = {}
        unanswered: dict[str, EcsError] = {}
        for name in names:
            one = found.get(self.by_name[name])
            if isinstance(one, EcsError):
                if not one.retryable:
                    raise one
                unanswered[name] = one
            elif one is not None:
                observed[name] = one
        if observed:
            yield from self.resource_type.check(list(observed.values()))
        return Observations(observed, unanswered)


def _with_names(targets: Mapping[str, Target]) -> Mapping[str, Target]:
    return {name: Target(names_only(target.scope), target.id) for name, target in targets.items()}


@attrs.define(eq=False)
class _Call:
    """A request: the ids that it reads, and by which targets of which reads each is needed."""

    resource_type: DescribedType[Any]
    scope: str
    by: float = -math.inf
    needed: dict[str, list[tuple[int, Target]]] = attrs.field(factory=dict)

    def readers(self) -> list[int]:
        """Return the reads that need an id of this request."""
        return list(dict.fromkeys(index for needs in self.needed.values() for index, _ in needs))

    def part(self, readers: Collection[int]) -> _Call:
        """Return the request for some of the reads."""
        needed = {id_: [each for each in needs if each[0] in readers] for id_, needs in self.needed.items()}
        return attrs.evolve(self, needed={id_: needs for id_, needs in needed.items() if needs})


_Answer: TypeAlias = "list[tuple[int, Target, Any]]"
Paced: TypeAlias = Callable[[Flow[Any], float], Flow[Any]]
"""Returns a flow whose requests are paced, given a flow and the monotonic time after which no request may wait."""


def read_together(reads: Sequence[Read], paced: Paced | None = None) -> Flow[Sequence[Mapping[Target, Any]]]:
    """Perform reads with few requests, and return what ECS shows, or the error, of each target, for each read.

    A refusal is the answer of those reads alone that cause it.

    Args:
        reads: The reads.
        paced: Paces the requests. Default: they begin at once.
    """
    calls = _calls(reads)
    if len(calls) == 1:
        answers = [(yield from _answer(calls[0], paced))]  # one request needs no thread
    else:
        # The first requests begin at once. The others begin later, maybe too late.
        flows = [_answer(call, paced) for call in calls[:PARALLEL_REQUESTS]]
        flows += [_unless_late(call, _answer(call, paced)) for call in calls[PARALLEL_REQUESTS:]]
        replies: Reply[list[Reply[_Answer]]] = yield Parallel(flows, PARALLEL_REQUESTS)
        answers = [reply.get() for reply in replies.get()]
    results: list[dict[Target, Any]] = [{} for _ in reads]
    for index, target, one in chain.from_iterable(answers):
        if one is not None:
            results[index][target] = one
    return results


def _calls(reads: Sequence[Read]) -> list[_Call]:
    calls: list[_Call] = []
    latest: dict[tuple[object, str], _Call] = {}
    held: dict[tuple[object, str, str], _Call] = {}
    for index, read in enumerate(reads):
        resource_type: DescribedType[Any] = read.resource_type
        for target in read.targets:
            key = resource_type.describe, names_only(target.scope)
            call = held.get((*key, target.id))
            if call is None:
                call = latest.get(key)
                if call is None or len(call.needed) >= resource_type.batch_size:
                    call = latest[key] = _Call(resource_type, target.scope)
                    calls.append(call)
                held[(*key, target.id)] = call
            call.needed.setdefault(target.id, []).append((index, target))
            call.by = max(call.by, read.by)
    return calls


def _answer(call: _Call, paced: Paced | None) -> Flow[_Answer]:
    resource_type = call.resource_type
    describe = resource_type.describe(call.scope, list(call.needed))
    try:
        shown = yield from paced(describe, call.by) if paced else describe
        found = {id_: one for one in shown for id_ in (resource_type.id_of(one), *resource_type.aliases(one))}
    except Exception as error:  # noqa: BLE001  # whatever it is, only the reads that cause it get it
        readers = call.readers()
        if len(readers) > 1 and not _concerns_all(error, call):
            half = len(readers) // 2
            first = yield from _answer(call.part(readers[:half]), paced)
            return [*first, *(yield from _answer(call.part(readers[half:]), paced))]
        return _failed(call, error)
    return [
        # An ARN in the old format has another cluster part than the one that ECS shows.
        (index, target, found[id_] if id_ in found else found.get(id_.rsplit("/", 1)[-1]))
        for id_, needs in call.needed.items()
        for index, target in needs
    ]


def _failed(call: _Call, error: Exception) -> _Answer:
    # Each read gets an error of its own, because a wait adds its story.
    errors = {index: error if place == 0 else copy(error) for place, index in enumerate(call.readers())}
    return [(index, target, errors[index]) for needs in call.needed.values() for index, target in needs]


def _concerns_all(error: Exception, call: _Call) -> bool:
    """Whether no id is the cause: a temporary failure, no request was sent, or their cluster does not exist."""
    if isinstance(error, MalformedResponseError):
        return not error.problems  # problems are those of single resources
    if isinstance(error, (CredentialsError, ConfigurationError)) or getattr(error, "code", "") in _OF_CALLS:
        return True
    if isinstance(error, AccessDeniedError):  # a policy that names resources refuses with the name of one
        return not any(id_.rsplit("/", 1)[-1] in error.message for id_ in call.needed)
    return isinstance(error, EcsError) and error.retryable


_OF_CALLS = frozenset(
    {
        "ClusterNotFoundException",
        *("ExpiredToken", "ExpiredTokenException", "RequestExpired", "UnrecognizedClientException"),
        *("InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature"),
        *("MissingAuthenticationToken", "OptInRequired"),
    }
)
"""Codes of refusals that no id causes."""


@functools.lru_cache(maxsize=1000)
def names_only(scope: str) -> str:
    """Return a scope with names in place of ARNs: the name and the ARN of a cluster are the same."""
    return " ".join(part.rsplit("/", 1)[-1] for part in scope.split())


def _unless_late(call: _Call, flow: Flow[_Answer]) -> Flow[_Answer]:
    if (yield Sleep(0)).now > call.by + DEADLINE_SLACK:
        flow.close()
        return _failed(call, TimedOutError("poll", "the deadline passed before the request began"))
    return (yield from flow)
