"""Task definitions for Fargate, in ECS's own form."""

from __future__ import annotations

from typing import Any

from ecskit.testing import Simulator

Wire = dict[str, Any]
NETWORK: Wire = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}


def fargate(family: str, *containers: Wire, **members: Any) -> Wire:
    """Return a request that registers a task definition for Fargate, by default with the container `app`."""
    return {
        "family": family,
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [*containers] or [{"name": "app", "image": "image:1"}],
        **members,
    }


def register(sim: Simulator, family: str, *containers: Wire, **members: Any) -> str:
    """Register a task definition for Fargate, and return its ARN."""
    arn: str = sim.handle("RegisterTaskDefinition", fargate(family, *containers, **members))["taskDefinition"][
        "taskDefinitionArn"
    ]
    return arn
