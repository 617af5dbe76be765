"""RunTask and StartTask, with replays by `clientToken`.

`launch_rules` checks a request, `placement` chooses container instances, and `launching` builds tasks.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar

from ecskit._core.quotas import FARGATE_LAUNCH, FARGATE_REQUEST
from ecskit._simulator.capacity_strategies import divide, known_strategy, strategy_launch_type
from ecskit._simulator.errors import SimulatedError, invalid, not_simulated
from ecskit._simulator.launch_rules import check_run_task, check_start_task, runnable_definition
from ecskit._simulator.launching import Launch, demand_of, start_task
from ecskit._simulator.placement import choose, free_capacity, placement_rules
from ecskit._simulator.records.tokens import LaunchToken
from ecskit._simulator.tagging import checked_tags

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.records.resources import Cluster, Task, TaskDefinition
    from ecskit._simulator.wire import Wire


# The members of a task in a replay with `Simulator(bare_replays=True)`.
_BARE = ("taskArn", "lastStatus", "desiredStatus")


def _run(account: Account, request: Wire) -> Wire:
    cluster = account.active_cluster(request.get("cluster"))
    replay = _replay(account, cluster, request)
    if replay is not None:
        return replay
    definition = _definition(account, request)
    launch_type, strategy = _capacity(cluster, request)
    check_run_task(definition, request, launch_type)
    checked_tags(request.get("tags"))
    count = request.get("count", 1)
    providers: list[str | None] = [None] * count
    if strategy:
        providers = [*divide(known_strategy(strategy, cluster.capacity_providers), count)]
    launch = Launch(cluster=cluster, definition=definition, request=request, launch_type=launch_type)
    providers, unplaced = _short_of_capacity(account, providers)
    if launch.fargate:
        account.buckets.take(FARGATE_REQUEST, account.now)
        account.buckets.take(FARGATE_LAUNCH, account.now, len(providers))
        tasks = [start_task(account, launch, room=None, capacity_provider=provider) for provider in providers]
        failures: list[Wire] = []
    else:
        tasks, failures = _place(account, launch, providers)
    failures = [*failures, *({"reason": reason} for reason in unplaced)]
    if tasks and "clientToken" in request:
        launched = LaunchToken(
            parameters=_parameters(request),
            task_arns=tuple(task.arn for task in tasks),
            failures=failures,
            at=account.now,
        )
        account.add_launch((cluster.arn, request["clientToken"]), launched)
    return {"tasks": [task.show(account.now) for task in tasks], "failures": failures}


def _definition(account: Account, request: Wire) -> TaskDefinition:
    """Return the task definition of a launch.

    An inactive one is an InvalidParameterException here, and a ClientException where services are updated:
    https://github.com/DefangLabs/defang/pull/775 and https://github.com/aws/aws-cdk/issues/33195
    """
    definition = account.find_task_definition(request["taskDefinition"])
    if definition is not None and definition.status != "ACTIVE":
        raise invalid("TaskDefinition is inactive")
    return runnable_definition(account, request["taskDefinition"])


def _capacity(cluster: Cluster, request: Wire) -> tuple[str, list[Wire]]:
    """Return the launch type, and the capacity provider strategy if there is one."""
    strategy = request.get("capacityProviderStrategy")
    if not strategy and "launchType" not in request:
        strategy = cluster.default_strategy
    if strategy:
        return strategy_launch_type(strategy), strategy
    launch_type: str = request.get("launchType", "EC2")
    if launch_type == "MANAGED_INSTANCES":
        raise not_simulated("the launch type MANAGED_INSTANCES")
    return launch_type, []


_Wanted = TypeVar("_Wanted")


def _short_of_capacity(account: Account, wanted: list[_Wanted]) -> tuple[list[_Wanted], list[str]]:
    """Return the items for which there is capacity, and a reason for each of the rest: a fault can limit capacity."""
    if account.shortage is None:
        return wanted, []
    missing = account.shortage.of(len(wanted))
    return wanted[: len(wanted) - missing], [account.shortage.reason] * missing


def _place(account: Account, launch: Launch, providers: list[str | None]) -> tuple[list[Task], list[Wire]]:
    """Start tasks on container instances while they fit, and return failures for the others."""
    request = launch.request
    constraints = [*launch.definition.body["placementConstraints"], *request.get("placementConstraints", [])]
    rules = placement_rules(constraints, request.get("placementStrategy", []))
    instances = [each for each in account.instances_of(launch.cluster) if each.status == "ACTIVE"]
    if not instances:
        raise invalid("No Container Instances were found in your cluster.")
    rooms = [free_capacity(account, instance) for instance in instances]
    demand = demand_of(launch.definition, request.get("overrides", {}))
    tasks: list[Task] = []
    failures: list[Wire] = []
    for provider in providers:
        used = [task.instance_arn for task in tasks if task.instance_arn is not None]
        room = choose(account, rooms, demand, rules, used)
        if isinstance(room, str):
            failures.append({"arn": rooms[0].instance.arn, "reason": room})
        else:
            tasks.append(start_task(account, launch, room=room, capacity_provider=provider))
    return tasks, failures


def _replay(account: Account, cluster: Cluster, request: Wire) -> Wire | None:
    """Return the answer of an earlier request with the same `clientToken`, or None if the token is new.

    Raises:
        SimulatedError: `ConflictException` if the token was used with other parameters.
    """
    earlier = account.launches.get((cluster.arn, request.get("clientToken", "")))
    if earlier is None:
        return None
    if earlier.parameters != _parameters(request):
        raise SimulatedError(
            "ConflictException",
            "The clientToken was used before with other parameters.",
            details={"resourceIds": list(earlier.task_arns)},
        )
    tasks = [account.tasks[arn].show(account.now) for arn in earlier.task_arns if arn in account.tasks]
    if account.bare_replays:
        tasks = [{name: task[name] for name in _BARE} for task in tasks]
    return {"tasks": tasks, "failures": earlier.failures}


def _parameters(request: Wire) -> str:
    return json.dumps({name: value for name, value in request.items() if name != "clientToken"}, sort_keys=True)


def _start(account: Account, request: Wire) -> Wire:
    cluster = account.active_cluster(request.get("cluster"))
    definition = _definition(account, request)
    check_start_task(definition, request)
    checked_tags(request.get("tags"))
    launch = Launch(cluster=cluster, definition=definition, request=request, launch_type="EC2")
    demand = demand_of(definition, request.get("overrides", {}))
    tasks: list[Task] = []
    failures: list[Wire] = []
    references, unplaced = _short_of_capacity(account, list(dict.fromkeys(request["containerInstances"])))
    for reference in references:
        instance = account.find_container_instance(cluster, reference)
        if instance is None:
            arn = account.arns.in_cluster("container-instance", reference, cluster.name)
            failures.append({"arn": arn, "reason": "MISSING"})
            continue
        room = free_capacity(account, instance)
        shortage = "INACTIVE" if instance.status != "ACTIVE" else room.shortage(demand)
        if shortage is not None:
            failures.append({"arn": instance.arn, "reason": shortage})
        else:
            tasks.append(start_task(account, launch, room=room, capacity_provider=None))
    failures.extend({"reason": reason} for reason in unplaced)
    return {"tasks": [task.show(account.now) for task in tasks], "failures": failures}


OPERATIONS = {"RunTask": _run, "StartTask": _start}
