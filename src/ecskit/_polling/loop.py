"""The loop that all waits share: look, merge, decide, sleep.

What is looked at is a query, what counts as success and as failure is a goal; both are values that are handed in. This
module decides when to look next and when to give up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

import attrs

from ecskit._core.effects import DrawRandom, Flow, Invoke, Observe, Sleep
from ecskit._polling.errors import WaitError, WaitStory, WaitTimeout
from ecskit._polling.observations import MISSING, Observable, Observations, ResourceState, WaitState

if TYPE_CHECKING:
    from tenacity.wait import wait_base

__all__ = ["Again", "Done", "Failed", "Goal", "Query", "Verdict", "Waiter"]

T = TypeVar("T")

log = logging.getLogger("ecskit")

JITTER = 0.1
"""Naps are up to this much longer or shorter by chance, so that waits that started together do not poll together."""
SHORTEST = 0.1
"""Seconds that a nap lasts at the least, whatever the strategy says: looking without a pause helps nobody."""
LONGEST_AFTER_ERRORS = 30.0
"""Seconds to back off at the most while looks bring errors."""
_DOUBLINGS = 10
"""How often to double a nap while looks bring errors: no float holds what a night of them would make of it."""


class Query(Protocol[T]):
    """How things are looked at."""

    def poll(self, ids: Sequence[str], by: float, /) -> Flow[Observations[T]]:
        """Return a flow that looks once at all of `ids`, with requests that begin at the latest at `by`."""
        ...


@attrs.frozen
class Done:
    """What was waited for is there."""


@attrs.frozen
class Again:
    """Not yet."""

    reasons: Mapping[str, str]
    """What is still lacking, by id: what a timeout will tell."""
    pace: float = float("inf")
    """Look again after about that many seconds at the most, unless looks bring errors."""
    soon: float = float("inf")
    """Look again after exactly that many seconds, if not sooner."""


@attrs.frozen
class Failed:
    """It will never be there, or nobody can tell any more."""

    error: type[WaitError]
    reasons: Mapping[str, str]
    """Why, by the id of each thing that is to blame."""


Verdict: TypeAlias = Done | Again | Failed


class Goal(Protocol):
    """What a wait is for: pure decisions over what is known."""

    @property
    def name(self) -> str:
        """Name of the wait, such as `tasks_running`."""
        ...

    def judge(self, wait_state: WaitState[Any], /) -> Verdict:
        """Decide whether it is there."""
        ...

    def too_late(self, wait_state: WaitState[Any], /) -> Failed | None:
        """Return a better reason than time being up, if there is one."""
        ...

    def settled(self, resource: ResourceState[Any], /) -> bool:
        """Whether a thing needs no further look."""
        ...


@attrs.frozen
class Waiter(Generic[T]):
    """One wait: what for, over what, and with how much patience."""

    resource_type: Observable
    query: Query[T]
    goal: Goal
    timeout: float | None
    max_polls: int | None
    poll: wait_base
    on_poll: Callable[[WaitStory], object] | None = None
    arguments: Mapping[str, Any] = attrs.field(factory=dict)
    """What the handle keeps besides the ids."""
    due: Callable[[WaitState[T], float], float] = lambda _, deadline: deadline
    """When time is up, in monotonic seconds, given when it would be if all of it counted."""
    announce: Callable[[WaitState[T]], Flow[None]] | None = None
    """A flow to go through after each look, and first of all with what the caller has seen already."""

    def flow(self, ids: Sequence[str], seen: Mapping[str, T]) -> Flow[list[T]]:
        """Wait for `ids`, some of which were `seen` already, and return their last observations in order.

        Raises:
            WaitError: It will never come true, or time is up.
            EcsError: Looking is not possible: no permission, no credentials, no such cluster. It holds the story.
        """
        wait_state = yield from self.watch(ids, seen)
        return [resource.last for resource in wait_state.resources.values() if resource.last is not None]

    def watch(self, ids: Sequence[str], seen: Mapping[str, T]) -> Flow[WaitState[T]]:
        """Wait as `flow` does, and return everything that is known in the end."""
        now = (yield Sleep(0)).now
        deadline = float("inf") if self.timeout is None else now + self.timeout
        wait_state: WaitState[T] = WaitState.of(ids, now, seen, self.resource_type)
        verdict: Verdict = self.goal.judge(wait_state) if seen else Again({}, soon=0)
        yield from self._announce(wait_state)
        while isinstance(verdict, Again):
            due = self.due(wait_state, deadline)
            if wait_state.polls and (wait_state.now >= due or wait_state.polls == self.max_polls):
                verdict = self.goal.too_late(wait_state) or Failed(WaitTimeout, verdict.reasons)
                break
            nap = yield from self._nap(wait_state, verdict)
            wait_state = yield from self._look(wait_state, min(wait_state.now + nap, due), due)
            verdict = self.goal.judge(wait_state)
            if self.on_poll:
                yield Invoke(self.on_poll, self.story(wait_state, getattr(verdict, "reasons", {})))
            yield from self._announce(wait_state)
        if isinstance(verdict, Failed):
            raise verdict.error(self.story(wait_state, verdict.reasons))
        return wait_state

    def _look(self, wait_state: WaitState[T], until: float, by: float) -> Flow[WaitState[T]]:
        polled = [id_ for id_, resource in wait_state.resources.items() if not self.goal.settled(resource)]
        reply = yield Observe(self.query, polled, until, by)
        if reply.error is not None:
            reply.error.story = self.story(attrs.evolve(wait_state, now=reply.now), {})
            raise reply.error
        resource = set(wait_state.states)
        wait_state = wait_state.after(reply.get(), polled, reply.now, self.resource_type)
        for state in sorted(set(wait_state.states) - resource - {MISSING}):
            if not self.resource_type.knows(state):
                told = "ECS sent the %s status %r, which this version of ecskit does not know; waiting goes on"
                log.warning(told, self.resource_type.noun, state)
        log.debug(
            "%s: poll %d after %.1f s: %s",
            self.goal.name,
            wait_state.polls,
            wait_state.elapsed,
            dict(wait_state.states),
        )
        return wait_state

    def _announce(self, wait_state: WaitState[T]) -> Flow[None]:
        if self.announce:
            yield from self.announce(wait_state)

    def _nap(self, wait_state: WaitState[T], verdict: Again) -> Flow[float]:
        """Return the seconds until the next look: longer the less happens, and after errors longer still."""
        if verdict.soon == 0:
            return 0.0
        from tenacity import RetryCallState

        state = RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]  # unused here
        state.attempt_number = max(1, wait_state.quiet)
        state.start_time, state.outcome_timestamp = wait_state.started, wait_state.now
        seconds = max(SHORTEST, min(self.poll(state), verdict.pace))
        if wait_state.failed:
            seconds = max(seconds, min(LONGEST_AFTER_ERRORS, seconds * 2 ** min(wait_state.failed, _DOUBLINGS)))
        drawn: int = (yield DrawRandom()).get()
        return min(seconds * (1 + JITTER * (2 * drawn / 2**128 - 1)), verdict.soon)

    def story(self, wait_state: WaitState[T], reasons: Mapping[str, str]) -> WaitStory:
        """Return what is known, to be told."""
        return WaitStory(
            wait=self.goal.name,
            noun=self.resource_type.noun,
            last={id_: resource.last for id_, resource in wait_state.resources.items()},
            reasons=reasons,
            elapsed=wait_state.elapsed,
            polls=wait_state.polls,
            states=dict(wait_state.states),
            stale=wait_state.stale,
            errors=tuple(wait_state.errors),
            arguments=self.arguments,
        )
