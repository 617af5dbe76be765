"""Deregister and delete any number of task definitions, at the pace that ECS allows: 20 calls, then one per second.

Both can be repeated: what is deregistered already, or being deleted already, counts as done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ecskit._api.service_errors import ClientException
from ecskit._core.call import call
from ecskit._core.effects import Flow
from ecskit._core.errors import EcsError, FailuresError, MalformedResponseError, RequestError
from ecskit._core.retrying import Retrying
from ecskit._polling.bulk import (
    BULK_LIMITS,
    AsyncOnProgress,
    Call,
    check_on_progress,
    may_pass,
    perform,
)
from ecskit._polling.identifiers import targets_of
from ecskit._task_definitions.errors import TaskDefinitionsNotDeleted, TaskDefinitionsNotDeregistered
from ecskit._waits.task_definitions import IDENTIFIERS, TaskDefinitions
from ecskit.models.task_definitions import (
    DeleteTaskDefinitionsRequest,
    DeregisterTaskDefinitionRequest,
    DescribeTaskDefinitionRequest,
    TaskDefinition,
)

__all__ = ["delete", "deregister"]

BATCH_SIZE = 10
"""How many task definitions one DeleteTaskDefinitions takes."""


def deregister(
    task_definitions: TaskDefinitions, *, on_progress: AsyncOnProgress | None = None
) -> Flow[list[TaskDefinition]]:
    """Deregister any number of task definitions.

    ECS takes 20 at once, then one per second, so 1,000 take about 17 minutes. Throttled calls are repeated. A task
    definition that is INACTIVE already counts as deregistered, so the call can be repeated after a cancellation.

    Args:
        task_definitions: One or more task definitions: models, ARNs or FAMILY:REVISION.
        on_progress: Called after the end of each with the `BulkProgress` so far. With an async client it may be a
            coroutine function. An exception that it raises ends the call; its cause is a `BulkError` with the results.

    Returns:
        The task definitions as deregistered, in the order given, each once.

    Raises:
        TaskDefinitionsNotDeregistered: Some were not deregistered; `errors` has the reasons, `results` the others.
        RequestError: An argument is wrong; nothing was sent.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeregisterTaskDefinition.html
    """
    names = _names("task_definitions.deregister", task_definitions, on_progress)
    return _deregister(names, on_progress)


def delete(
    task_definitions: TaskDefinitions, *, on_progress: AsyncOnProgress | None = None
) -> Flow[list[TaskDefinition]]:
    """Start to delete any number of task definitions, ten per call. They must be deregistered.

    Throttled calls are repeated. ECS deletes each after the last task or service that uses it has ended;
    `wait.task_definitions_deleted` waits for that. One that is being deleted already counts as started.

    Args:
        task_definitions: What `deregister` returned, or one or more task definitions: models, ARNs or FAMILY:REVISION.
        on_progress: Called after the end of each with the `BulkProgress` so far. With an async client it may be a
            coroutine function. An exception that it raises ends the call; its cause is a `BulkError` with the results.

    Returns:
        The task definitions, DELETE_IN_PROGRESS, in the order given, each once.

    Raises:
        TaskDefinitionsNotDeleted: ECS did not accept some; `errors` has the reasons, `results` the others.
        FailuresError: The response that was passed holds failures; nothing was sent.
        RequestError: An argument is wrong; nothing was sent.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteTaskDefinitions.html
    """
    names = _names("task_definitions.delete", task_definitions, on_progress)
    return _delete(names, on_progress)


def _names(verb: str, task_definitions: TaskDefinitions, on_progress: AsyncOnProgress | None) -> list[str]:
    """Return the names that the caller gave, each task definition once."""
    targets = targets_of(verb, IDENTIFIERS, task_definitions)
    check_on_progress(verb, on_progress)
    accounts = dict.fromkeys(name.rsplit(":", 2)[0] for name in targets.by_name if name.startswith("arn:"))
    if len(accounts) > 1:
        problem = f"they are in several accounts or regions: {', '.join(accounts)}; call once for each, with its client"
        raise RequestError(verb, [("task_definitions", problem)])
    once: dict[str, str] = {}
    for name in targets.by_name:
        once.setdefault(_key(name), name)
    return list(once.values())


def _key(name: str) -> str:
    """Return FAMILY:REVISION of a name or an ARN."""
    return name.rsplit("/", 1)[-1]


def _deregister(names: Sequence[str], on_progress: AsyncOnProgress | None) -> Flow[list[TaskDefinition]]:
    calls = [Call([name], _deregister_one(name)) for name in names]
    return perform("task_definitions.deregister", calls, names, TaskDefinitionsNotDeregistered, on_progress)


def _deregister_one(name: str) -> Flow[Mapping[str, TaskDefinition | EcsError]]:
    request = DeregisterTaskDefinitionRequest(task_definition=name)
    try:
        response = yield from Retrying(request, single_attempt=True).send(BULK_LIMITS, may_pass=may_pass)
    except ClientException as error:
        return {name: (yield from _deregistered_before(name, error))}
    return {name: response.task_definition}


def _deregistered_before(name: str, error: ClientException) -> Flow[TaskDefinition]:
    """Return a task definition that was deregistered before the call that ECS refused.

    The response to that one may have been lost.

    Raises:
        ClientException: It was not; this is the error of the refused call.
    """
    try:
        found = (yield from call(DescribeTaskDefinitionRequest(task_definition=name))).task_definition
    except EcsError:
        raise error from None
    if found.status not in ("INACTIVE", "DELETE_IN_PROGRESS"):
        raise error
    return found


def _delete(names: Sequence[str], on_progress: AsyncOnProgress | None) -> Flow[list[TaskDefinition]]:
    batches = [names[start : start + BATCH_SIZE] for start in range(0, len(names), BATCH_SIZE)]
    calls = [Call(batch, _delete_some(batch)) for batch in batches]
    return perform("task_definitions.delete", calls, names, TaskDefinitionsNotDeleted, on_progress)


def _delete_some(names: Sequence[str]) -> Flow[Mapping[str, TaskDefinition | EcsError]]:
    request = DeleteTaskDefinitionsRequest(task_definitions=names)
    response = yield from Retrying(request, single_attempt=True).send(BULK_LIMITS, may_pass=may_pass)
    ends: dict[str, TaskDefinition | EcsError] = {
        _key(failure.arn or ""): FailuresError("DeleteTaskDefinitions", [failure]) for failure in response.failures
    }
    ends |= {_key(each.task_definition_arn): each for each in response.task_definitions}
    left_out = MalformedResponseError("DeleteTaskDefinitions", "the response does not name the task definition")
    return {name: ends.get(_key(name), left_out) for name in names}
