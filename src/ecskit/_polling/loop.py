"""The loop of all waits: poll, merge, decide, sleep.

A `Query` polls the targets, a `Goal` decides what their state means. The loop decides when to poll next and when the
wait times out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

import attrs

from ecskit._core.effects import DrawRandom, Flow, Invoke, Observe, Sleep
from ecskit._polling.batches import Target
from ecskit._polling.errors import WaitError, WaitStory, WaitTimeout
from ecskit._polling.observations import MISSING, Observations, ResourceState, ResourceType, WaitState
from ecskit._polling.shared_polls import poll

if TYPE_CHECKING:
    from tenacity import RetryCallState
    from tenacity.wait import wait_base

__all__ = ["Continue", "Done", "Failed", "Goal", "Query", "Verdict", "Waiter"]

T = TypeVar("T")

log = logging.getLogger("ecskit")

JITTER = 0.1
"""Intervals are up to this fraction longer or shorter at random, so that waits that started together spread out."""
SHORTEST_INTERVAL = 0.1
"""The minimum number of seconds between polls, even if the wait strategy returns less."""
LONGEST_BACKOFF = 30.0
"""The maximum number of seconds between polls while requests fail."""
_DOUBLINGS = 10
"""The maximum number of doublings of an interval while requests fail, so that the float does not overflow."""


class Query(Protocol[T]):
    """How targets are polled."""

    @property
    def kind(self) -> object:
        """What the queries of several waits must have in common to share requests."""
        ...

    @property
    def operation(self) -> str:
        """The operation by whose quota polls are paced."""
        ...

    @property
    def batch_size(self) -> int:
        """The maximum number of targets of one scope in a request."""
        ...

    @property
    def describes(self) -> object:
        """How resources are read of which events show newer versions; None if events are hints to poll."""
        ...

    @property
    def by_events(self) -> bool:
        """Whether events show each change that the waits wait for."""
        ...

    def targets(self, names: Sequence[str], /) -> Sequence[Target]:
        """Return the targets with some names."""
        ...

    def concerned(self, names: Sequence[str], /) -> Sequence[Target]:
        """Return, for each of some names, what events are about that concern it."""
        ...

    def poll(self, names: Sequence[str], by: float, /) -> Flow[Observations[T]]:
        """Return the flow that polls targets once. No request begins later than `by`, in monotonic seconds."""
        ...


@attrs.frozen
class Done:
    """The goal is reached."""


@attrs.frozen
class Continue:
    """The goal is not reached yet: poll again."""

    reasons: Mapping[str, str]
    """What each target still lacks, by name. The error of a timeout holds them."""
    pace: float = float("inf")
    """The longest interval until the next poll, in seconds: jitter is added, and failed requests lengthen it."""
    no_later_than: float = float("inf")
    """The next poll is at most this many seconds away, even after failed requests."""
    exact: bool = False
    """Whether the next poll must not come earlier, because it confirms what the latest one showed."""


@attrs.frozen
class Failed:
    """The goal cannot be reached, or the targets are no longer visible."""

    error: type[WaitError]
    reasons: Mapping[str, str]
    """Why, by the name of each target that is the cause."""


Verdict: TypeAlias = Done | Continue | Failed


class Goal(Protocol):
    """The goal of a wait. It decides from the state of the wait alone."""

    @property
    def name(self) -> str:
        """The name of the wait, such as `tasks_running`."""
        ...

    def decide(self, wait_state: WaitState[Any], /) -> Verdict:
        """Decide whether the goal is reached."""
        ...

    def at_timeout(self, wait_state: WaitState[Any], /) -> Failed | None:
        """Return a more precise error than WaitTimeout for a wait that timed out, or None."""
        ...

    def is_final(self, resource: ResourceState[Any], /) -> bool:
        """Whether the state of a target cannot change any more, so that it is no longer polled."""
        ...


@attrs.frozen
class Waiter(Generic[T]):
    """One wait: its goal, its query and its limits."""

    resource_type: ResourceType[T]
    query: Query[T]
    goal: Goal
    timeout: float | None
    max_polls: int | None
    poll: wait_base | float
    """The wait strategy of the caller, or the longest interval in seconds if there is none."""
    on_poll: Callable[[WaitStory], object] | None = None
    early: bool = True
    """Whether a poll may come early, with one for other waits. Not if the caller passed intervals or a number."""
    arguments: Mapping[str, Any] = attrs.field(factory=dict)
    """The arguments that handles hold, besides the targets."""
    due: Callable[[WaitState[T], float], float] = lambda _, deadline: deadline
    """Returns the effective deadline for a deadline, both in monotonic seconds: time that does not count is added."""
    after_poll: Callable[[WaitState[T]], Flow[None]] | None = None
    """Returns a flow to run before the first poll and after each poll."""

    def flow(self, names: Sequence[str], observed: Mapping[str, T]) -> Flow[list[T]]:
        """Wait, and return the last observation of each target, in the order given.

        Args:
            names: The names of the targets.
            observed: Observations made before the wait, by name.

        Raises:
            WaitError: The goal cannot be reached, or the wait timed out.
            EcsError: Polling failed permanently: no permission, no credentials, no such cluster. It holds the story.
        """
        wait_state = yield from self.final_state(names, observed)
        return [resource.last for resource in wait_state.resources.values() if resource.last is not None]

    def final_state(self, names: Sequence[str], observed: Mapping[str, T]) -> Flow[WaitState[T]]:
        """Wait as `flow` does, and return everything that was observed."""
        now = (yield Sleep(0)).now
        deadline = float("inf") if self.timeout is None else now + self.timeout
        wait_state: WaitState[T] = WaitState.start(names, now, observed, self.resource_type)
        verdict: Verdict = self.goal.decide(wait_state) if observed else Continue({}, no_later_than=0)
        yield from self._after_poll(wait_state)
        until = float("inf")
        while isinstance(verdict, Continue):
            due = self.due(wait_state, deadline)
            if wait_state.has_tried and (wait_state.now >= due or wait_state.polls == self.max_polls):
                verdict = self.goal.at_timeout(wait_state) or Failed(WaitTimeout, verdict.reasons)
                break
            interval = yield from self._interval(wait_state, verdict)
            # Events neither delay polls nor count as polls.
            since_poll = until if wait_state.now > wait_state.polled_at else float("inf")
            until = max(wait_state.now, min(wait_state.now + interval, due, since_poll))
            wait_state = yield from self._poll(wait_state, until, due, exact=verdict.exact)
            verdict = self.goal.decide(wait_state)
            if self.on_poll:
                yield Invoke(self.on_poll, self.story(wait_state, getattr(verdict, "reasons", {})))
            yield from self._after_poll(wait_state)
        if isinstance(verdict, Failed):
            raise verdict.error(self.story(wait_state, verdict.reasons))
        return wait_state

    def _poll(self, wait_state: WaitState[T], until: float, by: float, *, exact: bool) -> Flow[WaitState[T]]:
        polled = [name for name, resource in wait_state.resources.items() if not self.goal.is_final(resource)]
        # A poll for another wait counts if it comes after half of the interval, unless each needs its own distance.
        after = until if exact or not self.early else until - (until - wait_state.now) / 2
        reply = yield from poll(
            Observe(
                query=self.query,
                ids=polled,
                born=wait_state.polled_at,
                after=after,
                due=until,
                deadline=by,
                known=wait_state.resources,
                resync=self.early and not exact and bool(wait_state.polls) and not wait_state.unanswered,
            )
        )
        if reply.error is not None:
            reply.error.story = self.story(attrs.evolve(wait_state, now=reply.now), {})
            raise reply.error
        states_before = wait_state.states
        wait_state = wait_state.merge(reply.get(), polled, reply.now, self.resource_type)
        for state in sorted(state for state in wait_state.states if state not in states_before):
            if state != MISSING and not self.resource_type.is_known_state(state):
                text = "ECS returned the %s status %r, which is new to this version of ecskit; the wait continues"
                log.warning(text, self.resource_type.noun, state)
        text = "%s: poll %d after %.1f s: %s"
        log.debug(text, self.goal.name, wait_state.polls, wait_state.elapsed, wait_state.states)
        return wait_state

    def _after_poll(self, wait_state: WaitState[T]) -> Flow[None]:
        if self.after_poll:
            yield from self.after_poll(wait_state)

    def _interval(self, wait_state: WaitState[T], verdict: Continue) -> Flow[float]:
        """Return the seconds until the next poll: more while nothing changes, and still more while requests fail."""
        if verdict.no_later_than == 0:
            return 0.0
        longest = self.poll(_retry_state(wait_state)) if callable(self.poll) else self.poll
        seconds = max(SHORTEST_INTERVAL, min(longest, verdict.pace))
        if wait_state.failed_polls:
            doubled = seconds * 2 ** min(wait_state.failed_polls, _DOUBLINGS)
            seconds = max(seconds, min(LONGEST_BACKOFF, doubled))
        drawn: int = (yield DrawRandom()).get()
        return min(seconds * (1 + JITTER * (2 * drawn / 2**128 - 1)), verdict.no_later_than)

    def story(self, wait_state: WaitState[T], reasons: Mapping[str, str]) -> WaitStory:
        """Return the state of the wait as the value that errors and `on_poll` hold."""
        return WaitStory(
            wait=self.goal.name,
            noun=self.resource_type.noun,
            last={name: resource.last for name, resource in wait_state.resources.items()},
            reasons=reasons,
            elapsed=wait_state.elapsed,
            polls=wait_state.polls,
            states=dict(wait_state.states),
            stale=wait_state.stale,
            late=wait_state.late,
            events_error=wait_state.events_error,
            errors=tuple(wait_state.errors),
            arguments=self.arguments,
        )


def _retry_state(wait_state: WaitState[Any]) -> RetryCallState:
    """Return what wait strategies of tenacity read: polls without a change as attempts, and the times of the wait."""
    from tenacity import RetryCallState

    state = RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]  # unused here
    state.attempt_number = max(1, wait_state.unchanged_polls)
    state.start_time, state.outcome_timestamp = wait_state.started, wait_state.now
    return state
