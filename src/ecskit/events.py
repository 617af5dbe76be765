"""Events of ECS from EventBridge: their types, `decode_event`, a source that receives them from SQS, and a template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._lazy import publish

if TYPE_CHECKING:
    from ecskit._events.decoding import decode_event
    from ecskit._events.events import (
        ContainerInstanceHealthChange,
        ContainerInstanceHealthDetail,
        ContainerInstanceStateChange,
        DaemonDeploymentDetail,
        DaemonDeploymentStateChange,
        DaemonServiceAction,
        DaemonServiceActionDetail,
        DeploymentDetail,
        DeploymentStateChange,
        EcsEvent,
        HookDetail,
        HookStateChange,
        ServiceAction,
        ServiceActionDetail,
        TaskStateChange,
        UnknownEvent,
    )

__all__ = [
    "ContainerInstanceHealthChange",
    "ContainerInstanceHealthDetail",
    "ContainerInstanceStateChange",
    "DaemonDeploymentDetail",
    "DaemonDeploymentStateChange",
    "DaemonServiceAction",
    "DaemonServiceActionDetail",
    "DeploymentDetail",
    "DeploymentStateChange",
    "EcsEvent",
    "HookDetail",
    "HookStateChange",
    "ServiceAction",
    "ServiceActionDetail",
    "TaskStateChange",
    "UnknownEvent",
    "decode_event",
]

publish(
    globals(),
    {
        "ContainerInstanceHealthChange": "ecskit._events.events",
        "ContainerInstanceHealthDetail": "ecskit._events.events",
        "ContainerInstanceStateChange": "ecskit._events.events",
        "DaemonDeploymentDetail": "ecskit._events.events",
        "DaemonDeploymentStateChange": "ecskit._events.events",
        "DaemonServiceAction": "ecskit._events.events",
        "DaemonServiceActionDetail": "ecskit._events.events",
        "DeploymentDetail": "ecskit._events.events",
        "DeploymentStateChange": "ecskit._events.events",
        "EcsEvent": "ecskit._events.events",
        "HookDetail": "ecskit._events.events",
        "HookStateChange": "ecskit._events.events",
        "ServiceAction": "ecskit._events.events",
        "ServiceActionDetail": "ecskit._events.events",
        "TaskStateChange": "ecskit._events.events",
        "UnknownEvent": "ecskit._events.events",
        "decode_event": "ecskit._events.decoding",
    },
)
