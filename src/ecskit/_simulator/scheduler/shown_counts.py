"""The counts that services and their deployments show.

`desiredCount` of `deployments` follows one of three policies during a rollout. Running and pending counts can be behind
the tasks. Both affect reads only: the scheduler uses the counts of `live_tasks` and `replacement`.

Sources: answers right after UpdateService show `zero_first` (recorded 2021 and 2024) and `at_once` (recorded
2019). An answer late in a rollout shows an old deployment with a desired count of 0 whose last tasks run (recorded).
The first deployment shows its count from the start (recorded 2019), or 0 in the answer of CreateService (documented
2025, published 2026): `zero_first`. Scaling changes the counts of service and deployment at once (recorded 2021).
The counts in between, `stepwise`, and counts that are behind are inferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.scheduler.live_tasks import of_deployment, running_and_pending
from ecskit._simulator.scheduler.replacement import Bounds, TaskSplit, to_start
from ecskit._simulator.scheduler.stages import current

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ecskit._simulator.account import Account
    from ecskit._simulator.read_options import Counting
    from ecskit._simulator.records.service_tasks import ServiceTask
    from ecskit._simulator.records.services import Deployment, Rollout, Service
    from ecskit._simulator.wire import Wire

# Seconds until the first deployment of a service shows its count under `zero_first` (inferred).
COUNTED_AFTER = 1.0


def shown_desired_count(
    account: Account, service: Service, deployment: Deployment, tasks: Sequence[ServiceTask]
) -> int:
    """Return the desired count that a deployment shows."""
    desired = _desired_after_lag(account, service)
    primary, rollout = service.primary, service.rollout
    if primary is None or deployment not in service.deployments:
        return 0
    if deployment is primary and account.now < _counted_from(account, service):
        return 0
    if rollout is not None and rollout.stages and rollout.status in ("PENDING", "IN_PROGRESS"):
        return _desired_in_stages(account, service, rollout, deployment, desired)
    if len(service.deployments) == 1 or primary.state == "COMPLETED":
        return desired if deployment is primary else 0
    if deployment is primary:
        return _desired_of_new(account, service, deployment, tasks, desired)
    return _desired_of_old(account, service, deployment, tasks, desired)


def _counted_from(account: Account, service: Service) -> float:
    """Return the moment from which the first deployment of a service shows its desired count."""
    return service.created_at + (COUNTED_AFTER if account.counting == "zero_first" else 0.0)


def _desired_after_lag(account: Account, service: Service) -> int:
    """Return the desired count of the service that its deployments have followed so far."""
    scaling = service.last_scaling
    if scaling is not None and account.now < scaling[0] + account.lag.deployments_scale_after:
        return scaling[1]
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
    account: Account, service: Service, new: Deployment, tasks: Sequence[ServiceTask], desired: int
) -> int:
    if account.counting == "at_once":
        return desired
    if account.counting == "zero_first":
        return desired if new.has_run else 0
    split = TaskSplit.of(tasks, new.id)
    waits = new.frozen or (service.rollout is not None and service.rollout.status == "PENDING")
    configuration = service.settings["deploymentConfiguration"]
    bounds = Bounds.of(desired, configuration["minimumHealthyPercent"], configuration["maximumPercent"])
    return min(desired, len(split.staying) + (0 if waits else to_start(bounds, split, tasks)))


def _desired_of_old(
    account: Account, service: Service, old: Deployment, tasks: Sequence[ServiceTask], desired: int
) -> int:
    kept = min(desired, sum(not task.stopping for task in of_deployment(tasks, old.id)))
    if account.counting == "stepwise":
        return kept
    (new, *others), rollout = service.deployments, service.rollout
    last = rollout.source if rollout is not None and rollout.source in others else others[0]
    if old is not last:
        return 0
    keeps = kept == desired if account.counting == "at_once" else not new.has_run
    return desired if keeps else 0


def record_counts(account: Account, service: Service, tasks: Sequence[ServiceTask]) -> None:
    """Record the running and pending tasks now, in total and for each deployment and task set, for later reads."""
    ids = {task.started_by for task in tasks}
    counts = {"": running_and_pending(tasks), **{id_: running_and_pending(of_deployment(tasks, id_)) for id_ in ids}}
    service.task_counts.put(account.now, counts)
    service.task_counts.forget(account.now - account.lag.counts_behind)


def shown_task_counts(account: Account, service: Service, started_by: str = "") -> tuple[int, int]:
    """Return the running and pending counts that a deployment, a task set or (under "") the service shows."""
    counts: Wire = service.task_counts.at(account.now - account.lag.counts_behind) or {}
    shown: tuple[int, int] = counts.get(started_by, (0, 0))
    return shown


def due_moments(account: Account, service: Service) -> Iterator[float]:
    """Yield the moments at which time alone changes the counts shown."""
    yield _counted_from(account, service)
    if service.last_scaling is not None and account.lag.deployments_scale_after:
        yield service.last_scaling[0] + account.lag.deployments_scale_after
    if account.lag.counts_behind:
        yield from (moment + account.lag.counts_behind for moment in service.task_counts.moments())
