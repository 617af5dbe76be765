"""Launch the tasks of a service, and stop them.

A launch places each task and chooses its capacity provider. If no container instance fits, the service shows an event,
and the scheduler tries again later.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.arns import short_id
from ecskit._simulator.capacity_strategies import divide, strategy_launch_type
from ecskit._simulator.launching import Launch, demand_of, start_task
from ecskit._simulator.placement import FreeCapacity, Rules, choose, free_capacity, placement_rules
from ecskit._simulator.records.service_tasks import TrackedTask
from ecskit._simulator.records.services import StuckEvent
from ecskit._simulator.scheduler.live_tasks import of_deployment
from ecskit._simulator.scheduler.rebalancing import end_move, place_in_emptiest_zone, zone_of
from ecskit._simulator.task_lifecycle import stopped_lifecycle

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ecskit._simulator.account import Account
    from ecskit._simulator.records.resources import ContainerInstance
    from ecskit._simulator.records.service_tasks import ServiceTask
    from ecskit._simulator.records.services import Service
    from ecskit._simulator.wire import Wire

# Seconds until the scheduler tries again to place a task that found no room.
RETRY_SECONDS = 15.0
# Seconds until a service that is still stuck shows the same event again: they double from the first to the longest.
# Events about placement come again after minutes at first and six hours apart in the end; the steps are inferred. In
# https://github.com/Shippable/support/issues/4462 they are six hours and ten minutes apart (recorded 2018).
FIRST_SILENCE = 60.0
LONGEST_SILENCE = 6 * 3600.0

# Recorded 2021. What is closest: the example of DescribeServices in the service model, and
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html
_UNPLACED = (
    "was unable to place a task because no container instance met all of its requirements. {why}. For more information,"
    " see the Troubleshooting section of the Amazon ECS Developer Guide."
)
_CLOSEST = {
    "RESOURCE:CPU": "has insufficient CPU units available",
    "RESOURCE:MEMORY": "has insufficient memory available",
    "RESOURCE:PORTS": "is already using a port required by your task",
}
_SCALED_IN = "Scaling activity initiated by"
_COPIED = ("networkConfiguration", "platformVersion")


def launch_type_of(config: Wire) -> str:
    """Return the launch type of a revision's tasks."""
    strategy = config.get("capacityProviderStrategy")
    if strategy:
        return strategy_launch_type(strategy)
    launch_type: str = config.get("launchType", "EC2")
    return launch_type


def launch(
    account: Account, service: Service, started_by: str, config: Wire, *, among: Sequence[ServiceTask], count: int
) -> int:
    """Start tasks for a deployment or a task set, and return how many started.

    Args:
        account: The account.
        service: The service.
        started_by: The id of the deployment or the task set.
        config: The members of its revision.
        among: All live tasks of the service.
        count: The number of tasks to start.
    """
    definition = account.task_definitions.get(config["taskDefinition"])
    if definition is None:  # It was deleted while the service used it.
        service.retry_at = account.now + RETRY_SECONDS
        show_stuck_event(account, service, "was unable to place a task because its task definition is gone.")
        return 0
    job = Launch(
        cluster=service.cluster,
        definition=definition,
        request=_request(service, started_by, config),
        launch_type=launch_type_of(config),
    )
    placement = _Placement.of(account, service, job, started_by, among)
    started: list[str] = []
    stuck: str | None = None
    for provider in _providers(account, config, of_deployment(among, started_by), count):
        room = placement.next(account)
        if isinstance(room, str):
            if placement.rooms or not service.is_daemon:
                service.retry_at = account.now + RETRY_SECONDS
                stuck = _UNPLACED.format(why=placement.why(room))
            break
        task = start_task(account, job, room=room, capacity_provider=provider)
        placement.use(room)
        service.live_tasks[task.arn] = TrackedTask(started_by=started_by)
        if any(step.at <= account.now for step in task.steps[1:]):
            service.due_at = account.now
        started.append(task.arn)
    if started:
        zone = place_in_emptiest_zone(account, service, started)
        where = "" if zone is None else f" in {zone} to AZ Rebalance"
        message = f"has started {len(started)} tasks{where}: {_listed(started)}."
        service.add_event(account.now, account.uuid(), message, part=started_by)
    if stuck is not None:
        show_stuck_event(account, service, stuck)
    elif len(started) == count:
        service.stuck_event = None
    return len(started)


@attrs.define(kw_only=True)
class _Placement:
    """The free capacity for the tasks of one launch. Fargate always has capacity.

    Args:
        job: What the tasks have in common.
        rooms: The free capacity of each container instance.
        rules: The placement rules.
        used: The ARNs of the container instances that already have tasks of the deployment.
        one_each: Whether a container instance takes one task only.
    """

    job: Launch
    rooms: list[FreeCapacity]
    rules: Rules
    used: list[str]
    one_each: bool

    @classmethod
    def of(
        cls, account: Account, service: Service, job: Launch, started_by: str, tasks: Sequence[ServiceTask]
    ) -> _Placement:
        constraints = [*job.definition.body["placementConstraints"], *service.settings["placementConstraints"]]
        instances = [] if job.fargate else active_instances(account, service)
        if service.is_daemon:
            busy = {task.instance for task in tasks}
            instances = [each for each in instances if each.arn not in busy]
        own = [task for task in of_deployment(tasks, started_by) if not task.stopping]
        return cls(
            job=job,
            rooms=[free_capacity(account, each) for each in instances],
            rules=placement_rules(constraints, service.settings["placementStrategy"]),
            used=[task.instance for task in own if task.instance is not None],
            one_each=service.is_daemon,
        )

    def next(self, account: Account) -> FreeCapacity | str | None:
        """Return the capacity for the next task, or the reason if there is none; None on Fargate."""
        if self.job.fargate:
            return None
        if not self.rooms:
            return "No Container Instances were found in your cluster."
        return choose(account, self.rooms, demand_of(self.job.definition, {}), self.rules, self.used)

    def why(self, reason: str) -> str:
        """Return why the next task was not placed, as events show it."""
        if reason not in _CLOSEST:
            return f"Reason: {reason.rstrip('.')}"
        return f"The closest matching (container-instance {short_id(self.rooms[0].instance.arn)}) {_CLOSEST[reason]}"

    def use(self, room: FreeCapacity | None) -> None:
        """Note that a task was placed."""
        if room is None:
            return
        self.used.append(room.instance.arn)
        if self.one_each:
            self.rooms.remove(room)


def active_instances(account: Account, service: Service) -> list[ContainerInstance]:
    """Return the ACTIVE container instances of the service's cluster."""
    return [each for each in account.instances_of(service.cluster) if each.status == "ACTIVE"]


def daemon_instances(account: Account, service: Service, config: Wire) -> list[ContainerInstance]:
    """Return the container instances on which a DAEMON service runs a task."""
    definition = account.task_definitions.get(config["taskDefinition"])
    constraints = [] if definition is None else definition.body["placementConstraints"]
    rules = placement_rules([*constraints, *service.settings.get("placementConstraints", [])], [])
    return [each for each in active_instances(account, service) if all(matches(each) for matches in rules.members)]


def stop(account: Account, service: Service, tasks: Iterable[ServiceTask]) -> None:
    """Stop tasks, and show the events."""
    primary = _primary(service)
    stopped: dict[str, list[str]] = {}
    moved: list[str] = []
    for task in tasks:
        record, tracked = account.tasks[task.arn], service.live_tasks[task.arn]
        reason = "Task failed container health checks" if task.unhealthy else f"{_SCALED_IN} (deployment {primary})"
        steps = stopped_lifecycle(
            record.plan, record.steps, account.now, stop_code="ServiceSchedulerInitiated", reason=reason
        )
        account.change_steps(record, steps)
        tracked.stop_handled = True
        if record.steps[-1].at <= account.now:
            service.due_at = account.now
        if tracked.moves and task.started_by == primary:
            moved.append(task.arn)
        else:
            stopped.setdefault(task.started_by if service.task_sets else "", []).append(task.arn)
    for started_by, arns in stopped.items():
        message = f"has stopped {len(arns)} running tasks: {_listed(arns)}."
        service.add_event(account.now, account.uuid(), message, part=started_by)
    for arn in moved:
        where = f"in {zone_of(account, arn)} due to AZ rebalancing"
        service.add_event(account.now, account.uuid(), f"has stopped 1 running tasks {where}: {_listed([arn])}.")
    if moved:
        end_move(account, service)


def _listed(arns: Iterable[str]) -> str:
    return " ".join(f"(task {short_id(arn)})" for arn in arns)


def _primary(service: Service) -> str:
    return service.primary.id if service.primary is not None else service.name


def _request(service: Service, started_by: str, config: Wire) -> Wire:
    """Return the RunTask request that corresponds to the launch."""
    request: Wire = {name: config[name] for name in _COPIED if name in config}
    propagate = service.settings.get("propagateTags", "NONE")
    if launch_type_of(config) != "FARGATE":
        request.pop("platformVersion", None)
    return {
        **request,
        "startedBy": started_by,
        "group": f"service:{service.name}",
        "enableExecuteCommand": config.get("enableExecuteCommand", False),
        "enableECSManagedTags": service.settings.get("enableECSManagedTags", False),
        "propagateTags": propagate,
        "tags": service.tags if propagate == "SERVICE" else [],
        "placementConstraints": service.settings.get("placementConstraints", []),
        "placementStrategy": service.settings.get("placementStrategy", []),
    }


def _providers(account: Account, config: Wire, tasks: Sequence[ServiceTask], count: int) -> list[str | None]:
    """Return the capacity provider of each new task, so that all tasks together follow the strategy."""
    strategy = config.get("capacityProviderStrategy")
    if not strategy:
        return [None] * count
    staying = [task for task in tasks if not task.stopping]
    wanted: Counter[str | None] = Counter(divide(strategy, len(staying) + count))
    present = Counter(account.tasks[task.arn].body.get("capacityProviderName") for task in staying)
    lacking = [*(wanted - present).elements()]
    return [*lacking[:count]]


def show_stuck_event(account: Account, service: Service, message: str) -> None:
    """Show why a service is stuck: at once, and again at growing intervals while it is stuck."""
    last, interval = service.stuck_event, FIRST_SILENCE
    if last is not None and last.message == message:
        if account.now < last.again_at:
            return
        interval = min(LONGEST_SILENCE, 2 * last.interval)
    service.stuck_event = StuckEvent(message, account.now + interval, interval)
    service.add_event(account.now, account.uuid(), message)
