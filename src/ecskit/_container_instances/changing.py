"""Set container instances to ACTIVE or DRAINING, ten per call, and undo the change.

A `Change` records which requests may have taken effect, also without a response, so that all of them can be undone.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

import attrs

from ecskit._container_instances.errors import ContainerInstancesNotChanged
from ecskit._core.effects import Flow
from ecskit._core.errors import EcsError, FailuresError, MalformedResponseError
from ecskit._core.retrying import CLEANUP_LIMITS, DEFAULT_LIMITS, Retrying, RetryLimits
from ecskit._polling.batches import Target
from ecskit._polling.bulk import AsyncOnProgress, Call, gather, parted
from ecskit._waits.container_instances import INSTANCES
from ecskit.models.container_instances import (
    ContainerInstance,
    UpdateContainerInstancesStateRequest,
    UpdateContainerInstancesStateResponse,
)

__all__ = ["Change"]

log = logging.getLogger("ecskit")

State: TypeAlias = Literal["ACTIVE", "DRAINING"]
"""The statuses that UpdateContainerInstancesState accepts."""

_OPERATION = "UpdateContainerInstancesState"
BATCH_SIZE = 10
"""How many container instances one request takes."""
PARALLEL_CALLS = 4
"""How many requests are under way at the same time."""


@attrs.define
class Request:
    """One request, for up to ten container instances of one cluster."""

    retrying: Retrying[UpdateContainerInstancesStateResponse]
    names: Mapping[str, Sequence[str]]
    """The names that the caller gave to each container instance, by id."""

    def send(self, limits: RetryLimits) -> Flow[Mapping[str, ContainerInstance | EcsError]]:
        """Send it, and return what ECS changed, or why it did not, by name."""
        response = yield from self.retrying.send(limits)
        ends: dict[str, ContainerInstance | EcsError] = {
            (each.arn or "").rpartition("/")[2]: FailuresError(_OPERATION, [each]) for each in response.failures
        }
        ends |= {INSTANCES.id_of(each): each for each in response.container_instances}
        left_out = MalformedResponseError(_OPERATION, "the response does not name the container instance")
        return {name: ends.get(id_, left_out) for id_, names in self.names.items() for name in names}


@attrs.define
class Change:
    """A change of the status of container instances, with its results so far."""

    requests: Sequence[Request]
    by_name: Mapping[str, Target]
    ends: Mapping[str, ContainerInstance | EcsError] = attrs.field(
        factory=dict[str, "ContainerInstance | EcsError"], init=False
    )
    """What ECS changed, or why it did not, by the names that the caller gave."""

    @classmethod
    def to(cls, state: State, by_name: Mapping[str, Target]) -> Change:
        """Return the change of these targets; `make` sends it."""
        clusters: dict[str, tuple[str, dict[str, list[str]]]] = {}
        for name, target in by_name.items():
            # The name and the ARN of a cluster, and two names of a container instance, are the same.
            _, names_by_id = clusters.setdefault(target.scope.rsplit("/", 1)[-1], (target.scope, {}))
            names_by_id.setdefault(target.id, []).append(name)
        requests: list[Request] = []
        for cluster, names_by_id in clusters.values():
            ids = list(names_by_id)
            for start in range(0, len(ids), BATCH_SIZE):
                some = ids[start : start + BATCH_SIZE]
                request = UpdateContainerInstancesStateRequest(cluster=cluster, container_instances=some, status=state)
                requests.append(Request(Retrying(request), {id_: names_by_id[id_] for id_ in some}))
        return cls(requests, by_name)

    @property
    def changed(self) -> dict[str, ContainerInstance]:
        """The container instances that ECS changed, by the names that the caller gave, in order."""
        return parted(self.ends, list(self.by_name))[1]

    def make(
        self, verb: str, on_progress: AsyncOnProgress | None = None, limits: RetryLimits = DEFAULT_LIMITS
    ) -> Flow[None]:
        """Send all requests. Errors are kept, not raised."""
        calls = [
            Call([name for names in each.names.values() for name in names], each.send(limits)) for each in self.requests
        ]
        self.ends = yield from gather(verb, calls, ContainerInstancesNotChanged, on_progress, most=PARALLEL_CALLS)

    @property
    def partial(self) -> bool:
        """Whether some were not changed."""
        return len(self.changed) < len(self.by_name)

    def raise_for_failures(self, *, undone: bool = False) -> None:
        """Raise an error if some container instances were not changed.

        Raises:
            ContainerInstancesNotChanged: Some were not changed.
            EcsError: All calls failed; this is the error of the first.
        """
        errors, changed = parted(self.ends, list(self.by_name))
        if not errors:
            return
        first = next((error for error in errors.values() if not isinstance(error, FailuresError)), None)
        if first is not None and not changed and not any(isinstance(each, FailuresError) for each in errors.values()):
            raise first
        raise ContainerInstancesNotChanged(errors, changed, undone=undone) from first

    def _maybe_changed(self) -> Iterator[str]:
        """Yield the names of the container instances that ECS changed or may have changed."""
        for request in self.requests:
            changed: Collection[str] = ()
            if request.retrying.response is not None:
                changed = {INSTANCES.id_of(each) for each in request.retrying.response.container_instances}
            for id_, names in request.names.items():
                if request.retrying.may_have_taken_effect or id_ in changed:
                    yield from names

    def undo(self, before: Mapping[str, ContainerInstance]) -> Flow[None]:
        """Set the container instances back to ACTIVE that were or may have been changed, and were ACTIVE before.

        Raises:
            ContainerInstancesNotChanged: Some were not set back.
            EcsError: All calls failed; this is the error of the first.
        """
        back = {
            name: self.by_name[name]
            for name in self._maybe_changed()
            if name in before and before[name].status == "ACTIVE"
        }
        if not back:
            return
        names_back = ", ".join(back)
        log.info("setting container instances back to ACTIVE: %s", names_back)
        undoing = Change.to("ACTIVE", back)
        try:
            yield from undoing.make("container_instances.drain", limits=CLEANUP_LIMITS)
        except GeneratorExit:
            log.warning(
                "the clean-up was cut short; some of these container instances may still be DRAINING: %s", names_back
            )
            raise
        undoing.raise_for_failures()
