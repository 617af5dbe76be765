"""How waits end badly. The errors hold what the wait knew; `__str__` tells it so that a person can act on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar

import attrs

from ecskit._core.errors import EcsError
from ecskit._core.handles import WaitHandle, plain
from ecskit._core.model import Model

__all__ = [
    "NotVisible",
    "Vanished",
    "WaitError",
    "WaitFailed",
    "WaitTimeout",
]


_BLAMED = 10
"""How many things a message names at the most."""


@attrs.frozen
class WaitStory:
    """What a wait knows: after a look, or when it ended."""

    wait: str
    """Name of the wait, such as `tasks_running`."""
    noun: str
    """What it waited for, such as `task`."""
    last: Mapping[str, Any]
    """The last observation of each thing that was asked for, by id; None of what was never seen."""
    reasons: Mapping[str, str]
    """What is lacking or to blame, by the id of each thing."""
    elapsed: float
    """Seconds the wait took."""
    polls: int
    """How many times it looked."""
    states: Mapping[str, int]
    """How often each state was seen; MISSING counts as one."""
    stale: int
    """How many observations were older than what was known already."""
    errors: Sequence[EcsError]
    """What came in place of answers, the latest of it."""
    arguments: Mapping[str, Any] = attrs.field(factory=dict)
    """What else the wait was told, such as the cluster."""

    @property
    def handle(self) -> WaitHandle:
        """What is needed to go on with the wait elsewhere: `ecs.wait.resume(handle)`."""
        # What is no model, such as the progress of a deployment, is found out anew.
        seen = {id_: plain(last) for id_, last in self.last.items() if isinstance(last, Model)}
        return WaitHandle(self.wait, list(self.last), self.arguments, seen)

    def with_arguments(self, arguments: Mapping[str, Any]) -> WaitStory:
        """Return the same story with these arguments in its handle."""
        return attrs.evolve(self, arguments=arguments)

    @property
    def poll_summary(self) -> str:
        """The polls and what they showed, in words."""
        told = f"{self.polls} poll{'' if self.polls == 1 else 's'}"
        if self.states:
            told += ": " + ", ".join(f"{state} x{count}" for state, count in self.states.items())
        return told

    def __str__(self) -> str:
        """Tell how it stands, so that `on_poll=print` is worth reading."""
        lacking = Counter(self.reasons.values())
        told = ", ".join(f"{count} {self.noun}{'' if count == 1 else 's'}: {why}" for why, count in lacking.items())
        return f"{self.wait} after {self.elapsed:.0f} s: {told or 'there'}"


class WaitError(EcsError):
    """A wait ended without what it waited for.

    Attributes:
        story: What the wait knew: last observations, reasons, seconds, polls, states, errors.
    """

    outcome: ClassVar[str] = "ended"
    story: WaitStory

    def __init__(self, story: WaitStory) -> None:
        """Hold what the wait knew."""
        super().__init__(story)
        self.story = story  # pyright: ignore[reportIncompatibleVariableOverride]  # never None here

    def __str__(self) -> str:
        story = self.story
        blamed = [f"{story.noun} {_names_only(id_)} {why}" for id_, why in islice(story.reasons.items(), _BLAMED)]
        if len(story.reasons) > _BLAMED:
            blamed.append(f"and {len(story.reasons) - _BLAMED} more")
        told = f"{story.wait}: {self.outcome} after {story.elapsed:.0f} s: {'; '.join(blamed)}; {story.poll_summary}"
        return told + (f"; last error: {story.errors[-1]}" if story.errors else "")


class WaitTimeout(WaitError):  # read as what happened
    """Time, or the number of polls, was up."""

    outcome = "timed out"


class NotVisible(WaitError):
    """Something was never seen, although the time that ECS needs to show new things has passed.

    It may not exist, may be elsewhere, or may be forgotten already.
    """

    outcome = "never visible"


class Vanished(WaitError):
    """Something was seen and then no more."""

    outcome = "vanished"


class WaitFailed(WaitError):
    """Something came into a state from which it will not be what was waited for."""

    outcome = "failed"


def _names_only(id_: str) -> str:
    return id_.rsplit("/", 1)[-1]
