"""What waits wait for: that each thing is as it should be, all of them at the same time.

An `Aim` looks at one thing and says whether it is as it should be. `All` decides about all of them, and about those
that cannot be seen. Asks ECS nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeAlias, TypeVar

import attrs

from ecskit._core.effects import Flow
from ecskit._core.sightings import Book, Known
from ecskit._core.wait_errors import NotVisible, Vanished, WaitError, WaitFailed
from ecskit._core.waiter import Again, Done, Failed, Verdict, Waiter
from ecskit.waits.looking import Asked, Batches, Kind
from ecskit.waits.patience import Patience

__all__ = ["Aim", "All", "Lacks", "Never", "Opinion", "Ready", "wait_for", "waiter"]

T = TypeVar("T")

UNSEEN_PACE = 5.0
"""Seconds between looks, at the most and give or take the jitter, while something is not visible yet."""
VANISHED_AFTER, VANISHED_READS = 30.0, 3
"""Something that was seen has vanished when this many looks over this many seconds do not show it any more."""


@attrs.frozen
class Ready:
    """The thing is as it should be."""


@attrs.frozen
class Lacks:
    """The thing is not as it should be yet."""

    why: str
    pace: float = float("inf")
    """Look again after about that many seconds at the most, unless the caller chose a strategy."""


@attrs.frozen
class Never:
    """The thing will never be as it should be."""

    why: str


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
        opinions = {id_: self._opinion(known) for id_, known in book.known.items() if known.last is not None}
        lost = {id_: self._vanished(known) for id_, known in book.known.items() if self._is_lost(known)}
        opinions |= dict.fromkeys(lost, self.vanished)
        if lost and isinstance(self.vanished, Never):
            return Failed(self.vanished_error, lost)
        unseen = [id_ for id_, known in book.known.items() if known.last is None]
        given_up = {
            id_: f"was not visible within the grace of {self.patience.visibility_grace:.0f} s"
            for id_ in unseen
            if (at := book.known[id_].missing_at) is not None and at >= book.started + self.patience.visibility_grace
        }
        if given_up:
            return Failed(self.not_visible_error, given_up)
        never = {id_: said.why for id_, said in opinions.items() if isinstance(said, Never)}
        if never:
            return Failed(self.failed_error, never)
        waiting = {id_: Lacks("is not visible yet", UNSEEN_PACE) for id_ in unseen}
        waiting |= {id_: said for id_, said in opinions.items() if isinstance(said, Lacks)}
        if not waiting:
            return Done()
        pace = min(said.pace for said in waiting.values()) if self.patience.poll is None else float("inf")
        grace_ends = book.started + self.patience.visibility_grace - book.now if unseen else 0.0
        reasons = {id_: waiting[id_].why for id_ in book.known if id_ in waiting}
        return Again(reasons, pace, grace_ends if grace_ends > 0 else float("inf"))

    def too_late(self, book: Book[T], /) -> Failed | None:
        """Time is up before the grace: what was never seen is not late but not visible."""
        unseen = {
            id_: "is not visible yet"
            for id_, known in book.known.items()
            if known.last is None and known.missing_at is not None
        }
        return Failed(self.not_visible_error, unseen) if unseen else None

    def _opinion(self, known: Known[T]) -> Opinion:
        said = self.aim(known)
        if isinstance(said, Ready) and known.repeats + 1 < self.reads:
            return Lacks("has been as it should only once", UNSEEN_PACE)
        return said

    def _is_lost(self, known: Known[T]) -> bool:
        if known.last is None or known.missing_at is None or known.missing_since is None or self.settled(known):
            return False
        return known.missing_at - known.missing_since >= VANISHED_AFTER and known.missing_reads >= VANISHED_READS

    def _vanished(self, known: Known[T]) -> str:
        state = self.kind.state(known.last) if known.last is not None else "there"
        seconds = (known.missing_at or 0.0) - (known.missing_since or 0.0)
        return f"was {state}, then unknown to ECS for {seconds:.0f} s"


def waiter(goal: All[T], asked: Asked[T], announce: Callable[[Book[T]], Flow[None]] | None = None) -> Waiter[T]:
    """Return the wait for what was asked for.

    Raises:
        RequestError: Something about the patience is not what it must be.
    """
    from tenacity.wait import wait_exponential

    patience = goal.patience
    patience.check(goal.name)
    return Waiter(
        subject=goal.kind,
        query=Batches(goal.kind, asked.places),
        goal=goal,
        timeout=patience.timeout,
        max_polls=patience.max_polls,
        poll=patience.poll or wait_exponential(multiplier=2, exp_base=1.5, max=15),
        on_poll=patience.on_poll,
        arguments=asked.arguments,
        announce=announce,
    )


def wait_for(goal: All[T], asked: Asked[T]) -> Flow[list[T]]:
    """Return the flow that waits for what was asked for, and results in what was seen of it last, in order."""
    return waiter(goal, asked).flow(list(asked.places), asked.seen)
