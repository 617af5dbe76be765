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
from ecskit._core.retrying import Insisting
from ecskit._polling.batches import Asked, Place
from ecskit._polling.conditions import wait_for
from ecskit._polling.identifiers import asked_for
from ecskit._polling.options import Patience
from ecskit._waits.container_instances import NAMING, ContainerInstances, agents_updated
from ecskit.models.container_instances import ContainerInstance, UpdateContainerAgentRequest

__all__ = ["UntilUpdated", "update_agent"]

UntilUpdated: TypeAlias = Literal["updated", "told"]
"""How far updates are waited for."""

AT_ONCE = 8
"""How many UpdateContainerAgent are under way at the same time."""


def update_agent(
    container_instances: ContainerInstances,
    *,
    cluster: str | None = None,
    until: UntilUpdated = "updated",
    patience: Patience,
) -> Flow[list[AgentUpdate]]:
    """Update the ECS agents of container instances to the latest version, and wait until that is done.

    An agent for which ECS has no update is as it should be; one that is being updated already is waited for.

    Args:
        container_instances: What an operation returned, or one or more container instances, ids, ARNs, or ids of EC2
            instances.
        cluster: Name or ARN of their cluster; needed only where neither ARNs nor instances tell it.
        until: "updated" waits until the agents are; "told" returns when ECS knows that they are to be.
        patience: How long to wait, once they are told, and how often to look.

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
    asked = asked_for("container_instances.update_agent", NAMING, container_instances, cluster=cluster)
    patience.check("container_instances.update_agent")
    if until not in get_args(UntilUpdated):
        problem = f"expected one of {', '.join(get_args(UntilUpdated))}, got {until!r}"
        raise RequestError("container_instances.update_agent", [("until", problem)])
    return _update(asked, until, patience)


@attrs.frozen
class Told:
    """What ECS says to the wish for an update."""

    current: bool = False
    """Whether there is none."""
    shown: ContainerInstance | None = None
    """The container instance as the answer showed it, if there was one."""


def _update(asked: Asked[ContainerInstance], until: UntilUpdated, patience: Patience) -> Flow[list[AgentUpdate]]:
    asked = located(asked, (yield from look_at(asked, by_host(asked))))
    replies: Reply[list[Reply[Told]]] = yield Parallel([_tell(place) for place in asked.places.values()], AT_ONCE)
    answers = dict(zip(asked.places, replies.get(), strict=True))
    errors = {name: reply.error for name, reply in answers.items() if reply.error is not None}
    told = {name: reply.get() for name, reply in answers.items() if reply.error is None}
    if errors:
        raise ContainerAgentsNotUpdated(errors, list(told))
    seen = {name: each.shown for name, each in told.items() if each.shown is not None}
    pending = {name: asked.places[name] for name, each in told.items() if not each.current}
    if until == "updated" and pending:
        waited = attrs.evolve(asked, places=pending, seen={name: seen[name] for name in pending if name in seen})
        seen |= dict(zip(pending, (yield from wait_for(agents_updated(patience), waited)), strict=True))
    seen |= yield from look_at(asked, [name for name in asked.places if name not in seen])
    missing = [name for name in asked.places if name not in seen]
    if missing:
        raise ContainerInstancesMissing(missing, list(seen.values()))
    waited_for: Literal["updated", "told"] = until
    return [
        AgentUpdate(container_instance=seen[name], outcome="current" if told[name].current else waited_for)
        for name in asked.places
    ]


def _tell(place: Place) -> Flow[Told]:
    asking = Insisting(UpdateContainerAgentRequest(cluster=place.scope, container_instance=place.id), alone=True)
    try:
        return Told(shown=(yield from asking.send()).container_instance)
    except UpdateInProgressException:
        return Told()
    except NoUpdateAvailableException:
        return Told(current=not asking.open)  # an answer that was lost may have been that of the update
