"""What the simulated account remembers of resources that ECS manages step by step: one record with a timeline.

Decides how the state at a moment follows from the timeline. A change holds the members that take new values; the state
is all changes up to the moment laid over one another, so the past can be read again as it was. Which changes there are
is decided by the operations.
"""

from __future__ import annotations

import attrs

from ecskit._simulator.records.resources import Tags
from ecskit._simulator.wire import Wire


@attrs.frozen
class Change:
    """Members that take new values at one moment.

    Args:
        at: The moment, in seconds since the epoch. It may lie ahead.
        members: The new values. None removes a member.
    """

    at: float
    members: Wire


@attrs.define(kw_only=True)
class TimedResource:
    """One daemon, deployment, gateway, route or the like.

    Args:
        arn: Its ARN, unique among its kind.
        name: What a script calls it.
        created_at: When it came to be.
        body: Members that never change.
        changes: Its timeline. It is replaced, never edited in place.
        tags: Its tags.
        hidden: What operations must remember and no answer shows. It is replaced too, and always of the present.
        owner: The ARN of the resource that it is a part of, or None.
        gone_at: When it ends to exist, or None while no end is in sight. It may lie ahead.
    """

    arn: str
    name: str
    created_at: float
    body: Wire
    changes: tuple[Change, ...]
    tags: Tags = attrs.field(factory=list)
    internal: Wire = attrs.field(factory=dict)
    owner: str | None = None
    gone_at: float | None = None

    def exists(self, at: float) -> bool:
        """Whether it is there at a moment."""
        return self.created_at <= at and (self.gone_at is None or at < self.gone_at)

    def show(self, at: float) -> Wire:
        """Return the members that it has at a moment."""
        shown = dict(self.body)
        for change in self.changes:
            if change.at <= at:
                shown.update(change.members)
        return {name: value for name, value in shown.items() if value is not None}

    def reschedule(self, now: float, *changes: Change) -> None:
        """Begin something new: what was still ahead does not happen, the given changes do."""
        self.changes = (*(change for change in self.changes if change.at <= now), *changes)
