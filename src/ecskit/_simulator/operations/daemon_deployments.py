"""Daemon deployments and revisions: describe and list them, and the course that a deployment takes.

Decides which statuses a deployment goes through, and when it leaves the daemon with which revisions. When one begins,
and what a daemon is, is decided in `daemons`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from ecskit._simulator.errors import refused
from ecskit._simulator.limits import check_count
from ecskit._simulator.managed import add, all_present, all_seen, checked_arn, progress_of, seen
from ecskit._simulator.pages import paginate
from ecskit._simulator.progress import PENDING_SECONDS, STOPPING_SECONDS
from ecskit._simulator.records.managed import Change, Managed
from ecskit._simulator.wire import Wire, timestamp

if TYPE_CHECKING:
    from ecskit._simulator.progress import Progress
    from ecskit._simulator.world import World

KIND = "daemon-deployment"
REVISION = "daemon-revision"

_UNFINISHED = ("PENDING", "IN_PROGRESS", "ROLLBACK_IN_PROGRESS")
_SUMMARY = ("clusterArn", "status", "statusReason", "createdAt", "startedAt", "stoppedAt", "finishedAt")
_BREAKER: Wire = {"failureCount": 0, "status": "MONITORING", "threshold": 3}


@attrs.frozen(kw_only=True)
class Course:
    """When a deployment begins, runs and ends.

    Args:
        start: The moment of the request.
        progress: How it goes.
        seconds: From the request to success or failure.
    """

    start: float
    progress: Progress
    seconds: float

    @property
    def running(self) -> float:
        """When it is no longer PENDING."""
        return self.start + min(PENDING_SECONDS, self.seconds / 2)

    @property
    def end(self) -> float:
        """When it succeeds or fails."""
        return self.start + self.seconds

    @property
    def rolled_back(self) -> float:
        """When a rollback, if there is one, succeeds or fails."""
        return self.end + self.progress.rollback_seconds


def deploy(world: World, daemon: Managed, target: Managed | None, configuration: Wire) -> tuple[Managed, Course]:
    """Start a deployment of a daemon, in place of one that is unfinished.

    Args:
        world: Where it happens.
        daemon: The daemon.
        target: The revision that is deployed; None to deploy none, which removes the daemon's tasks.
        configuration: The deployment configuration.
    """
    _stop_unfinished(world, daemon)
    progress = progress_of(world, "daemon", daemon.name)
    course = Course(start=world.now, progress=progress, seconds=progress.seconds_for("daemon"))
    arn = world.arns.ecs(KIND, f"{world.arns.name('daemon', daemon.arn)}/{world.hex(21)}")
    alarms = configuration.get("alarms", {})
    body: Wire = {
        "daemonDeploymentArn": arn,
        "clusterArn": daemon.body["clusterArn"],
        "sourceDaemonRevisions": [_in_deployment(each) for each in daemon.show(world.now).get("currentRevisions", [])],
        "circuitBreaker": _BREAKER,
        "alarms": {
            "status": "MONITORING" if alarms.get("enable") else "DISABLED",
            "alarmNames": alarms.get("alarmNames", []),
        },
        "deploymentConfiguration": configuration,
        "createdAt": timestamp(world.now),
    }
    if target is not None:
        body["targetDaemonRevision"] = _in_deployment(target.hidden["running"])
    deployment = Managed(
        arn=arn,
        name=daemon.name,
        created_at=world.now,
        body=body,
        changes=_changes(course, None if target is None else daemon.hidden.get("stable")),
        owner=daemon.arn,
    )
    add(world, KIND, deployment)
    return deployment, course


def _changes(course: Course, stable: Wire | None) -> tuple[Change, ...]:
    """Return the timeline of a deployment. A failure rolls back to the stable revision; without one it just stops."""
    progress = course.progress
    beginning = (
        Change(course.start, {"status": "PENDING"}),
        Change(course.running, {"status": "IN_PROGRESS", "startedAt": timestamp(course.running)}),
    )
    finished = {"finishedAt": timestamp(course.end)}
    if progress.fails is None:
        done = {"status": "SUCCESSFUL", "circuitBreaker": {**_BREAKER, "status": "MONITORING_COMPLETE"}}
        return (*beginning, Change(course.end, {**done, **finished}))
    triggered = {**_BREAKER, "failureCount": _BREAKER["threshold"], "status": "TRIGGERED"}
    failed: Wire = {"statusReason": progress.fails, "circuitBreaker": triggered}
    if stable is None:
        stopped = {"status": "STOPPED", "stoppedAt": timestamp(course.end)}
        return (*beginning, Change(course.end, {**failed, **stopped, **finished}))
    rollback = {
        "reason": progress.fails,
        "startedAt": timestamp(course.end),
        "rollbackTargetDaemonRevisionArn": stable["arn"],
        "rollbackCapacityProviders": [each["arn"] for each in stable["capacityProviders"]],
    }
    outcome: Wire = {"status": "ROLLBACK_SUCCESSFUL", "finishedAt": timestamp(course.rolled_back)}
    if progress.rollback_fails is not None:
        outcome |= {"status": "ROLLBACK_FAILED", "statusReason": progress.rollback_fails}
    return (
        *beginning,
        Change(course.end, {**failed, "status": "ROLLBACK_IN_PROGRESS", "rollback": rollback}),
        Change(course.rolled_back, outcome),
    )


def _stop_unfinished(world: World, daemon: Managed) -> None:
    """Let a new deployment replace the one before."""
    for each in all_present(world, KIND):
        if each.owner == daemon.arn and each.show(world.now)["status"] in _UNFINISHED:
            stopped = timestamp(world.now + STOPPING_SECONDS)
            reason = "A newer deployment replaces this one."
            each.begin(
                world.now,
                Change(world.now, {"status": "STOP_REQUESTED", "statusReason": reason}),
                Change(stopped, {"status": "STOPPED", "stoppedAt": stopped, "finishedAt": stopped}),
            )


def _in_deployment(running: Wire) -> Wire:
    """Return a revision as a deployment shows it, from the way in which a daemon shows it."""
    none: dict[str, Any] = {"runningInstanceCount": 0, "withoutDaemonInstanceCount": 0, "drainingInstanceCount": 0}
    return {
        "arn": running["arn"],
        "capacityProviders": [{"arn": each["arn"], **none} for each in running["capacityProviders"]],
        "totalRunningInstanceCount": 0,
        "totalWithoutDaemonInstanceCount": 0,
        "totalDrainingInstanceCount": 0,
    }


def _describe(world: World, request: Wire) -> Wire:
    found, failures = _look_up(world, KIND, "daemonDeploymentArns", request)
    return {"daemonDeployments": found, "failures": failures}


def _describe_revisions(world: World, request: Wire) -> Wire:
    found, failures = _look_up(world, REVISION, "daemonRevisionArns", request)
    return {"daemonRevisions": found, "failures": failures}


def _look_up(world: World, kind: str, member: str, request: Wire) -> tuple[list[Wire], list[Wire]]:
    check_count(member, request[member], most=20)
    at = world.read_moment()
    found: list[Wire] = []
    failures: list[Wire] = []
    for arn in dict.fromkeys(request[member]):
        record = seen(world, kind, checked_arn(world, kind, arn), at)
        if record is None:
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            found.append(record.show(at))
    return found, failures


def _list(world: World, request: Wire) -> Wire:
    at = world.read_moment()
    daemon = checked_arn(world, "daemon", request["daemonArn"])
    # Its deployments outlive a daemon: the last one tells how its deletion went.
    if ("daemon", daemon) not in world.managed:
        raise refused(f"The daemon {daemon} was not found.")
    created: Wire = request.get("createdAt", {})
    rows = [
        (each.arn, _summary(each, at))
        for each in all_seen(world, KIND, at)
        if each.owner == daemon
        and created.get("after", 0) <= each.created_at <= created.get("before", each.created_at)
        and each.show(at)["status"] in (request.get("status") or (each.show(at)["status"],))
    ]
    page, more = paginate("ListDaemonDeployments", request, rows)
    return {"daemonDeployments": page, **more}


def _summary(deployment: Managed, at: float) -> Wire:
    shown = deployment.show(at)
    summary = {name: shown[name] for name in _SUMMARY if name in shown}
    if "targetDaemonRevision" in shown:
        summary["targetDaemonRevisionArn"] = shown["targetDaemonRevision"]["arn"]
    return {"daemonDeploymentArn": deployment.arn, "daemonArn": deployment.owner, **summary}


OPERATIONS = {
    "DescribeDaemonDeployments": _describe,
    "DescribeDaemonRevisions": _describe_revisions,
    "ListDaemonDeployments": _list,
}
