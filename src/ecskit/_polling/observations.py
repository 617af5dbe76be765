"""The observed state of each target of a wait, and how observations change it.

Observations can be late, out of order, partial or missing. They are merged into one `ResourceState` for each target.
The resource type, an `Observable`, defines the order of two observations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import attrs

from ecskit._core.errors import EcsError

__all__ = ["MISSING", "Observable", "Observations", "ResourceState", "WaitState"]

T = TypeVar("T")

MISSING = "MISSING"
"""What a story calls the state of something that a look should have shown and did not."""
ERRORS_KEPT = 100
"""How many errors a book holds at the most: a wait without an end must not grow without one."""


class Observable(Protocol):
    """The kind of thing that is waited for, as far as merging observations goes."""

    @property
    def noun(self) -> str:
        """What one of them is called in messages."""
        ...

    @property
    def final(self) -> int:
        """The rank from which on a state is final: only later ones may come, whatever the version says."""
        ...

    @property
    def rank(self) -> Callable[[Any], tuple[int | None, int]]:
        """What tells the version of an observation, None if it has none, and how late in its life its state comes.

        The rank is the same for all states where they have no order.
        """
        ...

    @property
    def state(self) -> Callable[[Any], str]:
        """What tells the state that an observation shows, in a word for the story."""
        ...

    @property
    def knows(self) -> Callable[[str], bool]:
        """What tells whether a state is one that this version of ecskit knows."""
        ...

    @property
    def remember(self) -> Callable[[Any, Any], Any]:
        """What makes the memory of what was known before and of an observation: what the latter alone does not tell."""
        ...


@attrs.frozen
class Observations(Generic[T]):
    """What one look brought: the things that were seen, by id, and why others could not be looked at."""

    seen: Mapping[str, T]
    unanswered: Mapping[str, EcsError]
    """Ids about which the look says nothing, with the error that came in place of an answer."""


@attrs.frozen
class ResourceState(Generic[T]):
    """What is known of one thing."""

    last: T | None = None
    """The newest observation; None if it was never seen."""
    observed: bool = False
    """Whether a look has shown it; what the caller has seen may be an answer that reads have not caught up with."""
    repeats: int = 0
    """How many later looks showed it in the same state."""
    missing_since: float | None = None
    """When an unbroken run of looks began that should have shown it and did not."""
    missing_at: float | None = None
    """When the latest look of that run was."""
    missing_reads: int = 0
    """How many looks that run has."""
    memory: Any = None
    """What the subject remembers of all observations that counted, what the caller has seen included."""

    @classmethod
    def given(cls, seen: T, resource_type: Observable) -> ResourceState[T]:
        """Return what is known of what the caller has seen, before any look."""
        return cls(seen, memory=resource_type.remember(cls(), seen))

    def visible(self, seen: T, resource_type: Observable) -> ResourceState[T]:
        """Return what is known after a look that showed the thing."""
        if self.last is not None and _older(
            resource_type.rank(seen), resource_type.rank(self.last), resource_type.final
        ):
            # A replica that lags; even so the thing is there.
            return ResourceState(self.last, observed=True, repeats=self.repeats + 1, memory=self.memory)
        again = self.last is not None and resource_type.state(seen) == resource_type.state(self.last)
        memory = resource_type.remember(self, seen)
        return ResourceState(seen, observed=True, repeats=self.repeats + 1 if again else 0, memory=memory)

    def missing(self, now: float) -> ResourceState[T]:
        """Return what is known after a look that did not show the thing: it never erases what was seen."""
        since = now if self.missing_since is None else self.missing_since
        return attrs.evolve(self, missing_since=since, missing_at=now, missing_reads=self.missing_reads + 1)


def _older(one: tuple[int | None, int], other: tuple[int | None, int], final: int) -> bool:
    """Whether an observation is older than another: by version, and by rank where versions do not tell."""
    (version, rank), (known_version, known_rank) = one, other
    if rank < known_rank and known_rank >= final:
        return True
    if version is not None and known_version is not None and version != known_version:
        return version < known_version
    return rank < known_rank


def _is_news(last: Any, before: Any, resource_type: Observable) -> bool:
    if last is None or before is None:
        return last is not before
    return resource_type.rank(last) != resource_type.rank(before) or resource_type.state(last) != resource_type.state(
        before
    )


@attrs.frozen
class WaitState(Generic[T]):
    """Everything a wait knows about what it asked for, and how it came to know it."""

    resources: Mapping[str, ResourceState[T]]
    started: float
    now: float
    polls: int = 0
    quiet: int = 0
    """Looks in a row without news."""
    failed: int = 0
    """Looks in a row that brought an error in place of an answer."""
    unanswered: Collection[str] = ()
    """Ids of which the latest look says nothing."""
    stale: int = 0
    """Observations that were older than what was known."""
    errors: Sequence[EcsError] = ()
    """What came in place of answers, the latest of it."""
    states: Mapping[str, int] = attrs.field(factory=dict)
    """How often each state was seen, in the order in which they were first seen; MISSING counts as one."""

    @classmethod
    def of(cls, ids: Sequence[str], now: float, seen: Mapping[str, T], resource_type: Observable) -> WaitState[T]:
        """Return a book about `ids` that nobody has looked for yet; the caller has `seen` some of them."""
        resource = {
            id_: ResourceState.given(seen[id_], resource_type) if id_ in seen else ResourceState() for id_ in ids
        }
        return cls(resource, started=now, now=now)

    @property
    def elapsed(self) -> float:
        """Seconds since the wait started."""
        return self.now - self.started

    def after(
        self, poll: Observations[T], polled: Sequence[str], now: float, resource_type: Observable
    ) -> WaitState[T]:
        """Return the book after one look at some of the things."""
        answered = [id_ for id_ in polled if id_ not in poll.unanswered]
        resource, states = dict(self.resources), Counter(self.states)
        changed = stale = 0
        for id_ in answered:
            was, seen = self.resources[id_], poll.seen.get(id_)
            resource[id_] = was.missing(now) if seen is None else was.visible(seen, resource_type)
            states[MISSING if seen is None else resource_type.state(seen)] += 1
            stale += seen is not None and resource[id_].last is not seen
            changed += _is_news(resource[id_].last, was.last, resource_type)
        return attrs.evolve(
            self,
            resources=resource,
            now=now,
            polls=self.polls + 1,
            quiet=0 if changed else self.quiet + bool(answered),
            failed=self.failed + 1 if poll.unanswered else 0,
            unanswered=frozenset(poll.unanswered),
            stale=self.stale + stale,
            errors=[*self.errors, *dict.fromkeys(poll.unanswered.values())][-ERRORS_KEPT:],
            states=states,
        )
