"""Which deployment is meant: what is left of the call that started it, as a value that other processes can go on with.

Decides how answers, models and ARNs name a deployment. Asks ECS nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

import attrs

from ecskit._core.errors import RequestError
from ecskit._core.handles import WaitHandle, plain
from ecskit._waits.errors import UnsupportedController
from ecskit._waits.stability import controller_of
from ecskit.models.services import (
    CreateServiceResponse,
    Deployment,
    Service,
    ServiceDeployment,
    ServiceDeploymentBrief,
    UpdateServiceResponse,
)

__all__ = [
    "DeploymentLike",
    "Expected",
    "StartedDeployment",
    "check_controller",
    "goes_back",
    "id_of_revision",
    "is_named",
    "primary_of",
    "started_from",
]

Expected: TypeAlias = Literal["deployment", "scaling", "either"]
"""What a change leads to: a deployment; other counts only; or a deployment, which the answer does not show yet."""

WAIT = "deployment"
"""What the wait for a deployment is called."""
_ARN = re.compile(r"arn:[^:]+:ecs:[^:]*:[^:]*:service-deployment/(?P<cluster>[^/]+)/(?P<service>[^/]+)/[^/]+")


@attrs.frozen(kw_only=True)
class StartedDeployment:
    """A deployment that was started, as the answer told it.

    As text (`to_json`) it can be handed to another process: `ecs.services.deployment(text)`.
    """

    service: str
    """ARN of the service, or else its name."""
    cluster: str | None = None
    """ARN of the cluster, or else its name."""
    deployment_id: str | None = None
    """Id of the deployment, `ecs-svc/` and a number; None while it is not known."""
    service_deployment_arn: str | None = None
    """ARN of the service deployment, where it is known already."""
    task_definition: str | None = None
    """ARN of the task definition that is deployed, or the name by which it was requested while the ARN is not known."""
    created_at: datetime | None = None
    """When ECS made the deployment."""
    service_created_at: datetime | None = None
    """When ECS made the service: one of the same name may follow it."""
    desired_count: int | None = None
    """How many tasks there are to be, as the answer said."""
    expected: Expected = "deployment"
    """What the change leads to."""
    changed: bool = True
    """Whether the change that was requested changed anything."""
    previous_id: str | None = None
    """Id of the deployment that was PRIMARY before."""
    previous_arn: str | None = None
    """ARN of the service deployment that was the current one before."""
    previous_task_definition: str | None = None
    """ARN of the task definition that was deployed before."""

    def to_json(self) -> str:
        """Return the deployment as a line of JSON, for `ecs.services.deployment`."""
        return self.handle.to_json()

    @classmethod
    def from_json(cls, text: str) -> StartedDeployment:
        """Return the deployment that `to_json` wrote.

        Args:
            text: What `to_json` returned.

        Raises:
            RequestError: It is something else, or was written by a newer version.
        """
        return cls.from_handle(WaitHandle.from_json(text))

    @property
    def handle(self) -> WaitHandle:
        """What is needed to go on with the wait for it: `ecs.wait.resume(handle)`."""
        return WaitHandle(WAIT, [self.key], self.arguments, {})

    @classmethod
    def from_handle(cls, handle: WaitHandle) -> StartedDeployment:
        """Return the deployment that a handle is of.

        Raises:
            RequestError: The handle is of another wait, or was changed.
        """
        if handle.wait != WAIT:
            problem = f"is of the wait {handle.wait}, not of a deployment; go on with it by `ecs.wait.resume`"
            raise RequestError("StartedDeployment", [("handle", problem)])
        members = dict(handle.arguments)
        members.pop("following", None)  # how it was followed is for whoever follows it on
        try:
            times = {name: members.pop(name, None) for name in ("created_at", "service_created_at")}
            members |= {name: time and datetime.fromisoformat(time) for name, time in times.items()}
            return cls(**members)
        except (TypeError, ValueError):
            problem = "its arguments are not those of a deployment: it was changed, or written by another version"
            raise RequestError("StartedDeployment", [("handle", problem)]) from None

    @property
    def arguments(self) -> Mapping[str, Any]:
        """Everything that is known, as plain data."""
        members = attrs.asdict(self, recurse=False)
        return {name: plain(value) for name, value in members.items() if value is not None}

    @property
    def key(self) -> str:
        """What it is called among observations."""
        return self.deployment_id or self.service_deployment_arn or self.unnamed

    @property
    def unnamed(self) -> str:
        """What it is called while neither its id nor its ARN is known."""
        return f"the next deployment of {self.service}"

    @property
    def name(self) -> str:
        """What it is called in messages: its id, cluster and service, and its task definition."""
        within = "/".join(_last(part) for part in (self.cluster, self.service) if part)
        id_ = _last(self.deployment_id or self.service_deployment_arn or "")
        told = f"deployment {id_} of {within}" if id_ else f"the deployment of {within}"
        return f"{told} ({_last(self.task_definition)})" if self.task_definition else told


DeploymentLike: TypeAlias = (
    StartedDeployment
    | UpdateServiceResponse
    | CreateServiceResponse
    | Service
    | ServiceDeployment
    | ServiceDeploymentBrief
    | WaitHandle
    | str
)
"""What is said about a deployment: what started it, a service, whose PRIMARY deployment is meant then, a service
deployment or its ARN, or a handle."""


def started_from(subject: str, given: DeploymentLike) -> StartedDeployment:
    """Return which deployment is meant.

    Args:
        subject: The verb, for messages.
        given: What was given.

    Raises:
        RequestError: It does not name a deployment.
        UnsupportedController: CodeDeploy controls the deployments of the service.
    """
    match given:
        case UpdateServiceResponse() | CreateServiceResponse():
            return _of_service(given.service)
        case Service():
            return _of_service(given)
        case ServiceDeployment(service_deployment_arn=arn, target_service_revision=target, created_at=created_at):
            return _of_arn(subject, arn, target.arn if target else None, created_at)
        case ServiceDeploymentBrief(service_deployment_arn=arn, created_at=created_at):
            return _of_arn(subject, arn, given.target_service_revision_arn, created_at)
        case StartedDeployment():
            return given
        case _:
            return _of_text(subject, given)


def _of_text(subject: str, given: object) -> StartedDeployment:
    if isinstance(given, WaitHandle):
        return StartedDeployment.from_handle(given)
    if isinstance(given, str) and given.lstrip().startswith("{"):
        return StartedDeployment.from_json(given)
    if isinstance(given, str) and _ARN.fullmatch(given):
        return _of_arn(subject, given, None, None)
    told = repr(given) if isinstance(given, str) else type(given).__name__
    problem = f"expected what started a deployment, a Service, or the ARN of a service deployment, got {told}"
    raise RequestError(subject, [("deployment", problem)])


_ROLLBACK = re.compile(r"\broll(ed|ing)? ?back\b", re.IGNORECASE)


def goes_back(deployment: Deployment) -> bool:
    """Whether a service is being rolled back to a deployment, whose own service deployment was over before."""
    return bool(_ROLLBACK.search(deployment.rollout_state_reason or ""))


def primary_of(service: Service) -> Deployment | None:
    """Return the deployment of a service that is to stay."""
    return next((each for each in service.deployments if each.status == "PRIMARY"), None)


def check_controller(service: Service, *others: str) -> None:
    """Raise UnsupportedController if it is neither ECS nor one of some others that controls the deployments."""
    controller = controller_of(service)
    if controller not in ("ECS", *others):
        raise UnsupportedController(service.service_arn, controller)


def _of_service(service: Service) -> StartedDeployment:
    check_controller(service, "EXTERNAL")
    started = StartedDeployment(
        service=service.service_arn,
        cluster=service.cluster_arn,
        service_created_at=service.created_at,
        desired_count=service.desired_count,
    )
    primary = primary_of(service)
    if primary is None:
        # Task sets are no deployments: what can be waited for are their counts.
        return attrs.evolve(started, expected="scaling" if controller_of(service) == "EXTERNAL" else "deployment")
    return attrs.evolve(
        started,
        deployment_id=primary.id,
        task_definition=primary.task_definition,
        created_at=primary.created_at,
        # One that is done already is no deployment to follow: what is left are the counts.
        expected="scaling" if primary.rollout_state in ("COMPLETED", None) or goes_back(primary) else "deployment",
    )


def _of_arn(subject: str, arn: str, revision: str | None, created_at: datetime | None) -> StartedDeployment:
    found = _ARN.fullmatch(arn)
    if not found:
        raise RequestError(subject, [("deployment", f"{arn!r} is not the ARN of a service deployment")])
    return StartedDeployment(
        service=found["service"],
        cluster=found["cluster"],
        deployment_id=id_of_revision(revision),
        service_deployment_arn=arn,
        created_at=created_at,
    )


def id_of_revision(arn: str | None) -> str | None:
    """Return the id of the deployment that brings a service revision: both end in the same number.

    That they do is not documented. Where it does not hold, no service deployment is found by it, and the deployment is
    judged by what the service shows.
    """
    return f"ecs-svc/{_last(arn)}" if arn else None


def is_named(name: str | None, arn: str | None) -> bool:
    """Whether a family, family:revision or ARN can be the name of a task definition."""
    if name is None or arn is None or name == arn:
        return True
    short = arn.rsplit("/", 1)[-1]
    return name in (short, short.rpartition(":")[0])


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1]
