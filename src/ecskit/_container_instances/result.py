"""The result of updating an agent."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from ecskit._core.documented import Documented
from ecskit.models.container_instances import ContainerInstance

__all__ = ["AgentOutcome", "AgentUpdate"]

AgentOutcome: TypeAlias = Literal["updated", "current", "requested"]
"""The outcome of updating an agent; see `AgentUpdate.outcome`."""


@attrs.frozen(kw_only=True)
class AgentUpdate(Documented):
    """The result of updating the agent of one container instance."""

    container_instance: ContainerInstance
    """The last observation of the container instance; `version_info` has the version of its agent."""
    outcome: AgentOutcome
    """"updated" if a poll showed it; "current" if ECS has no update for it; "requested" if the update was not awaited.
    An update that was in progress before counts as requested."""
