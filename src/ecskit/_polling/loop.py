"""The loop that all waits share: look, merge, decide, sleep.

What is looked at is a query, what counts as success and as failure is a goal; both are values that are handed in. This
module decides when to look next and when to give up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

import attrs

from ecskit._core.effects import Draw, Flow, Observe, Sleep, Tell
from ecskit._polling.errors import WaitError, WaitStory, WaitTimeout
from ecskit._polling.observations import MISSING, Book, Known, Look, Subject

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

    def look(self, ids: Sequence[str], by: float, /) -> Flow[Look[T]]:
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

    def judge(self, book: Book[Any], /) -> Verdict:
        """Decide whether it is there."""
        ...

    def too_late(self, book: Book[Any], /) -> Failed | None:
        """Return a better reason than time being up, if there is one."""
        ...

    def settled(self, known: Known[Any], /) -> bool:
        """Whether a thing needs no further look."""
        ...


@attrs.frozen
class Waiter(Generic[T]):
    """One wait: what for, over what, and with how much patience."""

    subject: Subject
    query: Query[T]
    goal: Goal
    timeout: float | None
    max_polls: int | None
    poll: wait_base
    on_poll: Callable[[WaitStory], object] | None = None
    arguments: Mapping[str, Any] = attrs.field(factory=dict)
    """What the handle keeps besides the ids."""
    due: Callable[[Book[T], float], float] = lambda _, deadline: deadline
    """When time is up, in monotonic seconds, given when it would be if all of it counted."""
    announce: Callable[[Book[T]], Flow[None]] | None = None
    """A flow to go through after each look, and first of all with what the caller has seen already."""

    def flow(self, ids: Sequence[str], seen: Mapping[str, T]) -> Flow[list[T]]:
        """Wait for `ids`, some of which were `seen` already, and return their last observations in order.

        Raises:
            WaitError: It will never come true, or time is up.
            EcsError: Looking is not possible: no permission, no credentials, no such cluster. It holds the story.
        """
        book = yield from self.watch(ids, seen)
        return [known.last for known in book.known.values() if known.last is not None]

    def watch(self, ids: Sequence[str], seen: Mapping[str, T]) -> Flow[Book[T]]:
        """Wait as `flow` does, and return everything that is known in the end."""
        now = (yield Sleep(0)).now
        deadline = float("inf") if self.timeout is None else now + self.timeout
        book: Book[T] = Book.of(ids, now, seen, self.subject)
        verdict: Verdict = self.goal.judge(book) if seen else Again({}, soon=0)
        yield from self._announce(book)
        while isinstance(verdict, Again):
            due = self.due(book, deadline)
            if book.polls and (book.now >= due or book.polls == self.max_polls):
                verdict = self.goal.too_late(book) or Failed(WaitTimeout, verdict.reasons)
                break
            nap = yield from self._nap(book, verdict)
            book = yield from self._look(book, min(book.now + nap, due), due)
            verdict = self.goal.judge(book)
            if self.on_poll:
                yield Tell(self.on_poll, self.story(book, getattr(verdict, "reasons", {})))
            yield from self._announce(book)
        if isinstance(verdict, Failed):
            raise verdict.error(self.story(book, verdict.reasons))
        return book

    def _look(self, book: Book[T], until: float, by: float) -> Flow[Book[T]]:
        looked_for = [id_ for id_, known in book.known.items() if not self.goal.settled(known)]
        reply = yield Observe(self.query, looked_for, until, by)
        if reply.error is not None:
            reply.error.story = self.story(attrs.evolve(book, now=reply.now), {})
            raise reply.error
        known = set(book.states)
        book = book.after(reply.get(), looked_for, reply.now, self.subject)
        for state in sorted(set(book.states) - known - {MISSING}):
            if not self.subject.knows(state):
                told = "ECS sent the %s status %r, which this version of ecskit does not know; waiting goes on"
                log.warning(told, self.subject.noun, state)
        log.debug("%s: poll %d after %.1f s: %s", self.goal.name, book.polls, book.elapsed, dict(book.states))
        return book

    def _announce(self, book: Book[T]) -> Flow[None]:
        if self.announce:
            yield from self.announce(book)

    def _nap(self, book: Book[T], verdict: Again) -> Flow[float]:
        """Return the seconds until the next look: longer the less happens, and after errors longer still."""
        if verdict.soon == 0:
            return 0.0
        from tenacity import RetryCallState

        state = RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]  # unused here
        state.attempt_number = max(1, book.quiet)
        state.start_time, state.outcome_timestamp = book.started, book.now
        seconds = max(SHORTEST, min(self.poll(state), verdict.pace))
        if book.failed:
            seconds = max(seconds, min(LONGEST_AFTER_ERRORS, seconds * 2 ** min(book.failed, _DOUBLINGS)))
        drawn: int = (yield Draw()).get()
        return min(seconds * (1 + JITTER * (2 * drawn / 2**128 - 1)), verdict.soon)

    def story(self, book: Book[T], reasons: Mapping[str, str]) -> WaitStory:
        """Return what is known, to be told."""
        return WaitStory(
            wait=self.goal.name,
            noun=self.subject.noun,
            last={id_: known.last for id_, known in book.known.items()},
            reasons=reasons,
            elapsed=book.elapsed,
            polls=book.polls,
            states=dict(book.states),
            stale=book.stale,
            errors=tuple(book.errors),
            arguments=self.arguments,
        )
