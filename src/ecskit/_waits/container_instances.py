"""Waits for container instances: how they are found and polled, and what their states mean.

Source of the states:
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerInstance.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Final, TypeAlias

import attrs

from ecskit._core.absent import ABSENT_LIST
from ecskit._core.call import call
from ecskit._core.effects import Flow
from ecskit._core.unchanged import polled
from ecskit._polling.batches import DescribedType
from ecskit._polling.conditions import AllMet, wait_for
from ecskit._polling.identifiers import NAME, Identifiers, targets_of
from ecskit._polling.options import WaitOptions
from ecskit._polling.statuses import by_status
from ecskit.models.container_instances import (
    ContainerInstance,
    DeregisterContainerInstanceResponse,
    DescribeContainerInstancesRequest,
    ListContainerInstancesRequest,
    RegisterContainerInstanceResponse,
    UpdateContainerAgentResponse,
    UpdateContainerInstancesStateResponse,
)
from ecskit.models.literals import ContainerInstanceField

__all__ = [
    "agents_updated_goal",
    "container_agents_updated",
    "container_instances_connected",
    "container_instances_drained",
    "container_instances_registered",
    "describer",
    "drained_goal",
]

ContainerInstanceResponse: TypeAlias = (
    RegisterContainerInstanceResponse
    | UpdateContainerAgentResponse
    | UpdateContainerInstancesStateResponse
    | DeregisterContainerInstanceResponse
)
ContainerInstances: TypeAlias = (
    ContainerInstanceResponse | ContainerInstance | str | Sequence[ContainerInstanceResponse | ContainerInstance | str]
)
"""How callers pass container instances: a response, or one or more models, ids, ARNs, or ids of EC2 instances."""

BATCH_SIZE = 100
"""The maximum number of container instances in one DescribeContainerInstances request."""
HOST: Final = re.compile("m?i-[0-9a-f]+")
"""The id of an EC2 instance, or of an external machine that Systems Manager manages."""
GONE = {"DEREGISTERING", "INACTIVE", "REGISTRATION_FAILED"}


def container_instances_registered(
    container_instances: ContainerInstances, *, cluster: str | None = None, wait_options: WaitOptions
) -> Flow[list[ContainerInstance]]:
    """Wait until all container instances are registered: ACTIVE or DRAINING.

    Args:
        container_instances: The response of an operation on container instances, or one or more container instances:
            models, ids, ARNs, or ids of EC2 instances whose agents have not registered yet.
        cluster: Name or ARN of their cluster; required if neither an ARN nor a model contains it.
        wait_options: How long to wait and how often to poll.

    Returns:
        The container instances as last observed, in the order given.

    Raises:
        WaitFailed: The registration of a container instance failed, or the container instance was deregistered.
        NotVisible: A container instance was not visible within `visibility_grace` seconds, or by the deadline. Raise
            the grace for machines that are still starting.
        Vanished: A container instance was visible, and then not found any more.
        FailuresError: The response contains failures. Nothing was sent.

    Polling:
        Succeeds when all are: ACTIVE or DRAINING
        Fails when one is: REGISTRATION_FAILED, DEREGISTERING, INACTIVE
        Continues while one is: REGISTERING
        Requests: DescribeContainerInstances; ListContainerInstances for ids of EC2 instances

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeContainerInstances.html
    """
    condition = by_status(INSTANCES, met={"ACTIVE", "DRAINING"}, unreachable=GONE, reason=_reason)
    goal = AllMet(
        name="container_instances_registered", resource_type=INSTANCES, condition=condition, wait_options=wait_options
    )
    return wait_for(goal, targets_of(goal.name, IDENTIFIERS, container_instances, cluster=cluster))


def container_instances_connected(
    container_instances: ContainerInstances, *, cluster: str | None = None, wait_options: WaitOptions
) -> Flow[list[ContainerInstance]]:
    """Wait until the agents of all container instances are connected, so that they can start tasks.

    Args:
        container_instances: The response of an operation on container instances, or one or more container instances:
            models, ids, ARNs, or ids of EC2 instances.
        cluster: Name or ARN of their cluster; required if neither an ARN nor a model contains it.
        wait_options: How long to wait and how often to poll.

    Returns:
        The container instances as last observed, in the order given.

    Raises:
        WaitFailed: The registration of a container instance failed, or the container instance was deregistered.
        NotVisible: A container instance was not visible within `visibility_grace` seconds, or by the deadline. Raise
            the grace for machines that are still starting.
        Vanished: A container instance was visible, and then not found any more.
        FailuresError: The response contains failures. Nothing was sent.

    Polling:
        Succeeds when all are: connected, according to `agentConnected`
        Fails when one is: REGISTRATION_FAILED, DEREGISTERING, INACTIVE
        Continues while one is: not connected
        Requests: DescribeContainerInstances; ListContainerInstances for ids of EC2 instances

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerInstance.html
    """
    resource_type = attrs.evolve(INSTANCES, state=_connection)
    condition = by_status(resource_type, met={"connected"}, unreachable=GONE, reason=_reason)
    goal = AllMet(
        name="container_instances_connected",
        resource_type=resource_type,
        condition=condition,
        wait_options=wait_options,
    )
    return wait_for(goal, targets_of(goal.name, IDENTIFIERS, container_instances, cluster=cluster))


def container_instances_drained(
    container_instances: ContainerInstances, *, cluster: str | None = None, wait_options: WaitOptions
) -> Flow[list[ContainerInstance]]:
    """Wait until all container instances are DRAINING without running or pending tasks, in two polls in a row.

    ECS moves the tasks of services only. Stop other tasks, or wait until they end.

    Args:
        container_instances: The response of `update_container_instances_state`, or one or more container instances:
            models, ids, ARNs, or ids of EC2 instances.
        cluster: Name or ARN of their cluster; required if neither an ARN nor a model contains it.
        wait_options: How long to wait and how often to poll.

    Returns:
        The container instances as last observed, in the order given.

    Raises:
        WaitFailed: A container instance was deregistered before it was drained.
        NotVisible: A container instance was not visible within `visibility_grace` seconds, or by the deadline.
        Vanished: A container instance was visible, and then not found any more.
        FailuresError: The response contains failures. Nothing was sent.

    Polling:
        Succeeds when all are: DRAINING without running or pending tasks, in two polls
        Fails when one is: REGISTRATION_FAILED, DEREGISTERING, INACTIVE
        Continues while one is: ACTIVE, or has tasks
        Requests: DescribeContainerInstances; ListContainerInstances for ids of EC2 instances

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-draining.html
    """
    goal = drained_goal(wait_options)
    return wait_for(goal, targets_of(goal.name, IDENTIFIERS, container_instances, cluster=cluster))


def container_agents_updated(
    container_instances: ContainerInstances, *, cluster: str | None = None, wait_options: WaitOptions
) -> Flow[list[ContainerInstance]]:
    """Wait until the agents of all container instances are UPDATED, in two polls in a row.

    Args:
        container_instances: The response of `update_container_agent`, or one or more container instances: models, ids,
            ARNs, or ids of EC2 instances.
        cluster: Name or ARN of their cluster; required if neither an ARN nor a model contains it.
        wait_options: How long to wait and how often to poll.

    Returns:
        The container instances as last observed, in the order given.

    Raises:
        WaitFailed: The update of an agent failed, or its container instance was deregistered.
        NotVisible: A container instance was not visible within `visibility_grace` seconds, or by the deadline.
        Vanished: A container instance was visible, and then not found any more.

    Polling:
        Succeeds when all are: UPDATED, in two polls
        Fails when one is: FAILED, in two polls; REGISTRATION_FAILED, DEREGISTERING, INACTIVE
        Continues while one is: PENDING, STAGING, STAGED, UPDATING
        Requests: DescribeContainerInstances; ListContainerInstances for ids of EC2 instances

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateContainerAgent.html
    """
    goal = agents_updated_goal(wait_options)
    return wait_for(goal, targets_of(goal.name, IDENTIFIERS, container_instances, cluster=cluster))


def drained_goal(wait_options: WaitOptions) -> AllMet[ContainerInstance]:
    """Return the goal that all container instances are drained."""
    resource_type = attrs.evolve(INSTANCES, state=_load)
    condition = by_status(resource_type, met={"empty"}, unreachable=GONE, reason=_tasks)
    return AllMet(
        name="container_instances_drained",
        resource_type=resource_type,
        condition=condition,
        wait_options=wait_options,
        required_polls=2,
    )


def agents_updated_goal(wait_options: WaitOptions) -> AllMet[ContainerInstance]:
    """Return the goal that the agents of all container instances are updated."""
    resource_type = attrs.evolve(INSTANCES, state=_agent_update)
    condition = by_status(
        resource_type, met={"UPDATED"}, unreachable=GONE, unreachable_if_repeated={"FAILED"}, reason=_reason
    )
    return AllMet(
        name="container_agents_updated",
        resource_type=resource_type,
        condition=condition,
        wait_options=wait_options,
        required_polls=2,
    )


def describer(
    *, single_attempt: bool = True, include: Sequence[ContainerInstanceField] = ABSENT_LIST
) -> Callable[[str, list[str]], Flow[Sequence[ContainerInstance]]]:
    """Return the function that describes container instances, also by the ids of the machines that they run on.

    Args:
        single_attempt: Whether each request is made once, because the caller repeats it.
        include: The optional members to read.
    """

    def describe(cluster: str, ids: list[str]) -> Flow[Sequence[ContainerInstance]]:
        hosts = [id_ for id_ in ids if HOST.fullmatch(id_)]
        names = [id_ for id_ in ids if id_ not in hosts]
        if hosts:
            names = list(
                dict.fromkeys([*names, *(yield from _registered_on(cluster, hosts, single_attempt=single_attempt))])
            )
        found: list[ContainerInstance] = []
        for start in range(0, len(names), BATCH_SIZE):
            request = DescribeContainerInstancesRequest(
                cluster=cluster, container_instances=names[start : start + BATCH_SIZE], include=include
            )
            answer = yield from polled(request) if single_attempt else call(request)
            found += answer.container_instances
        # A machine is registered again if its agent lost its state. The registration that is last in the list counts.
        return sorted(found, key=lambda instance: instance.registered_at.timestamp() if instance.registered_at else 0.0)

    return describe


def _registered_on(cluster: str, hosts: list[str], *, single_attempt: bool) -> Flow[list[str]]:
    """Return the ids of the container instances that run on some machines."""
    request = ListContainerInstancesRequest(cluster=cluster, filter=f"ec2InstanceId in [{','.join(hosts)}]")
    arns: list[str] = []
    while True:
        page = yield from call(request, single_attempt=single_attempt)
        arns += page.container_instance_arns
        if not page.next_token:
            return [_id(arn) for arn in arns]
        request = attrs.evolve(request, next_token=page.next_token)


def _id(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def _connection(instance: ContainerInstance) -> str:
    return f"{instance.status} {'connected' if instance.agent_connected else 'disconnected'}"


def _load(instance: ContainerInstance) -> str:
    if instance.status != "DRAINING":
        return instance.status
    return "DRAINING busy" if instance.running_tasks_count or instance.pending_tasks_count else "DRAINING empty"


def _agent_update(instance: ContainerInstance) -> str:
    return " ".join(filter(None, [instance.status, instance.agent_update_status]))


def _reason(instance: ContainerInstance) -> str | None:
    return instance.status_reason


def _tasks(instance: ContainerInstance) -> str:
    return f"{instance.running_tasks_count or 0} running, {instance.pending_tasks_count or 0} pending tasks"


IDENTIFIERS = Identifiers(
    noun="container instance",
    model=ContainerInstance,
    name_of=attrgetter("container_instance_arn"),
    arn_pattern=rf"container-instance/(?:(?P<cluster>{NAME})/)?(?P<id>{NAME})",
    name_pattern=NAME,
    parents=("cluster",),
    responses={
        RegisterContainerInstanceResponse: attrgetter("container_instance"),
        UpdateContainerAgentResponse: attrgetter("container_instance"),
        UpdateContainerInstancesStateResponse: attrgetter("container_instances"),
        DeregisterContainerInstanceResponse: attrgetter("container_instance"),
    },
)

INSTANCES: DescribedType[ContainerInstance] = DescribedType(
    noun=IDENTIFIERS.noun,
    operation="DescribeContainerInstances",
    batch_size=BATCH_SIZE,
    describe=describer(),
    id_of=lambda instance: _id(instance.container_instance_arn),
    aliases=lambda instance: [instance.ec2_instance_id],
    state=lambda instance: instance.status,
    rank=lambda instance: (instance.version, 0),
)
