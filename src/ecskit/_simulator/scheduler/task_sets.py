"""The task sets of a service with the deployment controller EXTERNAL or CODE_DEPLOY: their tasks and steady states.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskSet.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.records.services import TaskSet
from ecskit._simulator.scheduler.descriptions import computed_desired_count, show_config
from ecskit._simulator.scheduler.desired_count import keep_count
from ecskit._simulator.scheduler.launch_and_stop import stop
from ecskit._simulator.scheduler.live_tasks import live_tasks_of, of_deployment, running_and_pending
from ecskit._simulator.wire import Wire, timestamp

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.records.resources import Tags
    from ecskit._simulator.records.services import Service


# Answers of UpdateService and DeleteService show the count before (recorded 2024); the duration is inferred.
COMPUTED_AFTER = 1.0


def add_task_set(
    account: Account,
    service: Service,
    config: Wire,
    members: Wire,
    *,
    scale: float,
    primary: bool = False,
    tags: Tags | None = None,
    created_with: Wire | None = None,
) -> TaskSet:
    """Add a task set to a service.

    Args:
        account: The account.
        service: The service.
        config: What it runs.
        members: Further members that it shows.
        scale: Its share of the desired count, in percent.
        primary: Whether it is PRIMARY, so that it serves production traffic.
        tags: Its tags.
        created_with: The request that creates it.
    """
    number = account.identifiers.randrange(10**18, 9 * 10**18)
    path = f"{service.cluster.name}/{service.name}/ecs-svc/{number}"
    task_set = TaskSet(
        id=f"ecs-svc/{number}",
        arn=account.arns.ecs("task-set", path),
        created_with=created_with or {},
        config=config,
        body={},
        scale=scale,
        tags=tags or [],
        created_at=account.now,
        updated_at=account.now,
        steady_at=account.now,
        status="PRIMARY" if primary else "ACTIVE",
    )
    task_set.body = {
        "id": task_set.id,
        "taskSetArn": task_set.arn,
        "serviceArn": service.arn,
        "clusterArn": service.cluster.arn,
        "createdAt": timestamp(account.now),
        "loadBalancers": [],
        "serviceRegistries": [],
        **show_config(config, _SHOWN),
        **members,
    }
    service.task_sets = [*service.task_sets, task_set]
    return task_set


_SHOWN = (
    "taskDefinition",
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "platformFamily",
    "networkConfiguration",
    "loadBalancers",
    "serviceRegistries",
)


def run_task_sets(account: Account, service: Service) -> None:
    """Launch and stop what is due, and remove the task sets that have drained."""
    for task_set in service.task_sets:
        _compute(account, service, task_set)
        keep_count(account, service, task_set.id, task_set.config, task_set.computed)
    tasks = live_tasks_of(account, service)
    ids = {task_set.id for task_set in service.task_sets}
    stop(account, service, [task for task in tasks if not task.stopping and task.started_by not in ids])
    present = {task.started_by for task in live_tasks_of(account, service)}
    for task_set in list(service.task_sets):
        if task_set.status == "DRAINING" and task_set.id not in present:
            service.task_sets = [other for other in service.task_sets if other is not task_set]
            task_set.gone_at = account.now
            account.former_task_sets[task_set.arn] = task_set
            continue
        own = of_deployment(tasks, task_set.id)
        running, pending = running_and_pending(own)
        complete = running == task_set.computed and not pending and not task_set.rescaled
        steady = complete and all(task.healthy for task in own)
        if steady != task_set.steady:
            task_set.steady, task_set.steady_at = steady, account.now
            if steady:
                service.add_event(account.now, account.uuid(), "updated state to STEADY_STATE.", part=task_set.id)


def _compute(account: Account, service: Service, task_set: TaskSet) -> None:
    """Let the computed desired count follow the scale and the desired count of the service, a second later."""
    drains = "DRAINING" in (task_set.status, service.status)
    wanted = 0 if drains else computed_desired_count(service, task_set.scale)
    if wanted == task_set.computed and not task_set.rescaled:
        task_set.computed_at = None
    elif task_set.computed_at is None:
        task_set.computed_at = account.now + COMPUTED_AFTER
    elif task_set.computed_at <= account.now:
        task_set.computed, task_set.computed_at, task_set.rescaled = wanted, None, False
