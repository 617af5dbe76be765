"""The revisions of a service: which were deployed, and the rollback to one of them.

The history decides, not the number of a task definition: the revision with the next lower number may never have been
deployed successfully.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import attrs

from ecskit._core.absent import ABSENT_LIST
from ecskit._core.effects import Flow
from ecskit._core.errors import EcsError
from ecskit._core.retrying import Retrying, retry
from ecskit._deployments.arguments import FollowOptions
from ecskit._deployments.errors import NothingToRollBack
from ecskit._deployments.follow import Tracker
from ecskit._deployments.observe import Latest, Observed, observe_once
from ecskit._deployments.progress import ENDING, ROLLING_BACK, DeploymentProgress
from ecskit._deployments.read import deployments_of, is_refused, read_service
from ecskit._deployments.reference import ServiceRef, StartedDeployment, id_of_revision, primary_of, started_from
from ecskit._deployments.restoring import restore
from ecskit._deployments.undo import stop
from ecskit._deployments.update import Update
from ecskit._polling.options import WaitOptions
from ecskit.models.common import CapacityProviderStrategyItem
from ecskit.models.services import (
    DescribeServiceRevisionsRequest,
    Service,
    ServiceConnectConfiguration,
    ServiceDeploymentBrief,
    ServiceRevision,
    UpdateServiceRequest,
)

__all__ = [
    "AT_ONCE",
    "deployment_rolling_back",
    "deployments_listed",
    "differs",
    "present_revision",
    "restoring",
    "revisions_of",
    "roll_back",
]

_RESTORED = (
    "task_definition",
    "capacity_provider_strategy",
    "platform_version",
    "network_configuration",
    "load_balancers",
    "service_registries",
    "service_connect_configuration",
    "volume_configurations",
    "vpc_lattice_configurations",
)
"""The members of a service revision that UpdateService can restore."""
AT_ONCE = 20
"""The most service revisions in one DescribeServiceRevisions."""


def roll_back(started: StartedDeployment, wait_options: WaitOptions) -> Flow[DeploymentProgress]:
    """Roll a deployment back if it is in progress; otherwise restore the revision that was deployed before it."""
    progress = yield from observe_once(DeploymentProgress(started=started))
    if progress.service_deployment is not None and not progress.is_over:
        if progress.status not in ENDING:
            yield from stop(progress, "ROLLBACK")
        latest = Latest(observed=Observed(progress=progress), emitted=progress)
        tracker = Tracker.of(progress.started, FollowOptions(), wait_options, until="rolled_back", latest=latest)
        return (yield from tracker.wait())
    before = yield from read_service("services.rollback", progress.started.service, progress.started.cluster)
    primary = primary_of(before)
    if primary is not None and progress.is_newer(primary):
        raise NothingToRollBack(before.service_name, f"{primary.id} was deployed after {started.deployment_id}")
    if primary is not None and started.deployment_id != primary.id:
        raise NothingToRollBack(before.service_name, f"it already runs {primary.task_definition} again")
    revision = yield from _earlier_revision(before)
    update = Update(before=before, request=restoring(before, *revision))
    return (yield from Tracker.of((yield from restore(update)), FollowOptions(), wait_options).wait())


def deployment_rolling_back(service: Service) -> Flow[StartedDeployment | None]:
    """Return the deployment that ECS is rolling back; None if there is none. PRIMARY is then the rollback target."""
    try:
        listed = yield from deployments_listed(service)
    except EcsError as error:
        if not is_refused(error):
            raise
        return None  # a later request that needs the permission raises the error
    brief = next((each for each in listed if each.status in ROLLING_BACK), None)
    return started_from("services.rollback", brief) if brief else None


def deployments_listed(service: Service) -> Flow[list[ServiceDeploymentBrief]]:
    """Return the service deployments that ECS lists, newest first."""
    listed = yield from retry(lambda: deployments_of(ServiceRef.of(service)))
    return sorted(listed, key=lambda each: each.created_at.timestamp() if each.created_at else 0.0, reverse=True)


def _earlier_revision(service: Service) -> Flow[tuple[ServiceRevision, ServiceRevision | None]]:
    """Return the revision that was deployed before the current one, and the current one.

    Raises:
        NothingToRollBack: ECS lists no earlier revision.
    """
    listed = yield from deployments_listed(service)
    done = [each.target_service_revision_arn for each in listed if each.status == "SUCCESSFUL"]
    present = _present(service, listed)
    candidates = [arn for arn in dict.fromkeys([present, *done]) if arn]
    now = None
    for start in range(0, len(candidates), AT_ONCE):
        some = candidates[start : start + AT_ONCE]
        revisions = yield from revisions_of(some)
        now = now or revisions.pop(present or "", None)
        for arn in some:
            revision = revisions.get(arn)
            if revision is not None and differs(revision, now, service):
                return revision, now
    raise NothingToRollBack(service.service_name, "ECS lists no other revision that was deployed successfully")


def _present(service: Service, listed: Sequence[ServiceDeploymentBrief]) -> str | None:
    """Return the ARN of the revision of the PRIMARY deployment, if it is listed."""
    current = primary_of(service)
    arns = [each.target_service_revision_arn for each in listed]
    return next((arn for arn in arns if current and id_of_revision(arn) == current.id), None)


def present_revision(service: Service) -> Flow[ServiceRevision | None]:
    """Return the revision of the PRIMARY deployment; None if ECS does not list it."""
    arn = _present(service, (yield from deployments_listed(service)))
    return (yield from revisions_of([arn])).get(arn or "")


def revisions_of(arns: Sequence[str | None]) -> Flow[dict[str, ServiceRevision]]:
    """Return the service revisions that ECS still shows, by ARN. There may be at most `AT_ONCE`."""
    named = [arn for arn in dict.fromkeys(arns) if arn]
    if not named:
        return {}
    found = (yield from Retrying(DescribeServiceRevisionsRequest(service_revision_arns=named)).send()).service_revisions
    return {revision.service_revision_arn: revision for revision in found}


def differs(revision: ServiceRevision, now: ServiceRevision | None, service: Service) -> bool:
    """Whether a revision differs from the current one of the service in what a rollback restores.

    Members that ecskit does not know do not count: they may be of one revision, such as an ARN or a time.
    """
    if now is None:
        return revision.task_definition != service.task_definition
    return _restored(revision) != _restored(now)


def _restored(revision: ServiceRevision) -> dict[str, Any]:
    """Return what an update states to restore a revision, by the names of the members.

    An update cannot remove Service Connect, but turn it off; nor can it set a launch type, but a capacity provider.
    """
    stated: dict[str, Any] = {name: getattr(revision, name) for name in _RESTORED}
    connect = revision.service_connect_configuration
    if connect is None or not connect.enabled:
        stated["service_connect_configuration"] = ServiceConnectConfiguration(enabled=False)
    providers = list(revision.capacity_provider_strategy)
    if not providers and revision.launch_type == "FARGATE":
        providers = [CapacityProviderStrategyItem(capacity_provider="FARGATE", weight=1)]
    providers.sort(key=attrgetter("capacity_provider"))
    stated["capacity_provider_strategy"] = [
        attrs.evolve(each, weight=each.weight or 0, base=each.base or 0) for each in providers
    ]
    return stated


def restoring(service: Service, revision: ServiceRevision, present: ServiceRevision | None) -> UpdateServiceRequest:
    """Return the request that restores a revision. It holds only the members that differ."""
    request = UpdateServiceRequest(service=service.service_arn, cluster=service.cluster_arn)
    changes: dict[str, Any] = {"task_definition": revision.task_definition}
    if present is not None:
        there = _restored(present)
        changed = {name: value for name, value in _restored(revision).items() if value != there[name]}
        # An empty list removes what the current revision has.
        changes |= {name: [] if value is ABSENT_LIST else value for name, value in changed.items()}
        # ECS refuses other capacity providers without a forced deployment.
        changes["force_new_deployment"] = True if "capacity_provider_strategy" in changed else None
    changes = {name: value for name, value in changes.items() if value is not None}
    if present is not None:  # members that ecskit does not know may be restorable too
        changes["extra_fields"] = {
            name: value
            for name, value in revision.extra_fields.items()
            if name not in present.extra_fields or value != present.extra_fields[name]
        }
    return attrs.evolve(request, **changes)
