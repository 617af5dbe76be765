"""Conditions: what a wait requires of each target, and of all of them at the same time.

A `Condition` evaluates one target. `All` decides about all targets, and about those that polls do not show.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeAlias, TypeVar

import attrs

from ecskit._core.effects import Flow
from ecskit._polling.batches import Batches, ResourceType, Targets
from ecskit._polling.errors import NotVisible, Vanished, WaitError, WaitFailed
from ecskit._polling.loop import Again, Done, Failed, Verdict, Waiter
from ecskit._polling.observations import ResourceState, WaitState
from ecskit._polling.options import WaitOptions

__all__ = ["All", "Condition", "Evaluation", "Met", "NotYet", "Pace", "Unreachable", "wait_for", "waiter"]

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
NOT_VISIBLE_PACE = Pace(most=5.0)
"""While something is not visible yet."""


@attrs.frozen
class Met:
    """The thing is as it should be."""


@attrs.frozen
class NotYet:
    """The thing is not as it should be yet."""

    why: str
    pace: Pace = Pace()
    """How often to look until it is."""


@attrs.frozen
class Unreachable:
    """The thing will never be as it should be."""

    why: str
    error: type[WaitError] | None = None
    """What to raise in place of the goal's own `failed_error`."""


UNCONFIRMED = NotYet("was as it should, but has not been looked at since")
Evaluation: TypeAlias = Met | NotYet | Unreachable
Condition: TypeAlias = Callable[[ResourceState[T]], Evaluation]
"""What is to be said about one thing that was seen."""


@attrs.frozen(kw_only=True)
class All(Generic[T]):
    """Everything that was asked for is as it should be."""

    name: str
    """Name of the wait, such as `tasks_running`."""
    resource_type: ResourceType[T]
    condition: Condition[T]
    wait_options: WaitOptions
    reads: int = 1
    """Looks in a row that have to show it: 2 where a state of before cannot be told from the one waited for."""
    vanished: Evaluation = Unreachable("")
    """What to think of what was seen and then no more; what is deleted does that when all goes well."""
    not_visible_error: type[WaitError] = NotVisible
    vanished_error: type[WaitError] = Vanished
    failed_error: type[WaitError] = WaitFailed

    def settled(self, resource: ResourceState[T], /) -> bool:  # noqa: ARG002  # for those that know better
        """Whether a thing needs no further look: none by itself, because states can change again."""
        return False

    def judge(self, wait_state: WaitState[T], /) -> Verdict:
        """Decide: what cannot be seen any more first, then what was never seen, then what each of them lacks."""
        evaluations = {
            id_: self._evaluation(id_, wait_state)
            for id_, resource in wait_state.resources.items()
            if resource.last is not None
        }
        lost = {
            id_: self._vanished(resource) for id_, resource in wait_state.resources.items() if self._is_lost(resource)
        }
        evaluations |= dict.fromkeys(lost, self.vanished)
        if lost and isinstance(self.vanished, Unreachable):
            return Failed(self.vanished_error, lost)
        unseen = [id_ for id_, resource in wait_state.resources.items() if self._is_unseen(resource)]
        given_up = {
            id_: f"was not visible within the grace of {self.wait_options.visibility_grace:.0f} s"
            for id_ in unseen
            if (at := wait_state.resources[id_].missing_at) is not None
            and at >= wait_state.started + self.wait_options.visibility_grace
        }
        if given_up:
            return Failed(self.not_visible_error, given_up)
        never = {id_: said for id_, said in evaluations.items() if isinstance(said, Unreachable)}
        if never:
            errors = {said.error or self.failed_error for said in never.values()}
            error = errors.pop() if len(errors) == 1 else self.failed_error
            return Failed(error, {id_: said.why for id_, said in never.items()})
        waiting = {id_: said for id_, said in evaluations.items() if isinstance(said, NotYet)}
        waiting |= {id_: _not_seen(wait_state.resources[id_]) for id_ in unseen}
        if not waiting:
            return Done()
        paces = (said.pace.nap(_quiet_polls(wait_state.resources[id_])) for id_, said in waiting.items())
        pace = min(paces) if self.wait_options.poll is None else float("inf")
        soon = float("inf")
        if not wait_state.polls and all(said is UNCONFIRMED for said in waiting.values()):
            soon = 0.0
        elif unseen and wait_state.now < wait_state.started + self.wait_options.visibility_grace:
            soon = wait_state.started + self.wait_options.visibility_grace - wait_state.now
        return Again({id_: waiting[id_].why for id_ in wait_state.resources if id_ in waiting}, pace, soon)

    def too_late(self, wait_state: WaitState[T], /) -> Failed | None:
        """Time is up before the grace: what was never seen is not late but not visible."""
        unseen = {
            id_: "is not visible yet"
            for id_, resource in wait_state.resources.items()
            if self._is_unseen(resource) and resource.missing_at is not None
        }
        return Failed(self.not_visible_error, unseen) if unseen else None

    def proves(self, last: T, /) -> bool:  # noqa: ARG002  # for those that know better
        """Whether what the caller has seen of a thing was visible to all: an answer to its creation may not be yet.

        It is taken to be where things are to vanish: then nobody waits for them to appear.
        """
        return isinstance(self.vanished, Met)

    def _evaluation(self, id_: str, wait_state: WaitState[T]) -> Evaluation:
        resource = wait_state.resources[id_]
        said = self.condition(resource)
        if not isinstance(said, Met) or self.settled(resource):
            return said
        # States change: one that nobody has looked at in this wait, or in its latest look, may be of long ago.
        if id_ in wait_state.unanswered or not (resource.observed or isinstance(self.vanished, Met)):
            return UNCONFIRMED
        return (
            said if resource.repeats + 1 >= self.reads else NotYet("has been as it should only once", NOT_VISIBLE_PACE)
        )

    def _is_unseen(self, resource: ResourceState[T]) -> bool:
        """Whether a thing may be one that ECS does not show yet."""
        if resource.observed or resource.last is None:
            return not resource.observed
        return resource.missing_at is not None and not self.proves(resource.last) and not self.settled(resource)

    def _is_lost(self, resource: ResourceState[T]) -> bool:
        if resource.last is None or resource.missing_at is None or resource.missing_since is None:
            return False
        if self.settled(resource) or self._is_unseen(resource):
            return False
        return (
            resource.missing_at - resource.missing_since >= VANISHED_AFTER and resource.missing_reads >= VANISHED_READS
        )

    def _vanished(self, resource: ResourceState[T]) -> str:
        state = self.resource_type.state(resource.last) if resource.last is not None else "there"
        seconds = (resource.missing_at or 0.0) - (resource.missing_since or 0.0)
        return f"was {state}, then unknown to ECS for {seconds:.0f} s"


def _not_seen(resource: ResourceState[T]) -> NotYet:
    return NotYet("is not visible yet" if resource.missing_reads else "has not been looked at yet", NOT_VISIBLE_PACE)


def _quiet_polls(resource: ResourceState[T]) -> int:
    """Return how many looks in a row told nothing new."""
    if resource.last is None:
        return max(0, resource.missing_reads - 1)  # the first one told that it is not there
    return resource.repeats + resource.missing_reads


def waiter(
    goal: All[T], targets: Targets[T], announce: Callable[[WaitState[T]], Flow[None]] | None = None
) -> Waiter[T]:
    """Return the wait for what was asked for.

    Raises:
        RequestError: Something about the patience is not what it must be.
    """
    from tenacity.wait import wait_fixed

    wait_options = goal.wait_options
    wait_options.check(goal.name)
    return Waiter(
        resource_type=goal.resource_type,
        query=Batches(goal.resource_type, targets.by_name),
        goal=goal,
        timeout=wait_options.timeout,
        max_polls=wait_options.max_polls,
        poll=wait_options.poll or wait_fixed(LONGEST),
        on_poll=wait_options.on_poll,
        arguments=targets.arguments,
        announce=announce,
    )


def wait_for(goal: All[T], targets: Targets[T]) -> Flow[list[T]]:
    """Return the flow that waits for what was asked for, and results in what was seen of it last, in order."""
    return waiter(goal, targets).flow(list(targets.by_name), targets.seen)
