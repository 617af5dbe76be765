"""Read, write, compare and validate service definitions offline; the values of services and of their deployments.

The methods are in `client.services`, and in the handle that `client.services.start_deployment` returns. What `diff` and
`validate` return are values of `ecskit.task_definitions`: `Difference` and `Finding`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._lazy import publish

if TYPE_CHECKING:
    from ecskit._deployments.arguments import AsyncOnPause, Fallback, OnPause, OnSuperseded, PauseAnswer, Until
    from ecskit._deployments.events import (
        CountsChanged,
        DeploymentEnded,
        DeploymentEvent,
        DeploymentFollowed,
        PauseStarted,
        RevisionRegistered,
        RollbackStarted,
        ServiceEventLogged,
        StabilityChanged,
        StageReached,
        StatusChanged,
        TaskStopped,
    )
    from ecskit._deployments.history import DeployedRevision
    from ecskit._deployments.progress import DeploymentProgress
    from ecskit._deployments.reference import DeploymentLike, ServiceRef, StartedDeployment
    from ecskit._deployments.rollback_target import RollbackTarget
    from ecskit._deployments.stability import Stability
    from ecskit._deployments.waits import OneServiceDeployment
    from ecskit._plans.applying import Applied
    from ecskit._plans.plan import Action, Plan
    from ecskit._service_definitions.diffing import ServiceDefinition, diff
    from ecskit._service_definitions.files import dump, load, to_create_request
    from ecskit._service_definitions.validating import validate
    from ecskit._services.deleting import UntilDeleted
    from ecskit._services.scaling import UntilScaled
    from ecskit._task_definitions.validating import raise_for_findings
    from ecskit._verification.checks import Check, Checks, CheckStatus
    from ecskit._waits.services import Services

__all__ = [
    "Action",
    "Applied",
    "AsyncOnPause",
    "Check",
    "CheckStatus",
    "Checks",
    "CountsChanged",
    "DeployedRevision",
    "DeploymentEnded",
    "DeploymentEvent",
    "DeploymentFollowed",
    "DeploymentLike",
    "DeploymentProgress",
    "Fallback",
    "OnPause",
    "OnSuperseded",
    "OneServiceDeployment",
    "PauseAnswer",
    "PauseStarted",
    "Plan",
    "RevisionRegistered",
    "RollbackStarted",
    "RollbackTarget",
    "ServiceDefinition",
    "ServiceEventLogged",
    "ServiceRef",
    "Services",
    "Stability",
    "StabilityChanged",
    "StageReached",
    "StartedDeployment",
    "StatusChanged",
    "TaskStopped",
    "Until",
    "UntilDeleted",
    "UntilScaled",
    "diff",
    "dump",
    "load",
    "raise_for_findings",
    "to_create_request",
    "validate",
]

publish(
    globals(),
    {
        "AsyncOnPause": "ecskit._deployments.arguments",
        "CountsChanged": "ecskit._deployments.events",
        "DeployedRevision": "ecskit._deployments.history",
        "DeploymentEnded": "ecskit._deployments.events",
        "DeploymentEvent": "ecskit._deployments.events",
        "DeploymentFollowed": "ecskit._deployments.events",
        "DeploymentLike": "ecskit._deployments.reference",
        "DeploymentProgress": "ecskit._deployments.progress",
        "Fallback": "ecskit._deployments.arguments",
        "OnPause": "ecskit._deployments.arguments",
        "OnSuperseded": "ecskit._deployments.arguments",
        "OneServiceDeployment": "ecskit._deployments.waits",
        "PauseAnswer": "ecskit._deployments.arguments",
        "PauseStarted": "ecskit._deployments.events",
        "RevisionRegistered": "ecskit._deployments.events",
        "RollbackStarted": "ecskit._deployments.events",
        "RollbackTarget": "ecskit._deployments.rollback_target",
        "ServiceEventLogged": "ecskit._deployments.events",
        "ServiceRef": "ecskit._deployments.reference",
        "Services": "ecskit._waits.services",
        "Stability": "ecskit._deployments.stability",
        "StabilityChanged": "ecskit._deployments.events",
        "StageReached": "ecskit._deployments.events",
        "StartedDeployment": "ecskit._deployments.reference",
        "StatusChanged": "ecskit._deployments.events",
        "TaskStopped": "ecskit._deployments.events",
        "Until": "ecskit._deployments.arguments",
        "UntilDeleted": "ecskit._services.deleting",
        "UntilScaled": "ecskit._services.scaling",
        "dump": "ecskit._service_definitions.files",
        "load": "ecskit._service_definitions.files",
        "to_create_request": "ecskit._service_definitions.files",
        "ServiceDefinition": "ecskit._service_definitions.diffing",
        "diff": "ecskit._service_definitions.diffing",
        "raise_for_findings": "ecskit._task_definitions.validating",
        "validate": "ecskit._service_definitions.validating",
        "Action": "ecskit._plans.plan",
        "Plan": "ecskit._plans.plan",
        "Applied": "ecskit._plans.applying",
        "Check": "ecskit._verification.checks",
        "CheckStatus": "ecskit._verification.checks",
        "Checks": "ecskit._verification.checks",
    },
)
