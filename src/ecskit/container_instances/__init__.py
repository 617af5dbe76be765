"""Values about container instances; the verbs are in the clients' `container_instances` namespace."""

from __future__ import annotations

from ecskit.container_instances.result import AgentOutcome, AgentUpdate

__all__ = ["AgentOutcome", "AgentUpdate"]
