"""The operations of the simulator: one module per family, with a table `OPERATIONS`.

A new family is a new module and a line in `_FAMILIES`. An operation gets the account and a request that fits the
service model. It returns the body of the answer or raises a `SimulatedError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ecskit._simulator.account import Account
from ecskit._simulator.operations import (
    account_settings,
    agent,
    attributes,
    capacity_providers,
    clusters,
    container_instances,
    daemon_deployments,
    daemon_task_definitions,
    daemons,
    express_services,
    gateway_associations,
    gateway_routes,
    gateways,
    service_deployments,
    services,
    tags,
    task_access,
    task_definitions,
    task_runs,
    task_sets,
    tasks,
)
from ecskit._simulator.wire import Wire

Operation = Callable[[Account, Wire], Wire]

_FAMILIES: tuple[Mapping[str, Operation], ...] = (
    account_settings.OPERATIONS,
    agent.OPERATIONS,
    attributes.OPERATIONS,
    capacity_providers.OPERATIONS,
    clusters.OPERATIONS,
    container_instances.OPERATIONS,
    daemon_deployments.OPERATIONS,
    daemon_task_definitions.OPERATIONS,
    daemons.OPERATIONS,
    express_services.OPERATIONS,
    gateway_associations.OPERATIONS,
    gateway_routes.OPERATIONS,
    gateways.OPERATIONS,
    service_deployments.OPERATIONS,
    services.OPERATIONS,
    tags.OPERATIONS,
    task_access.OPERATIONS,
    task_definitions.OPERATIONS,
    task_runs.OPERATIONS,
    task_sets.OPERATIONS,
    tasks.OPERATIONS,
)

TABLE: dict[str, Operation] = {name: operation for family in _FAMILIES for name, operation in family.items()}
