"""How waits look: as many things as a call takes at once, each place separately, and no error lost.

A `ResourceType` says which operation looks, how many things it takes at once, and how to read what it answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs

from ecskit._core.effects import Flow, Parallel, Reply, Sleep
from ecskit._core.errors import EcsError, TimedOutError
from ecskit._polling.observations import Observations, ResourceState

__all__ = ["Batches", "ResourceType", "Target", "Targets"]

T = TypeVar("T")


AT_A_TIME = 4
"""How many calls of a look are under way at the same time."""
SLACK = 1.0
"""Seconds after time is up until which calls of the last look may begin: where ECS is quick, all of them do."""


@attrs.frozen
class Target:
    """Where to look for something."""

    scope: str
    """What it is looked for in, a cluster for example; empty where there is nothing of the kind."""
    id: str


@attrs.frozen(kw_only=True)
class Targets(Generic[T]):
    """What a wait was asked for, by the name (id or ARN) under which it was."""

    by_name: Mapping[str, Target]
    seen: Mapping[str, T] = attrs.field(factory=dict)
    """What the caller has seen of it already."""
    arguments: Mapping[str, Any] = attrs.field(factory=dict)
    """What else the caller said and somebody who goes on with the wait has to say again: the cluster, for example."""


def _no_order(_: Any) -> tuple[int | None, int]:
    return None, 0


def _anything(_: str) -> bool:
    return True


def _nothing(_: ResourceState[Any], __: Any) -> None:
    return None


def _no_aliases(_: Any) -> Sequence[str | None]:
    return ()


@attrs.frozen(kw_only=True)
class ResourceType(Generic[T]):
    """One kind of things: how to look at them, and how to read what is seen."""

    noun: str
    """What one of them is called in messages."""
    at_once: int
    """How many one call takes."""
    describe: Callable[[str, list[str]], Flow[Sequence[T]]]
    """A flow that looks at some ids of one scope and returns what there is."""
    id_of: Callable[[T], str]
    """Which of the ids an observation is about."""
    aliases: Callable[[T], Sequence[str | None]] = _no_aliases
    """By which other ids it may have been asked for: a name and an ARN, for example."""
    state: Callable[[T], str]
    """The state of an observation, in a word for the story."""
    knows: Callable[[str], bool] = _anything
    """Whether a state is known; about others there is a warning, once in a wait."""
    rank: Callable[[T], tuple[int | None, int]] = _no_order
    """Version and rank of an observation; the later of two observations is the one that counts where there are none."""
    final: int = 1
    """The rank from which on a state is final."""
    remember: Callable[[ResourceState[T], T], Any] = _nothing
    """Makes `ResourceState.memory` of the previous state, its `memory` included, and of an observation. Conditions read
    it if the last observation alone is not enough."""


@attrs.frozen
class Batches(Generic[T]):
    """Looks at things in as few calls as possible."""

    resource_type: ResourceType[T]
    by_name: Mapping[str, Target]
    """Where to look for each thing, by the name under which it was asked for."""

    def poll(self, names: Sequence[str], by: float = float("inf")) -> Flow[Observations[T]]:
        """Look once at what was asked for by these names, with calls that begin at the latest at `by`."""
        batches = list(self._batches(names))
        flows = [_answer(self.resource_type.describe(scope, list(batch))) for scope, batch in batches]
        # The first ones begin at once; the others, after them, may be too late.
        flows[AT_A_TIME:] = [_in_time(flow, by) for flow in flows[AT_A_TIME:]]
        answers: list[Sequence[T] | EcsError]
        if len(flows) == 1:
            answers = [(yield from flows[0])]  # no thread for one
        else:
            replies: Reply[list[Reply[Sequence[T] | EcsError]]] = yield Parallel(flows, AT_A_TIME)
            answers = [reply.get() for reply in replies.get()]
        seen: dict[str, T] = {}
        unanswered: dict[str, EcsError] = {}
        for (_, batch), answer in zip(batches, answers, strict=True):
            if not isinstance(answer, EcsError):
                found = {
                    id_: one
                    for one in answer
                    for id_ in (self.resource_type.id_of(one), *self.resource_type.aliases(one))
                }
                seen |= {name: found[id_] for id_, targets in batch.items() if id_ in found for name in targets}
            elif answer.retryable:
                unanswered |= {name: answer for targets in batch.values() for name in targets}
            else:
                raise answer
        return Observations(seen, unanswered)

    def _batches(self, names: Sequence[str]) -> Iterator[tuple[str, dict[str, list[str]]]]:
        """Yield a scope and, by the id of each thing in it, the names under which it was asked for."""
        scopes: dict[str, tuple[str, dict[str, list[str]]]] = {}
        for name in names:
            target = self.by_name[name]
            # A name and an ARN stand for the same.
            _, things = scopes.setdefault(_short(target.scope), (target.scope, {}))
            things.setdefault(target.id, []).append(name)
        for scope, things in scopes.values():
            pairs = list(things.items())
            for start in range(0, len(pairs), self.resource_type.at_once):
                yield scope, dict(pairs[start : start + self.resource_type.at_once])


def _short(scope: str) -> str:
    return " ".join(part.rsplit("/", 1)[-1] for part in scope.split())


def _in_time(flow: Flow[T | EcsError], by: float) -> Flow[T | EcsError]:
    if (yield Sleep(0)).now > by + SLACK:
        return TimedOutError("looking", "time was up before the call was made")
    return (yield from flow)


def _answer(flow: Flow[T]) -> Flow[T | EcsError]:
    try:
        return (yield from flow)
    except EcsError as error:
        return error
