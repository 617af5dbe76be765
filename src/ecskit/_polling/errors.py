"""The errors that end waits, with the story that they hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import attrs

from ecskit._core.documented import Documented
from ecskit._core.errors import EcsError, described
from ecskit._core.handles import WaitHandle, plain
from ecskit._core.model import Model
from ecskit._core.wording import escaped, listed, plural

__all__ = [
    "NotVisible",
    "Vanished",
    "WaitError",
    "WaitFailed",
    "WaitTimeout",
]


@attrs.frozen
class WaitStory(Documented):
    """What a wait has observed so far: after a poll, or at its end."""

    wait: str
    """The name of the wait, such as `tasks_running`."""
    noun: str
    """The resource type of its targets in the singular, such as `task`."""
    last: Mapping[str, Any]
    """The last observation of each target, by id; None for targets that were never visible."""
    reasons: Mapping[str, str]
    """Why a target does not meet the condition, by id."""
    elapsed: float
    """Seconds since the wait started."""
    polls: int
    """How many polls were made."""
    states: Mapping[str, int]
    """How often each state was observed; MISSING counts the polls that did not show a target."""
    stale: int
    """How many observations were older than the last one, and were ignored."""
    errors: Sequence[EcsError]
    """The errors of requests that failed and could be repeated, the latest of them."""
    late: int = 0
    """How many polls began over a second late, most often because `polls_per_second` of the client was used up."""
    events_error: Exception | None = None
    """The latest error of the source of events, if it has received nothing since; see `observing` of clients."""
    arguments: Mapping[str, Any] = attrs.field(factory=dict)
    """The other arguments of the wait, such as the cluster."""

    @property
    def handle(self) -> WaitHandle:
        """The handle from which the wait is resumed: `ecs.wait.resume(handle)`."""
        # Observations that are not models, such as the progress of a deployment, are read again.
        observed = {id_: plain(last) for id_, last in self.last.items() if isinstance(last, Model)}
        return WaitHandle(self.wait, list(self.last), self.arguments, observed)

    def with_arguments(self, arguments: Mapping[str, Any]) -> WaitStory:
        """Return the same story with other arguments for its handle."""
        return attrs.evolve(self, arguments=arguments)

    @property
    def poll_summary(self) -> str:
        """The number of polls, and the states that they showed, as text."""
        text = plural(self.polls, "poll") + (f" ({self.late} late)" if self.late else "")
        if self.states:
            text += ": " + ", ".join(f"{state} x{count}" for state, count in self.states.items())
        return text

    def __str__(self) -> str:
        """Return the state of the wait in one line, for `on_poll=print`."""
        if len(self.reasons) == 1:
            [(id_, why)] = self.reasons.items()
            text = f"{self.noun} {_short(id_)}: {why}"
        else:
            reasons = Counter(self.reasons.values())
            text = ", ".join(f"{plural(count, self.noun)}: {why}" for why, count in reasons.items())
        return escaped(f"{self.wait} after {self.elapsed:.0f} s: {text or 'done'}")


class WaitError(EcsError):
    """A wait ended without success.

    Attributes:
        story: What the wait observed: last observations, reasons, seconds, polls, states, errors.
    """

    outcome: ClassVar[str] = "ended"  # for the message
    story: WaitStory

    def __init__(self, story: WaitStory) -> None:
        """Hold the story of the wait."""
        super().__init__(story)
        self.story = story  # pyright: ignore[reportIncompatibleVariableOverride]  # never None here

    def _text(self) -> str:
        story = self.story
        reasons = listed((f"{self._named(id_)} {why}" for id_, why in story.reasons.items()), separator="; ")
        text = f"{story.wait}: {self.outcome} after {story.elapsed:.0f} s: {reasons}; {story.poll_summary}"
        text += f"; last error: {described(story.errors[-1])}" if story.errors else ""
        return text + (f"; no events were received: {described(story.events_error)}" if story.events_error else "")

    def _named(self, id_: str) -> str:
        return f"{self.story.noun} {_short(id_)}"


class WaitTimeout(WaitError):  # named after what happened, like all errors of waits
    """The timeout, or the maximum number of polls, was reached."""

    outcome = "timed out"


class NotVisible(WaitError):
    """A target was never visible, although the time that ECS needs to show new resources has passed.

    It may not exist, may be in another cluster or region, or may have been deleted.
    """

    outcome = "never visible"

    def _named(self, id_: str) -> str:
        """Return the target with its cluster: most often another one was meant."""
        named = super()._named(id_)
        if self.story.noun not in _IN_CLUSTERS:
            return named
        between = id_.split("/")[1:-1]  # an ARN has the cluster there, but for those of the old format
        given = between[0] if between else self.story.arguments.get("cluster")
        if given is None and id_.startswith("arn:"):
            return named
        return f"{named} in cluster {_short(given or 'default')!r}"


class Vanished(WaitError):
    """A target was visible, and then not found any more."""

    outcome = "vanished"


class WaitFailed(WaitError):
    """A target is in a state from which it cannot meet the condition."""

    outcome = "failed"


_IN_CLUSTERS = frozenset({"container instance", "daemon", "service", "task", "task set"})
"""What belongs to a cluster. ECS uses `default` if a request names none."""


def _short(id_: str) -> str:
    return id_.rsplit("/", 1)[-1]
