"""Move one task of a service to another Availability Zone.

Decides which task goes, to which zone its replacement goes, and which events the service shows. The scheduler does the
rest as for a task whose container instance drains: the replacement starts first.

How it is known: the order and the texts of the events are documented, and most of the texts were recorded (2026). The
`stoppedReason` of the task that goes is inferred: that of any task which the scheduler stops.

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
    from ecskit._simulator.records.services import Service
    from ecskit._simulator.scheduler.live_tasks import ServiceTask

_ZONES = "abc"


def begin_move(account: Account, service: Service) -> str:
    """Let the scheduler replace the oldest task of the fullest zone, and return the ARN of that task.

    Raises:
        ValueError: ECS rebalances no such service, or has no task that it may stop.
    """
    primary, configuration = service.primary, service.settings["deploymentConfiguration"]
    if service.is_daemon or primary is None:
        raise ValueError("DAEMON services and services with task sets are not rebalanced")
    if service.settings.get("availabilityZoneRebalancing") == "DISABLED" or configuration["maximumPercent"] == 100:
        raise ValueError("availabilityZoneRebalancing is DISABLED, or maximumPercent is 100")
    if primary.state != "COMPLETED":
        raise ValueError("a deployment is under way")
    members = live_tasks_of(account, service)
    spread = _spread(account, members)
    movable = [each for each in members if each.healthy and each.fit and not each.protected]
    if not movable:
        raise ValueError("no task is healthy and may be stopped")
    mover = max(movable, key=lambda each: (spread[zone_of(account, each.arn)], -each.ordinal))
    tracked = service.live_tasks[mover.arn]
    tracked.moves, tracked.cached_for = True, None
    _show(account, service, f"is not AZ balanced with {_listed(spread)}. AZ Rebalancing in progress.")
    return mover.arn


def zone_of(account: Account, arn: str) -> str:
    """Return the Availability Zone of a task."""
    zone: str = account.tasks[arn].body["availabilityZone"]
    return zone


def place_in_emptiest_zone(account: Account, service: Service, started: list[str]) -> str | None:
    """Put new tasks into the emptiest zone if they replace as many that move, and return it; else None."""
    moving = [arn for arn, tracked in service.live_tasks.items() if tracked.moves]
    if len(moving) != len(started):
        return None
    spread = _spread(account, (each for each in live_tasks_of(account, service) if each.arn not in {*moving, *started}))
    left = [zone for zone in spread if zone != zone_of(account, moving[0])]
    zone = min(left, key=lambda each: (spread[each], each))
    for arn in started:
        account.tasks[arn].body["availabilityZone"] = zone
    return zone


def end_move(account: Account, service: Service) -> None:
    """Show the event that the zones are balanced."""
    _show(account, service, f"is AZ balanced with {_listed(_spread(account, live_tasks_of(account, service)))}.")


def _spread(account: Account, members: Iterable[ServiceTask]) -> Counter[str]:
    """Return how many tasks each zone has."""
    spread = Counter({f"{account.arns.region}{letter}": 0 for letter in _ZONES})
    spread.update(zone_of(account, each.arn) for each in members if not each.stopping)
    return spread


def _listed(spread: Counter[str]) -> str:
    return ", ".join(f"{count} tasks in {zone}" for zone, count in sorted(spread.items()))


def _show(account: Account, service: Service, message: str) -> None:
    service.add_event(account.now, account.uuid(), message)
