"""Creating task sets, none of them twice, and waiting until they are steady.

A call whose answer is lost, or that was throttled, goes out again under its token. Somebody who cancels, and wants
nothing to be left, asks once more under that token: ECS tells what it has made, and that is deleted.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import attrs

from ecskit._core.effects import DrawRandom, Flow
from ecskit._core.errors import EcsError, RequestError
from ecskit._core.retrying import CLEANUP_LIMITS, Retrying
from ecskit._core.wire import encode
from ecskit._polling.batches import Targets
from ecskit._polling.conditions import waiter
from ecskit._polling.guarding import guarded
from ecskit._polling.options import WaitOptions
from ecskit._task_sets.ending import remove
from ecskit._task_sets.naming import one_task_set, service_of
from ecskit._waits.task_sets import is_percent, steady_goal
from ecskit.models.common import AwsVpcConfiguration, CapacityProviderStrategyItem, NetworkConfiguration, Tag
from ecskit.models.literals import LaunchType
from ecskit.models.services import (
    CreateTaskSetRequest,
    CreateTaskSetResponse,
    LoadBalancer,
    Scale,
    Service,
    ServiceRegistry,
    TaskSet,
)
from ecskit.models.task_definitions import TaskDefinition

__all__ = ["OnEnd", "UntilCreated", "create"]

log = logging.getLogger("ecskit")

UntilCreated: TypeAlias = Literal["steady", "created"]
"""How far a new task set is waited for."""
OnEnd: TypeAlias = Literal["leave", "delete"]
"""What to do with a task set that nobody waits for any more."""

TOKEN_LENGTH = 36
"""Characters that ECS takes as the token of CreateTaskSet."""


def create(
    service: str | Service,
    *,
    cluster: str | None = None,
    task_definition: str | TaskDefinition,
    scale: float | None = None,
    network: AwsVpcConfiguration | NetworkConfiguration | None = None,
    launch_type: LaunchType | None = None,
    capacity_provider_strategy: Mapping[str, int] | Sequence[CapacityProviderStrategyItem] | None = None,
    platform_version: str | None = None,
    load_balancers: Sequence[LoadBalancer] | None = None,
    service_registries: Sequence[ServiceRegistry] | None = None,
    external_id: str | None = None,
    tags: Mapping[str, str] | Sequence[Tag] | None = None,
    client_token: str | None = None,
    until: UntilCreated = "steady",
    on_timeout: OnEnd = "leave",
    on_cancel: OnEnd = "leave",
    wait_options: WaitOptions,
) -> Flow[TaskSet]:
    """Create a task set in a service with the EXTERNAL deployment controller, once, and wait until it is steady.

    A call whose answer is lost, and one that was throttled, is sent again under the same token.

    Args:
        service: Name or ARN of the service, or the service as ECS described it.
        cluster: Name or ARN of the cluster; needed only where the service does not tell it.
        task_definition: Family, family:revision or ARN, or a task definition that ECS described.
        scale: How many of the service's desired tasks it is to have, 0 to 100 percent; ECS uses 0 where it is absent.
        network: Subnets, security groups and public IP; needed for the network mode `awsvpc`, and so on Fargate.
        launch_type: EC2, FARGATE, EXTERNAL or MANAGED_INSTANCES; not together with a capacity provider strategy.
        capacity_provider_strategy: Weights by capacity provider, such as `{"FARGATE_SPOT": 3, "FARGATE": 1}`, or items
            that also have a base.
        platform_version: Version of the Fargate platform; ECS uses the latest where it is absent.
        load_balancers: Target groups to register the tasks with.
        service_registries: Service discovery registries to enter the tasks in.
        external_id: Name that the external system has for it; the tasks carry it.
        tags: Tags of the task set, at most 50.
        client_token: Your idempotency token, at most 36 characters: the same one again finds the same task set. Random
            where it is absent.
        until: "steady" waits until it is in STEADY_STATE; "created" returns when ECS has made it.
        on_timeout: What to do with the task set when it is not steady, or not visible, in time: "leave" it, or "delete"
            it with its tasks.
        on_cancel: The same for when this is cancelled or interrupted, or `on_poll` raises.
        wait_options: How long to wait, once it is created, and how often to look.

    Returns:
        The task set as it was last seen.

    Raises:
        WaitFailed: The task set is DRAINING: somebody deletes it.
        Vanished: The task set was seen and then no more.
        ServiceError: ECS refuses: no permission, a service whose task sets CodeDeploy creates, too many of them, a
            token that was used before with other parameters; or it does not let us look, and then `story.handle` is
            what `resume` goes on from.
        TransportError: ECS could not be reached, or its answers were lost; `client_token` is the token to ask with.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateTaskSet.html
    """
    target = service_of("task_sets.create", service, cluster)
    wait_options.check("task_sets.create")
    problems: list[tuple[str, str]] = []
    problems += _about_the_definition(task_definition)
    if scale is not None and not is_percent(scale):
        problems.append(("scale", f"expected percent, 0 to 100, got {scale!r}"))
    if launch_type is not None and capacity_provider_strategy:
        problems.append(("launch_type", "cannot be combined with capacity_provider_strategy; pass one of them"))
    if client_token is not None and not _is_token(client_token):
        problems.append(("client_token", f"expected 1 to {TOKEN_LENGTH} characters"))
    choices = (("until", until, UntilCreated), ("on_timeout", on_timeout, OnEnd), ("on_cancel", on_cancel, OnEnd))
    for name, value, allowed in choices:
        if value not in get_args(allowed):
            problems.append((name, f"expected one of {', '.join(get_args(allowed))}, got {value!r}"))
    if problems:
        raise RequestError("task_sets.create", problems)
    lists: dict[str, Any] = {
        "capacity_provider_strategy": _items(capacity_provider_strategy),
        "load_balancers": load_balancers,
        "service_registries": service_registries,
        "tags": [Tag(key=key, value=value) for key, value in tags.items()] if isinstance(tags, Mapping) else tags,
    }
    if isinstance(network, AwsVpcConfiguration):
        network = NetworkConfiguration(awsvpc_configuration=network)
    request = CreateTaskSetRequest(
        cluster=target.scope,
        service=target.id,
        task_definition=task_definition if isinstance(task_definition, str) else task_definition.task_definition_arn,
        scale=None if scale is None else Scale(value=float(scale), unit="PERCENT"),
        network_configuration=network,
        launch_type=launch_type,
        platform_version=platform_version,
        external_id=external_id,
        client_token=client_token,
        **{name: value for name, value in lists.items() if value is not None},
    )
    encode(request)  # whatever is of a wrong type is told before anything is sent
    return _create(request, wait_options, until=until, on_timeout=on_timeout, on_cancel=on_cancel)


def _is_token(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= TOKEN_LENGTH


def _about_the_definition(given: object) -> list[tuple[str, str]]:
    if isinstance(given, TaskDefinition) or (isinstance(given, str) and given):
        return []
    told = repr(given) if isinstance(given, str) else type(given).__name__
    return [("task_definition", f"expected a family, family:revision, ARN or TaskDefinition, got {told}")]


def _items(strategy: Mapping[str, int] | Sequence[CapacityProviderStrategyItem] | None) -> Any:
    if not isinstance(strategy, Mapping):
        return strategy
    return [CapacityProviderStrategyItem(capacity_provider=name, weight=weight) for name, weight in strategy.items()]


def _create(
    request: CreateTaskSetRequest,
    wait_options: WaitOptions,
    *,
    until: UntilCreated,
    on_timeout: OnEnd,
    on_cancel: OnEnd,
) -> Flow[TaskSet]:
    if request.client_token is None:
        request = attrs.evolve(request, client_token=f"{(yield DrawRandom()).get():032x}")
    asking = Retrying(request)

    def flow() -> Flow[TaskSet]:
        made = (yield from asking.send()).task_set
        if until == "created":
            return made
        targets = _asked(made, request)
        [task_set] = yield from waiter(steady_goal(wait_options), targets).flow(list(targets.by_name), targets.observed)
        return task_set

    return (
        yield from guarded(
            flow(), on_timeout=lambda: _give_up(asking, on_timeout), on_cancel=lambda: _give_up(asking, on_cancel)
        )
    )


def _give_up(asking: Retrying[CreateTaskSetResponse], how: OnEnd) -> Flow[None]:
    """Delete the task set if the caller wants that, also one without an answer: ECS shows it when asked again."""
    if how == "leave":
        return
    request = asking.request
    assert isinstance(request, CreateTaskSetRequest)
    if asking.may_have_taken_effect:
        try:
            yield from asking.send(CLEANUP_LIMITS)
        except (EcsError, GeneratorExit):
            told = "there may be a task set in service %s that nobody waits for; client token %s"
            log.warning(told, request.service, request.client_token)
            raise
    if asking.response is not None:
        yield from _remove(_asked(asking.response.task_set, request))


def _asked(task_set: TaskSet, request: CreateTaskSetRequest) -> Targets[TaskSet]:
    return one_task_set("task_sets.create", task_set, cluster=request.cluster, service=request.service)


def _remove(targets: Targets[TaskSet]) -> Flow[None]:
    for target in targets.by_name.values():
        yield from remove(target)
