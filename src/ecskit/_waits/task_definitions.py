"""The wait for deleted task definitions. ECS keeps a task definition that is being deleted while something uses it.

Source of the statuses:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-definition-state.html
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TypeAlias

from ecskit._api.service_errors import ClientException
from ecskit._core.call import call
from ecskit._core.effects import Flow
from ecskit._polling.batches import DescribedType
from ecskit._polling.conditions import AllMet, Met, wait_for
from ecskit._polling.identifiers import NAME, Identifiers, targets_of
from ecskit._polling.options import WaitOptions
from ecskit._polling.statuses import by_status
from ecskit.models.task_definitions import (
    DeleteTaskDefinitionsResponse,
    DeregisterTaskDefinitionResponse,
    DescribeTaskDefinitionRequest,
    TaskDefinition,
)

__all__ = ["task_definitions_deleted"]

TaskDefinitionResponse: TypeAlias = DeleteTaskDefinitionsResponse | DeregisterTaskDefinitionResponse
TaskDefinitions: TypeAlias = (
    TaskDefinitionResponse | TaskDefinition | str | Sequence[TaskDefinitionResponse | TaskDefinition | str]
)
"""How callers pass task definitions: a response, or one or more models, ARNs or FAMILY:REVISION."""


def task_definitions_deleted(
    task_definitions: TaskDefinitions, *, wait_options: WaitOptions
) -> Flow[list[TaskDefinition]]:
    """Wait until all task definitions are deleted: no longer found.

    ECS deletes a task definition some time after the last task or service that uses it has ended. Raise `timeout` if
    that takes long.

    Args:
        task_definitions: The response of `delete_task_definitions`, or one or more task definitions: models, ARNs or
            FAMILY:REVISION.
        wait_options: How long to wait and how often to poll.

    Returns:
        The task definitions as last observed, in the order given.

    Raises:
        NotVisible: A task definition was never visible. It may have been deleted long ago.
        FailuresError: The response contains failures. Nothing was sent.

    Polling:
        Succeeds when all are: no longer found
        Fails when one is: (never)
        Continues while one is: INACTIVE, DELETE_IN_PROGRESS
        Requests: DescribeTaskDefinition

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteTaskDefinitions.html
    """
    condition = by_status(DEFINITIONS, met={"DELETED"})
    goal = AllMet(
        name="task_definitions_deleted",
        resource_type=DEFINITIONS,
        condition=condition,
        wait_options=wait_options,
        vanished=Met(),
    )
    return wait_for(goal, targets_of(goal.name, IDENTIFIERS, task_definitions))


def _describe(_: str, names: list[str]) -> Flow[Sequence[TaskDefinition]]:
    [name] = names
    try:
        request = DescribeTaskDefinitionRequest(task_definition=name)
        answer = yield from call(request, single_attempt=True)
    except ClientException as error:
        if error.retryable:
            raise
        return []  # not found: the request is well formed
    return [answer.task_definition]


IDENTIFIERS = Identifiers(
    noun="task definition",
    model=TaskDefinition,
    name_of=attrgetter("task_definition_arn"),
    arn_pattern=rf"task-definition/{NAME}:\d+",
    name_pattern=rf"{NAME}:\d+",
    responses={
        DeleteTaskDefinitionsResponse: attrgetter("task_definitions"),
        DeregisterTaskDefinitionResponse: attrgetter("task_definition"),
    },
)

DEFINITIONS: DescribedType[TaskDefinition] = DescribedType(
    noun=IDENTIFIERS.noun,
    operation="DescribeTaskDefinition",
    batch_size=1,
    describe=_describe,
    id_of=lambda definition: definition.task_definition_arn,
    aliases=lambda definition: [f"{definition.family}:{definition.revision}"],
    state=lambda definition: definition.status or "UNKNOWN",
)
