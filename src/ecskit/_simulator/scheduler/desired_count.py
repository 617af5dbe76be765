"""Keep a number of tasks of one deployment, whatever others do, and tell which failures are whose.

Decides by the count alone; minimum and maximum percent are for deployments that follow one another (`replacing`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.scheduler.launch_and_stop import launch, stop
from ecskit._simulator.scheduler.live_tasks import live_tasks_of, of_deployment
from ecskit._simulator.scheduler.replacement import superfluous

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecskit._simulator.account import Account
    from ecskit._simulator.records.services import Service
    from ecskit._simulator.scheduler.live_tasks import ServiceTask
    from ecskit._simulator.wire import Wire


def count_failure(service: Service, started_by: str) -> None:
    """Count a task that did not start, or was not well, as a failure of what launched it."""
    for deployment in service.deployments:
        if deployment.id == started_by:
            deployment.failed += 1
    rollout = service.rollout
    if rollout is not None and rollout.deployment.id == started_by and rollout.status == "IN_PROGRESS":
        rollout.failures += 1


def count_unhealthy(service: Service, members: Sequence[ServiceTask]) -> None:
    """Count the tasks that are stopped because they are ill as failures of what launched them."""
    for member in members:
        if member.ill:
            count_failure(service, member.started_by)


def keep_count(account: Account, service: Service, started_by: str, config: Wire, count: int) -> None:
    """Keep so many tasks of one deployment or task set, whatever others do."""
    members = live_tasks_of(account, service)
    own = [member for member in of_deployment(members, started_by) if not member.stopping]
    fit = [member for member in own if member.fit]
    lacking = count - len(fit)
    if lacking > 0 and service.not_before <= account.now and service.retry_at is None:
        launch(account, service, started_by, config, among=members, count=lacking)
    going = [*(member for member in own if not member.fit), *superfluous(fit, count)]
    count_unhealthy(service, going)
    stop(account, service, going)
