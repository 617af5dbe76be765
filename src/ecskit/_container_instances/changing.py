"""Set container instances to ACTIVE or DRAINING, ten per call, and undo the change.

A `Change` records which calls may have taken effect, also without a response, so that all of them can be undone.
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
"""The statuses that UpdateContainerInstancesState accepts."""

BATCH_SIZE = 10
"""How many container instances one UpdateContainerInstancesState takes."""
PARALLEL_CALLS = 4
"""How many of these calls run at the same time."""


@attrs.define
class Call:
    """One call, for up to ten container instances of one cluster."""

    request: Retrying[UpdateContainerInstancesStateResponse]
    names: Mapping[str, Sequence[str]]
    """The names that the caller gave to each container instance, by id."""

    @property
    def changed(self) -> Mapping[str, ContainerInstance]:
        """The container instances that ECS changed, by the names that the caller gave."""
        changed = self.request.response.container_instances if self.request.response else ()
        return {name: each for each in changed for name in self.names.get(INSTANCES.id_of(each), ())}

    @property
    def maybe_changed(self) -> Sequence[str]:
        """The names of the container instances that ECS changed or may have changed."""
        if self.request.may_have_taken_effect:
            return [name for names in self.names.values() for name in names]
        return list(self.changed)


@attrs.define
class Change:
    """A change of the status of container instances, with its results so far."""

    calls: Sequence[Call]
    by_name: Mapping[str, Target]
    errors: list[EcsError] = attrs.field(factory=list[EcsError], init=False)

    @classmethod
    def to(cls, state: State, by_name: Mapping[str, Target]) -> Change:
        """Return the change of these targets; `make` sends it."""
        clusters: dict[str, tuple[str, dict[str, list[str]]]] = {}
        for name, target in by_name.items():
            # The name and the ARN of a cluster, and two names of a container instance, are the same.
            _, names_by_id = clusters.setdefault(target.scope.rsplit("/", 1)[-1], (target.scope, {}))
            names_by_id.setdefault(target.id, []).append(name)
        calls: list[Call] = []
        for cluster, names_by_id in clusters.values():
            ids = list(names_by_id)
            for start in range(0, len(ids), BATCH_SIZE):
                some = ids[start : start + BATCH_SIZE]
                request = UpdateContainerInstancesStateRequest(cluster=cluster, container_instances=some, status=state)
                calls.append(Call(Retrying(request), {id_: names_by_id[id_] for id_ in some}))
        return cls(calls, by_name)

    @property
    def changed(self) -> dict[str, ContainerInstance]:
        """The container instances that ECS changed, by the names that the caller gave, in order."""
        changed = {name: instance for call in self.calls for name, instance in call.changed.items()}
        return {name: changed[name] for name in self.by_name if name in changed}

    @property
    def failures(self) -> list[Failure]:
        """Why ECS did not change the others, as it reports."""
        return [failure for call in self.calls if call.request.response for failure in call.request.response.failures]

    def make(self, limits: RetryLimits = DEFAULT_LIMITS) -> Flow[None]:
        """Make all calls. Errors are kept in `errors`, not raised."""
        flows = [call.request.send(limits) for call in self.calls]
        replies: Reply[list[Reply[UpdateContainerInstancesStateResponse]]] = yield Parallel(flows, PARALLEL_CALLS)
        self.errors = [reply.error for reply in replies.get() if reply.error is not None]

    @property
    def partial(self) -> bool:
        """Whether some were not changed."""
        return bool(self.errors or self.failures)

    def raise_for_failures(self, *, undone: bool = False) -> None:
        """Raise an error if some container instances were not changed.

        Raises:
            ContainerInstancesNotChanged: Some were not changed.
            EcsError: All calls failed; this is the error of the first.
        """
        changed, failures = self.changed, self.failures
        if not self.partial:
            return
        if self.errors and not (changed or failures):
            raise self.errors[0]
        once = {instance.container_instance_arn: instance for instance in changed.values()}
        response = UpdateContainerInstancesStateResponse(container_instances=list(once.values()), failures=failures)
        raise ContainerInstancesNotChanged(response, self.errors, undone=undone) from next(iter(self.errors), None)

    def undo(self, before: Mapping[str, ContainerInstance]) -> Flow[None]:
        """Set the container instances back to ACTIVE that were or may have been changed, and were ACTIVE before.

        Raises:
            ContainerInstancesNotChanged: Some were not set back.
            EcsError: All calls failed; this is the error of the first.
        """
        names = [name for call in self.calls for name in call.maybe_changed]
        back = {name: self.by_name[name] for name in names if name in before and before[name].status == "ACTIVE"}
        if not back:
            return
        names_back = ", ".join(back)
        log.info("setting container instances back to ACTIVE: %s", names_back)
        undoing = Change.to("ACTIVE", back)
        try:
            yield from undoing.make(CLEANUP_LIMITS)
        except GeneratorExit:
            log.warning(
                "the clean-up was cut short; some of these container instances may still be DRAINING: %s", names_back
            )
            raise
        undoing.raise_for_failures()
