"""Daemons: create, describe, list, update, delete.

Decides what a daemon is made of, when it can change, and which revisions it shows while one deployment or another goes
on. No daemon task runs: the counts are 0. The course of a deployment is decided in `daemon_deployments`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecskit._simulator.errors import SimulatedError, invalid
from ecskit._simulator.limits import check_count, check_name
from ecskit._simulator.managed import (
    add,
    all_seen,
    checked_arn,
    created_before,
    present,
    remember_creation,
    seen,
)
from ecskit._simulator.operations.capacity_providers import known_provider
from ecskit._simulator.operations.daemon_deployments import REVISION, Course, deploy
from ecskit._simulator.operations.daemon_task_definitions import active_definition
from ecskit._simulator.pages import paginate
from ecskit._simulator.records.managed import Change, Managed
from ecskit._simulator.tagging import checked_tags
from ecskit._simulator.wire import Wire, timestamp

if TYPE_CHECKING:
    from ecskit._simulator.records.resources import Cluster
    from ecskit._simulator.world import World

KIND: Final = "daemon"

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


def _create(world: World, request: Wire) -> Wire:
    name = request["daemonName"]
    check_name("daemonName", name)
    cluster = world.active_cluster(request.get("clusterArn"))
    known = created_before(world, KIND, cluster.arn, request)
    if known is not None:
        return _members(known, world.now, _CREATED)
    arn = world.arns.ecs(KIND, f"{cluster.name}/{name}")
    if present(world, KIND, arn) is not None:
        raise invalid(f"The cluster {cluster.name} already has a daemon named {name}.")
    daemon = Managed(
        arn=arn,
        name=name,
        created_at=world.now,
        body={"daemonArn": arn, "clusterArn": cluster.arn, "createdAt": timestamp(world.now)},
        changes=(Change(world.now, {"status": "ACTIVE", "currentRevisions": []}),),
        tags=checked_tags(request.get("tags")),
    )
    revision = _revision(world, cluster, daemon, request)
    add(world, KIND, daemon)
    _roll_out(world, daemon, revision, request)
    remember_creation(world, KIND, cluster.arn, request, daemon)
    return _members(daemon, world.now, _CREATED)


def _describe(world: World, request: Wire) -> Wire:
    at = world.read_moment()
    return {"daemon": _found(seen(world, KIND, checked_arn(world, KIND, request["daemonArn"]), at)).show(at)}


def _list(world: World, request: Wire) -> Wire:
    at = world.read_moment()
    cluster = world.cluster(request.get("clusterArn"))
    wanted = set(request.get("capacityProviderArns", []))
    rows = [
        (each.arn, _members(each, at, _SUMMARY))
        for each in all_seen(world, KIND, at)
        if each.body["clusterArn"] == cluster.arn and (not wanted or wanted & set(each.hidden["providers"]))
    ]
    page, more = paginate("ListDaemons", request, rows)
    return {"daemonSummariesList": page, **more}


def _update(world: World, request: Wire) -> Wire:
    daemon = _changeable(world, request)
    revision = _revision(world, world.active_cluster(daemon.body["clusterArn"]), daemon, request)
    daemon.begin(world.now, Change(world.now, {"updatedAt": timestamp(world.now)}))
    _roll_out(world, daemon, revision, request)
    return _members(daemon, world.now, _ANSWER)


def _delete(world: World, request: Wire) -> Wire:
    daemon = _changeable(world, request)
    deployment, course = deploy(world, daemon, None, daemon.hidden["configuration"])
    members = {
        "status": "DELETE_IN_PROGRESS",
        "updatedAt": timestamp(world.now),
        "deploymentArn": deployment.arn,
    }
    daemon.begin(world.now, Change(world.now, members))
    if course.progress.fails is None:  # A deletion that fails stays in progress: there is no status for it.
        daemon.gone_at = course.end
    return _members(daemon, world.now, _ANSWER)


def _revision(world: World, cluster: Cluster, daemon: Managed, request: Wire) -> Managed:
    """Return the new revision that a request describes.

    Raises:
        SimulatedError: For a definition or capacity providers that a daemon cannot have.
    """
    references = list(dict.fromkeys(request["capacityProviderArns"]))
    check_count("capacityProviderArns", references, most=20)
    providers = [known_provider(world, reference, cluster.name) for reference in references]
    for provider in providers:
        if provider.body["type"] != "MANAGED_INSTANCES":
            raise invalid(f"The capacity provider {provider.name} has no managed instances, which daemons need.")
    bake_time = request.get("deploymentConfiguration", {}).get("bakeTimeInMinutes", 0)
    if bake_time < 0:
        raise invalid(f"bakeTimeInMinutes must not be negative: {bake_time}.")
    definition = active_definition(world, request["daemonTaskDefinitionArn"])
    arn = world.arns.ecs(REVISION, f"{world.arns.name(KIND, daemon.arn)}/{world.uuid()}")
    counts = {"runningCount": 0, "withoutDaemonCount": 0}
    return Managed(
        arn=arn,
        name=daemon.name,
        created_at=world.now,
        body={
            "daemonRevisionArn": arn,
            "clusterArn": cluster.arn,
            "daemonArn": daemon.arn,
            "daemonTaskDefinitionArn": definition.arn,
            "createdAt": timestamp(world.now),
            "containerImages": [
                {"containerName": each["name"], "image": each["image"]}
                for each in definition.body["containerDefinitions"]
            ],
            **{name: request.get(name, default) for name, default in _REVISION_DEFAULTS.items()},
        },
        changes=(),
        hidden={
            # How a daemon shows the revision while it runs.
            "running": {
                "arn": arn,
                "capacityProviders": [{"arn": provider.arn, **counts} for provider in providers],
                "totalRunningCount": 0,
                "totalWithoutDaemonCount": 0,
            }
        },
        owner=daemon.arn,
    )


def _roll_out(world: World, daemon: Managed, revision: Managed, request: Wire) -> None:
    """Deploy a revision, and let the daemon show what runs while that goes on."""
    add(world, REVISION, revision)
    _settle(daemon, world.now)
    running: Wire = revision.hidden["running"]
    configuration = {**_DEPLOYMENT_DEFAULTS, **request.get("deploymentConfiguration", {})}
    deployment, course = deploy(world, daemon, revision, configuration)
    before: list[Wire] = daemon.show(world.now)["currentRevisions"]
    stable: Wire | None = daemon.hidden.get("stable")
    daemon.begin(
        world.now,
        Change(world.now, {"deploymentArn": deployment.arn}),
        Change(course.running, {"currentRevisions": [*before, running]}),
        *_outcome(course, stable, running),
    )
    pending = None if course.progress.fails is not None else {"revision": running, "at": course.end}
    daemon.hidden = {
        "stable": stable,
        "pending": pending,
        "configuration": configuration,
        "providers": [each["arn"] for each in running["capacityProviders"]],
    }


def _settle(daemon: Managed, now: float) -> None:
    """Take note of a revision that was deployed successfully since the last request: a failure falls back to it."""
    pending: Wire | None = daemon.hidden.get("pending")
    if pending is not None and pending["at"] <= now:
        daemon.hidden = {**daemon.hidden, "stable": pending["revision"], "pending": None}


def _outcome(course: Course, stable: Wire | None, running: Wire) -> tuple[Change, ...]:
    progress = course.progress
    if progress.fails is None:
        return (Change(course.end, {"currentRevisions": [running]}),)
    if stable is None or progress.rollback_fails is not None:
        return ()  # The daemon is left with what it has.
    return (Change(course.rolled_back, {"currentRevisions": [stable]}),)


def _changeable(world: World, request: Wire) -> Managed:
    daemon = _found(present(world, KIND, checked_arn(world, KIND, request["daemonArn"])))
    if daemon.show(world.now)["status"] != "ACTIVE":
        raise SimulatedError("DaemonNotActiveException", f"The daemon {daemon.name} is being deleted.")
    return daemon


def _found(daemon: Managed | None) -> Managed:
    if daemon is None:
        raise SimulatedError("DaemonNotFoundException", "The specified daemon was not found.")
    return daemon


def _members(daemon: Managed, at: float, names: tuple[str, ...]) -> Wire:
    shown = daemon.show(at)
    return {name: shown[name] for name in names if name in shown}


OPERATIONS = {
    "CreateDaemon": _create,
    "DescribeDaemon": _describe,
    "ListDaemons": _list,
    "UpdateDaemon": _update,
    "DeleteDaemon": _delete,
}
