"""What a service ran before, by the history that ECS keeps, and bringing that back.

Revisions of task definitions are not counted backwards: the one before may never have been deployed, or never well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from ecskit._core.absent import ABSENT_LIST
from ecskit._core.effects import Flow
from ecskit._core.errors import EcsError
from ecskit._core.retrying import ATTEMPTS, Retrying, back_off
from ecskit._deployments.change import read_service
from ecskit._deployments.errors import NothingToRollBack
from ecskit._deployments.following import FollowOptions, Tracker
from ecskit._deployments.observing import deployments_of, is_refused
from ecskit._deployments.progress import DOOMED, ROLLING_BACK, DeploymentProgress
from ecskit._deployments.reference import StartedDeployment, id_of_revision, primary_of, started_from
from ecskit._deployments.rollback import look, stop
from ecskit._deployments.updating import Update
from ecskit._polling.options import WaitOptions
from ecskit.models.services import (
    DescribeServiceRevisionsRequest,
    Service,
    ServiceDeploymentBrief,
    ServiceRevision,
    UpdateServiceRequest,
)

__all__ = ["roll_back", "turning"]

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
"""What a revision is made of, as far as UpdateService can bring it back."""
_AT_ONCE = 20
"""Revisions that one DescribeServiceRevisions takes."""


def roll_back(started: StartedDeployment, wait_options: WaitOptions) -> Flow[DeploymentProgress]:
    """Roll a deployment back if it is under way; else bring back what the service ran before it."""
    progress = yield from look(DeploymentProgress(started=started))
    if progress.service_deployment is not None and not progress.is_over:
        if progress.status not in DOOMED:
            yield from stop(progress, "ROLLBACK")
        tracker = Tracker.of(progress.started, FollowOptions(), wait_options, aim="rolled_back", progress=progress)
        return (yield from tracker.flow())
    before = yield from read_service("services.rollback", progress.started.service, progress.started.cluster)
    primary = primary_of(before)
    if primary is not None and progress.is_newer(primary):
        raise NothingToRollBack(before.service_name, f"{primary.id} was deployed after {started.deployment_id}")
    if primary is not None and started.deployment_id != primary.id:
        raise NothingToRollBack(before.service_name, f"it runs what it ran before already, {primary.task_definition}")
    revision = yield from _earlier(before)
    update = Update(before=before, request=_restoring(before, *revision))
    return (yield from Tracker.of((yield from update.make()), FollowOptions(), wait_options).flow())


def turning(service: Service) -> Flow[StartedDeployment | None]:
    """Return the deployment that is being rolled back already: then PRIMARY is what the service goes back to."""
    try:
        history = yield from _history(service)
    except EcsError as error:
        if not is_refused(error):
            raise
        return None  # what is refused is told by what needs it
    brief = next((each for each in history if each.status in ROLLING_BACK), None)
    return started_from("services.rollback", brief) if brief else None


def _history(service: Service) -> Flow[Sequence[ServiceDeploymentBrief]]:
    """Return the service deployments that ECS remembers, as they come: the newest first."""
    meant = StartedDeployment(service=service.service_arn, cluster=service.cluster_arn)
    attempt = 1
    while True:
        try:
            return (yield from deployments_of(meant))
        except EcsError as error:
            if not error.retryable or attempt >= ATTEMPTS:
                raise
        yield from back_off(attempt)
        attempt += 1


def _earlier(service: Service) -> Flow[tuple[ServiceRevision, ServiceRevision | None]]:
    """Return the revision that was deployed before the one of now, and that one.

    Raises:
        NothingToRollBack: There is none.
    """
    history = yield from _history(service)
    current = primary_of(service)
    done = sorted(
        (each for each in history if each.status == "SUCCESSFUL" and each.target_service_revision_arn),
        key=lambda each: str(each.created_at),
        reverse=True,
    )
    arns = list(dict.fromkeys(each.target_service_revision_arn or "" for each in done))
    present = next((arn for arn in _targets(history) if current and id_of_revision(arn) == current.id), None)
    wanted = [arn for arn in dict.fromkeys([present, *arns]) if arn]
    now = None
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        revisions = yield from _revisions(some)
        now = now or revisions.pop(present or "", None)
        for arn in some:
            revision = revisions.get(arn)
            if revision is not None and _differs(revision, now, service):
                return revision, now
    raise NothingToRollBack(service.service_name, "no other revision was deployed successfully that ECS remembers")


def _targets(history: Any) -> list[str]:
    return [each.target_service_revision_arn for each in history if each.target_service_revision_arn]


def _revisions(arns: list[str]) -> Flow[dict[str, ServiceRevision]]:
    request = DescribeServiceRevisionsRequest(service_revision_arns=arns)
    found = (yield from Retrying(request).send()).service_revisions
    return {revision.service_revision_arn: revision for revision in found}


def _differs(revision: ServiceRevision, now: ServiceRevision | None, service: Service) -> bool:
    """Whether a revision is another one than what the service has."""
    if now is None:
        return revision.task_definition != service.task_definition
    return any(getattr(revision, name) != getattr(now, name) for name in _RESTORED)


def _restoring(service: Service, revision: ServiceRevision, present: ServiceRevision | None) -> UpdateServiceRequest:
    """Return the request that brings a revision back; what is the same now is not in it."""
    request = UpdateServiceRequest(service=service.service_arn, cluster=service.cluster_arn)
    told: dict[str, Any] = {"task_definition": revision.task_definition}
    if present is not None:
        changed = [name for name in _RESTORED if getattr(revision, name) != getattr(present, name)]
        told |= {name: getattr(revision, name) for name in changed}
    told = {name: value for name, value in told.items() if value is not None and value is not ABSENT_LIST}
    return attrs.evolve(request, **told)
