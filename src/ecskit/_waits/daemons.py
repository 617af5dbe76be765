"""Waits for daemons, their deployments and their task definitions: how they are polled, and what their statuses mean.

Source of the statuses: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DaemonDeployment.html
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TypeAlias

import attrs

from ecskit._api.service_errors import ClientException, DaemonNotFoundException
from ecskit._core.call import call
from ecskit._core.effects import Flow
from ecskit._core.unchanged import polled
from ecskit._polling.batches import DescribedType
from ecskit._polling.conditions import AllMet, Met, wait_for
from ecskit._polling.identifiers import NAME, Identifiers, read_as, targets_of
from ecskit._polling.observations import ResourceState
from ecskit._polling.options import WaitOptions
from ecskit._polling.statuses import by_status
from ecskit.models.daemons import (
    CreateDaemonResponse,
    DaemonDeployment,
    DaemonDeploymentSummary,
    DaemonDetail,
    DaemonSummary,
    DaemonTaskDefinition,
    DeleteDaemonResponse,
    DeleteDaemonTaskDefinitionResponse,
    DescribeDaemonDeploymentsRequest,
    DescribeDaemonRequest,
    DescribeDaemonTaskDefinitionRequest,
    RegisterDaemonTaskDefinitionResponse,
    UpdateDaemonResponse,
)

__all__ = [
    "daemon_deployments_stopped",
    "daemon_deployments_successful",
    "daemon_task_definitions_active",
    "daemon_task_definitions_deleted",
    "daemons_active",
    "daemons_deleted",
]

DaemonResponse: TypeAlias = CreateDaemonResponse | UpdateDaemonResponse | DeleteDaemonResponse
OneDaemon: TypeAlias = DaemonResponse | DaemonSummary | DaemonDetail | str
Daemons: TypeAlias = OneDaemon | Sequence[OneDaemon]
"""How callers pass daemons: a response, or one or more models, summaries or ARNs."""
OneDaemonDeployment: TypeAlias = DaemonResponse | DaemonDeploymentSummary | DaemonDeployment | str
DaemonDeployments: TypeAlias = OneDaemonDeployment | Sequence[OneDaemonDeployment]
"""How callers pass daemon deployments: a response, or one or more models, summaries or ARNs."""
OneDaemonTaskDefinition: TypeAlias = (
    RegisterDaemonTaskDefinitionResponse | DeleteDaemonTaskDefinitionResponse | DaemonTaskDefinition | str
)
DaemonTaskDefinitions: TypeAlias = OneDaemonTaskDefinition | Sequence[OneDaemonTaskDefinition]
"""How callers pass daemon task definitions: a response, or one or more models, ARNs or FAMILY:REVISION."""

RANKS = {
    "PENDING": 0,
    "IN_PROGRESS": 1,
    "STOP_REQUESTED": 2,
    "ROLLBACK_IN_PROGRESS": 2,
    "STOPPED": 3,
    "SUCCESSFUL": 3,
    "ROLLBACK_SUCCESSFUL": 3,
    "ROLLBACK_FAILED": 3,
}
"""The order of the statuses of a deployment. Those with the highest rank are final."""
ENDS = {status for status, rank in RANKS.items() if rank == RANKS["STOPPED"]}


def daemons_active(daemons: Daemons, *, wait_options: WaitOptions) -> Flow[list[DaemonDetail]]:
    """Wait until all daemons are ACTIVE. To wait until they are deployed, use `daemon_deployments_successful`.

    Args:
        daemons: The response of `create_daemon`, or one or more daemons: models, summaries or ARNs.
        wait_options: How long to wait and how often to poll.

    Returns:
        The daemons as last observed, in the order given.

    Raises:
        WaitFailed: A daemon is being deleted.
        NotVisible: A daemon was not visible within `visibility_grace` seconds, or by the deadline.
        Vanished: A daemon was visible, and then not found any more.

    Polling:
        Succeeds when all are: ACTIVE
        Fails when one is: DELETE_IN_PROGRESS, in two polls
        Continues while one is: not visible yet
        Requests: DescribeDaemon

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeDaemon.html
    """
    condition = by_status(DAEMONS, met={"ACTIVE"}, unreachable_if_repeated={"DELETE_IN_PROGRESS"})
    goal = AllMet(name="daemons_active", resource_type=DAEMONS, condition=condition, wait_options=wait_options)
    return wait_for(goal, targets_of(goal.name, DAEMON_IDENTIFIERS, daemons))


def daemons_deleted(daemons: Daemons, *, wait_options: WaitOptions) -> Flow[list[DaemonDetail]]:
    """Wait until all daemons are deleted: no longer found.

    Args:
        daemons: The response of `delete_daemon`, or one or more daemons: models, summaries or ARNs.
        wait_options: How long to wait and how often to poll.

    Returns:
        The daemons as last observed, in the order given.

    Raises:
        NotVisible: A daemon was never visible. It may have been deleted long ago.

    Polling:
        Succeeds when all are: no longer found
        Fails when one is: (never)
        Continues while one is: ACTIVE, DELETE_IN_PROGRESS
        Requests: DescribeDaemon

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteDaemon.html
    """
    condition = by_status(DAEMONS, met={"DELETED"})
    goal = AllMet(
        name="daemons_deleted", resource_type=DAEMONS, condition=condition, wait_options=wait_options, vanished=Met()
    )
    return wait_for(goal, targets_of(goal.name, DAEMON_IDENTIFIERS, daemons))


def daemon_deployments_successful(
    daemon_deployments: DaemonDeployments, *, wait_options: WaitOptions
) -> Flow[list[DaemonDeployment]]:
    """Wait until all daemon deployments are SUCCESSFUL.

    A deployment that is stopping or rolling back fails the wait only at its end.

    Args:
        daemon_deployments: The response of `create_daemon` or `update_daemon`, or one or more daemon deployments:
            models, summaries or ARNs.
        wait_options: How long to wait and how often to poll.

    Returns:
        The daemon deployments as last observed, in the order given.

    Raises:
        WaitFailed: A deployment was stopped or rolled back.
        NotVisible: A deployment was not visible within `visibility_grace` seconds, or by the deadline.
        Vanished: A deployment was visible, and then not found any more.

    Polling:
        Succeeds when all are: SUCCESSFUL
        Fails when one is: STOPPED, ROLLBACK_SUCCESSFUL, ROLLBACK_FAILED
        Continues while one is: PENDING, IN_PROGRESS, STOP_REQUESTED, ROLLBACK_IN_PROGRESS
        Requests: DescribeDaemonDeployments

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeDaemonDeployments.html
    """
    goal = _deployments("daemon_deployments_successful", "SUCCESSFUL", wait_options)
    return wait_for(goal, targets_of(goal.name, DEPLOYMENT_IDENTIFIERS, daemon_deployments))


def daemon_deployments_stopped(
    daemon_deployments: DaemonDeployments, *, wait_options: WaitOptions
) -> Flow[list[DaemonDeployment]]:
    """Wait until all daemon deployments are STOPPED, for example because newer ones replace them.

    Args:
        daemon_deployments: The response of `create_daemon` or `update_daemon`, or one or more daemon deployments:
            models, summaries or ARNs.
        wait_options: How long to wait and how often to poll.

    Returns:
        The daemon deployments as last observed, in the order given.

    Raises:
        WaitFailed: A deployment was successful or rolled back.
        NotVisible: A deployment was not visible within `visibility_grace` seconds, or by the deadline.
        Vanished: A deployment was visible, and then not found any more.

    Polling:
        Succeeds when all are: STOPPED
        Fails when one is: SUCCESSFUL, ROLLBACK_SUCCESSFUL, ROLLBACK_FAILED
        Continues while one is: PENDING, IN_PROGRESS, STOP_REQUESTED, ROLLBACK_IN_PROGRESS
        Requests: DescribeDaemonDeployments

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeDaemonDeployments.html
    """
    goal = _deployments("daemon_deployments_stopped", "STOPPED", wait_options)
    return wait_for(goal, targets_of(goal.name, DEPLOYMENT_IDENTIFIERS, daemon_deployments))


def daemon_task_definitions_active(
    daemon_task_definitions: DaemonTaskDefinitions, *, wait_options: WaitOptions
) -> Flow[list[DaemonTaskDefinition]]:
    """Wait until all daemon task definitions are ACTIVE.

    Args:
        daemon_task_definitions: The response of `register_daemon_task_definition`, or one or more daemon task
            definitions: models, ARNs or FAMILY:REVISION.
        wait_options: How long to wait and how often to poll.

    Returns:
        The daemon task definitions as last observed, in the order given.

    Raises:
        WaitFailed: A task definition is being deleted.
        NotVisible: A task definition was not visible within `visibility_grace` seconds, or by the deadline.
        Vanished: A task definition was visible, and then not found any more.

    Polling:
        Succeeds when all are: ACTIVE
        Fails when one is: DELETE_IN_PROGRESS, DELETED
        Continues while one is: not visible yet
        Requests: DescribeDaemonTaskDefinition

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeDaemonTaskDefinition.html
    """
    condition = by_status(DEFINITIONS, met={"ACTIVE"}, unreachable={"DELETE_IN_PROGRESS", "DELETED"})
    goal = AllMet(
        name="daemon_task_definitions_active", resource_type=DEFINITIONS, condition=condition, wait_options=wait_options
    )
    return wait_for(goal, targets_of(goal.name, DEFINITION_IDENTIFIERS, daemon_task_definitions))


def daemon_task_definitions_deleted(
    daemon_task_definitions: DaemonTaskDefinitions, *, wait_options: WaitOptions
) -> Flow[list[DaemonTaskDefinition]]:
    """Wait until all daemon task definitions are deleted: DELETED, or no longer found.

    Args:
        daemon_task_definitions: The response of `delete_daemon_task_definition`, or one or more daemon task
            definitions: models, ARNs or FAMILY:REVISION.
        wait_options: How long to wait and how often to poll.

    Returns:
        The daemon task definitions as last observed, in the order given.

    Raises:
        NotVisible: A task definition was never visible. It may have been deleted long ago.

    Polling:
        Succeeds when all are: DELETED, or no longer found
        Fails when one is: (never)
        Continues while one is: ACTIVE, DELETE_IN_PROGRESS
        Requests: DescribeDaemonTaskDefinition

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteDaemonTaskDefinition.html
    """
    condition = by_status(DEFINITIONS, met={"DELETED"})
    goal = AllMet(
        name="daemon_task_definitions_deleted",
        resource_type=DEFINITIONS,
        condition=condition,
        wait_options=wait_options,
        vanished=Met(),
    )
    return wait_for(goal, targets_of(goal.name, DEFINITION_IDENTIFIERS, daemon_task_definitions))


def _describe_daemon(_: str, arns: list[str]) -> Flow[Sequence[DaemonDetail]]:
    [arn] = arns
    try:
        answer = yield from call(DescribeDaemonRequest(daemon_arn=arn), single_attempt=True)
    except DaemonNotFoundException:
        return []
    return [answer.daemon]


def _describe_deployments(_: str, arns: list[str]) -> Flow[Sequence[DaemonDeployment]]:
    request = DescribeDaemonDeploymentsRequest(daemon_deployment_arns=arns)
    return (yield from polled(request)).daemon_deployments


def _describe_definition(_: str, names: list[str]) -> Flow[Sequence[DaemonTaskDefinition]]:
    [name] = names
    try:
        request = DescribeDaemonTaskDefinitionRequest(daemon_task_definition=name)
        answer = yield from call(request, single_attempt=True)
    except ClientException as error:
        if error.retryable:
            raise
        return []  # not found: the request is well formed
    return [answer.daemon_task_definition]


@attrs.frozen(kw_only=True)
class _DeploymentGoal(AllMet[DaemonDeployment]):
    def is_final(self, resource: ResourceState[DaemonDeployment], /) -> bool:
        """Whether the deployment has ended."""
        return resource.last is not None and resource.last.status in ENDS


def _deployments(name: str, end: str, wait_options: WaitOptions) -> _DeploymentGoal:
    condition = by_status(DEPLOYMENTS, met={end}, unreachable=ENDS - {end}, reason=attrgetter("status_reason"))
    return _DeploymentGoal(name=name, resource_type=DEPLOYMENTS, condition=condition, wait_options=wait_options)


DAEMON_IDENTIFIERS = Identifiers(
    noun="daemon",
    model=DaemonDetail,
    name_of=attrgetter("daemon_arn"),
    arn_pattern=rf"daemon/{NAME}/{NAME}",
    responses={
        CreateDaemonResponse: attrgetter("daemon_arn"),
        UpdateDaemonResponse: attrgetter("daemon_arn"),
        DaemonSummary: attrgetter("daemon_arn"),
        DeleteDaemonResponse: read_as(DaemonDetail),  # the first poll may not find it any more
    },
)
DEPLOYMENT_IDENTIFIERS = Identifiers(
    noun="daemon deployment",
    model=DaemonDeployment,
    name_of=attrgetter("daemon_deployment_arn"),
    arn_pattern=rf"daemon-deployment/(?:{NAME}/)+{NAME}",
    responses={
        CreateDaemonResponse: attrgetter("deployment_arn"),
        UpdateDaemonResponse: attrgetter("deployment_arn"),
        DeleteDaemonResponse: attrgetter("deployment_arn"),
        DaemonDeploymentSummary: attrgetter("daemon_deployment_arn"),
    },
)
DEFINITION_IDENTIFIERS = Identifiers(
    noun="daemon task definition",
    model=DaemonTaskDefinition,
    name_of=attrgetter("daemon_task_definition_arn"),
    arn_pattern=rf"daemon-task-definition/{NAME}:\d+",
    name_pattern=rf"{NAME}:\d+",
    responses={
        RegisterDaemonTaskDefinitionResponse: attrgetter("daemon_task_definition_arn"),
        DeleteDaemonTaskDefinitionResponse: attrgetter("daemon_task_definition_arn"),
    },
)

DAEMONS: DescribedType[DaemonDetail] = DescribedType(
    noun=DAEMON_IDENTIFIERS.noun,
    operation="DescribeDaemon",
    batch_size=1,
    describe=_describe_daemon,
    id_of=lambda daemon: daemon.daemon_arn,
    state=lambda daemon: daemon.status,
)
DEPLOYMENTS: DescribedType[DaemonDeployment] = DescribedType(
    noun=DEPLOYMENT_IDENTIFIERS.noun,
    operation="DescribeDaemonDeployments",
    batch_size=20,
    describe=_describe_deployments,
    id_of=lambda deployment: deployment.daemon_deployment_arn,
    state=lambda deployment: deployment.status,
    rank=lambda deployment: (None, RANKS.get(deployment.status, -1)),
    final_rank=RANKS["STOPPED"],
)
DEFINITIONS: DescribedType[DaemonTaskDefinition] = DescribedType(
    noun=DEFINITION_IDENTIFIERS.noun,
    operation="DescribeDaemonTaskDefinition",
    batch_size=1,
    describe=_describe_definition,
    id_of=lambda definition: definition.daemon_task_definition_arn,
    aliases=lambda definition: [f"{definition.family}:{definition.revision}"],
    state=lambda definition: definition.status,
)
