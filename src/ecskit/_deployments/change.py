"""`Change`: what to deploy, as plain arguments, and the task definition that it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._core.retrying import Retrying
from ecskit._core.wire import encode
from ecskit._task_definitions.deriving import derive
from ecskit._task_definitions.registering import register_if_changed
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

__all__ = ["Change", "task_definition_for"]


@attrs.frozen(kw_only=True, repr=False)  # an environment may hold secrets
class Change:
    """What to change about a service.

    The generated methods take these fields as parameters of their own, with these texts as their documentation.

    Raises:
        DeploymentInProgress: The service is being deployed already, and `require_idle` is set; nothing was changed.
        UnsupportedController: ECS does not control the deployments of the service; nothing was changed.
        ServicesMissing: ECS does not show the service.
        RequestError: An argument is wrong, or there is nothing to deploy; nothing was changed.
        ServiceError: ECS refuses a request. If that happens after the service was changed, `story.handle` of the error
            is the handle of the deployment.
        TransportError: ECS could not be reached. If it is unknown whether the service was changed, `story.handle` of
            the error waits for a deployment that may never appear.
    """

    cluster: str | None = None
    """Name or ARN of the cluster; ECS uses `default` if absent."""
    images: Mapping[str, str] | None = None
    """New images, by the name of the container."""
    environment: Mapping[str, Mapping[str, str | None]] | None = None
    """Environment variables to set, by the name of the container and of the variable. None removes a variable. Others
    stay as they are."""
    secrets: Mapping[str, Mapping[str, str | None]] | None = None
    """Secrets to set, by the name of the container and of the variable: the `valueFrom` of each. None removes a secret.
    Others stay as they are."""
    task_definition: str | TaskDefinition | RegisterTaskDefinitionRequest | None = None
    """The task definition to deploy: family, family:revision, ARN or `TaskDefinition`; or a request, which is
    registered if it differs from the latest revision. `images`, `environment` and `secrets` change this task
    definition, or the current one of the service if absent."""
    force: bool = False
    """Whether to start a deployment even if nothing differs, for example to pull an image again whose tag moved."""
    desired_count: int | None = None
    """The new desired count, 0 or more; it stays as it is if absent."""
    strategy: DeploymentStrategy | None = None
    """ROLLING, BLUE_GREEN, LINEAR or CANARY. The rest of the service's deployment configuration stays as it is."""
    deployment_configuration: DeploymentConfiguration | None = None
    """A deployment configuration that replaces the one of the service."""
    require_idle: bool = False
    """Whether to raise DeploymentInProgress, and change nothing, if the service is being deployed already."""

    def check(self, verb: str) -> None:
        """Raise RequestError if an argument is wrong, or if there is nothing to deploy."""
        wanted = (self.task_definition, self.desired_count, self.strategy, self.deployment_configuration)
        if not (self.derives or self.force) and all(each is None for each in wanted):
            problem = "there is nothing to deploy: give images, environment, secrets, a task definition, or force=True"
            raise RequestError(verb, [("images", problem)])
        problems: list[tuple[str, str]] = []
        definition: Any = self.task_definition
        if definition == "" or not isinstance(
            definition, (str, TaskDefinition, RegisterTaskDefinitionRequest, type(None))
        ):
            shown = repr(definition) if definition == "" else type(definition).__name__
            expected = "expected a family, family:revision, ARN, TaskDefinition or RegisterTaskDefinitionRequest"
            problems.append(("task_definition", f"{expected}, got {shown}"))
        if self.strategy is not None and self.deployment_configuration is not None:
            problems.append(("strategy", "cannot be combined with deployment_configuration; set it there"))
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
        """Whether a new task definition is derived from another one."""
        return any((self.images, self.environment, self.secrets))

    @property
    def counts_only(self) -> bool:
        """Whether the change is only another desired count."""
        definition = self.derives or self.force or self.task_definition is not None
        return not (definition or self.strategy or self.deployment_configuration)

    def request(self, service: str, definition: str | None, before: Service | None = None) -> UpdateServiceRequest:
        """Return the request that makes the change. It holds only the members that change."""
        configuration = self.deployment_configuration
        if self.strategy is not None:
            present = before.deployment_configuration if before else None
            configuration = attrs.evolve(present or DeploymentConfiguration(), strategy=self.strategy)
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
    """Yield what is wrong with an argument by container. Values may be secret, so no message shows them."""
    if given is not None and not isinstance(given, Mapping):
        yield name, f"expected a mapping from names of containers, got {type(given).__name__}"
        return
    containers: Mapping[Any, Any] = given or {}
    for container, value in containers.items():
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
                    problem = f"expected a str, or None to remove it, got {type(each).__name__}"
                    yield f"{where}[{variable!r}]", problem


def task_definition_for(change: Change, before: Service) -> Flow[str | None]:
    """Return the task definition to deploy, after registering it if needed; None if it stays as it is."""
    given = change.task_definition
    if not change.derives:
        if isinstance(given, RegisterTaskDefinitionRequest):
            return (yield from register_if_changed(given)).definition.task_definition_arn
        return given.task_definition_arn if isinstance(given, TaskDefinition) else given
    tags: Any = None
    if given is None or isinstance(given, str):
        name = given or before.task_definition
        if name is None:
            problem = f"service {before.service_name} has no task definition to change"
            raise RequestError("services.deploy", [("images", problem)])
        described = DescribeTaskDefinitionRequest(task_definition=name, include=["TAGS"])
        read = yield from Retrying(described, single_attempt=True).send()
        given = read.task_definition
        tags = [tag for tag in read.tags if not (tag.key or "").startswith("aws:")] or None
    request = derive(given, images=change.images, environment=change.environment, secrets=change.secrets, tags=tags)
    return (yield from register_if_changed(request)).definition.task_definition_arn
