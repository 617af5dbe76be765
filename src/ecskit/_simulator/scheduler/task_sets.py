"""The task sets of a service whose deployments somebody else controls.

Decides how many tasks each has and when it is steady. Who creates and deletes them is said by requests.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskSet.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.records.services import TaskSet
from ecskit._simulator.scheduler.counting import counts, muster, of_unit
from ecskit._simulator.scheduler.keeping import keep
from ecskit._simulator.scheduler.showing import wanted_by
from ecskit._simulator.scheduler.staffing import stop
from ecskit._simulator.wire import Wire, timestamp

if TYPE_CHECKING:
    from ecskit._simulator.records.resources import Tags
    from ecskit._simulator.records.services import Service
    from ecskit._simulator.world import World


def add_task_set(
    world: World,
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
    number = world.identifiers.randrange(10**18, 9 * 10**18)
    path = f"{service.cluster.name}/{service.name}/ecs-svc/{number}"
    task_set = TaskSet(
        id=f"ecs-svc/{number}",
        arn=world.arns.ecs("task-set", path),
        created_with=created_with or {},
        config=config,
        body={},
        scale=scale,
        tags=tags or [],
        created_at=world.now,
        updated_at=world.now,
        steady_at=world.now,
        status="PRIMARY" if primary else "ACTIVE",
    )
    shown = {name: value for name, value in config.items() if name in _SHOWN}
    task_set.body = {
        "id": task_set.id,
        "taskSetArn": task_set.arn,
        "serviceArn": service.arn,
        "clusterArn": service.cluster.arn,
        "createdAt": timestamp(world.now),
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


def keep_task_sets(world: World, service: Service) -> None:
    """Launch and stop what is due, and let task sets go that have drained."""
    for each in service.task_sets:
        wanted = 0 if each.status == "DRAINING" or service.status == "DRAINING" else wanted_by(service, each.scale)
        keep(world, service, each.id, each.config, wanted)
    members = muster(world, service)
    stop(
        world,
        service,
        [each for each in members if not each.stopping and each.unit not in {known.id for known in service.task_sets}],
    )
    present = {member.unit for member in muster(world, service)}
    for each in list(service.task_sets):
        if each.status == "DRAINING" and each.id not in present:
            service.task_sets = [other for other in service.task_sets if other is not each]
            each.gone_at = world.now
            world.former_task_sets[each.arn] = each
            continue
        own = of_unit(members, each.id)
        running, pending = counts(own)
        steady = running == wanted_by(service, each.scale) and not pending and all(member.healthy for member in own)
        if steady != each.steady:
            each.steady, each.steady_at = steady, world.now
