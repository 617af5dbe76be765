"""The service scheduler: what every service does from one moment to another, in the order in which it happens.

Decides when a service is looked at (whenever one of its tasks takes a step, or a time is up), so that the result does
not depend on when somebody asks. What is then done is put together from the neighbours.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ecskit._simulator.scheduler import rollouts, shown_counts, stages
from ecskit._simulator.scheduler.counting import counts, glance_at, graceful_until, is_checked, muster, of_unit
from ecskit._simulator.scheduler.keeping import blame, count_failure, keep
from ecskit._simulator.scheduler.replacing import Bounds, Sides, is_tight, missing, superfluous, to_start, to_stop
from ecskit._simulator.scheduler.showing import record
from ecskit._simulator.scheduler.staffing import complain, daemon_instances, launch, stop
from ecskit._simulator.scheduler.task_sets import keep_task_sets
from ecskit._simulator.task_life import latest
from ecskit._simulator.world import INACTIVE_KEPT_FOR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ecskit._simulator.records.services import Deployment, Service
    from ecskit._simulator.scheduler.counting import Member
    from ecskit._simulator.world import World

# The first wait after a launch that failed; it doubles up to the last one.
BACKOFF_SECONDS = 5.0
LONGEST_BACKOFF = 27 * 60.0
# From the end of a task that ran to its replacement.
REPLACEMENT_SECONDS = 1.0
# How a task ends that is no failure of its deployment, even if it never ran (inferred; that a task which runs does not
# count as failed whatever ends it, but for its health checks, is documented).
_NO_FAILURES = frozenset({"UserInitiated", "SpotInterruption", "TerminationNotice", "InfrastructureHealth"})
# Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html
_STUCK = (
    "was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the"
    " minimumHealthyPercent or maximumPercent value and try again."
)
# A service that is deleted is INACTIVE when its last task is this far.
_ENDING = frozenset({"STOPPING", "DEPROVISIONING", "STOPPED"})


def run(world: World, until: float) -> None:
    """Move all services to a moment."""
    instances = {each.arn: each.status for each in world.container_instances.values()}
    if instances != world.instances_known:
        world.instances_known = instances
        for service in world.services.values():
            service.poked_at = world.now
    while True:
        due = [
            (moment, service.ordinal, service)
            for service in world.services.values()
            for moment in _next(world, service)
        ]
        if not due:
            break
        moment, _, service = min(due, key=lambda each: each[:2])
        if moment > until:
            break
        world.now = max(world.now, moment)
        look(world, service)
    for arn, service in list(world.services.items()):
        if service.gone_at is not None and service.gone_at + INACTIVE_KEPT_FOR <= until:
            del world.services[arn]


def _next(world: World, service: Service) -> Iterator[float]:
    """Yield the next moment at which a service has to be looked at, if there is one."""
    moment = min(_moments(world, service), default=None)
    if service.poked_at is not None:
        moment = service.poked_at if moment is None else min(moment, service.poked_at)
    if moment is not None:
        yield moment


def _moments(world: World, service: Service) -> Iterator[float]:
    seen = service.looked_at
    if service.status == "INACTIVE":
        return
    grace = service.settings.get("healthCheckGracePeriodSeconds", 0)
    times: list[float | None] = [service.not_before, service.retry_at]
    if service.complaint is not None:
        times.append(service.complaint.again_at)
    if service.rollout is not None:
        times.append(service.rollout.created_at + world.lag.current_deployment_after)
    for rollout in service.rollouts:
        if not rollout.is_over:
            times += [rollout.until, rollout.baked_at, *stages.moments(rollout)]
    for arn, hand in service.crew.items():
        task = world.tasks[arn]
        times.append(glance_at(hand, task, seen).until)
        if grace and is_checked(task):
            times.append(graceful_until(task, grace))
        times.append(world.protected.get(arn))
    times += shown_counts.moments(world, service)
    yield from (moment for moment in times if moment is not None and seen < moment < math.inf)


def look(world: World, service: Service) -> None:
    """Let a service do what is due now, and keep what reads will see."""
    service.looked_at = world.now
    service.poked_at = None
    if service.retry_at is not None and service.retry_at <= world.now:
        service.retry_at = None
    if service.status != "INACTIVE":
        _bury(world, service)
        _greet(world, service)
        if service.task_sets or service.controller != "ECS":
            keep_task_sets(world, service)
        else:
            while _keep_deployments(world, service):
                pass
        _settle(world, service)
    record(world, service)


def _bury(world: World, service: Service) -> None:
    """Take note of tasks that stop, and let those go that are STOPPED."""
    failed = False
    for arn, hand in list(service.crew.items()):
        task = world.tasks[arn]
        glance = glance_at(hand, task, world.now)
        if not hand.dismissed and glance.stopping:
            hand.dismissed = True
            ran = latest(task.steps, world.now, "startedAt") is not None
            if not ran and latest(task.steps, math.inf, "stopCode") not in _NO_FAILURES:
                count_failure(service, hand.unit)
                failed = True
            else:
                service.not_before = max(service.not_before, world.now + REPLACEMENT_SECONDS)
        if glance.status == "STOPPED":
            del service.crew[arn]
    if failed:
        service.streak += 1
        wait = min(LONGEST_BACKOFF, BACKOFF_SECONDS * 2.0 ** min(service.streak - 1, 20))
        service.not_before = max(service.not_before, world.now + wait)


def _greet(world: World, service: Service) -> None:
    """Take note of tasks that are healthy for the first time: they end a row of failures."""
    members = muster(world, service)
    units = {member.unit for member in members if member.running}
    for deployment in service.deployments:
        deployment.has_run = deployment.has_run or deployment.id in units
    for member in members:
        hand = service.crew[member.arn]
        if not member.healthy or hand.was_healthy:
            continue
        hand.was_healthy = True
        service.streak = 0
        rollout = service.rollout
        for deployment in service.deployments:
            if deployment.id == member.unit:
                deployment.failed = 0
        if rollout is not None and rollout.deployment.id == member.unit and rollouts.forgives(rollout.configuration):
            rollout.failures = 0


def _keep_deployments(world: World, service: Service) -> bool:
    """Launch and stop what is due, and return whether a deployment took a step, so that more may be due."""
    primary = service.primary
    if primary is None:
        return False
    bounds = _bounds(world, service, primary)
    if service.status == "DRAINING":
        stop(world, service, [member for member in muster(world, service) if not member.stopping])
    elif primary.frozen:
        live = [member for member in muster(world, service) if not member.stopping]
        stop(world, service, superfluous(live, bounds.upper if len(service.deployments) > 1 else bounds.desired))
    elif _is_staged(service):
        _keep_side_by_side(world, service, bounds)
    elif service.rollout is None or service.rollout.status != "PENDING":
        _replace(world, service, primary, bounds)
    members = muster(world, service)
    sides = Sides.of(members, primary.id)
    healthy = sum(member.healthy for member in sides.staying)
    settled = healthy >= bounds.desired and len(sides.staying) == bounds.desired
    cleaned = not sides.leaving
    occupied = {member.unit for member in members}
    service.deployments = [each for each in service.deployments if each is primary or each.id in occupied]
    stepped = [
        rollouts.advance(world, service, each, healthy=healthy, settled=settled, cleaned=cleaned)
        for each in service.rollouts
        if not each.is_over
    ]
    return any(stepped)


def _bounds(world: World, service: Service, primary: Deployment) -> Bounds:
    configuration = service.settings["deploymentConfiguration"]
    desired = service.desired
    if service.is_daemon and service.status == "ACTIVE":
        desired = service.desired = len(daemon_instances(world, service, primary.revision.config))
    return Bounds.of(desired, configuration["minimumHealthyPercent"], configuration["maximumPercent"])


def _is_staged(service: Service) -> bool:
    """Whether two revisions run side by side, until the stage that removes the old one."""
    rollout = service.rollout
    if rollout is None or not rollout.stages or rollout.status not in ("PENDING", "IN_PROGRESS"):
        return False
    stage = stages.current(rollout)
    return stage is None or stage.name != "CLEAN_UP"


def _keep_side_by_side(world: World, service: Service, bounds: Bounds) -> None:
    """Keep the old revision as it is and bring the new one up beside it; what neither of them launched goes."""
    rollout = service.rollout
    if rollout is None:
        return
    new, source = rollout.deployment, rollout.source
    stage = stages.current(rollout)
    keep(world, service, new.id, new.revision.config, bounds.desired if stage is not None and stage.scaled else 0)
    if source is None:
        return
    keep(world, service, source.id, source.revision.config, bounds.desired)
    members = muster(world, service)
    if sum(member.healthy for member in of_unit(members, source.id)) >= bounds.desired:
        stop(world, service, [each for each in members if each.unit not in (new.id, source.id) and not each.stopping])


def _replace(world: World, service: Service, primary: Deployment, bounds: Bounds) -> None:
    members = muster(world, service)
    sides = Sides.of(members, primary.id)
    tight = is_tight(bounds, sides)
    _launch(world, service, primary, members, to_start(bounds, sides, members))
    sides = Sides.of(muster(world, service), primary.id)
    homeless = service.retry_at is not None and missing(bounds, sides) > 0
    going = to_stop(bounds, sides, primary.id, short=tight or homeless)
    rollout = service.rollout
    if rollout is not None and rollout.cleans_up and rollout.deployment is primary:
        going += [
            each for each in sides.leaving if each.unit != primary.id and not each.protected and each not in going
        ]
    blame(service, going)
    stop(world, service, going)
    if (
        bounds.lower >= bounds.desired >= bounds.upper
        and sides.leaving
        and not going
        and all(member.healthy for member in members)
    ):
        complain(world, service, _STUCK)


def _launch(world: World, service: Service, deployment: Deployment, members: Sequence[Member], count: int) -> None:
    if count == 0 or service.not_before > world.now or service.retry_at is not None:
        return
    started = launch(world, service, deployment.id, deployment.revision.config, among=members, count=count)
    if started < count and not service.is_daemon:
        count_failure(service, deployment.id)


def _settle(world: World, service: Service) -> None:
    """Tell that a service is steady, and end one that has drained."""
    if service.status == "DRAINING":
        if all(member.status in _ENDING for member in muster(world, service)):
            service.status, service.gone_at = "INACTIVE", world.now
            service.deployments, service.task_sets = [], []
            service.crew.clear()
            for rollout in service.rollouts:
                if rollout.status == "STOP_REQUESTED":
                    rollout.turn(world.now, "STOPPED")
        return
    members = muster(world, service)
    running, pending = counts(members)
    steady = running == service.desired and len(members) == running and not pending
    if service.primary is not None:
        steady = steady and len(service.deployments) == 1 and service.primary.state == "COMPLETED"
    if steady and not service.is_steady:
        service.tell(world.now, world.uuid(), "has reached a steady state.")
    service.is_steady = steady
    if steady:
        service.complaint = None
