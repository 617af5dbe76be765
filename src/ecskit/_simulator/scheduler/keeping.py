"""Keep a number of tasks of one deployment, whatever others do, and tell which failures are whose.

Decides by the count alone; minimum and maximum percent are for deployments that follow one another (`replacing`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.scheduler.counting import muster, of_unit
from ecskit._simulator.scheduler.replacing import superfluous
from ecskit._simulator.scheduler.staffing import launch, stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecskit._simulator.records.services import Service
    from ecskit._simulator.scheduler.counting import Member
    from ecskit._simulator.wire import Wire
    from ecskit._simulator.world import World


def count_failure(service: Service, unit: str) -> None:
    """Count a task that did not start, or was not well, as a failure of what launched it."""
    for deployment in service.deployments:
        if deployment.id == unit:
            deployment.failed += 1
    rollout = service.rollout
    if rollout is not None and rollout.deployment.id == unit and rollout.status == "IN_PROGRESS":
        rollout.failures += 1


def blame(service: Service, members: Sequence[Member]) -> None:
    """Count the tasks that are stopped because they are ill as failures of what launched them."""
    for member in members:
        if member.ill:
            count_failure(service, member.unit)


def keep(world: World, service: Service, unit: str, config: Wire, count: int) -> None:
    """Keep so many tasks of one deployment or task set, whatever others do."""
    members = muster(world, service)
    own = [member for member in of_unit(members, unit) if not member.stopping]
    fit = [member for member in own if member.fit]
    lacking = count - len(fit)
    if lacking > 0 and service.not_before <= world.now and service.retry_at is None:
        launch(world, service, unit, config, among=members, count=lacking)
    going = [*(member for member in own if not member.fit), *superfluous(fit, count)]
    blame(service, going)
    stop(world, service, going)
