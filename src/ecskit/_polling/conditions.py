"""What waits wait for: that each thing is as it should be, all of them at the same time.

An `Aim` looks at one thing and says whether it is as it should be. `All` decides about all of them, and about those
that cannot be seen. Asks ECS nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeAlias, TypeVar

import attrs

from ecskit._core.effects import Flow
from ecskit._polling.batches import Asked, Batches, Kind
from ecskit._polling.errors import NotVisible, Vanished, WaitError, WaitFailed
from ecskit._polling.loop import Again, Done, Failed, Verdict, Waiter
from ecskit._polling.observations import Book, Known
from ecskit._polling.options import Patience

__all__ = ["Aim", "All", "Lacks", "Never", "Opinion", "Pace", "Ready", "wait_for", "waiter"]

T = TypeVar("T")

LONGEST = 15.0
"""Seconds between looks at the most, give or take the jitter, unless the caller chose a strategy or looks bring
errors."""
VANISHED_AFTER, VANISHED_READS = 30.0, 3
"""Something that was seen has vanished when this many looks over this many seconds do not show it any more."""


@attrs.frozen
class Pace:
    """How often to look at something that stays as it is, unless the caller chose a strategy."""

    first: float = 2.0
    """Seconds until the next look, give or take the jitter, at something just seen to have changed."""
    most: float = LONGEST
    """Seconds between looks at the most."""
    growth: float = 1.5
    """How much longer each nap is than the one before, as a factor."""

    def nap(self, looks: int) -> float:
        """Return the seconds until the next look, after so many that showed nothing new."""
        return min(self.most, self.first * self.growth ** min(looks, _GROWTHS))


_GROWTHS = 1000
"""How often to let a nap grow: no float holds what a night would make of it."""
UNSEEN_PACE = Pace(most=5.0)
"""While something is not visible yet."""


@attrs.frozen
class Ready:
    """The thing is as it should be."""


@attrs.frozen
class Lacks:
    """The thing is not as it should be yet."""

    why: str
    pace: Pace = Pace()
    """How often to look until it is."""


@attrs.frozen
class Never:
    """The thing will never be as it should be."""

    why: str
    error: type[WaitError] | None = None
    """What to raise in place of the goal's own `failed_error`."""


UNCONFIRMED = Lacks("was as it should, but has not been looked at since")
Opinion: TypeAlias = Ready | Lacks | Never
Aim: TypeAlias = Callable[[Known[T]], Opinion]
"""What is to be said about one thing that was seen."""


@attrs.frozen(kw_only=True)
class All(Generic[T]):
    """Everything that was asked for is as it should be."""

    name: str
    """Name of the wait, such as `tasks_running`."""
    kind: Kind[T]
    aim: Aim[T]
    patience: Patience
    reads: int = 1
    """Looks in a row that have to show it: 2 where a state of before cannot be told from the one waited for."""
    vanished: Opinion = Never("")
    """What to think of what was seen and then no more; what is deleted does that when all goes well."""
    not_visible_error: type[WaitError] = NotVisible
    vanished_error: type[WaitError] = Vanished
    failed_error: type[WaitError] = WaitFailed

    def settled(self, known: Known[T], /) -> bool:  # noqa: ARG002  # for those that know better
        """Whether a thing needs no further look: none by itself, because states can change again."""
        return False

    def judge(self, book: Book[T], /) -> Verdict:
        """Decide: what cannot be seen any more first, then what was never seen, then what each of them lacks."""
        opinions = {id_: self._opinion(id_, book) for id_, known in book.known.items() if known.last is not None}
        lost = {id_: self._vanished(known) for id_, known in book.known.items() if self._is_lost(known)}
        opinions |= dict.fromkeys(lost, self.vanished)
        if lost and isinstance(self.vanished, Never):
            return Failed(self.vanished_error, lost)
        unseen = [id_ for id_, known in book.known.items() if self._is_unseen(known)]
        given_up = {
            id_: f"was not visible within the grace of {self.patience.visibility_grace:.0f} s"
            for id_ in unseen
            if (at := book.known[id_].missing_at) is not None and at >= book.started + self.patience.visibility_grace
        }
        if given_up:
            return Failed(self.not_visible_error, given_up)
        never = {id_: said for id_, said in opinions.items() if isinstance(said, Never)}
        if never:
            errors = {said.error or self.failed_error for said in never.values()}
            error = errors.pop() if len(errors) == 1 else self.failed_error
            return Failed(error, {id_: said.why for id_, said in never.items()})
        waiting = {id_: said for id_, said in opinions.items() if isinstance(said, Lacks)}
        waiting |= {id_: _not_seen(book.known[id_]) for id_ in unseen}
        if not waiting:
            return Done()
        paces = (said.pace.nap(_looks(book.known[id_])) for id_, said in waiting.items())
        pace = min(paces) if self.patience.poll is None else float("inf")
        soon = float("inf")
        if not book.polls and all(said is UNCONFIRMED for said in waiting.values()):
            soon = 0.0
        elif unseen and book.now < book.started + self.patience.visibility_grace:
            soon = book.started + self.patience.visibility_grace - book.now
        return Again({id_: waiting[id_].why for id_ in book.known if id_ in waiting}, pace, soon)

    def too_late(self, book: Book[T], /) -> Failed | None:
        """Time is up before the grace: what was never seen is not late but not visible."""
        unseen = {
            id_: "is not visible yet"
            for id_, known in book.known.items()
            if self._is_unseen(known) and known.missing_at is not None
        }
        return Failed(self.not_visible_error, unseen) if unseen else None

    def proves(self, last: T, /) -> bool:  # noqa: ARG002  # for those that know better
        """Whether what the caller has seen of a thing was visible to all: an answer to its creation may not be yet.

        It is taken to be where things are to vanish: then nobody waits for them to appear.
        """
        return isinstance(self.vanished, Ready)

    def _opinion(self, id_: str, book: Book[T]) -> Opinion:
        known = book.known[id_]
        said = self.aim(known)
        if not isinstance(said, Ready) or self.settled(known):
            return said
        # States change: one that nobody has looked at in this wait, or in its latest look, may be of long ago.
        if id_ in book.unanswered or not (known.looked or isinstance(self.vanished, Ready)):
            return UNCONFIRMED
        return said if known.repeats + 1 >= self.reads else Lacks("has been as it should only once", UNSEEN_PACE)

    def _is_unseen(self, known: Known[T]) -> bool:
        """Whether a thing may be one that ECS does not show yet."""
        if known.looked or known.last is None:
            return not known.looked
        return known.missing_at is not None and not self.proves(known.last) and not self.settled(known)

    def _is_lost(self, known: Known[T]) -> bool:
        if known.last is None or known.missing_at is None or known.missing_since is None:
            return False
        if self.settled(known) or self._is_unseen(known):
            return False
        return known.missing_at - known.missing_since >= VANISHED_AFTER and known.missing_reads >= VANISHED_READS

    def _vanished(self, known: Known[T]) -> str:
        state = self.kind.state(known.last) if known.last is not None else "there"
        seconds = (known.missing_at or 0.0) - (known.missing_since or 0.0)
        return f"was {state}, then unknown to ECS for {seconds:.0f} s"


def _not_seen(known: Known[T]) -> Lacks:
    return Lacks("is not visible yet" if known.missing_reads else "has not been looked at yet", UNSEEN_PACE)


def _looks(known: Known[T]) -> int:
    """Return how many looks in a row told nothing new."""
    if known.last is None:
        return max(0, known.missing_reads - 1)  # the first one told that it is not there
    return known.repeats + known.missing_reads


def waiter(goal: All[T], asked: Asked[T], announce: Callable[[Book[T]], Flow[None]] | None = None) -> Waiter[T]:
    """Return the wait for what was asked for.

    Raises:
        RequestError: Something about the patience is not what it must be.
    """
    from tenacity.wait import wait_fixed

    patience = goal.patience
    patience.check(goal.name)
    return Waiter(
        subject=goal.kind,
        query=Batches(goal.kind, asked.places),
        goal=goal,
        timeout=patience.timeout,
        max_polls=patience.max_polls,
        poll=patience.poll or wait_fixed(LONGEST),
        on_poll=patience.on_poll,
        arguments=asked.arguments,
        announce=announce,
    )


def wait_for(goal: All[T], asked: Asked[T]) -> Flow[list[T]]:
    """Return the flow that waits for what was asked for, and results in what was seen of it last, in order."""
    return waiter(goal, asked).flow(list(asked.places), asked.seen)
