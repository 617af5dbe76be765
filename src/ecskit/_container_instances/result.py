"""What came of updating an agent, as a value."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from ecskit.models.container_instances import ContainerInstance

__all__ = ["AgentOutcome", "AgentUpdate"]

AgentOutcome: TypeAlias = Literal["updated", "current", "requested"]
"""The outcome of updating an agent; see `AgentUpdate.outcome`."""


@attrs.frozen(kw_only=True)
class AgentUpdate:
    """What came of updating the agent of one container instance."""

    container_instance: ContainerInstance
    """The container instance as it was last seen; `version_info` has the version of its agent."""
    outcome: AgentOutcome
    """"updated" if a poll showed it; "current" if ECS has no update for it; "requested" if the update was not awaited.
    An update that was in progress before counts as requested."""
