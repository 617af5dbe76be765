"""Move one task of a service to another Availability Zone.

This module chooses the task and the zone of its replacement, and shows the events. The rest is done as for a task on a
draining container instance: the replacement starts first.

The order and the texts of the events are documented, and most of the texts were recorded (2026). The
`stoppedReason` of the task is inferred: that of any task that the scheduler stops.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing-event-messages-list.html
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ecskit._simulator.scheduler.live_tasks import live_tasks_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ecskit._simulator.account import Account
    from ecskit._simulator.records.service_tasks import ServiceTask
    from ecskit._simulator.records.services import Service

_ZONES = "abc"


def begin_move(account: Account, service: Service) -> str:
    """Mark the oldest movable task of the fullest zone for replacement, and return its ARN.

    Raises:
        ValueError: ECS does not rebalance such a service, or no task may be stopped.
    """
    primary, configuration = service.primary, service.settings["deploymentConfiguration"]
    if service.is_daemon or primary is None:
        raise ValueError("DAEMON services and services with task sets are not rebalanced")
    if service.settings.get("availabilityZoneRebalancing") == "DISABLED" or configuration["maximumPercent"] == 100:
        raise ValueError("availabilityZoneRebalancing is DISABLED, or maximumPercent is 100")
    if primary.state != "COMPLETED":
        raise ValueError("a deployment is in progress")
    tasks = live_tasks_of(account, service)
    zones = _tasks_per_zone(account, tasks)
    movable = [each for each in tasks if each.healthy and each.fit and not each.protected]
    if not movable:
        raise ValueError("no task is healthy and may be stopped")
    chosen = max(movable, key=lambda each: (zones[zone_of(account, each.arn)], -each.ordinal))
    tracked = service.live_tasks[chosen.arn]
    tracked.moves, tracked.cached_for = True, None
    _add_event(account, service, f"is not AZ balanced with {_listed(zones)}. AZ Rebalancing in progress.")
    return chosen.arn


def zone_of(account: Account, arn: str) -> str:
    """Return the Availability Zone of a task."""
    zone: str = account.tasks[arn].body["availabilityZone"]
    return zone


def place_in_emptiest_zone(account: Account, service: Service, started: list[str]) -> str | None:
    """Put new tasks into the emptiest zone if they replace tasks that move, and return the zone; else return None."""
    moving = [arn for arn, tracked in service.live_tasks.items() if tracked.moves]
    if len(moving) != len(started):
        return None
    others = (each for each in live_tasks_of(account, service) if each.arn not in {*moving, *started})
    zones = _tasks_per_zone(account, others)
    allowed = [zone for zone in zones if zone != zone_of(account, moving[0])]
    zone = min(allowed, key=lambda each: (zones[each], each))
    for arn in started:
        task = account.tasks[arn]
        task.body = {**task.body, "availabilityZone": zone}
    return zone


def end_move(account: Account, service: Service) -> None:
    """Show the event that the zones are balanced."""
    zones = _tasks_per_zone(account, live_tasks_of(account, service))
    _add_event(account, service, f"is AZ balanced with {_listed(zones)}.")


def _tasks_per_zone(account: Account, tasks: Iterable[ServiceTask]) -> Counter[str]:
    zones = Counter({f"{account.arns.region}{letter}": 0 for letter in _ZONES})
    zones.update(zone_of(account, each.arn) for each in tasks if not each.stopping)
    return zones


def _listed(zones: Counter[str]) -> str:
    return ", ".join(f"{count} tasks in {zone}" for zone, count in sorted(zones.items()))


def _add_event(account: Account, service: Service, message: str) -> None:
    service.add_event(account.now, account.uuid(), message)
