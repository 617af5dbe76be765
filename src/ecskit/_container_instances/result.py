"""What came of updating an agent, as a value."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from ecskit.models.container_instances import ContainerInstance

__all__ = ["AgentOutcome", "AgentUpdate"]

AgentOutcome: TypeAlias = Literal["updated", "current", "told"]
"""What came of updating an agent: it was "updated"; there is no update, so it is "current"; or it was only "told"."""


@attrs.frozen(kw_only=True)
class AgentUpdate:
    """What came of updating the agent of one container instance."""

    container_instance: ContainerInstance
    """The container instance as it was last seen; `version_info` has the version of its agent."""
    outcome: AgentOutcome
    """"updated" if it was seen to be; "current" if ECS has no update for it, so that it is as it should be; "told" if
    nobody waited for the update, which may also be one that was under way already."""
