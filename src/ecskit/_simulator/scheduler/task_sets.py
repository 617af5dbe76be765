"""The task sets of a service whose deployments somebody else controls.

Decides how many tasks each has and when it is steady. Who creates and deletes them is said by requests.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskSet.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.records.services import TaskSet
from ecskit._simulator.scheduler.descriptions import computed_desired_count
from ecskit._simulator.scheduler.desired_count import keep_count
from ecskit._simulator.scheduler.launch_and_stop import stop
from ecskit._simulator.scheduler.live_tasks import live_tasks_of, of_deployment, running_and_pending
from ecskit._simulator.wire import Wire, timestamp

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.records.resources import Tags
    from ecskit._simulator.records.services import Service


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
    """Give a service one more task set.

    Args:
        world: Where it lives.
        service: The service.
        config: What it runs.
        members: Further members that it shows.
        scale: How many of the desired tasks it is to have, in percent.
        primary: Whether it serves production traffic.
        tags: Its tags.
        created_with: The request that asked for it.
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
    shown = {name: value for name, value in config.items() if name in _SHOWN}
    task_set.body = {
        "id": task_set.id,
        "taskSetArn": task_set.arn,
        "serviceArn": service.arn,
        "clusterArn": service.cluster.arn,
        "createdAt": timestamp(account.now),
        "loadBalancers": [],
        "serviceRegistries": [],
        **shown,
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


def keep_task_sets(account: Account, service: Service) -> None:
    """Launch and stop what is due, and let task sets go that have drained."""
    for each in service.task_sets:
        wanted = (
            0
            if each.status == "DRAINING" or service.status == "DRAINING"
            else computed_desired_count(service, each.scale)
        )
        keep_count(account, service, each.id, each.config, wanted)
    members = live_tasks_of(account, service)
    stop(
        account,
        service,
        [
            each
            for each in members
            if not each.stopping and each.started_by not in {known.id for known in service.task_sets}
        ],
    )
    present = {member.started_by for member in live_tasks_of(account, service)}
    for each in list(service.task_sets):
        if each.status == "DRAINING" and each.id not in present:
            service.task_sets = [other for other in service.task_sets if other is not each]
            each.gone_at = account.now
            account.former_task_sets[each.arn] = each
            continue
        own = of_deployment(members, each.id)
        running, pending = running_and_pending(own)
        steady = (
            running == computed_desired_count(service, each.scale)
            and not pending
            and all(member.healthy for member in own)
        )
        if steady != each.steady:
            each.steady, each.steady_at = steady, account.now
