"""Daemons: create, describe, list, update, delete, and the revisions that they show during deployments.

Simulated daemons run no tasks: the counts are 0. `daemon_deployments` has the statuses of a deployment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecskit._simulator.errors import SimulatedError, invalid
from ecskit._simulator.limits import check_count, check_name
from ecskit._simulator.operations.capacity_providers import usable_provider
from ecskit._simulator.operations.daemon_deployments import REVISION, DeploymentTimes, deploy
from ecskit._simulator.operations.daemon_task_definitions import active_definition
from ecskit._simulator.pagination import paginate
from ecskit._simulator.records.timed_resources import Change, TimedResource
from ecskit._simulator.resource_access import (
    add_resource,
    all_visible,
    checked_arn,
    created_earlier,
    find_current,
    find_visible,
    record_creation,
)
from ecskit._simulator.tagging import checked_tags
from ecskit._simulator.wire import Wire, timestamp

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.records.resources import Cluster

RESOURCE_TYPE: Final = "daemon"

_REVISION_DEFAULTS: Wire = {
    "propagateTags": "NONE",
    "enableECSManagedTags": False,
    "enableExecuteCommand": False,
    "critical": True,
}
_DEPLOYMENT_DEFAULTS: Wire = {"drainPercent": 25.0, "bakeTimeInMinutes": 0}
_SUMMARY = ("daemonArn", "status", "createdAt", "updatedAt")
_CREATED = ("daemonArn", "status", "createdAt", "deploymentArn")
_ANSWER = (*_SUMMARY, "deploymentArn")


def _create(account: Account, request: Wire) -> Wire:
    name = request["daemonName"]
    check_name("daemonName", name)
    cluster = account.active_cluster(request.get("clusterArn"))
    known = created_earlier(account, RESOURCE_TYPE, cluster.arn, request)
    if known is not None:
        return _members(known, account.now, _CREATED)
    arn = account.arns.ecs(RESOURCE_TYPE, f"{cluster.name}/{name}")
    if find_current(account, RESOURCE_TYPE, arn) is not None:
        raise invalid(f"The cluster {cluster.name} already has a daemon named {name}.")
    daemon = TimedResource(
        arn=arn,
        name=name,
        created_at=account.now,
        body={"daemonArn": arn, "clusterArn": cluster.arn, "createdAt": timestamp(account.now)},
        changes=(Change(account.now, {"status": "ACTIVE", "currentRevisions": []}),),
        tags=checked_tags(request.get("tags")),
    )
    revision = _revision(account, cluster, daemon, request)
    add_resource(account, RESOURCE_TYPE, daemon)
    _roll_out(account, daemon, revision, request)
    record_creation(account, RESOURCE_TYPE, cluster.arn, request, daemon)
    return _members(daemon, account.now, _CREATED)


def _describe(account: Account, request: Wire) -> Wire:
    at = account.read_moment()
    return {
        "daemon": _found(
            find_visible(account, RESOURCE_TYPE, checked_arn(account, RESOURCE_TYPE, request["daemonArn"]), at)
        ).show(at)
    }


def _list(account: Account, request: Wire) -> Wire:
    at = account.read_moment()
    cluster = account.cluster(request.get("clusterArn"))
    wanted = set(request.get("capacityProviderArns", []))
    rows = [
        (each.arn, _members(each, at, _SUMMARY))
        for each in all_visible(account, RESOURCE_TYPE, at)
        if each.body["clusterArn"] == cluster.arn and (not wanted or wanted & set(each.internal["providers"]))
    ]
    page, more = paginate("ListDaemons", request, rows)
    return {"daemonSummariesList": page, **more}


def _update(account: Account, request: Wire) -> Wire:
    daemon = _changeable(account, request)
    revision = _revision(account, account.active_cluster(daemon.body["clusterArn"]), daemon, request)
    daemon.reschedule(account.now, Change(account.now, {"updatedAt": timestamp(account.now)}))
    _roll_out(account, daemon, revision, request)
    return _members(daemon, account.now, _ANSWER)


def _delete(account: Account, request: Wire) -> Wire:
    daemon = _changeable(account, request)
    deployment, times = deploy(account, daemon, None, daemon.internal["configuration"])
    members = {
        "status": "DELETE_IN_PROGRESS",
        "updatedAt": timestamp(account.now),
        "deploymentArn": deployment.arn,
    }
    daemon.reschedule(account.now, Change(account.now, members))
    if times.progress.fails is None:  # ECS has no status for a failed deletion: it stays DELETE_IN_PROGRESS.
        daemon.gone_at = times.end
    return _members(daemon, account.now, _ANSWER)


def _revision(account: Account, cluster: Cluster, daemon: TimedResource, request: Wire) -> TimedResource:
    """Return the new revision of a request.

    Raises:
        SimulatedError: For a task definition or capacity providers that a daemon cannot have.
    """
    references = list(dict.fromkeys(request["capacityProviderArns"]))
    check_count("capacityProviderArns", references, most=20)
    providers = [usable_provider(account, reference, cluster.name) for reference in references]
    for provider in providers:
        if provider.body["type"] != "MANAGED_INSTANCES":
            raise invalid(f"The capacity provider {provider.name} has no managed instances, which daemons need.")
    bake_time = request.get("deploymentConfiguration", {}).get("bakeTimeInMinutes", 0)
    if bake_time < 0:
        raise invalid(f"bakeTimeInMinutes must not be negative: {bake_time}.")
    definition = active_definition(account, request["daemonTaskDefinitionArn"])
    arn = account.arns.ecs(REVISION, f"{account.arns.name(RESOURCE_TYPE, daemon.arn)}/{account.uuid()}")
    counts = {"runningCount": 0, "withoutDaemonCount": 0}
    return TimedResource(
        arn=arn,
        name=daemon.name,
        created_at=account.now,
        body={
            "daemonRevisionArn": arn,
            "clusterArn": cluster.arn,
            "daemonArn": daemon.arn,
            "daemonTaskDefinitionArn": definition.arn,
            "createdAt": timestamp(account.now),
            "containerImages": [
                {"containerName": each["name"], "image": each["image"]}
                for each in definition.body["containerDefinitions"]
            ],
            **{name: request.get(name, default) for name, default in _REVISION_DEFAULTS.items()},
        },
        changes=(),
        internal={
            # The revision as the daemon shows it while it runs.
            "running": {
                "arn": arn,
                "capacityProviders": [{"arn": provider.arn, **counts} for provider in providers],
                "totalRunningCount": 0,
                "totalWithoutDaemonCount": 0,
            }
        },
        owner=daemon.arn,
    )


def _roll_out(account: Account, daemon: TimedResource, revision: TimedResource, request: Wire) -> None:
    """Deploy a revision, and set the revisions that the daemon shows during the deployment."""
    add_resource(account, REVISION, revision)
    _settle(daemon, account.now)
    running: Wire = revision.internal["running"]
    configuration = {**_DEPLOYMENT_DEFAULTS, **request.get("deploymentConfiguration", {})}
    deployment, times = deploy(account, daemon, revision, configuration)
    before: list[Wire] = daemon.show(account.now)["currentRevisions"]
    stable: Wire | None = daemon.internal.get("stable")
    daemon.reschedule(
        account.now,
        Change(account.now, {"deploymentArn": deployment.arn}),
        Change(times.running, {"currentRevisions": [*before, running]}),
        *_outcome(times, stable, running),
    )
    pending = None if times.progress.fails is not None else {"revision": running, "at": times.end}
    daemon.internal = {
        "stable": stable,
        "pending": pending,
        "configuration": configuration,
        "providers": [each["arn"] for each in running["capacityProviders"]],
    }


def _settle(daemon: TimedResource, now: float) -> None:
    """Record a revision that was deployed successfully since the last request: a failure rolls back to it."""
    pending: Wire | None = daemon.internal.get("pending")
    if pending is not None and pending["at"] <= now:
        daemon.internal = {**daemon.internal, "stable": pending["revision"], "pending": None}


def _outcome(times: DeploymentTimes, stable: Wire | None, running: Wire) -> tuple[Change, ...]:
    progress = times.progress
    if progress.fails is None:
        return (Change(times.end, {"currentRevisions": [running]}),)
    if stable is None or progress.rollback_fails is not None:
        return ()  # The daemon keeps its revisions.
    return (Change(times.rolled_back, {"currentRevisions": [stable]}),)


def _changeable(account: Account, request: Wire) -> TimedResource:
    daemon = _found(find_current(account, RESOURCE_TYPE, checked_arn(account, RESOURCE_TYPE, request["daemonArn"])))
    if daemon.show(account.now)["status"] != "ACTIVE":
        raise SimulatedError("DaemonNotActiveException", f"The daemon {daemon.name} is being deleted.")
    return daemon


def _found(daemon: TimedResource | None) -> TimedResource:
    if daemon is None:
        raise SimulatedError("DaemonNotFoundException", "The specified daemon was not found.")
    return daemon


def _members(daemon: TimedResource, at: float, names: tuple[str, ...]) -> Wire:
    shown = daemon.show(at)
    return {name: shown[name] for name in names if name in shown}


OPERATIONS = {
    "CreateDaemon": _create,
    "DescribeDaemon": _describe,
    "ListDaemons": _list,
    "UpdateDaemon": _update,
    "DeleteDaemon": _delete,
}
