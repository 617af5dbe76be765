"""What is to become of a service, in plain arguments, and what has to be read and registered before it is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from ecskit._core.effects import Flow
from ecskit._core.errors import EcsError, RequestError
from ecskit._core.model import Model
from ecskit._core.retrying import ATTEMPTS, Retrying, back_off
from ecskit._core.wire import encode
from ecskit._deployments.observing import describe_service
from ecskit._deployments.reference import (
    StartedDeployment,
)
from ecskit._polling.identifiers import targets_of
from ecskit._task_definitions.deriving import derive
from ecskit._task_definitions.registering import register_if_changed
from ecskit._waits.errors import ServicesMissing
from ecskit._waits.services import SERVICE_IDENTIFIERS
from ecskit.models.literals import DeploymentStrategy
from ecskit.models.services import (
    DeploymentConfiguration,
    Service,
    UpdateServiceRequest,
)
from ecskit.models.task_definitions import (
    DescribeTaskDefinitionRequest,
    RegisterTaskDefinitionRequest,
    TaskDefinition,
)

__all__ = ["Change", "check_service", "read_service", "task_definition_for"]

_READS = 4
"""How often a service is looked for that ECS does not show: it may have just been made."""


@attrs.frozen(kw_only=True, repr=False)  # an environment may hold secrets
class Change:
    """What is to become of a service.

    The generated methods take these fields as parameters of their own, with these texts as their documentation.

    Raises:
        DeploymentInProgress: The service is being deployed already, and `require_idle` is set; nothing was changed.
        UnsupportedController: It is not ECS that controls the deployments of the service; nothing was changed.
        ServicesMissing: There is no such service.
        RequestError: An argument is wrong, or there is nothing to deploy; nothing was changed.
        ServiceError: ECS refuses. If it did so after the service was changed, `story.handle` of the error is the
            deployment's.
        TransportError: ECS could not be reached. If it is not known whether the service was changed, `story.handle` of
            the error waits for a deployment that may never come.
    """

    cluster: str | None = None
    """Name or ARN of the cluster; ECS uses `default` where it is absent."""
    images: Mapping[str, str] | None = None
    """The new image of each of these containers, by the container's name."""
    environment: Mapping[str, Mapping[str, str | None]] | None = None
    """Environment variables to set, by the container's name and then their own. Others stay; None takes one away."""
    secrets: Mapping[str, Mapping[str, str | None]] | None = None
    """Secrets to set, by the container's name and then that of the variable. Others stay; None takes one away."""
    task_definition: str | TaskDefinition | RegisterTaskDefinitionRequest | None = None
    """The task definition to deploy: family, family:revision or ARN, one that ECS described, or a request to register
    it, which is done if it differs from the latest revision. With images, environment or secrets it is what they
    change; else they change the one that the service has."""
    force: bool = False
    """Whether to start a deployment even if nothing differs: to pull an image again whose tag moved, for example."""
    desired_count: int | None = None
    """How many tasks there are to be; it stays as it is where this is absent."""
    strategy: DeploymentStrategy | None = None
    """ROLLING, BLUE_GREEN, LINEAR or CANARY; the rest of the service's deployment configuration stays."""
    deployment_configuration: DeploymentConfiguration | None = None
    """The deployment configuration, in place of the one that the service has."""
    require_idle: bool = False
    """Whether to change nothing, and raise, if the service is being deployed already."""

    def check(self, verb: str) -> None:
        """Raise RequestError if something is not what it must be, or if there is nothing to deploy."""
        wanted = (self.task_definition, self.desired_count, self.strategy, self.deployment_configuration)
        if not (self.derives or self.force) and all(each is None for each in wanted):
            told = "there is nothing to deploy: give images, environment, secrets, a task definition, or force=True"
            raise RequestError(verb, [("images", told)])
        problems: list[tuple[str, str]] = []
        definition: Any = self.task_definition
        if definition == "" or not isinstance(
            definition, (str, TaskDefinition, RegisterTaskDefinitionRequest, type(None))
        ):
            told = repr(definition) if definition == "" else type(definition).__name__
            expected = "expected a family, family:revision, ARN, TaskDefinition or RegisterTaskDefinitionRequest"
            problems.append(("task_definition", f"{expected}, got {told}"))
        if self.strategy is not None and self.deployment_configuration is not None:
            problems.append(("strategy", "cannot be combined with deployment_configuration; put it in there"))
        for name, given in (("images", self.images), ("environment", self.environment), ("secrets", self.secrets)):
            problems += _problems_of(name, given)
        if not _is_count(self.desired_count):
            problems.append(("desired_count", f"expected a whole number, 0 or more, got {self.desired_count!r}"))
        for name, flag in (("force", self.force), ("require_idle", self.require_idle)):
            if not isinstance(flag, bool):  # pyright: ignore[reportUnnecessaryIsInstance]  # users without a checker
                problems.append((name, f"expected True or False, got {type(flag).__name__}"))
        if problems:
            raise RequestError(verb, problems)
        encode(self.request("service", None))

    @property
    def derives(self) -> bool:
        """Whether the task definition is made from another one."""
        return any((self.images, self.environment, self.secrets))

    @property
    def counts_only(self) -> bool:
        """Whether nothing is asked for but another desired count."""
        definition = self.derives or self.force or self.task_definition is not None
        return not (definition or self.strategy or self.deployment_configuration)

    def request(self, service: str, definition: str | None, before: Service | None = None) -> UpdateServiceRequest:
        """Return the request that makes the change; what was not asked for is not in it."""
        configuration = self.deployment_configuration
        if self.strategy is not None:
            known = before.deployment_configuration if before else None
            configuration = attrs.evolve(known or DeploymentConfiguration(), strategy=self.strategy)
        return UpdateServiceRequest(
            service=service,
            cluster=self.cluster,
            task_definition=definition,
            desired_count=self.desired_count,
            deployment_configuration=configuration,
            force_new_deployment=True if self.force else None,
        )


def _is_count(given: object) -> bool:
    return given is None or (isinstance(given, int) and not isinstance(given, bool) and given >= 0)


def _problems_of(name: str, given: Any) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with what is given for containers; values may be secret, and are not told."""
    if given is not None and not isinstance(given, Mapping):
        yield name, f"expected a mapping from names of containers, got {type(given).__name__}"
        return
    told: Mapping[Any, Any] = given or {}
    for container, value in told.items():
        where = f"{name}[{container!r}]"
        if name == "images":
            if not isinstance(value, str):
                yield where, f"expected the image, got {type(value).__name__}"
        elif not isinstance(value, Mapping):
            yield where, f"expected a mapping from names of variables, got {type(value).__name__}"
        else:
            variables: Mapping[Any, Any] = value
            for variable, each in variables.items():
                if each is not None and not isinstance(each, str):
                    problem = f"expected a str, or None to take it away, got {type(each).__name__}"
                    yield f"{where}[{variable!r}]", problem


def check_service(verb: str, service: object, cluster: str | None) -> None:
    """Raise RequestError if it is not clear which one service is meant."""
    if not isinstance(service, (str, Model)):
        problem = f"expected the name, ARN or model of one service, got {type(service).__name__}"
        raise RequestError(verb, [("service", problem)])
    targets_of(verb, SERVICE_IDENTIFIERS, service, cluster=cluster)


def read_service(verb: str, service: str | Service, cluster: str | None) -> Flow[Service]:
    """Return a service as it is now; one that was just made may take a while to be visible.

    Raises:
        RequestError: It is not clear which service is meant.
        ServicesMissing: There is none.
    """
    targets = targets_of(verb, SERVICE_IDENTIFIERS, service, cluster=cluster)
    [(name, target)] = targets.by_name.items()
    meant = StartedDeployment(service=target.id, cluster=target.scope or cluster)
    attempt = 1
    while True:
        try:
            found = yield from describe_service(meant)
        except EcsError as error:
            if not error.retryable or attempt >= ATTEMPTS:
                raise
        else:
            if found is not None:
                return found
            if attempt >= _READS:
                raise ServicesMissing([name], [])
        yield from back_off(attempt)
        attempt += 1


def task_definition_for(change: Change, before: Service) -> Flow[str | None]:
    """Return the task definition to deploy, registered if need be; None if it stays as it is."""
    given = change.task_definition
    if not change.derives:
        if isinstance(given, RegisterTaskDefinitionRequest):
            return (yield from register_if_changed(given)).definition.task_definition_arn
        return given.task_definition_arn if isinstance(given, TaskDefinition) else given
    tags: Any = None
    if given is None or isinstance(given, str):
        name = given or before.task_definition
        if name is None:
            told = f"service {before.service_name} has no task definition that they could change"
            raise RequestError("services.deploy", [("images", told)])
        described = DescribeTaskDefinitionRequest(task_definition=name, include=["TAGS"])
        read = yield from Retrying(described, single_attempt=True).send()
        given = read.task_definition
        tags = [tag for tag in read.tags if not (tag.key or "").startswith("aws:")] or None
    request = derive(given, images=change.images, environment=change.environment, secrets=change.secrets, tags=tags)
    return (yield from register_if_changed(request)).definition.task_definition_arn
