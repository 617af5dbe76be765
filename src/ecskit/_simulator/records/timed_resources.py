"""The record of a daemon, a gateway, an Express service and their parts: fixed members, and changes over time.

A change holds the members that get new values at one moment. The state at a moment is all changes up to it, applied in
order, so reads can show the past. The operations define the changes.
"""

from __future__ import annotations

import attrs

from ecskit._simulator.records.resources import Tags
from ecskit._simulator.wire import Wire


@attrs.frozen
class Change:
    """Members that get new values at one moment.

    Args:
        at: The moment, in seconds since the epoch. It may be in the future.
        members: The new values. None removes a member.
    """

    at: float
    members: Wire


@attrs.define(kw_only=True)
class TimedResource:
    """One daemon, daemon deployment, gateway, gateway route or the like.

    Args:
        arn: Its ARN, unique within its resource type.
        name: The name by which a script refers to it.
        created_at: When it was created.
        body: Members that never change.
        changes: Its changes in order of time. The tuple is replaced, never edited in place.
        tags: Its tags.
        internal: Data of the operations that no answer shows, always of the present. It is replaced, too.
        owner: The ARN of the resource that it is a part of, or None.
        gone_at: When it ceases to exist, or None if no end is planned. It may be in the future.
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
        """Whether it exists at a moment."""
        return self.created_at <= at and (self.gone_at is None or at < self.gone_at)

    def show(self, at: float) -> Wire:
        """Return its members at a moment."""
        shown = dict(self.body)
        for change in self.changes:
            if change.at <= at:
                shown.update(change.members)
        return {name: value for name, value in shown.items() if value is not None}

    def reschedule(self, now: float, *changes: Change) -> None:
        """Replace the changes that are still in the future."""
        self.changes = (*(change for change in self.changes if change.at <= now), *changes)
