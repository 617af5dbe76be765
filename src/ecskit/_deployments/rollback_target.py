"""What `services.rollback(to=)` takes: a revision, a service deployment or a task definition; and the update for it."""

from __future__ import annotations

import re
from typing import TypeAlias

import attrs

from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._core.retrying import retry
from ecskit._core.wording import listed as in_words
from ecskit._deployments.errors import NothingToRollBack
from ecskit._deployments.history import DeployedRevision
from ecskit._deployments.read import describe_service_deployment
from ecskit._deployments.reference import primary_of
from ecskit._deployments.revisions import (
    AT_ONCE,
    deployments_listed,
    differs,
    present_revision,
    restoring,
    revisions_of,
)
from ecskit.models.services import (
    Service,
    ServiceDeployment,
    ServiceDeploymentBrief,
    ServiceRevision,
    UpdateServiceRequest,
)
from ecskit.models.task_definitions import TaskDefinition

__all__ = ["RollbackTarget", "Target", "target_of"]

RollbackTarget: TypeAlias = (
    DeployedRevision | ServiceRevision | ServiceDeployment | ServiceDeploymentBrief | TaskDefinition | str
)
"""What names what to go back to: a revision of `services.history`, a service revision or its ARN, a service deployment
or its ARN, a task definition, its ARN or FAMILY:REVISION."""

_OF_SERVICE = re.compile(r"arn:[^:]+:ecs:[^:]*:[^:]*:(?P<type>service-revision|service-deployment)/(?P<of>.+)/[^/]+")
_TASK_DEFINITION = re.compile(r"(?:arn:[^:]+:ecs:[^:]*:[^:]*:task-definition/)?[\w-]+:[1-9]\d*")


@attrs.frozen
class Target:
    """What to go back to, by exactly one of its names."""

    revision: str | None = None
    """ARN of a service revision."""
    deployment: str | None = None
    """ARN of a service deployment."""
    task_definition: str | None = None
    """A task definition; everything else in the service stays as it is."""

    def update_of(self, service: Service) -> Flow[UpdateServiceRequest | None]:
        """Return the request that restores the target; None if the service runs it, or is being deployed to it.

        Raises:
            RequestError: It belongs to another service, or to a family that the service has not run.
            NothingToRollBack: ECS no longer shows it.
        """
        primary = primary_of(service)
        if self.task_definition is not None:
            if primary is not None and _last(self.task_definition) == _last(primary.task_definition or ""):
                return None
            yield from _check_family(self.task_definition, service)
            return UpdateServiceRequest(
                service=service.service_arn, cluster=service.cluster_arn, task_definition=self.task_definition
            )
        _check_service(self.revision or self.deployment or "", service)
        arn = self.revision or (yield from _target_of_deployment(self.deployment or "", service))
        revision = (yield from revisions_of([arn])).get(arn)
        if revision is None or revision.task_definition is None:
            raise NothingToRollBack(service.service_name, f"ECS no longer shows the service revision {_last(arn)}")
        present = yield from present_revision(service)
        return restoring(service, revision, present) if differs(revision, present, service) else None


def _target_of_deployment(arn: str, service: Service) -> Flow[str]:
    """Return the ARN of the service revision that a service deployment deployed."""
    deployment = yield from retry(lambda: describe_service_deployment(arn))
    revision = deployment.target_service_revision if deployment else None
    if revision is None or revision.arn is None:
        raise NothingToRollBack(service.service_name, f"ECS no longer shows the service deployment {_last(arn)}")
    return revision.arn


def _check_service(arn: str, service: Service) -> None:
    """Raise RequestError if a revision or a deployment is of another service."""
    found = _OF_SERVICE.fullmatch(arn)
    of = service.service_arn.partition(":service/")[2]
    if found is not None and found["of"].rpartition("/")[2] != of.rpartition("/")[2]:
        problem = f"it is of the service {found['of']}, not of {of}"
        raise RequestError("services.rollback", [("to", problem)])


def _check_family(task_definition: str, service: Service) -> Flow[None]:
    """Raise RequestError if the service has run no revision of the family of a task definition, as far as ECS shows.

    The history is read only if the family is not that of a task definition which the service runs.
    """
    family = _family(task_definition)
    shown = [each.task_definition for each in service.deployments]
    if family in map(_family, shown):
        return
    listed = yield from deployments_listed(service)
    for start in range(0, len(listed), AT_ONCE):
        some = [each.target_service_revision_arn for each in listed[start : start + AT_ONCE]]
        found = [each.task_definition for each in (yield from revisions_of(some)).values()]
        if family in map(_family, found):
            return
        shown += found
    known = in_words(sorted({_family(each) for each in shown if each}))
    problem = (
        f"{_last(task_definition)} is of the family {family}, which the service {service.service_name} has not run; it"
        f" has run {known}. To change the family, call `ecs.services.deploy(task_definition=...)`"
    )
    raise RequestError("services.rollback", [("to", problem)])


def _family(task_definition: str | None) -> str:
    return _last(task_definition or "").partition(":")[0]


def _last(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def target_of(verb: str, to: RollbackTarget) -> Target:
    """Return the target that a value names.

    Raises:
        RequestError: The value names none.
    """
    match to:
        case DeployedRevision(service_revision_arn=str(arn)):
            return Target(revision=arn)
        case DeployedRevision(task_definition=str(arn)) | TaskDefinition(task_definition_arn=arn):
            return Target(task_definition=arn)
        case ServiceRevision(service_revision_arn=arn) | ServiceDeploymentBrief(target_service_revision_arn=str(arn)):
            return Target(revision=arn)
        case ServiceDeploymentBrief(service_deployment_arn=arn) | ServiceDeployment(service_deployment_arn=arn):
            return Target(deployment=arn)
        case str() if found := _OF_SERVICE.fullmatch(to):
            return Target(revision=to) if found["type"] == "service-revision" else Target(deployment=to)
        case str() if _TASK_DEFINITION.fullmatch(to):
            return Target(task_definition=to)
        case _:
            shown = repr(to) if isinstance(to, str) else type(to).__name__
            problem = (
                "expected a revision of `services.history`, a service deployment, or a task definition with its "
                f"revision, such as 'web:3', got {shown}"
            )
            raise RequestError(verb, [("to", problem)])
