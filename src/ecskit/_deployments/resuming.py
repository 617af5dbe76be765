"""Continue a wait that ended early, in this process or in another one.

A handle holds the targets of a wait and their last observations. Continuing is the same wait for the same targets,
starting from these observations: a task that ran before and is missing now has been purged, and is not "not visible
yet".
"""

from __future__ import annotations

import importlib
from typing import Any

from ecskit import models
from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._core.handles import WaitHandle
from ecskit._core.structuring import structure_hook
from ecskit._polling.options import WaitOptions

__all__ = ["WAITS", "resume"]

WAITS = {
    "tasks_running": ("ecskit._waits.tasks", "Task"),
    "tasks_started": ("ecskit._waits.tasks", "Task"),
    "tasks_healthy": ("ecskit._waits.tasks", "Task"),
    "tasks_stopped": ("ecskit._waits.tasks", "Task"),
    "exec_agents_running": ("ecskit._waits.exec_agents", "Task"),
    "clusters_active": ("ecskit._waits.clusters", "Cluster"),
    "clusters_inactive": ("ecskit._waits.clusters", "Cluster"),
    "container_instances_registered": ("ecskit._waits.container_instances", "ContainerInstance"),
    "container_instances_connected": ("ecskit._waits.container_instances", "ContainerInstance"),
    "container_instances_drained": ("ecskit._waits.container_instances", "ContainerInstance"),
    "container_agents_updated": ("ecskit._waits.container_instances", "ContainerInstance"),
    "capacity_providers_active": ("ecskit._waits.capacity_providers", "CapacityProvider"),
    "capacity_providers_updated": ("ecskit._waits.capacity_providers", "CapacityProvider"),
    "capacity_providers_deleted": ("ecskit._waits.capacity_providers", "CapacityProvider"),
    "task_definitions_deleted": ("ecskit._waits.task_definitions", "TaskDefinition"),
    "task_sets_steady": ("ecskit._waits.task_sets", "TaskSet"),
    "task_sets_primary": ("ecskit._waits.task_sets", "TaskSet"),
    "task_sets_deleted": ("ecskit._waits.task_sets", "TaskSet"),
    "daemons_active": ("ecskit._waits.daemons", "DaemonDetail"),
    "daemons_deleted": ("ecskit._waits.daemons", "DaemonDetail"),
    "daemon_deployments_successful": ("ecskit._waits.daemons", "DaemonDeployment"),
    "daemon_deployments_stopped": ("ecskit._waits.daemons", "DaemonDeployment"),
    "daemon_task_definitions_active": ("ecskit._waits.daemons", "DaemonTaskDefinition"),
    "daemon_task_definitions_deleted": ("ecskit._waits.daemons", "DaemonTaskDefinition"),
    "gateways_active": ("ecskit._waits.gateways", "Gateway"),
    "gateways_updated": ("ecskit._waits.gateways", "Gateway"),
    "gateways_deleted": ("ecskit._waits.gateways", "Gateway"),
    "gateway_routes_active": ("ecskit._waits.gateways", "GatewayRoute"),
    "gateway_routes_deleted": ("ecskit._waits.gateways", "GatewayRoute"),
    "express_gateway_services_active": ("ecskit._waits.express_services", "ECSExpressGatewayService"),
    "express_gateway_services_inactive": ("ecskit._waits.express_services", "ECSExpressGatewayService"),
    "services_stable": ("ecskit._waits.services", "Service"),
    "services_inactive": ("ecskit._waits.services", "Service"),
}
"""The module of each wait, and the model of its targets."""


def resume(handle: WaitHandle, *, wait_options: WaitOptions) -> Flow[Any]:
    """Continue a wait that ended early: by a timeout, an error, or with its process.

    Args:
        handle: The `story.handle` of the error that ended the wait, or of the story that `on_poll` got;
            `WaitHandle.from_json(text)` reads it from text.
        wait_options: How long to wait from now on, and how often to poll.

    Returns:
        What that wait returns: a list of the last observations, or the progress of a deployment.

    Raises:
        WaitError: As that wait does.

    Source: ecskit's own; ECS has no such operation.
    """
    if not isinstance(handle, WaitHandle):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        raise RequestError("resume", [("handle", f"expected a WaitHandle, got {type(handle).__name__}")])
    if handle.wait == "deployment":
        from ecskit._deployments.follow import Tracker

        return Tracker.resumed(handle, wait_options).wait()
    if handle.wait not in WAITS:
        problem = f"there is no wait {handle.wait!r}; another version of ecskit may have written it"
        raise RequestError("resume", [("handle", problem)])
    module, model = WAITS[handle.wait]
    structure, cls = structure_hook(getattr(models, model)), getattr(models, model)
    targets = [structure(handle.observed[id_], cls) if id_ in handle.observed else id_ for id_ in handle.ids]
    wait = getattr(importlib.import_module(module), handle.wait)
    try:
        flow: Flow[Any] = wait(targets, **handle.arguments, wait_options=wait_options)
    except TypeError:
        problem = f"its arguments are not those of {handle.wait}: it was changed, or another version wrote it"
        raise RequestError("resume", [("handle", problem)]) from None
    return flow
