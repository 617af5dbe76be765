"""Create task sets without duplicates, and wait until they are steady.

A throttled call, or one without a response, is repeated under its client token. The clean-up repeats such a call as
well: the response holds the task set, which is then deleted.
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
from ecskit._polling.conditions import wait_for
from ecskit._polling.guarding import guarded
from ecskit._polling.options import WaitOptions
from ecskit._task_sets.cleanup import remove
from ecskit._task_sets.targets import one_task_set, service_of
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
"""When to return: after the task set is steady, or when ECS has created it."""
OnEnd: TypeAlias = Literal["leave", "delete"]
"""What to do with the new task set after a timeout or a cancellation."""

TOKEN_LENGTH = 36
"""The longest client token that CreateTaskSet accepts, in characters."""


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
    """Create a task set in a service with the EXTERNAL deployment controller, and wait until it is steady.

    A throttled call, or one without a response, is repeated under the same client token: ECS creates one task set.

    Args:
        service: Name or ARN of the service, or the service as ECS described it.
        cluster: Name or ARN of the cluster; optional if `service` includes it.
        task_definition: Family, family:revision or ARN, or a task definition that ECS described.
        scale: Percent of the desired count of the service, 0 to 100; ECS uses 0 if absent.
        network: Subnets, security groups and public IP; required by the network mode `awsvpc`, as on Fargate.
        launch_type: EC2, FARGATE, EXTERNAL or MANAGED_INSTANCES; not allowed with a capacity provider strategy.
        capacity_provider_strategy: Weights by capacity provider, such as `{"FARGATE_SPOT": 3, "FARGATE": 1}`, or items,
            which can have a base.
        platform_version: Version of the Fargate platform; ECS uses the latest if absent.
        load_balancers: Target groups to register the tasks with.
        service_registries: Service discovery registries to register the tasks with.
        external_id: Id of the task set in your own system; its tasks show it as well.
        tags: Tags of the task set, at most 50.
        client_token: Your idempotency token, at most 36 characters: a second call with the same token returns the same
            task set. Random if absent.
        until: "steady" waits for STEADY_STATE; "created" returns when ECS has created the task set.
        on_timeout: What to do when the wait times out, or the task set is not visible: "leave" the task set, or
            "delete" it with its tasks.
        on_cancel: What to do when this method is cancelled or interrupted, or `on_poll` raises: the same choices.
        wait_options: How long to wait after the creation, and how often to poll.

    Returns:
        The last observation of the task set.

    Raises:
        WaitFailed: The task set is DRAINING, because another caller deleted it.
        Vanished: ECS stopped showing the task set.
        WaitTimeout: The wait timed out, or made `max_polls` polls.
        ServiceError: ECS refuses a call: no permission, a service that CodeDeploy controls, too many task sets, a token
            that was used before with other parameters. If polls are refused, `story.handle` resumes the wait.
        TransportError: The exchange with ECS failed. Pass `client_token` again to find the task set that may exist.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateTaskSet.html
    """
    target = service_of("task_sets.create", service, cluster)
    wait_options.check("task_sets.create")
    problems: list[tuple[str, str]] = []
    problems += _definition_problems(task_definition)
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
    encode(request)  # raises RequestError for wrong types before anything is sent
    return _create(request, wait_options, until=until, on_timeout=on_timeout, on_cancel=on_cancel)


def _is_token(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= TOKEN_LENGTH


def _definition_problems(given: object) -> list[tuple[str, str]]:
    if isinstance(given, TaskDefinition) or (isinstance(given, str) and given):
        return []
    got = repr(given) if isinstance(given, str) else type(given).__name__
    return [("task_definition", f"expected a family, family:revision, ARN or TaskDefinition, got {got}")]


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
    retrying = Retrying(request)

    def flow() -> Flow[TaskSet]:
        created = (yield from retrying.send()).task_set
        if until == "created":
            return created
        [task_set] = yield from wait_for(steady_goal(wait_options), _targets(created, request))
        return task_set

    def clean_up(how: OnEnd) -> Flow[None]:
        return _clean_up(retrying, request, how)

    return (yield from guarded(flow(), on_timeout=lambda: clean_up(on_timeout), on_cancel=lambda: clean_up(on_cancel)))


def _clean_up(retrying: Retrying[CreateTaskSetResponse], request: CreateTaskSetRequest, how: OnEnd) -> Flow[None]:
    """Delete the task set if the caller chose that. A request without a response is repeated first, to find its id."""
    if how == "leave":
        return
    if retrying.may_have_taken_effect:
        try:
            yield from retrying.send(CLEANUP_LIMITS)
        except (EcsError, GeneratorExit):
            text = "a task set with client token %s may exist in service %s and is not deleted"
            log.warning(text, request.client_token, request.service)
            raise
    if retrying.response is not None:
        for target in _targets(retrying.response.task_set, request).by_name.values():
            yield from remove(target)


def _targets(task_set: TaskSet, request: CreateTaskSetRequest) -> Targets[TaskSet]:
    return one_task_set("task_sets.create", task_set, cluster=request.cluster, service=request.service)
