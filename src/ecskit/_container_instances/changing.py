"""Setting container instances to a state, ten a call, and setting back what was changed.

Keeps book of which calls were made, also of those whose answers nobody has seen: whoever gives up asks for that.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import attrs

from ecskit._container_instances.errors import ContainerInstancesNotChanged
from ecskit._core.effects import Flow, Parallel, Reply
from ecskit._core.errors import EcsError
from ecskit._core.retrying import CLEANUP_LIMITS, DEFAULT_LIMITS, Retrying, RetryLimits
from ecskit._polling.batches import Target
from ecskit._waits.container_instances import INSTANCES
from ecskit.models.common import Failure
from ecskit.models.container_instances import (
    ContainerInstance,
    UpdateContainerInstancesStateRequest,
    UpdateContainerInstancesStateResponse,
)

__all__ = ["Change"]

log = logging.getLogger("ecskit")

State: TypeAlias = Literal["ACTIVE", "DRAINING"]
"""What container instances can be set to."""

AT_ONCE = 10
"""Container instances that one UpdateContainerInstancesState takes."""
CALLS_AT_ONCE = 4
"""How many of these calls are under way at the same time."""


@attrs.define
class Call:
    """One call, for up to ten container instances of one cluster."""

    asking: Retrying[UpdateContainerInstancesStateResponse]
    names: Mapping[str, Sequence[str]]
    """By the id of each, the names under which it was asked for."""

    @property
    def changed(self) -> Mapping[str, ContainerInstance]:
        """The container instances that ECS has changed, by the names under which they were asked for."""
        shown = self.asking.response.container_instances if self.asking.response else ()
        return {name: each for each in shown for name in self.names.get(INSTANCES.id_of(each), ())}

    @property
    def touched(self) -> Sequence[str]:
        """The names of what ECS has changed, or may have."""
        return (
            [name for names in self.names.values() for name in names]
            if self.asking.may_have_taken_effect
            else list(self.changed)
        )


@attrs.define
class Change:
    """A change of the state of container instances, and what is known of it."""

    calls: Sequence[Call]
    by_name: Mapping[str, Target]
    errors: list[EcsError] = attrs.field(factory=list[EcsError], init=False)

    @classmethod
    def to(cls, state: State, by_name: Mapping[str, Target]) -> Change:
        """Return the change of what is at these places, which has not begun yet."""
        clusters: dict[str, tuple[str, dict[str, list[str]]]] = {}
        for name, target in by_name.items():
            # A name and an ARN of a cluster stand for the same, and so does what is named twice.
            _, things = clusters.setdefault(target.scope.rsplit("/", 1)[-1], (target.scope, {}))
            things.setdefault(target.id, []).append(name)
        calls: list[Call] = []
        for cluster, things in clusters.values():
            ids = list(things)
            for start in range(0, len(ids), AT_ONCE):
                some = ids[start : start + AT_ONCE]
                request = UpdateContainerInstancesStateRequest(cluster=cluster, container_instances=some, status=state)
                calls.append(Call(Retrying(request), {id_: things[id_] for id_ in some}))
        return cls(calls, by_name)

    @property
    def changed(self) -> dict[str, ContainerInstance]:
        """The container instances that ECS has changed, by the names under which they were asked for, in order."""
        changed = {name: instance for call in self.calls for name, instance in call.changed.items()}
        return {name: changed[name] for name in self.by_name if name in changed}

    @property
    def failures(self) -> list[Failure]:
        """Why ECS has not changed some, as it says."""
        return [failure for call in self.calls if call.asking.response for failure in call.asking.response.failures]

    def make(self, limits: RetryLimits = DEFAULT_LIMITS) -> Flow[None]:
        """Make the calls; what goes wrong with one does not keep the others, and is not raised yet."""
        flows = [call.asking.send(limits) for call in self.calls]
        replies: Reply[list[Reply[UpdateContainerInstancesStateResponse]]] = yield Parallel(flows, CALLS_AT_ONCE)
        self.errors = [reply.error for reply in replies.get() if reply.error is not None]

    @property
    def partial(self) -> bool:
        """Whether some were not changed."""
        return bool(self.errors or self.failures)

    def raise_for_failures(self, *, undone: bool = False) -> None:
        """Raise if some were not changed.

        Raises:
            ContainerInstancesNotChanged: Some were not.
            EcsError: All that there is to tell is what went wrong with a call.
        """
        changed, failures = self.changed, self.failures
        if not self.partial:
            return
        if self.errors and not (changed or failures):
            raise self.errors[0]
        once = {instance.container_instance_arn: instance for instance in changed.values()}
        answer = UpdateContainerInstancesStateResponse(container_instances=list(once.values()), failures=failures)
        raise ContainerInstancesNotChanged(answer, self.errors, undone=undone) from next(iter(self.errors), None)

    def undo(self, before: Mapping[str, ContainerInstance]) -> Flow[None]:
        """Set back to ACTIVE what was changed, or may have been, and was ACTIVE before.

        Raises:
            ContainerInstancesNotChanged: Some were not set back.
            EcsError: None was, because of that.
        """
        names = [name for call in self.calls for name in call.touched]
        back = {name: self.by_name[name] for name in names if name in before and before[name].status == "ACTIVE"}
        if not back:
            return
        listed = ", ".join(back)
        log.info("setting container instances back to ACTIVE: %s", listed)
        undoing = Change.to("ACTIVE", back)
        try:
            yield from undoing.make(CLEANUP_LIMITS)
        except GeneratorExit:
            log.warning("not all of these container instances may have been set back to ACTIVE: %s", listed)
            raise
        undoing.raise_for_failures()
