"""The arguments of a launch, and the RunTask request that is made from them.

Combinations of arguments that ECS rejects with a clear message are not checked here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import attrs

from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._core.retrying import Retrying
from ecskit._core.sizes import size_problems
from ecskit._core.typing import SequenceNotStr
from ecskit._core.wire import encode
from ecskit._polling.identifiers import check_request, parent_problem
from ecskit._waits.revisions import Revisions
from ecskit.models.common import (
    AwsVpcConfiguration,
    CapacityProviderStrategyItem,
    KeyValuePair,
    NetworkConfiguration,
    PlacementConstraint,
    PlacementStrategy,
    Tag,
)
from ecskit.models.literals import LaunchType, PropagateTags
from ecskit.models.task_definitions import DescribeTaskDefinitionRequest, TaskDefinition
from ecskit.models.tasks import ContainerOverride, RunTaskRequest, TaskOverride, TaskVolumeConfiguration

__all__ = ["Launch", "OnCancel", "OnConflict", "OnPartial"]

OnPartial: TypeAlias = Literal["raise", "keep", "stop_started", "top_up"]
"""What to do when ECS starts some of the tasks and not the others."""
OnCancel: TypeAlias = Literal["leave", "stop", "stop_and_wait"]
"""What to do with the tasks when the method is cancelled or times out."""
OnConflict: TypeAlias = Literal["raise", "adopt"]
"""What to do when a token was used before with other parameters."""

_KEY_LENGTH = 52
"""The longest key of a caller, in characters: a token has 64, and the numbers of call and attempt need 12 of them."""
_OVERRIDING = ("command", "environment", "overrides")
"""The arguments from which the overrides are made."""


@attrs.frozen(kw_only=True, repr=False)  # an environment may hold secrets
class Launch:
    """What to run and where.

    The generated methods have these fields as parameters, with these docstrings.

    Raises:
        ConflictException: The tokens were used before with other parameters; `resource_ids` names the tasks.
        RequestError: An argument is wrong or too large; nothing was sent.
        ServiceError: ECS refuses the call: no permission, no such cluster or task definition, invalid parameters.
        TransportError: The exchange with ECS failed. Pass `client_token` again to find the tasks that may be running.
    """

    cluster: str | None = None
    """Name or ARN of the cluster; ECS uses `default` if absent."""
    container: str | None = None
    """The container of `command` and `environment`; optional if exactly one container is essential."""
    command: SequenceNotStr[str] | None = None
    """The command, in place of that of the task definition or image."""
    environment: Mapping[str, str] | None = None
    """Environment variables to add or replace."""
    overrides: TaskOverride | None = None
    """Other overrides: roles, CPU and memory, ephemeral storage, other containers."""
    network: AwsVpcConfiguration | NetworkConfiguration | None = None
    """Subnets, security groups and public IP; required by the network mode `awsvpc`, as on Fargate."""
    launch_type: LaunchType | None = None
    """EC2, FARGATE, EXTERNAL or MANAGED_INSTANCES; not allowed with a capacity provider strategy."""
    capacity_provider_strategy: Mapping[str, int] | Sequence[CapacityProviderStrategyItem] | None = None
    """Weights by capacity provider, such as `{"FARGATE_SPOT": 3, "FARGATE": 1}`, or items, which can have a base."""
    platform_version: str | None = None
    """Version of the Fargate platform; ECS uses the latest if absent."""
    group: str | None = None
    """Name of the task group; ECS uses `family:` and the family if absent."""
    started_by: str | None = None
    """Text that `list_tasks` can filter by, at most 128 characters."""
    reference_id: str | None = None
    """A reference id of your own, at most 1024 characters."""
    tags: Mapping[str, str] | Sequence[Tag] | None = None
    """Tags of the tasks, at most 50."""
    propagate_tags: PropagateTags | None = None
    """TASK_DEFINITION to copy the tags of the task definition."""
    enable_ecs_managed_tags: bool | None = None
    """Whether ECS adds its own tags."""
    enable_execute_command: bool | None = None
    """Whether commands can be run in the containers with ECS Exec."""
    placement_constraints: Sequence[PlacementConstraint] | None = None
    """Constraints on the container instances, at most 10."""
    placement_strategy: Sequence[PlacementStrategy] | None = None
    """How ECS chooses container instances, at most 5 rules."""
    volume_configurations: Sequence[TaskVolumeConfiguration] | None = None
    """Configuration of the volume with `configured_at_launch` in the task definition."""
    client_token: str | None = None
    """Your key for this launch, at most 52 characters. The idempotency tokens of all calls are made from it: a second
    launch with the same key and arguments returns the same tasks. Random if absent."""


def request_for(definition: str | TaskDefinition, launch: Launch) -> Flow[RunTaskRequest]:
    """Return the request to run one task, without count and token.

    DescribeTaskDefinition is sent only to find the essential container, if `container` is absent and needed.

    Raises:
        RequestError: An argument is wrong or too large, or more than one container may be meant.
    """
    problems = _problems(definition, launch)
    if problems:
        raise RequestError("tasks.run", problems)
    network = launch.network
    if isinstance(network, AwsVpcConfiguration):
        network = NetworkConfiguration(awsvpc_configuration=network)
    strategy = launch.capacity_provider_strategy
    if isinstance(strategy, Mapping):
        strategy = [CapacityProviderStrategyItem(capacity_provider=name, weight=w) for name, w in strategy.items()]
    tags = launch.tags
    if isinstance(tags, Mapping):
        tags = [Tag(key=key, value=value) for key, value in tags.items()]
    lists: dict[str, Any] = {
        "capacity_provider_strategy": strategy,
        "tags": tags,
        "placement_constraints": launch.placement_constraints,
        "placement_strategy": launch.placement_strategy,
        "volume_configurations": launch.volume_configurations,
    }
    request = RunTaskRequest(
        task_definition=definition if isinstance(definition, str) else definition.task_definition_arn,
        cluster=launch.cluster,
        launch_type=launch.launch_type,
        network_configuration=network,
        overrides=launch.overrides,
        platform_version=launch.platform_version,
        group=launch.group,
        started_by=launch.started_by,
        reference_id=launch.reference_id,
        propagate_tags=launch.propagate_tags,
        enable_ecs_managed_tags=launch.enable_ecs_managed_tags,
        enable_execute_command=launch.enable_execute_command,
        **{name: value for name, value in lists.items() if value is not None},
    )
    check_request("tasks.run", request, {"network_configuration": "network"})
    if launch.command is not None or launch.environment is not None:
        name = launch.container or (yield from _only_essential(definition))
        request = attrs.evolve(request, overrides=_overrides(launch, name))
    arguments = ", ".join(each for each in _OVERRIDING if getattr(launch, each) is not None)
    too_large = [(arguments, problem) for _, problem in size_problems("RunTask", encode(request))]
    if too_large:
        raise RequestError("tasks.run", too_large)
    return request


def _kind_problems(launch: Launch) -> list[tuple[str, str]]:
    kinds: Sequence[tuple[str, object, type[Any] | tuple[type[Any], ...], str]] = (  # users without a checker
        ("environment", launch.environment, Mapping, "a mapping of names to values"),
        (
            "network",
            launch.network,
            (AwsVpcConfiguration, NetworkConfiguration),
            "AwsVpcConfiguration(subnets=[...]) or a NetworkConfiguration",
        ),
    )
    return [
        (name, f"expected {expected}, got {type(given).__name__}")
        for name, given, kind, expected in kinds
        if given is not None and not isinstance(given, kind)  # pyright: ignore[reportUnnecessaryIsInstance]
    ]


def _problems(definition: object, launch: Launch) -> list[tuple[str, str]]:
    problems: list[tuple[str, str]] = []
    if launch.cluster is not None and (wrong := parent_problem(launch.cluster)):
        problems.append(("cluster", wrong))
    if definition == "":
        problems.append(("task_definition", "expected a family, family:revision, ARN or TaskDefinition, got ''"))
    elif not isinstance(definition, (str, TaskDefinition)):
        problem = f"expected a family, family:revision, ARN or TaskDefinition, got {type(definition).__name__}"
        problems.append(("task_definition", problem))
    if isinstance(launch.command, str):
        problems.append(("command", "expected a sequence of strings, got a str; split it, or run it in a shell"))
    problems += _kind_problems(launch)
    for name, given in (("environment", launch.environment), ("tags", launch.tags)):
        texts: Mapping[Any, Any] = given if isinstance(given, Mapping) else {}
        absent = [key for key, text in texts.items() if text is None]  # ECS would take the name without a value
        problems += [(f"{name}[{key!r}]", "expected a str, got None; leave the name out") for key in absent]
    if launch.container is not None and launch.command is None and launch.environment is None:
        problems.append(("container", "applies to command and environment; pass one of them, or leave it out"))
    if launch.launch_type is not None and launch.capacity_provider_strategy:
        problems.append(("launch_type", "cannot be combined with capacity_provider_strategy; pass one of them"))
    if launch.client_token is not None and not _is_key(launch.client_token):
        problems.append(("client_token", f"expected 1 to {_KEY_LENGTH} characters"))
    return problems


def _is_key(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _KEY_LENGTH


def _only_essential(definition: str | TaskDefinition) -> Flow[str]:
    """Return the name of the one essential container."""
    if isinstance(definition, str):
        request = DescribeTaskDefinitionRequest(task_definition=definition)
        definition = yield from Revisions.contents_of(definition, Retrying(request).send)
    names = [c.name for c in definition.container_definitions if c.name]
    essential = [c.name for c in definition.container_definitions if c.name and c.essential is not False]
    if len(essential) != 1:
        found = f"{', '.join(essential)} are essential" if essential else f"none of {', '.join(names)} is essential"
        raise RequestError("tasks.run", [("container", f"name the container of command and environment: {found}")])
    return essential[0]


def _overrides(launch: Launch, name: str) -> TaskOverride:
    """Return the overrides, with command and environment of one container added."""
    overrides = launch.overrides or TaskOverride()
    given = next((each for each in overrides.container_overrides if each.name == name), ContainerOverride(name=name))
    if launch.command is not None:
        given = attrs.evolve(given, command=list(launch.command))
    if launch.environment is not None:
        kept = [pair for pair in given.environment if pair.name not in launch.environment]
        added = [KeyValuePair(name=key, value=value) for key, value in launch.environment.items()]
        given = attrs.evolve(given, environment=[*kept, *added])
    others = [each for each in overrides.container_overrides if each.name != name]
    return attrs.evolve(overrides, container_overrides=[*others, given])
