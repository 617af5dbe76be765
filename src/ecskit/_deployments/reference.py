"""References to a service and to one of its deployments, and how responses, models, ARNs and handles name them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

import attrs

from ecskit._core.bound import Bound
from ecskit._core.documented import Documented
from ecskit._core.errors import RequestError
from ecskit._core.handles import WaitHandle, plain
from ecskit._core.reasons import find
from ecskit._waits.errors import UnsupportedController
from ecskit._waits.stability import controller_of, has_task_sets
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
    "ServiceRef",
    "StartedDeployment",
    "check_controller",
    "goes_back",
    "id_of_revision",
    "is_named",
    "primary_of",
    "primary_started",
    "started_from",
]

Expected: TypeAlias = Literal["deployment", "scaling", "either"]
"""What a change leads to: a deployment; only another desired count; or a deployment that the response does not show."""

WAIT = "deployment"
"""The name of the wait for a deployment."""
FOLLOW_OPTIONS = "follow_options"
"""The key under which a handle holds how its deployment is followed."""
_ARN = re.compile(r"arn:[^:]+:ecs:[^:]*:[^:]*:service-deployment/(?P<cluster>[^/]+)/(?P<service>[^/]+)/[^/]+")


@attrs.frozen
class ServiceRef(Documented):
    """A service: all that a request needs to address it."""

    cluster: str | None
    """ARN or name of the cluster; ECS uses `default` if absent."""
    name: str
    """ARN or name of the service."""

    @classmethod
    def of(cls, service: Service) -> ServiceRef:
        """Return the reference to a service that ECS described."""
        return cls(service.cluster_arn, service.service_arn)

    @property
    def short_name(self) -> str:
        """The name of the service, without the rest of its ARN."""
        return _last(self.name)


@attrs.frozen(kw_only=True)
class StartedDeployment(Documented):
    """A deployment that was started, as the response to the change showed it.

    `to_json` writes it as text for another process, where `ecs.services.deployment(text)` returns it as a handle.
    """

    service: str
    """ARN of the service, or its name if the ARN is unknown."""
    cluster: str | None = None
    """ARN of the cluster, or its name if the ARN is unknown."""
    deployment_id: str | None = None
    """Id of the deployment, `ecs-svc/` and a number; None while unknown."""
    service_deployment_arn: str | None = None
    """ARN of the service deployment; None while unknown."""
    task_definition: str | None = None
    """ARN of the task definition that is deployed, or the requested name while the ARN is unknown."""
    created_at: datetime | None = None
    """When ECS created the deployment."""
    service_created_at: datetime | None = None
    """When ECS created the service. A later service can have the same name."""
    desired_count: int | None = None
    """The desired count that the response showed."""
    expected: Expected = "deployment"
    """What the change leads to: "deployment"; "scaling", only another desired count; or "either", while the response
    does not show the deployment yet."""
    changed: bool = True
    """Whether the request changed anything."""
    previous_id: str | None = None
    """Id of the deployment that was PRIMARY before."""
    previous_arn: str | None = None
    """ARN of the service deployment that was the current one before."""
    previous_task_definition: str | None = None
    """ARN of the task definition that was deployed before."""
    copy_of: str | None = None
    """ARN of the deregistered task definition that a rollback restores, if `task_definition` is a copy of it."""

    @property
    def service_ref(self) -> ServiceRef:
        """The service of the deployment."""
        return ServiceRef(self.cluster, self.service)

    def to_json(self) -> str:
        """Return the deployment as one line of JSON, for `ecs.services.deployment`."""
        return self.handle.to_json()

    @classmethod
    def from_json(cls, text: str) -> StartedDeployment:
        """Return the deployment that `to_json` wrote.

        Args:
            text: What `to_json` returned.

        Raises:
            RequestError: The text is not what `to_json` returned, or another version of ecskit wrote it.
        """
        return cls.from_handle(WaitHandle.from_json(text))

    @property
    def handle(self) -> WaitHandle:
        """The handle with which `ecs.wait.resume` continues the wait for it."""
        return WaitHandle(WAIT, [self.key], self.arguments, {})

    @classmethod
    def from_handle(cls, handle: WaitHandle) -> StartedDeployment:
        """Return the deployment of a handle.

        Raises:
            RequestError: The handle belongs to another wait, or was changed.
        """
        if handle.wait != WAIT:
            problem = f"belongs to the wait {handle.wait}, not to a deployment; pass it to `ecs.wait.resume`"
            raise RequestError("StartedDeployment", [("handle", problem)])
        members = dict(handle.arguments)
        members.pop(FOLLOW_OPTIONS, None)  # these are read by what continues the wait
        try:
            times = {name: members.pop(name, None) for name in ("created_at", "service_created_at")}
            members |= {name: time and datetime.fromisoformat(time) for name, time in times.items()}
            return cls(**members)
        except (TypeError, ValueError):
            problem = "its arguments are not those of a deployment: it was changed, or another version wrote it"
            raise RequestError("StartedDeployment", [("handle", problem)]) from None

    @property
    def arguments(self) -> Mapping[str, Any]:
        """All fields that have a value, as plain data."""
        members = attrs.asdict(self, recurse=False)
        return {name: plain(value) for name, value in members.items() if value is not None}

    @property
    def key(self) -> str:
        """The key of the deployment among observations."""
        return self.deployment_id or self.service_deployment_arn or self.unnamed

    @property
    def unnamed(self) -> str:
        """The key while both the id and the ARN are unknown."""
        return f"the next deployment of {self.service}"

    @property
    def name(self) -> str:
        """The name in messages: id, cluster, service and task definition."""
        within = "/".join(_last(part) for part in (self.cluster, self.service) if part)
        id_ = _last(self.deployment_id or self.service_deployment_arn or "")
        name = f"deployment {id_} of {within}" if id_ else f"the deployment of {within}"
        return f"{name} ({_last(self.task_definition)})" if self.task_definition else name

    def __str__(self) -> str:
        return self.name


DeploymentLike: TypeAlias = (
    StartedDeployment
    | Bound[StartedDeployment]
    | UpdateServiceResponse
    | CreateServiceResponse
    | Service
    | ServiceDeployment
    | ServiceDeploymentBrief
    | WaitHandle
    | str
)
"""What names a deployment: the response that started it, a service (its PRIMARY deployment is used), a service
deployment or its ARN, or a handle of this or another process."""


def started_from(verb: str, given: DeploymentLike) -> StartedDeployment:
    """Return the deployment that a value names.

    Args:
        verb: The name of the method, for messages.
        given: The value that the caller passed.

    Raises:
        RequestError: The value does not name a deployment.
        UnsupportedController: CodeDeploy controls the deployments of the service.
    """
    match given:
        case UpdateServiceResponse() | CreateServiceResponse():
            return _of_service(given.service)
        case Service():
            return _of_service(given)
        case ServiceDeployment(service_deployment_arn=arn, target_service_revision=target, created_at=created_at):
            return _of_arn(verb, arn, target.arn if target else None, created_at)
        case ServiceDeploymentBrief(service_deployment_arn=arn, created_at=created_at):
            return _of_arn(verb, arn, given.target_service_revision_arn, created_at)
        case StartedDeployment() | Bound():
            return given.started if isinstance(given, Bound) else given
        case _:
            return _of_text(verb, given)


def _of_text(verb: str, given: object) -> StartedDeployment:
    if isinstance(given, WaitHandle):
        return StartedDeployment.from_handle(given)
    if isinstance(given, str) and given.lstrip().startswith("{"):
        return StartedDeployment.from_json(given)
    if isinstance(given, str) and _ARN.fullmatch(given):
        return _of_arn(verb, given, None, None)
    shown = repr(given) if isinstance(given, str) else type(given).__name__
    problem = f"expected what started a deployment, a Service, or the ARN of a service deployment, got {shown}"
    raise RequestError(verb, [("deployment", problem)])


def goes_back(deployment: Deployment) -> bool:
    """Whether a service is being rolled back to a deployment. Its own service deployment has ended before."""
    return find(deployment.rollout_state_reason, "rollback") is not None


def primary_of(service: Service) -> Deployment | None:
    """Return the PRIMARY deployment of a service: the one that stays."""
    return next((each for each in service.deployments if each.status == "PRIMARY"), None)


def check_controller(service: Service, *others: str) -> None:
    """Raise UnsupportedController unless ECS, or one of the `others`, controls the deployments of the service."""
    controller = controller_of(service)
    if controller not in ("ECS", *others):
        raise UnsupportedController(service.service_arn, controller)


def _of_service(service: Service) -> StartedDeployment:
    check_controller(service, "EXTERNAL")
    return primary_started(service)


def primary_started(service: Service) -> StartedDeployment:
    """Return the PRIMARY deployment of a service. If the service has none, a wait can use only its counts."""
    started = StartedDeployment(
        service=service.service_arn,
        cluster=service.cluster_arn,
        service_created_at=service.created_at,
        desired_count=service.desired_count,
    )
    primary = primary_of(service)
    if primary is None:
        # Task sets are not deployments: a wait can use only their counts.
        return attrs.evolve(started, expected="scaling" if has_task_sets(service) else "deployment")
    return attrs.evolve(
        started,
        deployment_id=primary.id,
        task_definition=primary.task_definition,
        created_at=primary.created_at,
        # A completed deployment has no rollout to follow: a wait can use only its counts.
        expected="scaling" if primary.rollout_state in ("COMPLETED", None) or goes_back(primary) else "deployment",
    )


def _of_arn(verb: str, arn: str, revision: str | None, created_at: datetime | None) -> StartedDeployment:
    found = _ARN.fullmatch(arn)
    if not found:
        raise RequestError(verb, [("deployment", f"{arn!r} is not the ARN of a service deployment")])
    return StartedDeployment(
        service=found["service"],
        cluster=found["cluster"],
        deployment_id=id_of_revision(revision),
        service_deployment_arn=arn,
        created_at=created_at,
    )


def id_of_revision(arn: str | None) -> str | None:
    """Return the id of the deployment of a service revision: both end in the same number.

    ECS does not document this. If it does not hold, the lookup finds no service deployment, and the verdict depends on
    what the service shows.
    """
    return f"ecs-svc/{_last(arn)}" if arn else None


def is_named(name: str | None, arn: str | None) -> bool:
    """Whether a family, family:revision or ARN can name the task definition with this ARN. None matches any."""
    if name is None or arn is None or name == arn:
        return True
    short = arn.rsplit("/", 1)[-1]
    return name in (short, short.rpartition(":")[0])


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1]
