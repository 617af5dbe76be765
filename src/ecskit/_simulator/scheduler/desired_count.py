"""Keep one deployment or task set at its desired count, and count failed tasks.

The percentages of the deployment configuration have no effect here: `replacement` applies them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.scheduler.launch_and_stop import launch, stop
from ecskit._simulator.scheduler.live_tasks import live_tasks_of, of_deployment
from ecskit._simulator.scheduler.replacement import surplus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecskit._simulator.account import Account
    from ecskit._simulator.records.service_tasks import ServiceTask
    from ecskit._simulator.records.services import Service
    from ecskit._simulator.wire import Wire


def count_failure(service: Service, started_by: str) -> None:
    """Count one failed task for the deployment that launched it."""
    for deployment in service.deployments:
        if deployment.id == started_by:
            deployment.failed += 1
    rollout = service.rollout
    if rollout is not None and rollout.deployment.id == started_by and rollout.status == "IN_PROGRESS":
        rollout.failures += 1


def count_unhealthy(service: Service, tasks: Sequence[ServiceTask]) -> None:
    """Count the unhealthy ones among the tasks that are stopped as failures."""
    for task in tasks:
        if task.unhealthy:
            count_failure(service, task.started_by)


def keep_count(account: Account, service: Service, started_by: str, config: Wire, count: int) -> None:
    """Start and stop tasks until one deployment or task set has `count` of them."""
    tasks = live_tasks_of(account, service)
    own = [task for task in of_deployment(tasks, started_by) if not task.stopping]
    fit = [task for task in own if task.fit]
    lacking = count - len(fit)
    if lacking > 0 and service.not_before <= account.now and service.retry_at is None:
        launch(account, service, started_by, config, among=tasks, count=lacking)
    going = [*(task for task in own if not task.fit), *surplus(fit, count)]
    count_unhealthy(service, going)
    stop(account, service, going)
