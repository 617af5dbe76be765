"""Which counts services and their deployments show, while one revision follows another.

Decides `desiredCount` of `deployments`, by one of three policies, and how far running and pending counts are behind the
tasks. All of it is for readers: the scheduler counts for itself in `counting` and `replacing`.

How it is known: answers right after UpdateService show `zero_first` (recorded 2021 and 2024) and `at_once` (recorded
2019), one of a late phase shows an old deployment with a desired count of 0 whose last tasks run (recorded). A created
service shows its count at once (recorded), and scaling changes the counts of service and deployment at once (recorded
2021). The steps between, `stepwise`, and counts that are behind are inferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ecskit._simulator.scheduler.counting import counts, of_unit
from ecskit._simulator.scheduler.replacing import Bounds, Sides, to_start
from ecskit._simulator.scheduler.stages import current

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ecskit._simulator.records.services import Deployment, Rollout, Service
    from ecskit._simulator.scheduler.counting import Member
    from ecskit._simulator.wire import Wire
    from ecskit._simulator.world import World

Counting = Literal["zero_first", "at_once", "stepwise"]
"""How `desiredCount` of `deployments` is shown during a rollout.

`zero_first`: 0 for the new deployment and all for the old one until the first new task runs, then the reverse.
`at_once`: all for the new deployment from the start; all for the old one until the first of its tasks is stopped.
`stepwise`: for each deployment as many as the scheduler has started, or may start, within minimum and maximum percent.
"""


def requested(world: World, service: Service, deployment: Deployment, members: Sequence[Member]) -> int:
    """Return the desired count that a deployment shows."""
    desired = _followed(world, service)
    primary, rollout = service.primary, service.rollout
    if primary is None or deployment not in service.deployments:
        return 0
    if rollout is not None and rollout.stages and rollout.status in ("PENDING", "IN_PROGRESS"):
        return _beside(world, service, rollout, deployment, desired)
    if len(service.deployments) == 1 or primary.state == "COMPLETED":
        return desired if deployment is primary else 0
    if deployment is primary:
        return _of_new(world, service, deployment, members, desired)
    return _of_old(world, service, deployment, members, desired)


def _followed(world: World, service: Service) -> int:
    """Return the desired count of the service, as far as its deployments have followed it."""
    if service.scaled is not None and world.now < service.scaled[0] + world.lag.deployments_scale_after:
        return service.scaled[1]
    return service.desired


def _beside(world: World, service: Service, rollout: Rollout, deployment: Deployment, desired: int) -> int:
    """Return the desired count of one of two deployments that run side by side."""
    stage = current(rollout)
    if deployment is rollout.source:
        return desired if stage is None or stage.name != "CLEAN_UP" else 0
    if deployment is not rollout.deployment:
        return 0
    begun: dict[Counting, bool] = {
        "at_once": True,
        "zero_first": deployment.has_run,
        "stepwise": stage is not None and stage.scaled,
    }
    return desired if len(service.deployments) == 1 or begun[world.counting] else 0


def _of_new(world: World, service: Service, new: Deployment, members: Sequence[Member], desired: int) -> int:
    if world.counting == "at_once":
        return desired
    if world.counting == "zero_first":
        return desired if new.has_run else 0
    sides = Sides.of(members, new.id)
    waits = new.frozen or (service.rollout is not None and service.rollout.status == "PENDING")
    configuration = service.settings["deploymentConfiguration"]
    bounds = Bounds.of(desired, configuration["minimumHealthyPercent"], configuration["maximumPercent"])
    return min(desired, len(sides.staying) + (0 if waits else to_start(bounds, sides, members)))


def _of_old(world: World, service: Service, old: Deployment, members: Sequence[Member], desired: int) -> int:
    kept = min(desired, sum(not member.stopping for member in of_unit(members, old.id)))
    if world.counting == "stepwise":
        return kept
    (new, *others), rollout = service.deployments, service.rollout
    last = rollout.source if rollout is not None and rollout.source in others else others[0]
    if old is not last:
        return 0
    keeps = kept == desired if world.counting == "at_once" else not new.has_run
    return desired if keeps else 0


def take(world: World, service: Service, members: Sequence[Member]) -> None:
    """Keep how many tasks run and are pending, in all and of each unit, for those who read it later."""
    units = {member.unit for member in members}
    taken = {"": counts(members), **{unit: counts(of_unit(members, unit)) for unit in units}}
    service.tally.put(world.now, taken)
    service.tally.forget(world.now - world.lag.counts_behind)


def counted(world: World, service: Service, unit: str = "") -> tuple[int, int]:
    """Return how many tasks of a unit, or of all, a service shows as running and as pending."""
    tally: Wire = service.tally.at(world.now - world.lag.counts_behind) or {}
    shown: tuple[int, int] = tally.get(unit, (0, 0))
    return shown


def moments(world: World, service: Service) -> Iterator[float]:
    """Yield the moments at which time alone changes what is shown."""
    if service.scaled is not None and world.lag.deployments_scale_after:
        yield service.scaled[0] + world.lag.deployments_scale_after
    if world.lag.counts_behind:
        yield from (moment + world.lag.counts_behind for moment in service.tally.moments())
