"""Launch the tasks of a service, and stop them.

Decides where a task goes and which capacity provider it is given to; where none fits, the service says so and tries
again later. How many tasks there are to be is decided elsewhere.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import attrs

from ecskit._simulator.arns import short_id
from ecskit._simulator.capacity_strategies import FARGATE_PROVIDERS, divide
from ecskit._simulator.launching import Launch, demand_of, start_task
from ecskit._simulator.placement import FreeCapacity, Rules, choose, free_capacity, placement_rules
from ecskit._simulator.records.services import StuckEvent, TrackedTask
from ecskit._simulator.scheduler.live_tasks import of_deployment
from ecskit._simulator.scheduler.rebalancing import end_move, place_in_emptiest_zone, zone_of
from ecskit._simulator.task_lifecycle import stopped_lifecycle

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ecskit._simulator.account import Account
    from ecskit._simulator.records.resources import ContainerInstance
    from ecskit._simulator.records.services import Service
    from ecskit._simulator.scheduler.live_tasks import ServiceTask
    from ecskit._simulator.wire import Wire

# Seconds until what found no room is tried again.
RETRY_SECONDS = 15.0
# Seconds until a service that is still stuck shows the same event again: they double from the first to the last. Events
# about placement come again after minutes at first and six hours apart in the end; the steps are inferred. See
# https://github.com/Shippable/support/issues/4462, where they are six hours and ten minutes apart (recorded 2018).
FIRST_SILENCE = 60.0
LONGEST_SILENCE = 6 * 3600.0

_SCALED_IN = "Scaling activity initiated by"
_COPIED = ("networkConfiguration", "platformVersion")


def launch_type_of(config: Wire) -> str:
    """Return what the tasks of a revision run on."""
    strategy = config.get("capacityProviderStrategy")
    if strategy:
        return "FARGATE" if strategy[0]["capacityProvider"] in FARGATE_PROVIDERS else "EC2"
    launch_type: str = config.get("launchType", "EC2")
    return launch_type


def launch(
    account: Account, service: Service, started_by: str, config: Wire, *, among: Sequence[ServiceTask], count: int
) -> int:
    """Start tasks for a deployment or a task set, and return how many could be started.

    Args:
        world: Where they live.
        service: Whose they are.
        unit: The id of the deployment or the task set.
        config: The members of its revision.
        among: All live tasks of the service.
        count: How many.
    """
    definition = account.task_definitions.get(config["taskDefinition"])
    if definition is None:  # It was deleted under the service.
        service.retry_at = account.now + RETRY_SECONDS
        show_stuck_event(account, service, "was unable to place a task because its task definition is gone.")
        return 0
    job = Launch(
        cluster=service.cluster,
        definition=definition,
        request=_request(service, started_by, config),
        launch_type=launch_type_of(config),
    )
    rooms = _Rooms.of(account, service, job, started_by, among)
    started: list[str] = []
    stuck: str | None = None
    for provider in _providers(account, config, of_deployment(among, started_by), count):
        room = rooms.next(account)
        if isinstance(room, str):
            if rooms.rooms or not service.is_daemon:
                service.retry_at = account.now + RETRY_SECONDS
                stuck = f"was unable to place a task. Reason: {room}"
            break
        task = start_task(account, job, room=room, capacity_provider=provider)
        rooms.take(room)
        service.live_tasks[task.arn] = TrackedTask(started_by=started_by)
        if any(step.at <= account.now for step in task.steps[1:]):
            service.due_at = account.now
        started.append(task.arn)
    if started:
        zone = place_in_emptiest_zone(account, service, started)
        where = "" if zone is None else f" in {zone} to AZ Rebalance"
        service.add_event(account.now, account.uuid(), f"has started {len(started)} tasks{where}: {_listed(started)}.")
    if stuck is not None:
        show_stuck_event(account, service, stuck)
    elif len(started) == count:
        service.stuck = None
    return len(started)


@attrs.define(kw_only=True)
class _Rooms:
    """What is left for the tasks of one launch; on Fargate there is always room."""

    job: Launch
    rooms: list[FreeCapacity]
    rules: Rules
    used: list[str]
    one_each: bool

    @classmethod
    def of(
        cls, account: Account, service: Service, job: Launch, started_by: str, members: Sequence[ServiceTask]
    ) -> _Rooms:
        constraints = [*job.definition.body["placementConstraints"], *service.settings["placementConstraints"]]
        rooms = [] if job.fargate else [free_capacity(account, instance) for instance in candidates(account, service)]
        if service.is_daemon:
            busy = {member.instance for member in members}
            rooms = [room for room in rooms if room.instance.arn not in busy]
        own = [member for member in members if member.started_by == started_by and not member.stopping]
        return cls(
            job=job,
            rooms=rooms,
            rules=placement_rules(constraints, service.settings["placementStrategy"]),
            used=[member.instance for member in own if member.instance is not None],
            one_each=service.is_daemon,
        )

    def next(self, account: Account) -> FreeCapacity | str | None:
        """Return the room of the next task, or why there is none; None on Fargate."""
        if self.job.fargate:
            return None
        if not self.rooms:
            return "No container instance is left for it."
        return choose(account, self.rooms, demand_of(self.job.definition, {}), self.rules, self.used)

    def take(self, room: FreeCapacity | None) -> None:
        """Take note that a task went to a room."""
        if room is None:
            return
        self.used.append(room.instance.arn)
        if self.one_each:
            self.rooms.remove(room)


def candidates(account: Account, service: Service) -> list[ContainerInstance]:
    """Return the container instances that may take tasks of a service."""
    return [each for each in account.instances_of(service.cluster) if each.status == "ACTIVE"]


def daemon_instances(account: Account, service: Service, config: Wire) -> list[ContainerInstance]:
    """Return the container instances that a daemon service is to have a task on."""
    definition = account.task_definitions.get(config["taskDefinition"])
    constraints = [] if definition is None else definition.body["placementConstraints"]
    rules = placement_rules([*constraints, *service.settings.get("placementConstraints", [])], [])
    return [each for each in candidates(account, service) if all(matches(each) for matches in rules.members)]


def stop(account: Account, service: Service, members: Iterable[ServiceTask]) -> None:
    """Tell tasks to stop."""
    stopped: list[str] = []
    moved: list[str] = []
    for member in members:
        task = account.tasks[member.arn]
        reason = (
            "Task failed container health checks" if member.ill else f"{_SCALED_IN} (deployment {_primary(service)})"
        )
        task.steps = stopped_lifecycle(
            task.plan, task.steps, account.now, stop_code="ServiceSchedulerInitiated", reason=reason
        )
        service.live_tasks[member.arn].end_noted = True
        if task.steps[-1].at <= account.now:
            service.due_at = account.now
        moves = service.live_tasks[member.arn].moves and member.started_by == _primary(service)
        (moved if moves else stopped).append(member.arn)
    if stopped:
        service.add_event(account.now, account.uuid(), f"has stopped {len(stopped)} running tasks: {_listed(stopped)}.")
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
    """Return what RunTask would have been asked for."""
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


def _providers(account: Account, config: Wire, members: Sequence[ServiceTask], count: int) -> list[str | None]:
    """Return the capacity provider of each new task, so that all of them together follow the strategy."""
    strategy = config.get("capacityProviderStrategy")
    if not strategy:
        return [None] * count
    staying = [member for member in members if not member.stopping]
    wanted: Counter[str | None] = Counter(divide(strategy, len(staying) + count))
    there = Counter(account.tasks[member.arn].body.get("capacityProviderName") for member in staying)
    lacking = [*(wanted - there).elements()]
    return [*lacking[:count]]


def show_stuck_event(account: Account, service: Service, message: str) -> None:
    """Let a service show why it is stuck: at once, and again from time to time as long as it is."""
    last, wait = service.stuck, FIRST_SILENCE
    if last is not None and last.message == message:
        if account.now < last.again_at:
            return
        wait = min(LONGEST_SILENCE, 2 * last.wait)
    service.stuck = StuckEvent(message, account.now + wait, wait)
    service.add_event(account.now, account.uuid(), message)
