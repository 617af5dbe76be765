"""Drain container instances until no task is left, and set them back to ACTIVE."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import attrs

from ecskit._container_instances.changing import Change
from ecskit._container_instances.finding import describe_until_answered, named_by_host, with_ids
from ecskit._core.effects import Flow
from ecskit._core.errors import RequestError
from ecskit._polling.batches import Targets
from ecskit._polling.bulk import AsyncOnProgress, check_on_progress
from ecskit._polling.conditions import wait_for
from ecskit._polling.guarding import guarded
from ecskit._polling.identifiers import targets_of
from ecskit._polling.options import WaitOptions
from ecskit._waits.container_instances import IDENTIFIERS, ContainerInstances, drained_goal
from ecskit.models.container_instances import ContainerInstance

__all__ = ["OnEnd", "UntilDrained", "activate", "drain"]

UntilDrained: TypeAlias = Literal["drained", "requested"]
"""When to return: after all tasks are gone, or when ECS has set the container instances to DRAINING."""
OnEnd: TypeAlias = Literal["leave", "undo"]
"""What to do with the changed container instances after a partial success, a timeout or a cancellation."""


def drain(
    container_instances: ContainerInstances,
    *,
    cluster: str | None = None,
    until: UntilDrained = "drained",
    on_partial: OnEnd = "leave",
    on_timeout: OnEnd = "leave",
    on_cancel: OnEnd = "leave",
    on_progress: AsyncOnProgress | None = None,
    wait_options: WaitOptions,
) -> Flow[list[ContainerInstance]]:
    """Set container instances to DRAINING, ten per call, and wait until they have no tasks.

    ECS stops and replaces only the tasks of services. The wait for a container instance with other tasks lasts until
    they stop. A timeout error names these container instances and the number of their tasks.

    Args:
        container_instances: What an operation returned, or one or more container instances, ids, ARNs, or ids of EC2
            instances.
        cluster: Name or ARN of their cluster; optional if ARNs or container instances include it.
        until: "drained" waits until no task runs or is pending there; "requested" returns when all are DRAINING.
        on_partial: What to do when ECS sets only some of them to DRAINING: "leave" these, or "undo" the change. Only
            container instances that this call changed, and that were ACTIVE before, are set back to ACTIVE. An error is
            raised in both cases.
        on_timeout: What to do when the wait times out, or a container instance is not visible: the same choices.
        on_cancel: What to do when this method is cancelled or interrupted, or `on_poll` raises: the same choices.
        on_progress: Called when each is set to DRAINING, or cannot be, with the `BulkProgress` so far. With an async
            client it may be a coroutine function. An exception that it raises ends the call, and `on_cancel` applies;
            its cause is ContainerInstancesNotChanged with the results.
        wait_options: How long to wait after the change, and how often to poll.

    Returns:
        The last observation of each container instance, in the order given.

    Raises:
        ContainerInstancesNotChanged: Some were not set to DRAINING; `errors` has the reasons, `results` the others.
            There was no wait.
        ContainerInstancesMissing: Some EC2 instances have no container instance; nothing was changed.
        WaitFailed: A container instance was deregistered while it had tasks.
        WaitTimeout: The wait timed out, or made `max_polls` polls.
        FailuresError: The response that was passed holds failures; nothing was changed.
        ServiceError: ECS refuses a call: no permission, no such cluster. If polls are refused, `story.handle` resumes
            the wait.
        TransportError: The exchange with ECS failed; the change may have taken effect.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-draining.html
    """
    targets = targets_of("container_instances.drain", IDENTIFIERS, container_instances, cluster=cluster)
    wait_options.check("container_instances.drain")
    check_on_progress("container_instances.drain", on_progress)
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
    return _Draining(targets, wait_options, until, on_partial, on_timeout, on_cancel, on_progress).run()


def activate(
    container_instances: ContainerInstances,
    *,
    cluster: str | None = None,
    on_progress: AsyncOnProgress | None = None,
) -> Flow[list[ContainerInstance]]:
    """Set container instances to ACTIVE, ten per call, so that ECS places tasks on them again.

    Args:
        container_instances: What an operation returned, or one or more container instances, ids, ARNs, or ids of EC2
            instances.
        cluster: Name or ARN of their cluster; optional if ARNs or container instances include it.
        on_progress: Called after the end of each with the `BulkProgress` so far. With an async client it may be a
            coroutine function. An exception that it raises ends the call; its cause is a `BulkError` with the results.

    Returns:
        The container instances as the responses show them, in the order given.

    Raises:
        ContainerInstancesNotChanged: Some were not set to ACTIVE; `errors` has the reasons, `results` the others.
        ContainerInstancesMissing: Some EC2 instances have no container instance; nothing was changed.
        FailuresError: The response that was passed holds failures; nothing was changed.
        RequestError: An argument is wrong; nothing was sent.
        ServiceError: ECS refuses a call: no permission, no such cluster.
        TransportError: The exchange with ECS failed; the change may have taken effect.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateContainerInstancesState.html
    """
    targets = targets_of("container_instances.activate", IDENTIFIERS, container_instances, cluster=cluster)
    check_on_progress("container_instances.activate", on_progress)

    def flow() -> Flow[list[ContainerInstance]]:
        found = yield from describe_until_answered(targets, named_by_host(targets))
        change = Change.to("ACTIVE", with_ids(targets, found).by_name)
        yield from change.make("container_instances.activate", on_progress)
        change.raise_for_failures()
        return list(change.changed.values())

    return flow()


@attrs.define
class _Draining:
    """One call of `drain`, with the state that its clean-up reads."""

    targets: Targets[ContainerInstance]
    wait_options: WaitOptions
    until: UntilDrained
    on_partial: OnEnd
    on_timeout: OnEnd
    on_cancel: OnEnd
    on_progress: AsyncOnProgress | None
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
        names = self.targets.by_name if may_undo else named_by_host(self.targets)
        self.before = yield from describe_until_answered(self.targets, names)
        targets = with_ids(self.targets, self.before)
        self.change = Change.to("DRAINING", targets.by_name)
        yield from self.change.make("container_instances.drain", self.on_progress)
        if self.change.partial:
            yield from self.undo(self.on_partial)
            self.change.raise_for_failures(undone=self.on_partial == "undo")
        changed = self.change.changed
        if self.until == "requested":
            return list(changed.values())
        return (yield from wait_for(drained_goal(self.wait_options), attrs.evolve(targets, observed=changed)))

    def undo(self, how: OnEnd) -> Flow[None]:
        if how == "undo" and self.change is not None:
            yield from self.change.undo(self.before)
