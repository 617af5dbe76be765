"""Updating the agents of container instances: each told once, and waited for.

Each attempt is sent by itself, so that an answer that was lost is known of: what ECS then says of an update that is
under way, or that there is none any more, is about that attempt.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import attrs

from ecskit._api.service_errors import NoUpdateAvailableException, UpdateInProgressException
from ecskit._container_instances.errors import ContainerAgentsNotUpdated, ContainerInstancesMissing
from ecskit._container_instances.finding import by_host, located, look_at
from ecskit._container_instances.result import AgentUpdate
from ecskit._core.effects import Flow, Parallel, Reply
from ecskit._core.errors import RequestError
from ecskit._core.retrying import Retrying
from ecskit._polling.batches import Target, Targets
from ecskit._polling.conditions import wait_for
from ecskit._polling.identifiers import targets_of
from ecskit._polling.options import WaitOptions
from ecskit._waits.container_instances import IDENTIFIERS, ContainerInstances, agents_updated_goal
from ecskit.models.container_instances import ContainerInstance, UpdateContainerAgentRequest

__all__ = ["UntilUpdated", "update_agent"]

UntilUpdated: TypeAlias = Literal["updated", "requested"]
"""How far updates are waited for."""

AT_ONCE = 8
"""How many UpdateContainerAgent are under way at the same time."""


def update_agent(
    container_instances: ContainerInstances,
    *,
    cluster: str | None = None,
    until: UntilUpdated = "updated",
    wait_options: WaitOptions,
) -> Flow[list[AgentUpdate]]:
    """Update the ECS agents of container instances to the latest version, and wait until that is done.

    An agent for which ECS has no update is as it should be; one that is being updated already is waited for.

    Args:
        container_instances: What an operation returned, or one or more container instances, ids, ARNs, or ids of EC2
            instances.
        cluster: Name or ARN of their cluster; needed only where neither ARNs nor instances tell it.
        until: "updated" waits until the agents are; "requested" returns when ECS knows that they are to be.
        wait_options: How long to wait, once they are told, and how often to look.

    Returns:
        Of each container instance, in the order given, how it was last seen and what came of it.

    Raises:
        ContainerAgentsNotUpdated: Some agents could not be told, because their version is not known for example; the
            others were, and nobody waited.
        ContainerInstancesMissing: There is no container instance on some of the EC2 instances, and nothing was changed;
            or one was told and deregistered since.
        WaitFailed: The update of an agent failed, or its container instance was deregistered.
        FailuresError: The response that was given holds failures; nothing was changed.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateContainerAgent.html
    """
    targets = targets_of("container_instances.update_agent", IDENTIFIERS, container_instances, cluster=cluster)
    wait_options.check("container_instances.update_agent")
    if until not in get_args(UntilUpdated):
        problem = f"expected one of {', '.join(get_args(UntilUpdated))}, got {until!r}"
        raise RequestError("container_instances.update_agent", [("until", problem)])
    return _update(targets, until, wait_options)


@attrs.frozen
class Told:
    """What ECS says to the wish for an update."""

    current: bool = False
    """Whether there is none."""
    shown: ContainerInstance | None = None
    """The container instance as the answer showed it, if there was one."""


def _update(
    targets: Targets[ContainerInstance], until: UntilUpdated, wait_options: WaitOptions
) -> Flow[list[AgentUpdate]]:
    targets = located(targets, (yield from look_at(targets, by_host(targets))))
    replies: Reply[list[Reply[Told]]] = yield Parallel([_tell(target) for target in targets.by_name.values()], AT_ONCE)
    answers = dict(zip(targets.by_name, replies.get(), strict=True))
    errors = {name: reply.error for name, reply in answers.items() if reply.error is not None}
    told = {name: reply.get() for name, reply in answers.items() if reply.error is None}
    if errors:
        raise ContainerAgentsNotUpdated(errors, list(told))
    seen = {name: each.shown for name, each in told.items() if each.shown is not None}
    pending = {name: targets.by_name[name] for name, each in told.items() if not each.current}
    if until == "updated" and pending:
        waited = attrs.evolve(targets, by_name=pending, observed={name: seen[name] for name in pending if name in seen})
        seen |= dict(zip(pending, (yield from wait_for(agents_updated_goal(wait_options), waited)), strict=True))
    seen |= yield from look_at(targets, [name for name in targets.by_name if name not in seen])
    missing = [name for name in targets.by_name if name not in seen]
    if missing:
        raise ContainerInstancesMissing(missing, list(seen.values()))
    waited_for: Literal["updated", "requested"] = until
    return [
        AgentUpdate(container_instance=seen[name], outcome="current" if told[name].current else waited_for)
        for name in targets.by_name
    ]


def _tell(target: Target) -> Flow[Told]:
    asking = Retrying(
        UpdateContainerAgentRequest(cluster=target.scope, container_instance=target.id), single_attempt=True
    )
    try:
        return Told(shown=(yield from asking.send()).container_instance)
    except UpdateInProgressException:
        return Told()
    except NoUpdateAvailableException:
        return Told(
            current=not asking.may_have_taken_effect
        )  # an answer that was lost may have been that of the update
