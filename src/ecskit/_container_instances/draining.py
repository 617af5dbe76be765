"""Draining container instances until they are empty, and giving them tasks again."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import attrs

from ecskit._container_instances.changing import Change, State
from ecskit._container_instances.finding import by_host, located, look_at
from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._polling.batches import Targets
from ecskit._polling.conditions import waiter
from ecskit._polling.guarding import guarded
from ecskit._polling.identifiers import targets_of
from ecskit._polling.options import WaitOptions
from ecskit._waits.container_instances import IDENTIFIERS, ContainerInstances, drained_goal
from ecskit.models.container_instances import ContainerInstance

__all__ = ["OnEnd", "UntilDrained", "activate", "drain"]

UntilDrained: TypeAlias = Literal["drained", "requested"]
"""How far draining is waited for."""
OnEnd: TypeAlias = Literal["leave", "undo"]
"""What to do with container instances that nobody waits for any more."""


def drain(
    container_instances: ContainerInstances,
    *,
    cluster: str | None = None,
    until: UntilDrained = "drained",
    on_partial: OnEnd = "leave",
    on_timeout: OnEnd = "leave",
    on_cancel: OnEnd = "leave",
    wait_options: WaitOptions,
) -> Flow[list[ContainerInstance]]:
    """Set container instances to DRAINING, ten a call, and wait until they have no tasks any more.

    ECS replaces the tasks of services. It does not stop others: a container instance with such tasks is drained when
    they are over, or never; the timeout names it with the number of its tasks.

    Args:
        container_instances: What an operation returned, or one or more container instances, ids, ARNs, or ids of EC2
            instances.
        cluster: Name or ARN of their cluster; needed only where neither ARNs nor instances tell it.
        until: "drained" waits until no task is running or pending there; "requested" returns when they are DRAINING.
        on_partial: What to do when ECS sets some of them to DRAINING and not the others: "leave" them so, or "undo" it.
            Only those are set back to ACTIVE that this changed and that were ACTIVE before. It raises in any case.
        on_timeout: The same for when time is up, or one of them is not visible.
        on_cancel: The same for when this is cancelled or interrupted, or `on_poll` raises.
        wait_options: How long to wait, once they are told, and how often to look.

    Returns:
        The container instances as they were last seen, in the order given.

    Raises:
        ContainerInstancesNotChanged: Some were not set to DRAINING; `changed` names those that were. Nobody waited.
        ContainerInstancesMissing: There is no container instance on some of the EC2 instances; nothing was changed.
        WaitFailed: A container instance was deregistered before it was empty.
        FailuresError: The response that was given holds failures; nothing was changed.
        ServiceError: ECS refuses all of it: no permission, no such cluster; or it does not let us look, and then
            `story.handle` is what `resume` goes on from.
        TransportError: ECS could not be reached; it may have done it all the same.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-draining.html
    """
    targets = targets_of("container_instances.drain", IDENTIFIERS, container_instances, cluster=cluster)
    wait_options.check("container_instances.drain")
    choices = (
        ("until", until, UntilDrained),
        ("on_partial", on_partial, OnEnd),
        ("on_timeout", on_timeout, OnEnd),
        ("on_cancel", on_cancel, OnEnd),
    )
    problems = [
        (name, f"expected one of {', '.join(get_args(allowed))}, got {value!r}")
        for name, value, allowed in choices
        if value not in get_args(allowed)
    ]
    if problems:
        raise RequestError("container_instances.drain", problems)
    return _Draining(targets, wait_options, until, on_partial, on_timeout, on_cancel).run()


def activate(container_instances: ContainerInstances, *, cluster: str | None = None) -> Flow[list[ContainerInstance]]:
    """Set container instances to ACTIVE, ten a call, so that tasks can be placed there again.

    Args:
        container_instances: What an operation returned, or one or more container instances, ids, ARNs, or ids of EC2
            instances.
        cluster: Name or ARN of their cluster; needed only where neither ARNs nor instances tell it.

    Returns:
        The container instances as the answers show them, in the order given.

    Raises:
        ContainerInstancesNotChanged: Some were not set to ACTIVE; `changed` names those that were.
        ContainerInstancesMissing: There is no container instance on some of the EC2 instances; nothing was changed.
        FailuresError: The response that was given holds failures; nothing was changed.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refuses: no permission, no such cluster.
        TransportError: ECS could not be reached.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateContainerInstancesState.html
    """
    targets = targets_of("container_instances.activate", IDENTIFIERS, container_instances, cluster=cluster)

    def flow() -> Flow[list[ContainerInstance]]:
        there = located(targets, (yield from look_at(targets, by_host(targets))))
        change = Change.to("ACTIVE", there.by_name)
        yield from change.make()
        change.raise_for_failures()
        return list(change.changed.values())

    return flow()


@attrs.define
class _Draining:
    """Container instances that are being drained, and what is known of it: also for whoever has to undo it."""

    targets: Targets[ContainerInstance]
    wait_options: WaitOptions
    until: UntilDrained
    on_partial: OnEnd
    on_timeout: OnEnd
    on_cancel: OnEnd
    before: dict[str, ContainerInstance] = attrs.field(factory=dict[str, ContainerInstance], init=False)
    change: Change | None = attrs.field(default=None, init=False)

    def run(self) -> Flow[list[ContainerInstance]]:
        return guarded(
            self.drain(),
            on_timeout=lambda: self.undo(self.on_timeout),
            on_cancel=lambda: self.undo(self.on_cancel),
        )

    def drain(self) -> Flow[list[ContainerInstance]]:
        may_undo = "undo" in (self.on_partial, self.on_timeout, self.on_cancel)
        self.before = yield from look_at(self.targets, self.targets.by_name if may_undo else by_host(self.targets))
        there = located(self.targets, self.before)
        state: State = "DRAINING"
        self.change = Change.to(state, there.by_name)
        yield from self.change.make()
        if self.change.partial:
            yield from self.undo(self.on_partial)
            self.change.raise_for_failures(undone=self.on_partial == "undo")
        told = self.change.changed
        if self.until == "requested":
            return list(told.values())
        wait = waiter(drained_goal(self.wait_options), attrs.evolve(there, observed=told))
        return (yield from wait.flow(list(there.by_name), told))

    def undo(self, how: OnEnd) -> Flow[None]:
        if how == "undo" and self.change is not None:
            yield from self.change.undo(self.before)
