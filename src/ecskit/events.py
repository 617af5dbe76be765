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
    from ecskit._events.observing import AsyncObserving, Observing
    from ecskit._events.sources import AsyncEventReceiver, EventBatch, EventCounts, EventReceiver, EventSource
    from ecskit._events.sqs import AsyncSqsReceiver, SqsReceiver, SqsSource
    from ecskit._events.template import template

__all__ = [
    "AsyncEventReceiver",
    "AsyncObserving",
    "AsyncSqsReceiver",
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
    "EventBatch",
    "EventCounts",
    "EventReceiver",
    "EventSource",
    "HookDetail",
    "HookStateChange",
    "Observing",
    "ServiceAction",
    "ServiceActionDetail",
    "SqsReceiver",
    "SqsSource",
    "TaskStateChange",
    "UnknownEvent",
    "decode_event",
    "template",
]

publish(
    globals(),
    {
        "AsyncEventReceiver": "ecskit._events.sources",
        "AsyncObserving": "ecskit._events.observing",
        "AsyncSqsReceiver": "ecskit._events.sqs",
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
        "EventBatch": "ecskit._events.sources",
        "EventCounts": "ecskit._events.sources",
        "EventReceiver": "ecskit._events.sources",
        "EventSource": "ecskit._events.sources",
        "HookDetail": "ecskit._events.events",
        "HookStateChange": "ecskit._events.events",
        "Observing": "ecskit._events.observing",
        "ServiceAction": "ecskit._events.events",
        "ServiceActionDetail": "ecskit._events.events",
        "SqsReceiver": "ecskit._events.sqs",
        "SqsSource": "ecskit._events.sqs",
        "TaskStateChange": "ecskit._events.events",
        "UnknownEvent": "ecskit._events.events",
        "decode_event": "ecskit._events.decoding",
        "template": "ecskit._events.template",
    },
)
