"""Going on with a wait that ended early, in this process or in another one.

A handle holds what was asked for and what was last seen of it. Going on is the same wait over the same things, those
that were seen as they were seen: so a task that ran before and is unknown now is purged, not "not visible yet".
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
"""The module of each wait, and the model of what it looks at."""


def resume(handle: WaitHandle, *, wait_options: WaitOptions) -> Flow[Any]:
    """Go on with a wait that ended early: timed out, refused, or in a process that is no more.

    Args:
        handle: The `story.handle` of the error that ended it, or of what `on_poll` was told; after a detour through
            text, `WaitHandle.from_json(text)`.
        wait_options: How long to wait and how often to look, from now on.

    Returns:
        What that wait returns: a list of what it waited for, as it was last seen, or what is known of a deployment.

    Raises:
        WaitError: As that wait does.

    Source: none of ECS's; a handle is ecskit's own.
    """
    if not isinstance(handle, WaitHandle):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
        raise RequestError("resume", [("handle", f"expected a WaitHandle, got {type(handle).__name__}")])
    if handle.wait == "deployment":
        from ecskit._deployments.following import Tracker

        return Tracker.resumed(handle, wait_options).flow()
    if handle.wait not in WAITS:
        problem = f"there is no wait {handle.wait!r}; it may have been written by another version of ecskit"
        raise RequestError("resume", [("handle", problem)])
    module, model = WAITS[handle.wait]
    structure, cls = structure_hook(getattr(models, model)), getattr(models, model)
    things = [structure(handle.observed[id_], cls) if id_ in handle.observed else id_ for id_ in handle.ids]
    wait = getattr(importlib.import_module(module), handle.wait)
    try:
        flow: Flow[Any] = wait(things, **handle.arguments, wait_options=wait_options)
    except TypeError:
        problem = f"its arguments are not those of {handle.wait}: it was changed, or written by another version"
        raise RequestError("resume", [("handle", problem)]) from None
    return flow
