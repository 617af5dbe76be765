"""Daemon deployments and revisions: describe and list them, and the statuses of a deployment over time.

`daemons` begins a deployment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from ecskit._simulator.errors import refused
from ecskit._simulator.limits import check_count
from ecskit._simulator.pagination import paginate
from ecskit._simulator.records.timed_resources import Change, TimedResource
from ecskit._simulator.resource_access import (
    add_resource,
    all_current,
    all_visible,
    checked_arn,
    find_visible,
    progress_of,
)
from ecskit._simulator.resource_script import PENDING_SECONDS, STOPPING_SECONDS
from ecskit._simulator.wire import Wire, timestamp

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.resource_script import Progress

RESOURCE_TYPE = "daemon-deployment"
REVISION = "daemon-revision"

_UNFINISHED = ("PENDING", "IN_PROGRESS", "ROLLBACK_IN_PROGRESS")
_SUMMARY = ("clusterArn", "status", "statusReason", "createdAt", "startedAt", "stoppedAt", "finishedAt")
_BREAKER: Wire = {"failureCount": 0, "status": "MONITORING", "threshold": 3}


@attrs.frozen(kw_only=True)
class DeploymentTimes:
    """The moments at which the status of a deployment changes.

    Args:
        start: The moment of the request.
        progress: The script.
        seconds: From the request to success or failure.
    """

    start: float
    progress: Progress
    seconds: float

    @property
    def running(self) -> float:
        """When it becomes IN_PROGRESS."""
        return self.start + min(PENDING_SECONDS, self.seconds / 2)

    @property
    def end(self) -> float:
        """When it succeeds or fails."""
        return self.start + self.seconds

    @property
    def rolled_back(self) -> float:
        """When a rollback, if any, succeeds or fails."""
        return self.end + self.progress.rollback_seconds


def deploy(
    account: Account, daemon: TimedResource, target: TimedResource | None, configuration: Wire
) -> tuple[TimedResource, DeploymentTimes]:
    """Begin a deployment of a daemon, and stop an unfinished one.

    Args:
        account: The account.
        daemon: The daemon.
        target: The revision to deploy; None to remove the daemon's tasks.
        configuration: The deployment configuration.
    """
    _stop_unfinished(account, daemon)
    progress = progress_of(account, "daemon", daemon.name)
    times = DeploymentTimes(start=account.now, progress=progress, seconds=progress.seconds_for("daemon"))
    arn = account.arns.ecs(RESOURCE_TYPE, f"{account.arns.name('daemon', daemon.arn)}/{account.hex(21)}")
    alarms = configuration.get("alarms", {})
    body: Wire = {
        "daemonDeploymentArn": arn,
        "clusterArn": daemon.body["clusterArn"],
        "sourceDaemonRevisions": [
            _in_deployment(each) for each in daemon.show(account.now).get("currentRevisions", [])
        ],
        "circuitBreaker": _BREAKER,
        "alarms": {
            "status": "MONITORING" if alarms.get("enable") else "DISABLED",
            "alarmNames": alarms.get("alarmNames", []),
        },
        "deploymentConfiguration": configuration,
        "createdAt": timestamp(account.now),
    }
    if target is not None:
        body["targetDaemonRevision"] = _in_deployment(target.internal["running"])
    deployment = TimedResource(
        arn=arn,
        name=daemon.name,
        created_at=account.now,
        body=body,
        changes=_changes(times, None if target is None else daemon.internal.get("stable")),
        owner=daemon.arn,
    )
    add_resource(account, RESOURCE_TYPE, deployment)
    return deployment, times


def _changes(times: DeploymentTimes, stable: Wire | None) -> tuple[Change, ...]:
    """Return the changes of a deployment. A failed one rolls back to the stable revision, else it is STOPPED."""
    progress = times.progress
    beginning = (
        Change(times.start, {"status": "PENDING"}),
        Change(times.running, {"status": "IN_PROGRESS", "startedAt": timestamp(times.running)}),
    )
    finished = {"finishedAt": timestamp(times.end)}
    if progress.fails is None:
        done = {"status": "SUCCESSFUL", "circuitBreaker": {**_BREAKER, "status": "MONITORING_COMPLETE"}}
        return (*beginning, Change(times.end, {**done, **finished}))
    triggered = {**_BREAKER, "failureCount": _BREAKER["threshold"], "status": "TRIGGERED"}
    failed: Wire = {"statusReason": progress.fails, "circuitBreaker": triggered}
    if stable is None:
        stopped = {"status": "STOPPED", "stoppedAt": timestamp(times.end)}
        return (*beginning, Change(times.end, {**failed, **stopped, **finished}))
    rollback = {
        "reason": progress.fails,
        "startedAt": timestamp(times.end),
        "rollbackTargetDaemonRevisionArn": stable["arn"],
        "rollbackCapacityProviders": [each["arn"] for each in stable["capacityProviders"]],
    }
    outcome: Wire = {"status": "ROLLBACK_SUCCESSFUL", "finishedAt": timestamp(times.rolled_back)}
    if progress.rollback_fails is not None:
        outcome |= {"status": "ROLLBACK_FAILED", "statusReason": progress.rollback_fails}
    return (
        *beginning,
        Change(times.end, {**failed, "status": "ROLLBACK_IN_PROGRESS", "rollback": rollback}),
        Change(times.rolled_back, outcome),
    )


def _stop_unfinished(account: Account, daemon: TimedResource) -> None:
    """Stop the deployment that a new one replaces."""
    for each in all_current(account, RESOURCE_TYPE):
        if each.owner == daemon.arn and each.show(account.now)["status"] in _UNFINISHED:
            stopped = timestamp(account.now + STOPPING_SECONDS)
            reason = "A newer deployment replaces this one."
            each.reschedule(
                account.now,
                Change(account.now, {"status": "STOP_REQUESTED", "statusReason": reason}),
                Change(stopped, {"status": "STOPPED", "stoppedAt": stopped, "finishedAt": stopped}),
            )


def _in_deployment(running: Wire) -> Wire:
    """Return a revision as a deployment shows it, from the form in which a daemon shows it."""
    none: dict[str, Any] = {"runningInstanceCount": 0, "withoutDaemonInstanceCount": 0, "drainingInstanceCount": 0}
    return {
        "arn": running["arn"],
        "capacityProviders": [{"arn": each["arn"], **none} for each in running["capacityProviders"]],
        "totalRunningInstanceCount": 0,
        "totalWithoutDaemonInstanceCount": 0,
        "totalDrainingInstanceCount": 0,
    }


def _describe(account: Account, request: Wire) -> Wire:
    found, failures = _look_up(account, RESOURCE_TYPE, "daemonDeploymentArns", request)
    return {"daemonDeployments": found, "failures": failures}


def _describe_revisions(account: Account, request: Wire) -> Wire:
    found, failures = _look_up(account, REVISION, "daemonRevisionArns", request)
    return {"daemonRevisions": found, "failures": failures}


def _look_up(account: Account, resource_type: str, member: str, request: Wire) -> tuple[list[Wire], list[Wire]]:
    check_count(member, request[member], most=20)
    at = account.read_moment()
    found: list[Wire] = []
    failures: list[Wire] = []
    for arn in dict.fromkeys(request[member]):
        record = find_visible(account, resource_type, checked_arn(account, resource_type, arn), at)
        if record is None:
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            found.append(record.show(at))
    return found, failures


def _list(account: Account, request: Wire) -> Wire:
    at = account.read_moment()
    daemon = checked_arn(account, "daemon", request["daemonArn"])
    # Deployments outlive their daemon: the last one shows the result of the deletion.
    if ("daemon", daemon) not in account.timed_resources:
        raise refused(f"The daemon {daemon} was not found.")
    created: Wire = request.get("createdAt", {})
    rows = [
        (each.arn, _summary(each, at))
        for each in all_visible(account, RESOURCE_TYPE, at)
        if each.owner == daemon
        and created.get("after", 0) <= each.created_at <= created.get("before", each.created_at)
        and each.show(at)["status"] in (request.get("status") or (each.show(at)["status"],))
    ]
    page, more = paginate("ListDaemonDeployments", request, rows)
    return {"daemonDeployments": page, **more}


def _summary(deployment: TimedResource, at: float) -> Wire:
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
