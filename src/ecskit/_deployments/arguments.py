"""Arguments that several methods share: what to change, how to follow the deployment, and what to do if it fails."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Literal, TypeAlias, get_args

import attrs

from ecskit._core.errors import RequestError
from ecskit._core.wire import encode
from ecskit._deployments.progress import STAGES
from ecskit._deployments.stability import STEADY_FOR, STRETCHES, StabilityGoal
from ecskit._polling.options import is_count, is_seconds
from ecskit.models.literals import (
    DeploymentLifecycleHookAction,
    DeploymentStrategy,
    ServiceDeploymentLifecycleStage,
)
from ecskit.models.services import (
    DeploymentConfiguration,
    DeploymentLifecycleHookDetail,
    Service,
    UpdateServiceRequest,
)
from ecskit.models.task_definitions import RegisterTaskDefinitionRequest, TaskDefinition

__all__ = [
    "AsyncOnPause",
    "Change",
    "DeploymentGoal",
    "Fallback",
    "FollowOptions",
    "Goal",
    "OnPause",
    "OnSuperseded",
    "PauseAnswer",
    "RollbackOptions",
    "Until",
]

Until: TypeAlias = (
    Literal["deployed", "stable", "paused", "PRE_PRODUCTION_TRAFFIC_SHIFT"] | ServiceDeploymentLifecycleStage
)
"""How far a deployment is followed."""
Goal: TypeAlias = Until | Literal["rolled_back", "stopped"]
"""The same, and the ends that follow a request to roll the deployment back or to stop it."""
OnSuperseded: TypeAlias = Literal["raise", "follow"]
"""What to do when a newer deployment replaces this one."""
PauseAnswer: TypeAlias = DeploymentLifecycleHookAction | None
"""The answer to a hook: "CONTINUE", "ROLLBACK", or None to leave the deployment paused."""
OnPause: TypeAlias = Literal["wait", "raise"] | Callable[[DeploymentLifecycleHookDetail], PauseAnswer]
"""What to do when a hook pauses the deployment. A function is called with the hook and returns the answer."""
AsyncOnPause: TypeAlias = OnPause | Callable[[DeploymentLifecycleHookDetail], Awaitable[PauseAnswer]]
"""The same for async clients, which also take a coroutine function."""
Fallback: TypeAlias = Literal["leave", "rollback"]
"""What to do with a service whose deployment did not succeed."""

_UNTIL = ("deployed", "stable", "paused", *STAGES)


@attrs.frozen(kw_only=True, repr=False)  # an environment may hold secrets
class Change:
    """What to change about a service.

    The generated methods have these fields as parameters, with these docstrings.

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
    """Whether to start a deployment even if nothing differs, for example to pull an image after its tag was moved."""
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
        requested = (self.task_definition, self.desired_count, self.strategy, self.deployment_configuration)
        if not (self.derives or self.force) and all(each is None for each in requested):
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


@attrs.frozen(kw_only=True)
class FollowOptions:
    """How far, and how, a deployment is followed.

    The generated methods have these fields as parameters, with these docstrings.

    Raises:
        DeploymentFailed: The deployment failed, and was not rolled back. Its subclasses are the next four:
        DeploymentRolledBack: It failed, and the service runs again what it ran before.
        DeploymentRollbackFailed: It failed, and so did the rollback.
        DeploymentStalled: Its tasks fail or cannot be placed, and ECS will not end it.
        DeploymentUnstable: It succeeded, but its tasks did not stay up; only with `stable_for` or `until="stable"`.
        DeploymentSuperseded: A newer deployment replaced it.
        DeploymentPaused: A hook paused it, and `on_pause` is "raise".
        ServiceGone: The service was deleted.
        NotVisible: No read ever showed the deployment.
    """

    until: Until = "deployed"
    """How far to follow the deployment: "deployed" until it is SUCCESSFUL; "stable" until it also runs alone, with the
    desired count; "paused" until a hook pauses it; or a lifecycle stage of BLUE_GREEN, LINEAR and CANARY deployments,
    until it reaches that stage or a later one. If it never pauses, or has no stages, it is followed to its end."""
    on_superseded: OnSuperseded = "raise"
    """What to do when a newer deployment replaces it: "raise" DeploymentSuperseded, or "follow" the newer one."""
    on_pause: AsyncOnPause = "wait"
    """What to do when a hook pauses it: "wait" until the hook is answered or expires; "raise" DeploymentPaused; or a
    function that is called once with each hook and returns "CONTINUE", "ROLLBACK", or None to wait for an answer from
    elsewhere. Until it returns, the deployment is not polled. An async client also takes a coroutine function."""
    stalled_after: float | None = None
    """Seconds. If nothing changes for this long, and fewer tasks run than desired, the deployment is stalled. A task
    that starts or stops is a change. None sets no limit."""
    max_failed_tasks: int | None = None
    """After this number of failed tasks in a row, a deployment that no circuit breaker can end is stalled. After this
    number of stopped tasks, a successful one is unstable. The default is the configured threshold of the circuit
    breaker, or half of the desired count, but at least 3 and at most 200."""
    stable_for: float | None = None
    """Seconds for which the tasks must stay up after the deployment has succeeded: all run, none is unhealthy, and none
    stops, except for causes outside the deployment, such as scaling or Spot. A stop restarts the period. The deployment
    is unstable after too many stops, or if they do not stay up within three times this period. If tasks are only
    missing, WaitTimeout is raised when both are over: `timeout`, and three times this period (at least 60 s) after the
    success. The period does not count against `timeout`. With None or 0 the wait ends at the success. Tasks are
    observed even if the request changed nothing."""
    pause_timeout: float | None = None
    """Seconds that each pause may take before WaitTimeout is raised; None waits until the hook is answered or expires.
    Pauses do not count against `timeout`."""

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The options that a handle can hold: all but functions."""
        members = attrs.asdict(self, recurse=False)
        return {name: value for name, value in members.items() if not callable(value)}

    def check(self, verb: str) -> None:
        """Raise RequestError if an option is wrong."""
        problems: list[tuple[str, str]] = []
        if self.until not in _UNTIL:
            problems.append(("until", f"expected one of {', '.join(_UNTIL)}, got {self.until!r}"))
        if self.on_superseded not in get_args(OnSuperseded):
            problems.append(("on_superseded", f"expected raise or follow, got {self.on_superseded!r}"))
        if self.on_pause not in ("wait", "raise") and not callable(self.on_pause):
            problems.append(("on_pause", f"expected wait, raise or a function, got {self.on_pause!r}"))
        if self.stalled_after is not None and not is_seconds(self.stalled_after):
            problem = f"expected seconds, 0 or more, or None for no limit, got {self.stalled_after!r}"
            problems.append(("stalled_after", problem))
        for name, given in (("stable_for", self.stable_for), ("pause_timeout", self.pause_timeout)):
            if given is not None and not is_seconds(given):
                problems.append((name, f"expected seconds, 0 or more, or None, got {given!r}"))
        if self.max_failed_tasks is not None and not is_count(self.max_failed_tasks):
            problems.append(("max_failed_tasks", f"expected a whole number, 1 or more, got {self.max_failed_tasks!r}"))
        if problems:
            raise RequestError(verb, problems)


@attrs.frozen(kw_only=True)
class RollbackOptions:
    """What to do when a deployment does not succeed.

    The generated methods have these fields as parameters, with these docstrings.
    """

    on_failure: Fallback = "leave"
    """What to do when the deployment fails, stalls or is unstable, and ECS does not roll it back: "leave" the service
    as it is; or "rollback" to what it ran before, wait at most 1800 s more for that, and raise DeploymentRolledBack."""
    on_timeout: Fallback = "leave"
    """The same when `timeout` or `max_polls` is reached, or no read ever showed the deployment."""
    on_cancel: Fallback = "leave"
    """The same when the call is cancelled or interrupted, or a callback raises. The rollback is then started, and the
    call does not wait for it."""

    def check(self, verb: str) -> None:
        """Raise RequestError if an option is wrong."""
        problems = [
            (field.name, f"expected leave or rollback, got {getattr(self, field.name)!r}")
            for field in attrs.fields(RollbackOptions)
            if getattr(self, field.name) not in get_args(Fallback)
        ]
        if problems:
            raise RequestError(verb, problems)


@attrs.frozen(kw_only=True)
class DeploymentGoal:
    """What a deployment is followed for."""

    until: Goal
    raise_on_pause: bool = False
    stalled_after: float | None = None
    max_failed_tasks: int | None = None
    stable_for: float | None = None
    pause_timeout: float | None = None
    visibility_grace: float = 60.0

    @property
    def stability(self) -> StabilityGoal | None:
        """What counts as stable; None if the wait ends when the deployment succeeds."""
        if self.stable_for:
            return StabilityGoal(self.stable_for, STRETCHES * self.stable_for)
        return StabilityGoal(STEADY_FOR, math.inf) if self.until == "stable" else None


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
