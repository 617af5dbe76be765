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

from ecskit._simulator.scheduler.live_tasks import of_deployment, running_and_pending
from ecskit._simulator.scheduler.replacement import Bounds, TaskSplit, to_start
from ecskit._simulator.scheduler.stages import current

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ecskit._simulator.account import Account
    from ecskit._simulator.records.services import Deployment, Rollout, Service
    from ecskit._simulator.scheduler.live_tasks import ServiceTask
    from ecskit._simulator.wire import Wire

Counting = Literal["zero_first", "at_once", "stepwise"]
"""How `desiredCount` of `deployments` is shown during a rollout.

`zero_first`: 0 for the new deployment and all for the old one until the first new task runs, then the reverse.
`at_once`: all for the new deployment from the start; all for the old one until the first of its tasks is stopped.
`stepwise`: for each deployment as many as the scheduler has started, or may start, within minimum and maximum percent.
"""


def shown_desired_count(
    account: Account, service: Service, deployment: Deployment, members: Sequence[ServiceTask]
) -> int:
    """Return the desired count that a deployment shows."""
    desired = _followed_count(account, service)
    primary, rollout = service.primary, service.rollout
    if primary is None or deployment not in service.deployments:
        return 0
    if rollout is not None and rollout.stages and rollout.status in ("PENDING", "IN_PROGRESS"):
        return _desired_in_stages(account, service, rollout, deployment, desired)
    if len(service.deployments) == 1 or primary.state == "COMPLETED":
        return desired if deployment is primary else 0
    if deployment is primary:
        return _desired_of_new(account, service, deployment, members, desired)
    return _desired_of_old(account, service, deployment, members, desired)


def _followed_count(account: Account, service: Service) -> int:
    """Return the desired count of the service, as far as its deployments have followed it."""
    if service.scaled is not None and account.now < service.scaled[0] + account.lag.deployments_scale_after:
        return service.scaled[1]
    return service.desired


def _desired_in_stages(
    account: Account, service: Service, rollout: Rollout, deployment: Deployment, desired: int
) -> int:
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
    return desired if len(service.deployments) == 1 or begun[account.counting] else 0


def _desired_of_new(
    account: Account, service: Service, new: Deployment, members: Sequence[ServiceTask], desired: int
) -> int:
    if account.counting == "at_once":
        return desired
    if account.counting == "zero_first":
        return desired if new.has_run else 0
    split = TaskSplit.of(members, new.id)
    waits = new.frozen or (service.rollout is not None and service.rollout.status == "PENDING")
    configuration = service.settings["deploymentConfiguration"]
    bounds = Bounds.of(desired, configuration["minimumHealthyPercent"], configuration["maximumPercent"])
    return min(desired, len(split.staying) + (0 if waits else to_start(bounds, split, members)))


def _desired_of_old(
    account: Account, service: Service, old: Deployment, members: Sequence[ServiceTask], desired: int
) -> int:
    kept = min(desired, sum(not member.stopping for member in of_deployment(members, old.id)))
    if account.counting == "stepwise":
        return kept
    (new, *others), rollout = service.deployments, service.rollout
    last = rollout.source if rollout is not None and rollout.source in others else others[0]
    if old is not last:
        return 0
    keeps = kept == desired if account.counting == "at_once" else not new.has_run
    return desired if keeps else 0


def record_counts(account: Account, service: Service, members: Sequence[ServiceTask]) -> None:
    """Keep how many tasks run and are pending, in all and of each unit, for those who read it later."""
    ids = {member.started_by for member in members}
    taken = {
        "": running_and_pending(members),
        **{started_by: running_and_pending(of_deployment(members, started_by)) for started_by in ids},
    }
    service.task_counts.put(account.now, taken)
    service.task_counts.forget(account.now - account.lag.counts_behind)


def shown_counts_of(account: Account, service: Service, started_by: str = "") -> tuple[int, int]:
    """Return how many tasks of a unit, or of all, a service shows as running and as pending."""
    task_counts: Wire = service.task_counts.at(account.now - account.lag.counts_behind) or {}
    shown: tuple[int, int] = task_counts.get(started_by, (0, 0))
    return shown


def moments(account: Account, service: Service) -> Iterator[float]:
    """Yield the moments at which time alone changes what is shown."""
    if service.scaled is not None and account.lag.deployments_scale_after:
        yield service.scaled[0] + account.lag.deployments_scale_after
    if account.lag.counts_behind:
        yield from (moment + account.lag.counts_behind for moment in service.task_counts.moments())
