"""Update the agents of container instances: one UpdateContainerAgent for each, then wait.

Each attempt is sent without botocore's retries, so that a lost response is recorded. If ECS then reports an update in
progress, or no update, the lost attempt has started it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, get_args

import attrs

from ecskit._api.service_errors import NoUpdateAvailableException, UpdateInProgressException
from ecskit._container_instances.errors import ContainerAgentsNotUpdated, ContainerInstancesMissing
from ecskit._container_instances.finding import describe_until_answered, named_by_host, with_ids
from ecskit._container_instances.result import AgentOutcome, AgentUpdate
from ecskit._core.effects import Flow
from ecskit._core.errors import EcsError, RequestError
from ecskit._core.retrying import Retrying
from ecskit._polling.batches import Target, Targets
from ecskit._polling.bulk import AsyncOnProgress, Call, check_on_progress, perform
from ecskit._polling.conditions import wait_for
from ecskit._polling.identifiers import targets_of
from ecskit._polling.options import WaitOptions
from ecskit._waits.container_instances import IDENTIFIERS, ContainerInstances, agents_updated_goal
from ecskit.models.container_instances import ContainerInstance, UpdateContainerAgentRequest

__all__ = ["UntilUpdated", "update_agent"]

UntilUpdated: TypeAlias = Literal["updated", "requested"]
"""When to return: after the agents are updated, or when ECS has accepted the requests."""

PARALLEL_CALLS = 8
"""How many UpdateContainerAgent calls run at the same time."""


def update_agent(
    container_instances: ContainerInstances,
    *,
    cluster: str | None = None,
    until: UntilUpdated = "updated",
    on_progress: AsyncOnProgress | None = None,
    wait_options: WaitOptions,
) -> Flow[list[AgentUpdate]]:
    """Update the ECS agents of container instances to the latest version, and wait until they are updated.

    An agent for which ECS has no update counts as current. The wait includes updates that were in progress before.

    Args:
        container_instances: What an operation returned, or one or more container instances, ids, ARNs, or ids of EC2
            instances.
        cluster: Name or ARN of their cluster; optional if ARNs or container instances include it.
        until: "updated" waits until the agents are updated; "requested" returns when ECS has accepted the requests.
        on_progress: Called after the request for each with the `BulkProgress` so far. With an async client it may be a
            coroutine function. An exception that it raises ends the call; its cause is ContainerAgentsNotUpdated, whose
            `results` has those that were requested.
        wait_options: How long to wait after the requests, and how often to poll.

    Returns:
        The last observation of each container instance with the outcome of its update, in the order given.

    Raises:
        ContainerAgentsNotUpdated: UpdateContainerAgent failed for some container instances, as it does for an agent of
            unknown version. The others are updated; there was no wait.
        ContainerInstancesMissing: Some EC2 instances have no container instance, and nothing was changed; or a
            container instance was deregistered after the request.
        WaitFailed: The update of an agent failed, or its container instance was deregistered.
        WaitTimeout: The wait timed out, or made `max_polls` polls.
        FailuresError: The response that was passed holds failures; nothing was changed.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateContainerAgent.html
    """
    targets = targets_of("container_instances.update_agent", IDENTIFIERS, container_instances, cluster=cluster)
    wait_options.check("container_instances.update_agent")
    if until not in get_args(UntilUpdated):
        problem = f"expected one of {', '.join(get_args(UntilUpdated))}, got {until!r}"
        raise RequestError("container_instances.update_agent", [("until", problem)])
    check_on_progress("container_instances.update_agent", on_progress)
    return _update(targets, until, on_progress, wait_options)


@attrs.frozen
class Response:
    """The response to the request to update an agent."""

    current: bool = False
    """Whether ECS has no update for the agent."""
    container_instance: ContainerInstance | None = None
    """The container instance; None if the response does not show it."""


def _update(
    targets: Targets[ContainerInstance],
    until: UntilUpdated,
    on_progress: AsyncOnProgress | None,
    wait_options: WaitOptions,
) -> Flow[list[AgentUpdate]]:
    targets = with_ids(targets, (yield from describe_until_answered(targets, named_by_host(targets))))
    names = list(targets.by_name)
    calls = [Call([name], _request_update(name, target)) for name, target in targets.by_name.items()]
    requested = yield from perform(
        "container_instances.update_agent", calls, names, _not_updated, on_progress, limit=PARALLEL_CALLS
    )
    responses = dict(zip(names, requested, strict=True))
    last = {name: each.container_instance for name, each in responses.items() if each.container_instance is not None}
    pending = {name: targets.by_name[name] for name, each in responses.items() if not each.current}
    if until == "updated" and pending:
        observed = {name: last[name] for name in pending if name in last}
        waited = attrs.evolve(targets, by_name=pending, observed=observed)
        last |= dict(zip(pending, (yield from wait_for(agents_updated_goal(wait_options), waited)), strict=True))
    last |= yield from describe_until_answered(targets, [name for name in targets.by_name if name not in last])
    missing = [name for name in targets.by_name if name not in last]
    if missing:
        raise ContainerInstancesMissing(missing, last, [targets.by_name[name].scope for name in missing])
    outcome: AgentOutcome = until
    return [
        AgentUpdate(container_instance=last[name], outcome="current" if responses[name].current else outcome)
        for name in targets.by_name
    ]


def _not_updated(
    errors: Mapping[str, EcsError], responses: Mapping[str, Response], unfinished: Sequence[str]
) -> ContainerAgentsNotUpdated:
    shown = {name: response.container_instance for name, response in responses.items()}
    return ContainerAgentsNotUpdated(errors, shown, unfinished)


def _request_update(name: str, target: Target) -> Flow[Mapping[str, Response | EcsError]]:
    request = UpdateContainerAgentRequest(cluster=target.scope, container_instance=target.id)
    retrying = Retrying(request, single_attempt=True)
    try:
        return {name: Response(container_instance=(yield from retrying.send()).container_instance)}
    except UpdateInProgressException:
        return {name: Response()}
    except NoUpdateAvailableException:
        # After a lost response, there is no update because the first attempt has started it.
        return {name: Response(current=not retrying.may_have_taken_effect)}
