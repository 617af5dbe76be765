"""Conditions: what a wait requires of each target, and of all of them at the same time.

A `Condition` evaluates one target that was observed. `AllMet` is the goal that all targets meet a condition; it also
decides about targets that polls do not show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeAlias, TypeVar

import attrs

from ecskit._core.effects import Flow
from ecskit._polling.batches import Batches, DescribedType, Targets
from ecskit._polling.errors import NotVisible, Vanished, WaitError, WaitFailed
from ecskit._polling.loop import Continue, Done, Failed, Verdict, Waiter
from ecskit._polling.observations import ResourceState, WaitState
from ecskit._polling.options import WaitOptions

__all__ = ["AllMet", "Condition", "Evaluation", "Met", "NotYet", "Pace", "Unreachable", "wait_for", "waiter"]

T = TypeVar("T")

LONGEST_INTERVAL = 15.0
"""The maximum number of seconds between polls by default, jitter and back-off aside."""
VANISHED_AFTER, VANISHED_POLLS = 30.0, 3
"""A target has vanished when this many polls in a row, over at least this many seconds, do not show it."""


@attrs.frozen
class Pace:
    """The intervals between polls while nothing changes, unless the caller passed a wait strategy."""

    first: float = 2.0
    """Seconds until the next poll after a change, jitter aside."""
    most: float = LONGEST_INTERVAL
    """The maximum number of seconds between polls."""
    growth: float = 1.5
    """The factor from one interval to the next."""
    exact: bool = False
    """Whether no poll may come earlier, because it confirms a state or waits for details of it."""

    def interval(self, polls: int) -> float:
        """Return the seconds until the next poll, after a number of polls that showed no change."""
        return min(self.most, self.first * self.growth ** min(polls, _GROWTHS))


_GROWTHS = 1000
"""The maximum number of times that an interval grows, so that the float does not overflow."""
NOT_VISIBLE_PACE = Pace(most=5.0, exact=True)
"""The pace for targets that are not visible yet, and for states that have to be confirmed."""


@attrs.frozen
class Met:
    """The target meets the condition."""


@attrs.frozen
class NotYet:
    """The target does not meet the condition yet."""

    why: str
    """Its state, for messages: the rest of a sentence that begins with the target."""
    pace: Pace = Pace()
    """How often to poll in this state."""


@attrs.frozen
class Unreachable:
    """The target cannot meet the condition any more."""

    why: str
    error: type[WaitError] | None = None
    """The error to raise; by default the `failed_error` of the goal."""


UNCONFIRMED = NotYet("met the condition when last observed, and has not been polled since")
Evaluation: TypeAlias = Met | NotYet | Unreachable
Condition: TypeAlias = Callable[[ResourceState[T]], Evaluation]
"""Evaluates one target that was observed."""


@attrs.frozen(kw_only=True)
class AllMet(Generic[T]):
    """The goal that all targets meet a condition at the same time."""

    name: str
    """The name of the wait, such as `tasks_running`."""
    resource_type: DescribedType[T]
    condition: Condition[T]
    wait_options: WaitOptions
    required_polls: int = 1
    """Polls in a row that have to meet the condition: 2 if the state may be left over from before an update."""
    vanished: Evaluation = Unreachable("")
    """The evaluation of targets that vanished: `Met()` if the wait is for a deletion."""
    not_visible_error: type[WaitError] = NotVisible
    vanished_error: type[WaitError] = Vanished
    failed_error: type[WaitError] = WaitFailed

    def is_final(self, resource: ResourceState[T], /) -> bool:  # noqa: ARG002  # subclasses use it
        """Whether the state of a target cannot change any more. By default no state is final."""
        return False

    def decide(self, wait_state: WaitState[T], /) -> Verdict:
        """Decide. Vanished targets count first, then those that were never visible, then the condition."""
        grace = self.wait_options.visibility_grace
        grace_ends = wait_state.started + grace
        vanished: dict[str, str] = {}
        never_visible: dict[str, str] = {}
        unreachable: dict[str, Unreachable] = {}
        waiting: dict[str, NotYet] = {}
        any_invisible = False
        for name, resource in wait_state.resources.items():
            evaluation: Evaluation | None = None
            if self._has_vanished(resource):
                evaluation, vanished[name] = self.vanished, self._why_vanished(resource)
            elif resource.last is not None:
                evaluation = self._evaluate(name, resource, wait_state)
            if isinstance(evaluation, Unreachable):
                unreachable[name] = evaluation
            elif isinstance(evaluation, NotYet):
                waiting[name] = evaluation
            if self._is_invisible(resource):
                any_invisible, waiting[name] = True, _invisible(resource)
                if resource.missing_at is not None and resource.missing_at >= grace_ends:
                    never_visible[name] = f"was not visible within {grace:.0f} s (visibility_grace)"
        failed = self._failed(vanished, never_visible, unreachable)
        return failed or (self._continue(wait_state, waiting, any_invisible=any_invisible) if waiting else Done())

    def at_timeout(self, wait_state: WaitState[T], /) -> Failed | None:
        """Return the error for targets that were never visible, if the timeout is shorter than the grace."""
        invisible = {
            name: "is not visible yet"
            for name, resource in wait_state.resources.items()
            if self._is_invisible(resource) and resource.missing_at is not None
        }
        return Failed(self.not_visible_error, invisible) if invisible else None

    def proves_visible(self, last: T, /) -> bool:  # noqa: ARG002  # subclasses use it
        """Whether an observation from before the wait proves that reads have shown the target.

        The response to a creation does not: reads may not show the resource yet. The default is True for waits for a
        deletion, which does not need the target to become visible first.
        """
        return isinstance(self.vanished, Met)

    def _failed(
        self, vanished: Mapping[str, str], never_visible: Mapping[str, str], unreachable: Mapping[str, Unreachable]
    ) -> Failed | None:
        if vanished and isinstance(self.vanished, Unreachable):
            return Failed(self.vanished_error, vanished)
        if never_visible:
            return Failed(self.not_visible_error, never_visible)
        if not unreachable:
            return None
        errors = {each.error or self.failed_error for each in unreachable.values()}
        error = errors.pop() if len(errors) == 1 else self.failed_error
        return Failed(error, {name: each.why for name, each in unreachable.items()})

    def _continue(self, wait_state: WaitState[T], waiting: Mapping[str, NotYet], *, any_invisible: bool) -> Continue:
        pace = no_later_than = float("inf")
        if self.wait_options.poll is None:
            resources = wait_state.resources
            pace = min([each.pace.interval(_unchanged_polls(resources[name])) for name, each in waiting.items()])
        grace_left = wait_state.started + self.wait_options.visibility_grace - wait_state.now
        if not wait_state.has_tried and all(each is UNCONFIRMED for each in waiting.values()):
            no_later_than = 0.0
        elif any_invisible and grace_left > 0:
            no_later_than = grace_left
        reasons = {name: each.why for name, each in waiting.items()}
        return Continue(reasons, pace, no_later_than, any(each.pace.exact for each in waiting.values()))

    def _evaluate(self, name: str, resource: ResourceState[T], wait_state: WaitState[T]) -> Evaluation:
        evaluation = self.condition(resource)
        if not isinstance(evaluation, Met) or self.is_final(resource):
            return evaluation
        # States change. One that this wait, or its latest poll, did not observe may be outdated.
        if name in wait_state.unanswered or not (resource.shown or isinstance(self.vanished, Met)):
            return UNCONFIRMED
        if resource.repeats + 1 < self.required_polls:
            return NotYet("met the condition in one poll only", NOT_VISIBLE_PACE)
        return evaluation

    def _is_invisible(self, resource: ResourceState[T]) -> bool:
        """Whether reads may not show a target yet."""
        if resource.shown or resource.last is None:
            return not resource.shown
        return (
            resource.missing_at is not None and not self.proves_visible(resource.last) and not self.is_final(resource)
        )

    def _has_vanished(self, resource: ResourceState[T]) -> bool:
        if resource.last is None or resource.missing_at is None or resource.missing_since is None:
            return False
        if self.is_final(resource) or self._is_invisible(resource):
            return False
        return (
            resource.missing_at - resource.missing_since >= VANISHED_AFTER and resource.missing_polls >= VANISHED_POLLS
        )

    def _why_vanished(self, resource: ResourceState[T]) -> str:
        state = self.resource_type.state(resource.last) if resource.last is not None else "visible"
        seconds = (resource.missing_at or 0.0) - (resource.missing_since or 0.0)
        return f"was {state}, then not found for {seconds:.0f} s"


def _invisible(resource: ResourceState[T]) -> NotYet:
    return NotYet("is not visible yet" if resource.missing_polls else "has not been polled yet", NOT_VISIBLE_PACE)


def _unchanged_polls(resource: ResourceState[T]) -> int:
    """Return how many polls in a row showed no change of a target."""
    if resource.last is None:
        return max(0, resource.missing_polls - 1)  # the first of them showed that it is missing
    return resource.repeats + resource.missing_polls


def waiter(
    goal: AllMet[T], targets: Targets[T], after_poll: Callable[[WaitState[T]], Flow[None]] | None = None
) -> Waiter[T]:
    """Return the wait for a goal over some targets.

    Args:
        goal: The goal.
        targets: The targets.
        after_poll: Returns a flow to run before the first poll and after each poll.

    Raises:
        RequestError: A wait option is invalid.
    """
    wait_options = goal.wait_options
    wait_options.check(goal.name)
    return Waiter(
        resource_type=goal.resource_type,
        query=Batches(goal.resource_type, targets.by_name),
        goal=goal,
        timeout=wait_options.timeout,
        max_polls=wait_options.max_polls,
        poll=wait_options.poll or LONGEST_INTERVAL,
        on_poll=wait_options.on_poll,
        early=wait_options.paces_polls,
        arguments=targets.arguments,
        after_poll=after_poll,
    )


def wait_for(goal: AllMet[T], targets: Targets[T]) -> Flow[list[T]]:
    """Return the flow that waits for a goal; it results in the last observation of each target, in the order given."""
    return waiter(goal, targets).flow(list(targets.by_name), targets.observed)
