"""The observed state of each target of a wait, and how observations change it.

Observations can be late, out of order, partial or missing. They are merged into one `ResourceState` for each target.
The `ResourceType` defines which of two observations is newer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs

from ecskit._core.errors import EcsError

__all__ = ["MISSING", "POLL_LEFT_OUT", "Observations", "ResourceState", "ResourceType", "WaitState", "is_newer_version"]

T = TypeVar("T")

MISSING = "MISSING"
"""The state that a story counts when a poll did not show a target."""
POLL_LEFT_OUT = "the deadline passed before polls_per_second allowed the request"
"""The message of the error of each target whose last poll was not sent."""
ERRORS_KEPT = 100
"""The maximum number of errors that a `WaitState` keeps: a wait without a timeout must not use more and more memory."""


def _unordered(_: Any) -> tuple[int | None, int]:
    return None, 0


def _always_known(_: str) -> bool:
    return True


def _as_it_is(one: Any, _: Any) -> Any:
    return one


def _no_memory(_: ResourceState[Any], __: Any) -> None:
    return None


@attrs.frozen(kw_only=True)
class ResourceType(Generic[T]):
    """How observations of one type of resource are named and ordered."""

    noun: str
    """The resource type in messages, in the singular."""
    state: Callable[[T], str]
    """Returns the state that an observation shows, in one or a few words; stories count these."""
    is_known_state: Callable[[str], bool] = _always_known
    """Whether a state is known. A wait logs one warning about each unknown state."""
    rank: Callable[[T], tuple[int | None, int]] = _unordered
    """Returns the version of an observation, or None, and the rank of its state: later states have higher ranks.

    Without versions and ranks, the observation that arrived last counts.
    """
    final_rank: int = 1
    """The lowest rank of a final state. After one, an observation with a lower rank is stale, even if newer."""
    complete: Callable[[T, T | None], T] = _as_it_is
    """Returns what an event shows, with what events lack from the observation before."""
    remember: Callable[[ResourceState[T], T], Any] = _no_memory
    """Returns the new `ResourceState.memory` from the previous state and an observation.

    Conditions read the memory if the last observation alone is not enough.
    """


@attrs.frozen
class Observations(Generic[T]):
    """The result of one poll. A polled target that is in neither mapping was not found."""

    observed: Mapping[str, T]
    """The resources that were found, by the name of the target."""
    unanswered: Mapping[str, EcsError]
    """The targets whose request failed, with the error."""
    late: float = 0.0
    """How many seconds the poll began after its time; 0 up to a second."""
    by_event: bool = False
    """Whether it is what events showed of some targets, and no poll: it says nothing about the others."""
    merged: int = 0
    """The number of the latest event that was received, if it is what events showed."""
    events_error: Exception | None = None
    """The latest error of a source of events that has received nothing since."""

    @property
    def left_out(self) -> bool:
        """Whether nothing was sent: there was no room for the last poll."""
        if self.observed or not self.unanswered:
            return False
        return all(getattr(error, "message", "") == POLL_LEFT_OUT for error in self.unanswered.values())


@attrs.frozen
class ResourceState(Generic[T]):
    """What has been observed of one target."""

    last: T | None = None
    """The newest observation; None if there is none."""
    shown: bool = False
    """Whether a poll of this wait has shown the target. An observation from before the wait may be a response to a
    write, which reads do not show yet."""
    repeats: int = 0
    """How many later polls showed the same state."""
    missing_since: float | None = None
    """When the first poll of the current run of polls that did not show the target was."""
    missing_at: float | None = None
    """When the latest poll of that run was."""
    missing_polls: int = 0
    """The number of polls in that run."""
    memory: Any = None
    """What `ResourceType.remember` made of all observations that were not stale."""

    @classmethod
    def before_polls(cls, observation: T, resource_type: ResourceType[T]) -> ResourceState[T]:
        """Return the state of a target that was observed before the wait."""
        return cls(observation, memory=resource_type.remember(cls(), observation))

    def merge(self, observation: T, resource_type: ResourceType[T]) -> ResourceState[T]:
        """Return the state after a poll that showed the target. A stale observation proves only that it exists."""
        again = self.last is observation  # most polls show the same model again: nothing in it needs to be compared
        if not again and self.last is not None:
            if _is_older(resource_type.rank(observation), resource_type.rank(self.last), resource_type.final_rank):
                return ResourceState(self.last, shown=True, repeats=self.repeats + 1, memory=self.memory)
            again = resource_type.state(observation) == resource_type.state(self.last)
        memory = resource_type.remember(self, observation)
        return ResourceState(observation, shown=True, repeats=self.repeats + 1 if again else 0, memory=memory)

    def merge_event(self, observation: T, resource_type: ResourceType[T]) -> ResourceState[T]:
        """Return the state after an event that showed a newer version. Polls are counted as before."""
        return attrs.evolve(
            self,
            last=resource_type.complete(observation, self.last),
            repeats=0,
            memory=resource_type.remember(self, observation),
        )

    def merge_missing(self, now: float) -> ResourceState[T]:
        """Return the state after a poll that did not show the target. The last observation is kept."""
        since = now if self.missing_since is None else self.missing_since
        return attrs.evolve(self, missing_since=since, missing_at=now, missing_polls=self.missing_polls + 1)


def is_newer_version(one: Any, other: Any, resource_type: ResourceType[Any]) -> bool:
    """Whether an observation has a higher version than another, and can come after it."""
    version, last_version = resource_type.rank(one)[0], resource_type.rank(other)[0]
    if version is None or last_version is None or version <= last_version:
        return False
    return not _is_older(resource_type.rank(one), resource_type.rank(other), resource_type.final_rank)


def _is_older(one: tuple[int | None, int], other: tuple[int | None, int], final_rank: int) -> bool:
    """Whether an observation is older than another: by version; by rank if versions are equal or absent."""
    (version, rank), (last_version, last_rank) = one, other
    if rank < last_rank and last_rank >= final_rank:
        return True
    if version is not None and last_version is not None and version != last_version:
        return version < last_version
    return rank < last_rank


def _has_changed(last: Any, before: Any, resource_type: ResourceType[Any]) -> bool:
    if last is before:
        return False
    if last is None or before is None:
        return True
    return resource_type.rank(last) != resource_type.rank(before) or resource_type.state(last) != resource_type.state(
        before
    )


@attrs.frozen
class WaitState(Generic[T]):
    """Everything that a wait has observed."""

    resources: Mapping[str, ResourceState[T]]
    """The state of each target, by name, in the order given."""
    started: float
    """When the wait started, in monotonic seconds."""
    now: float
    """When the latest poll ended, or the latest event was received, in monotonic seconds."""
    polled_at: float
    """When the latest poll ended, or the wait started."""
    polls: int = 0
    unchanged_polls: int = 0
    """Polls in a row that showed no change."""
    failed_polls: int = 0
    """Polls in a row in which a request failed."""
    unanswered: Collection[str] = ()
    """The targets whose request failed in the latest poll."""
    stale: int = 0
    """How many observations were older than the last one."""
    late: int = 0
    """How many polls began over a second late."""
    errors: Sequence[EcsError] = ()
    """The errors of failed requests, the latest of them."""
    events_error: Exception | None = None
    """The latest error of a source of events that had received nothing since at the latest poll."""
    states: Mapping[str, int] = attrs.field(factory=dict)
    """How often each state was observed, in the order of their first observation; MISSING is counted as a state."""

    @classmethod
    def start(
        cls, names: Sequence[str], now: float, observed: Mapping[str, T], resource_type: ResourceType[T]
    ) -> WaitState[T]:
        """Return the state of a wait before its first poll; `observed` holds the observations made before it."""
        resources = {
            name: ResourceState.before_polls(observed[name], resource_type) if name in observed else ResourceState()
            for name in names
        }
        return cls(resources, started=now, now=now, polled_at=now)

    @property
    def has_tried(self) -> bool:
        """Whether there was a poll, or one that was left out."""
        return bool(self.polls or self.failed_polls)

    @property
    def elapsed(self) -> float:
        """Seconds since the wait started."""
        return self.now - self.started

    def merge(
        self, poll: Observations[T], polled: Sequence[str], now: float, resource_type: ResourceType[T]
    ) -> WaitState[T]:
        """Return the state after a poll of some of the targets, or after events."""
        if poll.by_event:
            return self._merge_events(poll, now, resource_type)
        answered = [name for name in polled if name not in poll.unanswered]
        resources, states = dict(self.resources), dict(self.states)
        changed = stale = 0
        for name in answered:
            before, observation = self.resources[name], poll.observed.get(name)
            if observation is None:
                after, state = before.merge_missing(now), MISSING
            else:
                after, state = before.merge(observation, resource_type), resource_type.state(observation)
                stale += after.last is not observation
            resources[name] = after
            states[state] = states.get(state, 0) + 1
            changed += _has_changed(after.last, before.last, resource_type)
        failures = dict.fromkeys(poll.unanswered.values())
        errors = [*self.errors, *failures][-ERRORS_KEPT:] if failures else self.errors
        return WaitState(
            resources,
            started=self.started,
            now=now,
            polled_at=now,
            polls=self.polls + (not poll.left_out),
            unchanged_polls=0 if changed else self.unchanged_polls + bool(answered),
            failed_polls=self.failed_polls + 1 if poll.unanswered else 0,
            unanswered=frozenset(poll.unanswered),
            stale=self.stale + stale,
            late=self.late + (poll.late > 0),
            errors=errors,
            states=states,
            events_error=poll.events_error,
        )

    def _merge_events(self, events: Observations[T], now: float, resource_type: ResourceType[T]) -> WaitState[T]:
        resources, states = dict(self.resources), dict(self.states)
        for name, observation in events.observed.items():
            resources[name] = self.resources[name].merge_event(observation, resource_type)
            state = resource_type.state(observation)
            states[state] = states.get(state, 0) + 1
        unanswered = frozenset(self.unanswered) - events.observed.keys()
        return attrs.evolve(
            self,
            resources=resources,
            now=now,
            unchanged_polls=0,
            unanswered=unanswered,
            states=states,
            events_error=events.events_error,
        )
